"""Which threads have a pane: the neediest ones. Pure.

Who asks comes first, then what runs, then the newest. What rests or is over keeps its pane until
one of those needs it. A thread that is held (pinned, looked at, written to) is never replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum, IntFlag, StrEnum

import msgspec

from codextui.console.model.state import ConsoleState
from codextui.console.model.tree import TreeEntry
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

MIN_PANES_FOR_RUN = 4
"""Panes from which a team's run gets one; with fewer, its roles and threads matter more."""


class Need(IntEnum):
    """How much a thread needs a pane, the neediest first.

    Threads up to `NEW` replace less needy ones; the others take free panes only, and those after
    `RESTS` none, unless there is nothing else.
    """

    ASKS = 0
    RUNS = 1
    NEW = 2
    FAILED = 3
    WAITS = 4
    RESTS = 5
    OVER = 6
    FOREIGN = 7


class Hold(IntFlag):
    """Why a thread keeps its pane, whatever needs it; the strongest reason last."""

    NONE = 0
    WRITTEN = 1
    PINNED = 2
    FOCUSED = 4


class Reason(StrEnum):
    """Why a thread has got its pane, as its frame says it."""

    ASKS = "asks"
    RUNS = "runs"
    NEW = "newest"
    ROOM = "room for it"
    OPENED = "opened"


class Candidate(msgspec.Struct, frozen=True):
    """A thread that may have a pane.

    Attributes:
        thread_id: its id.
        need: how much it needs one.
        position: its place in the tree.
    """

    thread_id: str
    need: Need
    position: int


class PaneChange(msgspec.Struct, frozen=True):
    """A thread has got a pane.

    Attributes:
        thread_id: the thread.
        reason: why.
        replaced: the thread that had the pane; empty for none.
    """

    thread_id: str
    reason: Reason
    replaced: str = ""


class PaneChoice(msgspec.Struct, frozen=True):
    """The threads that have a pane.

    Attributes:
        panes: their ids, first pane first.
        changes: those that have got theirs just now.
    """

    panes: tuple[str, ...]
    changes: tuple[PaneChange, ...] = ()


_NEEDS: dict[ThreadState, Need] = {
    ThreadState.NEEDS_INPUT: Need.ASKS,
    ThreadState.RUNNING: Need.RUNS,
    ThreadState.STARTING: Need.RUNS,
    ThreadState.FAILED: Need.FAILED,
    ThreadState.PAUSED: Need.WAITS,
    ThreadState.WAITING: Need.WAITS,
    ThreadState.INTERRUPTED: Need.RESTS,
    ThreadState.IDLE: Need.RESTS,
    ThreadState.DISCONNECTED: Need.RESTS,
    ThreadState.DONE: Need.RESTS,
    ThreadState.KILLED: Need.OVER,
}
_REASONS = {Need.ASKS: Reason.ASKS, Need.RUNS: Reason.RUNS, Need.NEW: Reason.NEW}
_OVER = (ThreadState.DONE, ThreadState.FAILED, ThreadState.INTERRUPTED, ThreadState.KILLED)
_KIND_RANKS = {ThreadKind.RUN: 0, ThreadKind.ROLE: 1, ThreadKind.CODEX: 2}


def rank_candidates(
    state: ConsoleState,
    entries: Sequence[TreeEntry],
    capacity: int,
    *,
    new: Collection[str] = (),
    preferred: Collection[str] = (),
    opened: Collection[str] = (),
) -> list[Candidate]:
    """Sort all threads by how much they need a pane, the neediest first.

    Of equally needy threads come first: those that ask longest, `preferred` ones, runs before
    roles before Codex threads, then those that work in the order of the tree, others newest first.

    Args:
        state: the console state.
        entries: the tree.
        capacity: the number of panes.
        new: ids of threads that have just come.
        preferred: ids of threads that have a pane, or had one until there was no room for it.
        opened: ids of those of other programs that a person has given a pane.
    """

    def rank(candidate: Candidate) -> tuple[Need, float, bool, int, int]:
        view, need = state.threads[candidate.thread_id], candidate.need
        since = (view.waits_since or 0.0) if need is Need.ASKS else 0.0
        kind = _KIND_RANKS[view.info.kind]
        if view.info.kind is ThreadKind.RUN and capacity < MIN_PANES_FOR_RUN:
            kind = len(_KIND_RANKS)
        is_preferred = candidate.thread_id in preferred
        position = candidate.position if need <= Need.WAITS else -candidate.position
        return need, since, not is_preferred, kind, position

    candidates = []
    for position, entry in enumerate(entries):
        info = state.threads[entry.thread_id].info
        need = need_of(state, info, capacity, is_new=entry.thread_id in new)
        if need is Need.FOREIGN and entry.thread_id in opened:
            need = _NEEDS[info.state]
        candidates.append(Candidate(entry.thread_id, need, position))
    return sorted(candidates, key=rank)


