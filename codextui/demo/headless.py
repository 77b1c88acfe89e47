"""The demo without a screen: what happens, line by line, and whether it came out right."""

from __future__ import annotations

import asyncio
import functools
import sys
from pathlib import Path

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.client.updates import ApprovalOffered, ConnectionUpdate, Disconnected, EventReceived
from codextui.demo.narration import Line, Narrator, Report, tell_approval
from codextui.demo.results import check_results
from codextui.demo.stage import Stage, Storyline, open_stage
from codextui.demo.steps import AT_ONCE
from codextui.demo.workspace import Workspace, create_workspace
from codextui.errors import ApprovalGone, CodexMissing, CodextuiError
from codextui.jsonrpc import fields
from codextui.protocol.approvals import Approval, CommandAsked, PatchAsked
from codextui.protocol.decisions import Approved, Decision, Declined, decision_word

POLICY = (
    "a command is approved once, after it was printed whole; a change to files is approved once "
    "where every file is in the project; anything else is declined"
)
"""What `decide` does, in words."""


def decide(approval: Approval, project: Path) -> tuple[Decision, str]:
    """Returns the decision on an approval, and the reason for it in words."""
    match approval.asked:
        case CommandAsked(stdin=False, network="", permissions=permissions) if not permissions:
            return Approved(), "approved once: a command of the demo's script"
        case PatchAsked(changes=changes, grant_root="") if changes:
            touched = {path for c in changes for path in (c.path, c.move_path) if path}
            if all((project / path).resolve().is_relative_to(project) for path in touched):
                return Approved(), "approved once: every file is in the project"
            return Declined(), "declined: a file is outside of the project"
        case _:
            return Declined(), "declined: the demo expects no such request"


LIMIT_S = 180.0
"""How long the whole may take; it usually takes some ten seconds."""


def run(*, json_lines: bool) -> int:
    """Runs the demo without a screen and returns the process's exit code.

    Prints what happens line by line, answers approvals by a policy that it states, says where
    the files are, and checks them.

    Args:
        json_lines: print one JSON object a line instead of text.

    Returns:
        0 only where the files are there and right; else 1, after a line that says why; 130
        where it was interrupted.
    """
    report = Report(sys.stdout, json_lines=json_lines)
    try:
        fault = asyncio.run(_play(report))
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


async def _play(report: Report) -> str:
    """Runs the demo; returns what went wrong, empty where nothing did."""
    workspace = await asyncio.to_thread(create_workspace)
    report.tell(
        Line("started", "Three Codex threads build a small program. The model is a script.")
    )
    report.tell(Line("policy", f"Approvals: {POLICY}.", data={"policy": POLICY}))
    report.tell(_where("workspace", "The files are in", workspace))
    try:
        async with asyncio.timeout(LIMIT_S), open_stage(workspace, AT_ONCE) as stage:
            await _Run(stage, report).play()
            faults = tuple(stage.model.faults)
    except TimeoutError:
        return f"It did not end within {LIMIT_S:.0f} s."
    report.tell(_where("files", "What was made is in", workspace))
    return "; ".join([*faults, *await asyncio.to_thread(_check, workspace, report)])


def _where(kind: str, text: str, workspace: Workspace) -> Line:
    places = {"project": str(workspace.project), "release": str(workspace.release)}
    return Line(kind, f"{text} {workspace.project} and {workspace.release}", data=places)


def _check(workspace: Workspace, report: Report) -> list[str]:
    """Checks what was made, and returns what is wrong with it."""
    faults = []
    for check in check_results(workspace):
        verdict = f"WRONG: {check.fault}" if check.fault else "yes"
        data = {"ok": not check.fault, "check": check.what}
        report.tell(Line("checked", f"{check.what}: {verdict}", data=data))
        if check.fault:
            faults.append(f"{check.what}: no. {check.fault}")
    return faults


class _Run:
    """One run on a stage: a connection, the story, and an answer to every approval."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report
        self._narrator = Narrator()
        self._updates: asyncio.Queue[ConnectionUpdate] = asyncio.Queue()

    async def play(self) -> None:
        """Plays the story to its end. Raises CodextuiError."""
        connect = functools.partial(open_socket, self._stage.socket)
        async with Connection(
            connect, name="demo", on_update=self._updates.put_nowait
        ) as connection:
            server = await connection.call("codex-server", {})
            if problem := fields.text_or(server, "problem"):
                raise CodexMissing(problem)
            story = Storyline(connection.call, self._stage.workspace.project)
            watching = asyncio.create_task(self._watch(connection, story))
            playing = asyncio.create_task(story.play())
            try:
                await asyncio.wait({watching, playing}, return_when=asyncio.FIRST_COMPLETED)
                # Watching ends by an error alone.
                await (watching if watching.done() else playing)
            finally:
                watching.cancel()
                playing.cancel()
                await asyncio.gather(watching, playing, return_exceptions=True)

    async def _watch(self, connection: Connection, story: Storyline) -> None:
        """Tells what happens and answers approvals, for ever."""
        while True:
            match await self._updates.get():
                case EventReceived(event):
                    line = self._narrator.tell(event)
                    if line is not None:
                        self._report.tell(line)
                    story.see(event)
                case ApprovalOffered(approval):
                    await self._answer(connection, approval)
                case Disconnected(reason):
                    self._report.tell(Line("disconnected", reason))
                case _:
                    pass

    async def _answer(self, connection: Connection, approval: Approval) -> None:
        self._report.tell(tell_approval(approval))
        decision, why = decide(approval, self._stage.workspace.project)
        data = {"approval": approval.approval_id, "decision": decision_word(decision)}
        self._report.tell(Line("decided", f"is answered: {why}", approval.handle, data))
        try:
            await connection.answer(approval.approval_id, decision)
        except ApprovalGone:
            self._report.tell(Line("gone", "The question was taken back.", approval.handle))
