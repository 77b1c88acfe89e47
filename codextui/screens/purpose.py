"""What sending from a composer will do, in words. Pure."""

from __future__ import annotations

from codextui.model.board import Board
from codextui.model.standing import OVER
from codextui.render.sanitize import one_line
from codextui.screens.refusal import Wish, refusal
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState


def purpose(board: Board, thread_id: str) -> str:
    """What sending from the composer of a thread will do."""
    if why := refusal(Wish.SEND, board, thread_id):
        return f"not now: {why}"
    info = board.threads[thread_id].info
    handle = one_line(info.handle)
    match info.kind:
        case ThreadKind.CODEX if info.state.has_turn:
            return f"steer {handle}: it reads this in the turn that runs"
        case ThreadKind.CODEX:
            return f"reply to {handle}: starts its next turn"
        case ThreadKind.ROLE:
            return f"write to {handle}: {_read_when(info)}"
        case ThreadKind.RUN:
            return f"write to {handle}: who is at work reads this before the next step"


def _read_when(info: ThreadInfo) -> str:
    if info.state is ThreadState.PAUSED:
        return "it reads this before its next step, when it goes on"
    if info.state is ThreadState.WAITING:
        return "it reads this when it begins"
    if info.state in OVER:
        return "it reads this when it is its turn again"
    return "it reads this before its next step"
