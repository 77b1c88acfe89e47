"""Which threads one wants to look at, where there are more of them than panes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codextui.model.board import Board
from codextui.model.tree import TreeRow
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadInfo, ThreadState

RUN_FROM = 4
"""Panes from which one of them is for a team's run itself: with fewer, who works is worth more."""

_STATES: dict[ThreadState, int] = {
    ThreadState.NEEDS_INPUT: 0,
    ThreadState.RUNNING: 1,
    ThreadState.STARTING: 1,
    ThreadState.PAUSED: 1,
    ThreadState.FAILED: 2,
    ThreadState.WAITING: 3,
    ThreadState.INTERRUPTED: 4,
    ThreadState.IDLE: 4,
    ThreadState.DISCONNECTED: 4,
    ThreadState.DONE: 4,
    ThreadState.KILLED: 5,
}

IN_ORDER = _STATES[ThreadState.WAITING]
"""As urgent as this or more, the first in the tree comes first; less urgent, the newest."""

_WORKING = frozenset({ThreadState.NEEDS_INPUT, ThreadState.RUNNING, ThreadState.STARTING})
_LASTING = _WORKING | {ThreadState.PAUSED, ThreadState.FAILED}


def urgency(info: ThreadInfo, capacity: int) -> tuple[int, int]:
    """Who gets a pane first: the lower, the sooner.

    Of those in the same state a run comes first where there is room for one, then roles, then
    the threads of Codex.

    Args:
        info: the row.
        capacity: how many panes there are.
    """
    state = _STATES[info.state]
    match info.kind:
        case ThreadKind.RUN if capacity >= RUN_FROM:
            return state, 0
        case ThreadKind.RUN:
            return max(state, _STATES[ThreadState.WAITING]), 3
        case ThreadKind.ROLE:
            return state, 1
        case ThreadKind.CODEX:
            return state, 2


def by_urgency(
    board: Board, rows: Sequence[TreeRow], capacity: int, shown: Sequence[str] = ()
) -> list[str]:
    """The threads, the one to look at first before the others.

    Of those that are as urgent, `shown` ones come first; then those at work in the tree's order,
    or the newest of those at rest. Killed ones are there only where there are no others.
    """
    threads = board.threads
    order = {row.thread_id: index for index, row in enumerate(rows)}
    alive = [t for t in order if threads[t].info.state is not ThreadState.KILLED]

    def rank(thread_id: str) -> tuple[int, bool, int, int]:
        state, kind = urgency(threads[thread_id].info, capacity)
        place = order[thread_id] if state <= IN_ORDER else -order[thread_id]
        return state, thread_id not in shown, kind, place

    return sorted(alive or order, key=rank)


def wants_place(board: Board, info: ThreadInfo) -> bool:
    """Whether a row of a team has begun to work, so that one wants to see it now."""
    return (
        info.state in _WORKING
        and info.kind is not ThreadKind.RUN
        and bool(board.run_of(info.thread_id))
    )


def gives_way(board: Board, info: ThreadInfo, capacity: int) -> int:
    """How readily a pane shows something else than this; 0 for never.

    What was killed gives way to everything new. In a team, those who do nothing give way to
    those who begin: who is done before who waits, and a thread at rest before its role.
    """
    if info.state is ThreadState.KILLED:
        return 5
    if not board.run_of(info.thread_id):
        return 0
    if info.kind is ThreadKind.RUN:
        return 0 if capacity >= RUN_FROM else 1
    if info.state in _LASTING:
        return 0
    if info.kind is ThreadKind.CODEX:
        return 4
    return 2 if info.state is ThreadState.WAITING else 3
