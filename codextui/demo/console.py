"""The demo on the screen: the console, attached to a server of the demo's own."""

from __future__ import annotations

import sys

from codextui.demo.backstage import Backstage
from codextui.demo.report import Line, Report
from codextui.demo.workspace import create_workspace
from codextui.errors import CodextuiError


def run() -> int:
    """Runs the demo in the console and returns the process's exit code.

    Starts the scripted model and a shared server of its own, puts three role threads to work
    and opens the console on them. When the console is left, the server and the model stop; the
    workspace stays, and its path is printed.

    Raises:
        CodextuiError: the server did not come up, or the configuration cannot be used.
    """
    report = Report(sys.stdout, json_lines=False)
    report.tell(Line("started", "Starting a scripted model, and a shared server of its own."))
    try:
        workspace = create_workspace()
    except OSError as error:
        raise CodextuiError(f"The demo's workspace cannot be made: {error}") from error
    backstage = Backstage(workspace)
    backstage.start()
    try:
        from codextui import app  # noqa: PLC0415 - imported while the server starts

        code: int = app.run(backstage.wait_until_up(), leaving="end the demo")
    finally:
        fault = backstage.stop()
    if fault:
        report.tell(Line("failed", f"Something went wrong in the demo itself: {fault}"))
    report.tell(Line("finished", "The demo is over: its server and its threads have ended."))
    report.tell(Line("files", f"What was made is in {workspace.project} and {workspace.release}"))
    return code
