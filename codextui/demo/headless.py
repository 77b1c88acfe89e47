"""Runs a demo without a screen: prints what happens, and answers approvals by a fixed policy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codextui.demo.report import Line, Report, format_approval
from codextui.errors import ApprovalGone, CodextuiError
from codextui.protocol.approvals import Approval, CommandAsked, PatchAsked
from codextui.protocol.decisions import Approved, Decision, Declined, decision_word

if TYPE_CHECKING:
    from codextui.client.connection import Connection

POLICY = (
    "a command is approved once, after it was printed whole; a change to files is approved once "
    "where every file is in the project; anything else is declined"
)
"""What `decide` does, in words."""


def run_to_end(report: Report, play: Callable[[], Awaitable[str]], *, limit_s: float) -> int:
    """Run a demo to its end, print how it ended and return the process's exit code.

    Args:
        report: where to print.
        play: runs the demo and returns what went wrong; "" for nothing. May raise CodextuiError
            and OSError.
        limit_s: seconds after which the demo is cancelled.

    Returns:
        0 if nothing went wrong; 1 after a line that says what did; 130 if it was interrupted.
    """
    try:
        fault = asyncio.run(_play_within(play, limit_s))
    except KeyboardInterrupt:
        report.print(Line("failed", "Interrupted."))
        return 130
    except (CodextuiError, OSError) as error:
        fault = str(error)
    if fault:
        report.print(Line("failed", f"The demo failed: {fault}", data={"ok": False}))
        return 1
    report.print(Line("finished", "Everything is there and right.", data={"ok": True}))
    return 0


async def _play_within(play: Callable[[], Awaitable[str]], limit_s: float) -> str:
    try:
        async with asyncio.timeout(limit_s):
            return await play()
    except TimeoutError:
        return f"It did not end within {limit_s:.0f} s."


def print_policy(report: Report) -> None:
    """Print how approvals will be decided."""
    report.print(Line("policy", f"Approvals: {POLICY}.", data={"policy": POLICY}))


async def answer_approval(
    approval: Approval, connection: Connection, project: Path, report: Report
) -> None:
    """Print an approval and its decision, then send the decision.

    Raises:
        CodextuiError: the server did not take it.
    """
    report.print(format_approval(approval))
    decision, reason = decide(approval, project)
    data = {"approval": approval.approval_id, "decision": decision_word(decision)}
    report.print(Line("decided", f"is answered: {reason}", approval.handle, data))
    try:
        await connection.answer(approval.approval_id, decision)
    except ApprovalGone:
        report.print(Line("gone", "The question was taken back.", approval.handle))


def decide(approval: Approval, project: Path) -> tuple[Decision, str]:
    """Decide on an approval by `POLICY`; return the decision and a reason."""
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
