"""Which threads get a pane, and how the panes are tiled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from codextui.console.model.state import ConsoleState
from codextui.console.model.tree import TreeEntry
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

PANE_COUNTS = (1, 2, 3, 4, 6, 9)
"""The numbers of panes that can be tiled."""

MIN_PANE_WIDTH = 36
"""Cells below which a pane is useless."""

MIN_PANE_HEIGHT = 8
"""Rows below which a pane is useless."""

COMFORTABLE_WIDTH = 60
"""Cells from which a pane beside others reads well."""

MIN_PANES_FOR_RUN = 4
"""Panes from which a team's run gets one; with fewer, its roles and threads matter more."""

_SHAPES = {
    1: ((1, 1),),
    2: ((2, 1), (1, 2)),
    3: ((3, 1), (2, 2), (1, 3)),
    4: ((2, 2), (1, 4)),
    6: ((3, 2), (2, 3)),
    9: ((3, 3),),
}
"""Columns and rows of the grids for each number of panes."""

_STATE_RANKS: dict[ThreadState, int] = {
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
_LAST_RANK_IN_TREE_ORDER = _STATE_RANKS[ThreadState.WAITING]
"""Threads up to this rank are sorted in the order of the tree, others newest first."""

_WORKING = frozenset({ThreadState.NEEDS_INPUT, ThreadState.RUNNING, ThreadState.STARTING})
_NEVER_YIELDING = _WORKING | {ThreadState.PAUSED, ThreadState.FAILED}


class Tiling(msgspec.Struct, frozen=True):
    """A grid of panes.

    Attributes:
        columns: columns of the grid.
        rows: rows of the grid.
        first_span: rows that the first pane spans, so that no cell stays empty.
    """

    columns: int
    rows: int
    first_span: int = 1


def pane_capacity(width: int, height: int, max_panes: int) -> int:
    """Return the largest of `PANE_COUNTS`, up to `max_panes`, that fits a size in cells."""
    fitting = (
        count
        for count in PANE_COUNTS
        if count <= max_panes and any(_fits(shape, width, height) for shape in _SHAPES[count])
    )
    return max(fitting, default=1)


def tile_panes(count: int, width: int, height: int) -> Tiling:
    """Return the best grid for `count` panes (1 to 9) in a size in cells."""
    size = next(n for n in PANE_COUNTS if n >= count)
    shapes = [shape for shape in _SHAPES[size] if _fits(shape, width, height)]
    columns, rows = min(shapes or _SHAPES[size], key=lambda shape: _penalty(shape, width, height))
    span = min(rows, 1 + columns * rows - count)
    return Tiling(columns, rows, span)


def _fits(shape: tuple[int, int], width: int, height: int) -> bool:
    columns, rows = shape
    return width // columns >= MIN_PANE_WIDTH and height // rows >= MIN_PANE_HEIGHT


def _penalty(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Rank narrow panes last; among comfortable ones, prefer tall panes, which show more."""
    columns, rows = shape
    return max(0, COMFORTABLE_WIDTH - width // columns), -(height // rows)


class PaneSlots:
    """The threads that have a pane, in the order of the panes.

    New threads take free slots. Once all are taken, a slot changes only at the user's request, or
    when its thread yields it to another.
    """

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._capacity = 1

    @property
    def shown(self) -> tuple[str, ...]:
        """Thread ids, first pane first."""
        return tuple(self._shown[: self._capacity])

    def resize(self, capacity: int, waiting: Sequence[str]) -> None:
        """Change the number of slots, and fill free ones from `waiting`."""
        self._capacity = max(1, capacity)
        del self._shown[PANE_COUNTS[-1] :]
        for thread_id in waiting:
            self.claim(thread_id, lambda _: 0)

    def claim(self, thread_id: str, yield_rank: Callable[[str], int]) -> None:
        """Give a thread a free slot, or the slot of a thread that yields it.

        Args:
            thread_id: the thread without a slot.
            yield_rank: returns how readily a thread yields its slot, 0 for never; the readiest
                thread loses it.
        """
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) >= self._capacity:
            readiest = max(self.shown, key=yield_rank)
            if not yield_rank(readiest):
                return
            self._shown[self._shown.index(readiest)] = thread_id
        else:
            self._shown.append(thread_id)

    def remove(self, thread_id: str) -> None:
        """Free the slot of a thread that has gone."""
        if thread_id in self._shown:
            self._shown.remove(thread_id)

    def keep_visible(self, thread_id: str) -> None:
        """Move a thread that lost its slot to fewer panes into the last one."""
        if thread_id in self._shown and thread_id not in self.shown:
            index, last = self._shown.index(thread_id), self._capacity - 1
            self._shown[index], self._shown[last] = self._shown[last], thread_id

    def show(self, thread_id: str, replacing: str) -> None:
        """Give a thread a slot: its own, a free one, or that of `replacing` (else the last)."""
        if thread_id in self.shown:
            return
        if thread_id in self._shown:
            self._shown.remove(thread_id)
        if len(self._shown) < self._capacity:
            self._shown.append(thread_id)
            return
        shown = self.shown
        index = shown.index(replacing) if replacing in shown else len(shown) - 1
        self._shown[index] = thread_id

    def replace_all(self, thread_ids: Sequence[str]) -> None:
        """Show these threads, as many as there are slots."""
        self._shown = list(thread_ids[: self._capacity])


def sort_by_urgency(
    state: ConsoleState, entries: Sequence[TreeEntry], capacity: int, shown: Sequence[str] = ()
) -> list[str]:
    """Sort the ids of threads by how much they need a pane, the most urgent first.

    Equally urgent threads are sorted: `shown` ones, then working ones in the order of the tree, or
    resting ones newest first. Killed threads are left out unless there are no others. Those of
    other programs are left out unless they are shown or may take a pane.

    Args:
        state: the console state.
        entries: the tree.
        capacity: the number of panes.
        shown: threads that have a pane.
    """
    threads = state.threads
    order = {
        entry.thread_id: index
        for index, entry in enumerate(entries)
        if entry.thread_id in shown or may_take_pane(threads[entry.thread_id].info)
    }
    alive = [t for t in order if threads[t].info.state is not ThreadState.KILLED]

    def rank(thread_id: str) -> tuple[int, bool, int, int]:
        state_rank, kind_rank = urgency(threads[thread_id].info, capacity)
        index = order[thread_id]
        position = index if state_rank <= _LAST_RANK_IN_TREE_ORDER else -index
        return state_rank, thread_id not in shown, kind_rank, position

    return sorted(alive or order, key=rank)


def urgency(info: ThreadInfo, capacity: int) -> tuple[int, int]:
    """Return the ranks of a thread's state and kind; the lower, the sooner it gets a pane.

    In the same state a run is first if there are enough panes, then roles, then Codex threads.
    """
    rank = _STATE_RANKS[info.state]
    match info.kind:
        case ThreadKind.RUN if capacity >= MIN_PANES_FOR_RUN:
            return rank, 0
        case ThreadKind.RUN:
            return max(rank, _STATE_RANKS[ThreadState.WAITING]), 3
        case ThreadKind.ROLE:
            return rank, 1
        case ThreadKind.CODEX:
            return rank, 2


def may_take_pane(info: ThreadInfo) -> bool:
    """Return whether a thread may get a pane that the user has not chosen for it.

    One of another program may only while it asks for a decision.
    """
    return info.ours or info.state is ThreadState.NEEDS_INPUT


def wants_pane(state: ConsoleState, info: ThreadInfo) -> bool:
    """Return whether a thread should get a pane now, although it is not new.

    These are working roles and threads of a team, and another program's thread that asks for a
    decision.
    """
    if not info.ours:
        return may_take_pane(info)
    return (
        info.state in _WORKING
        and info.kind is not ThreadKind.RUN
        and bool(state.run_id_of(info.thread_id))
    )


def yields_to_all(info: ThreadInfo) -> bool:
    """Return whether a thread yields its pane to any other that may take one."""
    return info.state is ThreadState.KILLED or not may_take_pane(info)


def yield_rank(state: ConsoleState, info: ThreadInfo, capacity: int) -> int:
    """Return how readily a thread yields its pane to another; 0 for never.

    Killed threads yield to everything, and so do those of other programs that ask for nothing. In
    a team, what rests yields to what begins to work: Codex threads before their roles, finished
    roles before waiting ones.
    """
    if yields_to_all(info):
        return 5
    if not state.run_id_of(info.thread_id):
        return 0
    if info.kind is ThreadKind.RUN:
        return 0 if capacity >= MIN_PANES_FOR_RUN else 1
    if info.state in _NEVER_YIELDING:
        return 0
    if info.kind is ThreadKind.CODEX:
        return 4
    return 2 if info.state is ThreadState.WAITING else 3
