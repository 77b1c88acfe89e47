"""The threads of the server before this one, brought back."""

from __future__ import annotations

import time
from dataclasses import replace

from codextui.server.core import Core
from codextui.server.journal import Journal
from codextui.server.memory import Memory
from codextui.server.runs.run import left_alone
from codextui.server.threads.record import ThreadRecord
from codextui.wire import event as ev
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState

_LOST = "The server ended during the turn."


def restore(core: Core, journal: Journal, memory: Memory) -> None:
    """Bring the threads back with their past; what was going on then is marked as lost.

    They are loaded into Codex when they are needed.
    """
    for info in memory.threads:
        core.registry.restore(ThreadRecord(_at_rest(info)))
    for past in memory.events:
        core.hub.restore(past.thread_id, past.turn_id, past.msg, past.at)
    for approval in memory.open_approvals:
        waited = max(0.0, time.time() - approval.asked_at)
        lost = ev.ApprovalResolved(approval.approval_id, "lost", waited=waited)
        journal.resolve_approval(lost, at=time.time())
        core.hub.publish(approval.thread_id, approval.turn_id, lost)
    for info in memory.threads:
        if _had_turn(info):
            aborted = ev.TurnAborted("lost", _LOST)
            core.hub.publish(info.thread_id, info.turn_id, aborted)
        if info.state is not ThreadState.KILLED:
            core.registry.tell_again(info.thread_id)


def _at_rest(info: ThreadInfo) -> ThreadInfo:
    if info.kind is not ThreadKind.CODEX:
        return left_alone(info)
    if info.state is ThreadState.KILLED or not info.state.has_turn:
        return replace(info, turn_started_at=None, waits_for="")
    state = ThreadState.INTERRUPTED
    return replace(info, state=state, turn_started_at=None, waits_for="", note=_LOST)


def _had_turn(info: ThreadInfo) -> bool:
    """Whether a turn ran. A role can be held in the middle of one."""
    held = info.kind is not ThreadKind.CODEX and info.state is not ThreadState.KILLED
    return (held or info.state.has_turn) and info.turn_started_at is not None
