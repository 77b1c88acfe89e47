"""The demo on the screen: the console, attached to a server of the demo's own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
from concurrent.futures import Future

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.client.updates import ConnectionUpdate, EventReceived
from codextui.demo.narration import Line, Report
from codextui.demo.stage import Stage, Storyline, open_stage
from codextui.demo.steps import READABLE
from codextui.demo.workspace import Workspace, create_workspace
from codextui.errors import CodextuiError, ServerUnreachable

END_S = 40.0
"""How long the stage may take to come down."""


class Backstage:
    """Runs the demo while somebody else, the console, looks at it.

    Its own connection never answers an approval: that is for the person at the console.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._up: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="demo", daemon=True)
        self._story: Storyline | None = None
        self._fault = ""

    def start(self) -> None:
        """Begins to put up the stage, and returns at once."""
        self._thread.start()

    def wait_until_up(self) -> str:
        """Returns the name of the stage's server as soon as that listens.

        Raises:
            CodextuiError: the stage cannot be put up.
            OSError: the same.
        """
        return self._up.result()

    def stop(self) -> str:
        """Ends the story and the stage; returns what went wrong in the story, "" for nothing."""
        with contextlib.suppress(RuntimeError):
            # The loop is closed where the stage never came up.
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(END_S)
        return self._fault

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._play())

    async def _play(self) -> None:
        try:
            async with open_stage(self._workspace, READABLE) as stage:
                self._up.set_result(stage.name)
                story = asyncio.create_task(self._tell(stage))
                await self._over.wait()
                story.cancel()
                await asyncio.gather(story, return_exceptions=True)
        except (CodextuiError, OSError) as error:
            if self._up.done():
                self._fault = str(error)
            else:
                self._up.set_exception(error)

    async def _tell(self, stage: Stage) -> None:
        """Plays the story to its end; an error in it is kept, and the console goes on."""
        connect = functools.partial(open_socket, stage.socket)
        try:
            async with Connection(connect, name="demo", on_update=self._see) as connection:
                self._story = Storyline(connection.call, stage.workspace.project)
                await self._story.play()
        except ServerUnreachable:
            # The person has stopped the server; if not, the console says that it is gone.
            return
        except CodextuiError as error:
            self._fault = str(error)

    def _see(self, update: ConnectionUpdate) -> None:
        if isinstance(update, EventReceived) and self._story is not None:
            self._story.see(update.event)


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
        from codextui.console import app  # noqa: PLC0415 - imported while the server starts

        code: int = app.run(backstage.wait_until_up(), detach_label="end the demo")
    finally:
        fault = backstage.stop()
    if fault:
        report.tell(Line("failed", f"Something went wrong in the demo itself: {fault}"))
    report.tell(Line("finished", "The demo is over: its server and its threads have ended."))
    report.tell(Line("files", f"What was made is in {workspace.project} and {workspace.release}"))
    return code