def need_of(state: ConsoleState, info: ThreadInfo, capacity: int, *, is_new: bool = False) -> Need:
    """Return how much a thread needs one of `capacity` panes.

    One of another program does only while it asks. Of a run that is over nothing does any more.
    """
    need = _NEEDS[info.state]
    if not info.ours:
        return need if need is Need.ASKS else Need.FOREIGN
    if need is Need.OVER:
        return need
    if info.kind is ThreadKind.RUN and capacity < MIN_PANES_FOR_RUN:
        return max(need, Need.RESTS)
    if need > Need.NEW and _is_of_finished_run(state, info):
        return Need.RESTS
    return min(need, Need.NEW) if is_new else need


def choose_panes(
    candidates: Sequence[Candidate],
    shown: Sequence[str],
    capacity: int,
    holds: Mapping[str, Hold] | None = None,
) -> PaneChoice:
    """Return which threads have a pane. Where nothing is needed, nothing moves.

    Args:
        candidates: all threads, the neediest first; one that is missing has gone.
        shown: the threads that have a pane, first pane first.
        capacity: the number of panes.
        holds: the threads that are not replaced. One that has gone stays, too. Where not even
            they have room, those with the strongest hold stay.
    """
    holds = holds or {}
    ranks = {one.thread_id: index for index, one in enumerate(candidates)}

    def keeps(thread_id: str) -> tuple[Hold, int]:
        return holds.get(thread_id, Hold.NONE), -ranks.get(thread_id, len(ranks))

    left = [id_ for id_ in shown if id_ in ranks or holds.get(id_)]
    staying = set(sorted(left, key=keeps, reverse=True)[:capacity])
    slots = [id_ if id_ in staying else "" for id_ in shown]
    waiting = [one for one in candidates if one.thread_id not in staying]
    changes = _fill(slots, waiting, capacity, shown)
    needs = {one.thread_id: one.need for one in candidates}
    for one in waiting:
        free = [id_ for id_ in slots if not holds.get(id_)]
        victim = min(free, key=keeps, default="")
        if one.thread_id in slots or one.need > Need.NEW:
            continue
        if not victim or needs[victim] <= one.need:
            break
        slots[slots.index(victim)] = one.thread_id
        changes.append(PaneChange(one.thread_id, _REASONS[one.need], victim))
    return PaneChoice(tuple(slots), tuple(changes))


def open_pane(
    thread_id: str,
    candidates: Sequence[Candidate],
    shown: Sequence[str],
    capacity: int,
    *,
    holds: Mapping[str, Hold],
    spared: str = "",
) -> PaneChoice | None:
    """Give a thread that a person has chosen a pane, also if no other needs it less.

    It takes a free pane, else that of the least needy thread that is not held, else that of one
    that is looked at, rather than one that is written to.

    Args:
        thread_id: the thread.
        candidates: all threads, the neediest first.
        shown: the threads that have a pane, first pane first.
        capacity: the number of panes.
        holds: the threads that are not replaced.
        spared: a thread to replace only if there is no other, such as the source of a fork.

    Returns:
        the choice; None if every pane is pinned.
    """
    if thread_id in shown:
        return PaneChoice(tuple(shown))
    if len(shown) < capacity:
        change = PaneChange(thread_id, Reason.OPENED)
        return PaneChoice((*shown, thread_id), (change,))
    ranks = {one.thread_id: index for index, one in enumerate(candidates)}
    unpinned = [id_ for id_ in shown if not holds.get(id_, Hold.NONE) & Hold.PINNED]
    if not unpinned:
        return None

    def readiness(id_: str) -> tuple[bool, bool, bool, int]:
        hold = holds.get(id_, Hold.NONE)
        rank = ranks.get(id_, len(ranks))
        return not hold, not hold & Hold.WRITTEN, id_ != spared, rank

    replaced = max(unpinned, key=readiness)
    panes = tuple(thread_id if id_ == replaced else id_ for id_ in shown)
    return PaneChoice(panes, (PaneChange(thread_id, Reason.OPENED, replaced),))


def _fill(
    slots: list[str], waiting: Sequence[Candidate], capacity: int, shown: Sequence[str]
) -> list[PaneChange]:
    """Give free panes, also those of threads that have gone, to those that wait."""
    free = capacity - sum(map(bool, slots))
    takers = [one for one in waiting if one.need <= Need.RESTS]
    if not takers and not any(slots):
        takers = [one for one in waiting if one.need is Need.OVER]
    takers = sorted(takers[:free], key=lambda one: one.position)
    changes = []
    for one in takers:
        replaced = ""
        if "" in slots:
            index = slots.index("")
            replaced, slots[index] = shown[index], one.thread_id
        else:
            slots.append(one.thread_id)
        reason = _REASONS.get(one.need, Reason.ROOM)
        changes.append(PaneChange(one.thread_id, reason, replaced))
    slots[:] = [id_ for id_ in slots if id_]
    return changes


def _is_of_finished_run(state: ConsoleState, info: ThreadInfo) -> bool:
    run = state.threads.get(state.run_id_of(info.thread_id))
    return run is not None and run.info.state in _OVER
