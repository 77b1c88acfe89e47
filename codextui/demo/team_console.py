"""The demo's team on the screen: the console, attached to a server of the demo's own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys
import threading
from concurrent.futures import Future

from codextui.commands.run import print_event as report_happening
from codextui.demo.narration import Line, Report
from codextui.demo.steps import READABLE
from codextui.demo.team_script import tell_files
from codextui.demo.team_stage import (
    TeamStage,
    TeamWorkspace,
    create_team_workspace,
    open_team_stage,
)
from codextui.errors import CodextuiError
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.team import Mode
from codextui.teams.records.events import RunEvent
from codextui.teams.runner.run import run_team

END_S = 40.0
"""How long the stage may take to come down."""


def run(mode: Mode) -> int:
    """Run the demo's team in the console and return the process's exit code.

    The person at the console answers what is asked. When the console is left, the run, the
    server and the model stop; the workspace stays, and its path is printed.

    Raises:
        CodextuiError: the server did not come up, or the configuration cannot be used.
        OSError: the workspace cannot be made.
    """
    report = Report(sys.stdout, json_lines=False)
    report.tell(Line("started", "Starting a scripted model, and a shared server of its own."))
    workspace = create_team_workspace()
    backstage = _Backstage(workspace, mode)
    backstage.start()
    try:
        from codextui.console import app  # noqa: PLC0415 - imported while the server starts

        code: int = app.run(backstage.wait_until_up(), detach_label="end the demo")
    finally:
        backstage.stop()
    for happening in backstage.told:
        report_happening(happening, as_json=False)
    report.tell(Line("files", tell_files(workspace.project)))
    return code


class _Backstage:
    """Runs the team while the console looks at its threads, on a loop in a thread of its own."""

    def __init__(self, workspace: TeamWorkspace, mode: Mode) -> None:
        self.told: list[RunEvent] = []
        self._workspace = workspace
        self._mode = mode
        self._up: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="demo team", daemon=True)

    def start(self) -> None:
        """Begin to put up the stage, and return at once."""
        self._thread.start()

    def wait_until_up(self) -> str:
        """The name of the stage's server, once it listens. Raises CodextuiError, OSError."""
        return self._up.result()

    def stop(self) -> None:
        """End the run and the stage."""
        with contextlib.suppress(RuntimeError):  # the loop is closed where it never came up
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(END_S)

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._play())

    async def _play(self) -> None:
        try:
            async with open_team_stage(self._workspace, READABLE) as stage:
                self._up.set_result(stage.name)
                team = asyncio.create_task(self._play_team(stage))
                await self._over.wait()
                team.cancel()
                await asyncio.gather(team, return_exceptions=True)
        except (CodextuiError, OSError) as error:
            if not self._up.done():
                self._up.set_exception(error)
            else:
                self.told.append(RunEvent(RunEventKind.RUN_ENDED, "", str(error)))

    async def _play_team(self, stage: TeamStage) -> None:
        plan, store = stage.new_run(self._mode)
        try:
            await run_team(plan, store, stage.connect, self._take, model_factory=stage.model_of)
        except CodextuiError as error:
            self.told.append(RunEvent(RunEventKind.RUN_ENDED, "", str(error)))

    def _take(self, happening: RunEvent) -> None:
        shown = (
            RunEventKind.HANDOFF_REFUSED,
            RunEventKind.HANDED_OFF,
            RunEventKind.SENT_BACK,
            RunEventKind.RUN_ENDED,
        )
        if happening.kind in shown:
            self.told.append(dataclasses.replace(happening, data={}))  # without the costs
