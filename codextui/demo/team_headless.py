"""The demo's team without a screen: what happens, line by line, and whether it came out right."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from codextui.client.connection import Connection
from codextui.client.updates import ApprovalOffered, ConnectionUpdate
from codextui.commands.run import print_event as report_happening
from codextui.demo.headless import POLICY, decide
from codextui.demo.narration import Line, Report, tell_approval
from codextui.demo.steps import AT_ONCE
from codextui.demo.team_script import FILES, content_of, tell_files
from codextui.demo.team_stage import (
    TeamStage,
    TeamWorkspace,
    create_team_workspace,
    open_team_stage,
)
from codextui.errors import ApprovalGone, CodextuiError
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import decision_word
from codextui.protocol.runs import RunEventKind
from codextui.teams.config.team import Mode
from codextui.teams.records.events import RunEvent
from codextui.teams.runner.run import run_team

LIMIT_S = 300.0
"""How long the whole may take; it usually takes some twenty seconds."""


def run(mode: Mode, *, json_lines: bool) -> int:
    """Run the demo's team without a screen and return the process's exit code.

    Args:
        mode: how the team runs.
        json_lines: print one JSON object a line instead of text.

    Returns:
        0 only where every file is there and right and what was to be shown was seen; else 1,
        after a line that says why; 130 where it was interrupted.
    """
    report = Report(sys.stdout, json_lines=json_lines)
    try:
        fault = asyncio.run(_play(report, mode, json_lines=json_lines))
    except KeyboardInterrupt:
        report.tell(Line("failed", "Interrupted."))
        return 130
    except (CodextuiError, OSError) as error:
        fault = str(error)
    if fault:
        report.tell(Line("failed", f"The demo failed: {fault}", data={"ok": False}))
        return 1
    report.tell(Line("finished", "Everything is there and right.", data={"ok": True}))
    return 0


async def _play(report: Report, mode: Mode, *, json_lines: bool) -> str:
    workspace = await asyncio.to_thread(create_team_workspace)
    report.tell(Line("started", "Five roles build a small game. The models are a script."))
    report.tell(Line("policy", f"Approvals: {POLICY}.", data={"policy": POLICY}))
    told: list[RunEvent] = []

    def tell(happening: RunEvent) -> None:
        told.append(happening)
        report_happening(happening, as_json=json_lines)

    try:
        async with asyncio.timeout(LIMIT_S), open_team_stage(workspace, AT_ONCE) as stage:
            fault = await _run(stage, mode, report, tell)
    except TimeoutError:
        return f"It did not end within {LIMIT_S:.0f} s."
    where = {"project": str(workspace.project)}
    report.tell(Line("files", tell_files(workspace.project), data=where))
    return fault or _check(workspace, told)


async def _run(
    stage: TeamStage, mode: Mode, report: Report, tell: Callable[[RunEvent], None]
) -> str:
    answering = _Answering(stage, report)
    async with Connection(stage.connect, name="demo", on_update=answering.take) as connection:
        answering.connection = connection
        plan, store = stage.new_run(mode)
        end = await run_team(plan, store, stage.connect, tell, model_factory=stage.model_of)
        await answering.finish()
    return "; ".join([*stage.model.faults, *([end.message] if end.outcome else [])])


class _Answering:
    """Answers approvals by the demo's policy."""

    connection: Connection

    def __init__(self, stage: TeamStage, report: Report) -> None:
        self._stage = stage
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, update: ConnectionUpdate) -> None:
        """Take an update of the connection."""
        if isinstance(update, ApprovalOffered):
            self._tasks.append(asyncio.create_task(self._answer(update.approval)))

    async def finish(self) -> None:
        """Wait until everything that was asked is answered. Raises CodextuiError."""
        await asyncio.gather(*self._tasks)

    async def _answer(self, approval: Approval) -> None:
        self._report.tell(tell_approval(approval))
        decision, why = decide(approval, self._stage.workspace.project)
        data = {"approval": approval.approval_id, "decision": decision_word(decision)}
        self._report.tell(Line("decided", f"is answered: {why}", approval.handle, data))
        try:
            await self.connection.answer(approval.approval_id, decision)
        except ApprovalGone:
            self._report.tell(Line("gone", "The question was taken back.", approval.handle))


def _check(workspace: TeamWorkspace, told: list[RunEvent]) -> str:
    """What is wrong with what was made and shown; empty where nothing is."""
    faults = [
        f"{name} is not what was to be written"
        for name in FILES
        if not (workspace.project / name).is_file()
        or (workspace.project / name).read_text(encoding="utf-8") != content_of(name)
    ]
    seen = {happening.kind for happening in told}
    if not seen & {RunEventKind.HANDOFF_REFUSED, RunEventKind.SENT_BACK}:
        faults.append("no gate was shut")
    if RunEventKind.PERSON_DECIDED not in seen:
        faults.append("nobody was asked for approval")
    return "; ".join(faults)
