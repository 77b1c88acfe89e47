"""How many panes fit, and how they are tiled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codextui.console.model.state import ConsoleState
from codextui.console.model.tree import TreeEntry
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

COUNTS = (1, 2, 3, 4, 6, 9)
"""The numbers of panes that can be tiled."""

MIN_WIDTH = 36
"""Cells below which a pane is no use."""

MIN_HEIGHT = 8
"""Rows below which a pane is no use."""

WIDE = 60
"""Cells above which a pane side by side with others reads well."""

_SHAPES = {
    1: ((1, 1),),
    2: ((2, 1), (1, 2)),
    3: ((3, 1), (2, 2), (1, 3)),
    4: ((2, 2), (1, 4)),
    6: ((3, 2), (2, 3)),
    9: ((3, 3),),
}


@dataclass(frozen=True, slots=True)
class Tiling:
    """A grid of panes.

    Attributes:
        columns: of the grid.
        rows: of the grid.
        first_span: rows that the first pane covers, so that no cell stays empty.
    """

    columns: int
    rows: int
    first_span: int = 1


def capacity(width: int, height: int, most: int) -> int:
    """The most panes, of `COUNTS` and at most `most`, that fit `width` by `height` cells."""
    fitting = (n for n in COUNTS if n <= most and any(_fits(s, width, height) for s in _SHAPES[n]))
    return max(fitting, default=1)


def tile(count: int, width: int, height: int) -> Tiling:
    """The grid for `count` panes (1 to 9) in `width` by `height` cells; they should fit."""
    size = next(n for n in COUNTS if n >= count)
    shapes = [shape for shape in _SHAPES[size] if _fits(shape, width, height)]
    columns, rows = min(shapes or _SHAPES[size], key=lambda shape: _badness(shape, width, height))
    span = min(rows, 1 + columns * rows - count)
    return Tiling(columns, rows, span)


def _fits(shape: tuple[int, int], width: int, height: int) -> bool:
    columns, rows = shape
    return width // columns >= MIN_WIDTH and height // rows >= MIN_HEIGHT


def _badness(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Narrow panes are worst; among wide enough ones, tall panes show most of a stream."""
    columns, rows = shape
    return max(0, WIDE - width // columns), -(height // rows)


class Slots:
    """The threads on the screen, in the order of their panes.

    Threads take free places by themselves as they appear; when all are taken, a pane changes
    only when a person asks for it, or when its thread gives way to another that wants the place.
    """

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._capacity = 1

    @property
    def shown(self) -> tuple[str, ...]:
        """Thread ids, first pane first."""
        return tuple(self._shown[: self._capacity])

    def resize(self, capacity: int, waiting: Sequence[str]) -> None:
        """Have `capacity` places, filled from `waiting` as far as they are free."""
        self._capacity = max(1, capacity)
        del self._shown[9:]
        for thread_id in waiting:
            self.offer(thread_id, lambda _: 0)

    def offer(self, thread_id: str, gives_way: Callable[[str], int]) -> None:
        """Give a thread a place if one is free, or held by a thread that gives way.

        Args:
            thread_id: who wants a place.
            gives_way: how readily a thread leaves its own, 0 for never; the readiest one goes.
        """
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) >= self._capacity:
            readiest = max(self.shown, key=gives_way)
            if not gives_way(readiest):
                return
            self._shown[self._shown.index(readiest)] = thread_id
        else:
            self._shown.append(thread_id)

    def keep(self, thread_id: str) -> None:
        """Have a thread in sight that has less room to be: it trades places with the last one."""
        if thread_id in self._shown and thread_id not in self.shown:
            here, last = self._shown.index(thread_id), self._capacity - 1
            self._shown[here], self._shown[last] = self._shown[last], thread_id

    def show(self, thread_id: str, instead_of: str) -> None:
        """Give a thread a place: its own, a free one, or that of `instead_of` (or the last)."""
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) < self._capacity:
            self._shown.append(thread_id)
            return
        shown = self.shown
        place = shown.index(instead_of) if instead_of in shown else len(shown) - 1
        self._shown[place] = thread_id

    def replace_all(self, thread_ids: Sequence[str]) -> None:
        """Show these threads, as many as there are places."""
        self._shown = list(thread_ids[: self._capacity])


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
    board: ConsoleState, rows: Sequence[TreeEntry], capacity: int, shown: Sequence[str] = ()
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


def wants_place(board: ConsoleState, info: ThreadInfo) -> bool:
    """Whether a row of a team has begun to work, so that one wants to see it now."""
    return (
        info.state in _WORKING
        and info.kind is not ThreadKind.RUN
        and bool(board.run_id_of(info.thread_id))
    )


def gives_way(board: ConsoleState, info: ThreadInfo, capacity: int) -> int:
    """How readily a pane shows something else than this; 0 for never.

    What was killed gives way to everything new. In a team, those who do nothing give way to
    those who begin: who is done before who waits, and a thread at rest before its role.
    """
    if info.state is ThreadState.KILLED:
        return 5
    if not board.run_id_of(info.thread_id):
        return 0
    if info.kind is ThreadKind.RUN:
        return 0 if capacity >= RUN_FROM else 1
    if info.state in _LASTING:
        return 0
    if info.kind is ThreadKind.CODEX:
        return 4
    return 2 if info.state is ThreadState.WAITING else 3
