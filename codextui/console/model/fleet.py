"""The tree as a person arranges it: sorted by need, filtered, grouped, folded, and put away."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from enum import StrEnum

import msgspec

from codextui.console.model.labels import short_folder
from codextui.console.model.run import FINISHED_STATES
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.transcript import LOST
from codextui.console.model.tree import (
    Grouping,
    SortKey,
    TreeEntry,
    TreeGroup,
    fold_rows,
    group_of,
    is_group_key,
    program_of,
    tree_entries,
)
from codextui.console.model.tree_filter import NO_FILTER, FilterFacts, TreeFilter
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

ARCHIVE_AFTER = 12 * 3600.0
"""Seconds after which a run that is over is put away by itself."""

HIDDEN, CLEARED, KEPT = "hidden", "cleared", "kept"
"""Why something was put away by the user; or that it is not to be put away by itself."""

FOLDED, UNFOLDED = "folded", "unfolded"
"""What the user did to a branch or a group."""

_GROUPING, _WIDTH = "grouping", "width"

_OVER = FINISHED_STATES | {ThreadState.DISCONNECTED}
_WORKING = (ThreadState.STARTING, ThreadState.RUNNING, ThreadState.PAUSED)
_ALL = (Grouping.TEAM, Grouping.STATE, Grouping.FOLDER, Grouping.PROGRAM, Grouping.MODEL)


class Rank(StrEnum):
    """How much a thread needs to be seen, the most first."""

    ASKS = "asks"
    FAILED = "failed"  # since the user looked at it
    NEW = "new"  # it answered since the user looked at it
    RUNNING = "running"
    IDLE = "idle"
    OVER = "over"


RANKS = tuple(Rank)
"""All ranks, the most urgent first."""

RANK_TITLES = {Rank.ASKS: "asking", Rank.NEW: "new answers"}
"""Titles of the groups by state, where they are not the rank's own word."""


class Arrangement(msgspec.Struct, frozen=True):
    """The tree as it is shown.

    Attributes:
        rows: entries, and the headings of groups.
        thread_count: threads that the tree has rows for, folded ones too.
        hidden_count: threads that the filter leaves out.
        away_runs: runs that were put away and are not shown.
        away_threads: the same of threads that do not stand below another one of those.
    """

    rows: tuple[TreeEntry | TreeGroup, ...] = ()
    thread_count: int = 0
    hidden_count: int = 0
    away_runs: int = 0
    away_threads: int = 0


class News:
    """Which of our threads failed, or answered, since the user looked at them.

    A turn that was cut off by the end of Codex or of the server has failed, too.
    """

    def __init__(self, looked_at: MutableMapping[str, str] | None = None) -> None:
        """Know nothing yet.

        Args:
            looked_at: where it is kept which failures were looked at: thread id → failed turn.
        """
        self._lost: set[str] = set()
        self._worked: set[str] = set()
        self._seen: set[str] = set()
        self._looked_at: MutableMapping[str, str] = {} if looked_at is None else looked_at

    def update(self, threads: Mapping[str, ThreadView], looked_at: str = "") -> bool:
        """Note who works now, and that the user looks at a thread; return whether that is new."""
        before = self._worked.copy(), self._seen.copy(), self._lost
        self._worked &= threads.keys()
        self._seen &= threads.keys()
        self._lost = {thread_id for thread_id, view in threads.items() if is_lost(view)}
        for thread_id, view in threads.items():
            if view.info.state.has_turn:
                self._worked.add(thread_id)
                self._seen.discard(thread_id)
                self._looked_at.pop(thread_id, None)
        if looked_at in threads and not threads[looked_at].info.state.has_turn:
            self._seen.add(looked_at)
            self._keep_look(threads[looked_at].info)
        return (self._worked, self._seen, self._lost) != before

    def has_failed(self, info: ThreadInfo) -> bool:
        """Return whether a thread failed and was not looked at since."""
        if not info.ours or not self._is_failed(info) or info.thread_id in self._seen:
            return False
        return self._looked_at.get(info.thread_id) != _turn_of(info)

    def _is_failed(self, info: ThreadInfo) -> bool:
        return info.state is ThreadState.FAILED or info.thread_id in self._lost

    def _keep_look(self, info: ThreadInfo) -> None:
        if self._is_failed(info):
            self._looked_at[info.thread_id] = _turn_of(info)
        else:
            self._looked_at.pop(info.thread_id, None)

    def is_new(self, info: ThreadInfo) -> bool:
        """Return whether a thread that a person talks to answered, and was not looked at since."""
        is_a_persons = info.ours and not info.parent
        has_answered = info.state in (ThreadState.IDLE, ThreadState.DONE)
        is_unseen = info.thread_id in self._worked and info.thread_id not in self._seen
        return is_a_persons and has_answered and is_unseen


def _turn_of(info: ThreadInfo) -> str:
    return info.turn_id or "no turn"


def is_lost(view: ThreadView) -> bool:
    """Return whether the last turn of a thread of ours was lost with its Codex or its server."""
    info, turns = view.info, view.transcript.turns
    is_cut = info.kind is ThreadKind.CODEX and info.state is ThreadState.INTERRUPTED
    return info.ours and is_cut and bool(turns) and turns[-1].state == LOST


def rank_of(info: ThreadInfo, news: News) -> Rank:
    """Return how much a thread needs to be seen."""
    if info.state is ThreadState.NEEDS_INPUT:
        return Rank.ASKS
    if news.has_failed(info):
        return Rank.FAILED
    if news.is_new(info):
        return Rank.NEW
    if info.state in _WORKING:
        return Rank.RUNNING
    if info.kind is ThreadKind.RUN and is_over(info):
        return Rank.OVER
    return Rank.OVER if info.state in (ThreadState.DONE, ThreadState.KILLED) else Rank.IDLE


def is_over(info: ThreadInfo) -> bool:
    """Return whether nothing goes on in a thread unless a person begins it again."""
    if info.kind is ThreadKind.CODEX:
        return info.state is ThreadState.KILLED
    return info.state in _OVER


def over_since(view: ThreadView) -> float:
    """Return the unix seconds of the end of a thread's last turn, or else of its creation."""
    turns = view.transcript.turns
    ended = turns[-1].ended_at if turns else None
    return view.info.created_at if ended is None else ended


def sort_key(view: ThreadView, rank: Rank) -> SortKey:
    """Return what a thread is sorted by: its rank; who asks the longest, what ended last."""
    position = float(RANKS.index(rank))
    match rank:
        case Rank.ASKS:
            info = view.info
            since = view.waits_since or info.waits_since or info.turn_started_at
            return position, since or 0.0
        case Rank.OVER:
            return position, -over_since(view)
        case _:
            return position, 0.0


class Fleet:
    """Arranges the threads of the console state in a tree, as the user wants it.

    Attributes:
        filter: what is shown.
        grouping: what threads are grouped by.
        shows_away: whether what was put away is shown.
        shown: the tree as it was arranged last.
        news: what the user has not looked at yet.
        away: ids of threads and runs that the user put away → why. What asks comes back.
        marked: ids of the threads that the user has marked for a common message.
    """

    def __init__(
        self,
        state: ConsoleState,
        *,
        archive_after: float = ARCHIVE_AFTER,
        away: MutableMapping[str, str] | None = None,
        folds: MutableMapping[str, str] | None = None,
        choices: MutableMapping[str, str] | None = None,
        looked_at: MutableMapping[str, str] | None = None,
    ) -> None:
        """Arrange the threads of a state.

        Args:
            state: the console state.
            archive_after: seconds after which a run that is over is put away; 0 for never.
            away: what the user put away; changed in place.
            folds: what the user folded and unfolded; changed in place.
            choices: by what the tree is grouped (`grouping`), and its `width`; changed in place.
            looked_at: which failures the user has looked at (see `News`); changed in place.
        """
        self.filter: TreeFilter = NO_FILTER
        self._choices: MutableMapping[str, str] = {} if choices is None else choices
        self.grouping = _read_grouping(self._choices)
        self.shows_away = False
        self.shown = Arrangement()
        self.marked: Collection[str] = ()
        self.news = News(looked_at)
        self.away: MutableMapping[str, str] = {} if away is None else away
        self._state = state
        self.archive_after = archive_after
        self._folds: MutableMapping[str, str] = {} if folds is None else folds
        self._unfiltered: list[TreeEntry | TreeGroup] = []

    # What is shown.

    def arrange(self, now: float) -> Arrangement:
        """Return the rows of the tree."""
        self._forget_gone()
        threads = self._state.threads
        ranks = {t: rank_of(view.info, self.news) for t, view in threads.items()}
        away = self.away_ids(now)
        showing_away = self.shows_away or self.filter.wants_away
        shown = [view.info for t, view in threads.items() if showing_away or t not in away]
        found = [info for info in shown if self._is_found(info, ranks, away)]
        ranks |= dict.fromkeys(away, Rank.OVER)
        keys = {t: sort_key(view, ranks[t]) for t, view in threads.items()}
        title_of = self._title_of(ranks)
        entries = tree_entries(found, keys, self.grouping, title_of)
        rows = fold_rows(entries, self.is_folded)
        self._unfiltered = rows
        if self.filter:
            everything = tree_entries(shown, keys, self.grouping, title_of)
            self._unfiltered = fold_rows(everything, self._is_folded_unfiltered)
        runs, others = (0, 0) if showing_away else self._count_away(away)
        self.shown = Arrangement(tuple(rows), len(found), len(shown) - len(found), runs, others)
        return self.shown

    def rank(self, thread_id: str) -> Rank:
        """Return how much a thread needs to be seen."""
        return rank_of(self._state.threads[thread_id].info, self.news)

    def by_need(self) -> list[ThreadView]:
        """Return all threads, those that need the user most first, otherwise as in the tree."""
        views = [self._state.threads[entry.thread_id] for entry in self._state.tree()]
        return sorted(views, key=lambda view: sort_key(view, self.rank(view.thread_id)))

    def _count_away(self, away: Mapping[str, str]) -> tuple[int, int]:
        """Count the runs and the threads among what was put away, each with all below it."""
        infos = [self._state.threads[thread_id].info for thread_id in away]
        tops = [one for one in infos if one.parent not in away and one.forked_from not in away]
        runs = sum(info.kind is ThreadKind.RUN for info in tops)
        return runs, len(tops) - runs

    def failures(self, now: float) -> list[ThreadView]:
        """Return our own threads, roles and runs that failed and were not looked at since.

        A role or a run above one of them is left out, and so is what was put away.
        """
        views = self._state.threads.values()
        failed = {view.thread_id: view for view in views if self.news.has_failed(view.info)}
        if not failed:
            return []
        away = self.away_ids(now)
        above = {view.info.parent for view in failed.values()}
        return [v for t, v in failed.items() if t not in above and t not in away]

    def cells(self) -> list[tuple[ThreadInfo, bool]]:
        """Return the threads and roles of the tree, and whether a gap precedes each.

        The filter and what is folded leave none out; a folded run that is over has one cell. A gap
        sets each run or branch apart; threads that stand alone are side by side.
        """
        branches: list[list[ThreadInfo]] = []
        for row in self._unfiltered:
            if isinstance(row, TreeGroup):
                folded = row.thread_ids if row.is_folded else ()
                branches += [[info] for info in self._infos(folded)]
                continue
            if not row.depth or not branches:
                branches.append([])
            branches[-1] += self._cells_of(row)
        branches = [branch for branch in branches if branch]
        above = [[], *branches]
        return [
            (info, place == 0 and index > 0 and max(len(branch), len(above[index])) > 1)
            for index, branch in enumerate(branches)
            for place, info in enumerate(branch)
        ]

    def _cells_of(self, row: TreeEntry) -> list[ThreadInfo]:
        """Return the threads and roles of a row; the run itself for those of one that is over."""
        infos = self._infos((row.thread_id, *row.folded))
        if row.folded and infos and infos[0].kind is ThreadKind.RUN and is_over(infos[0]):
            return infos[:1]
        return [info for info in infos if info.kind is not ThreadKind.RUN]

    def _infos(self, thread_ids: Iterable[str]) -> list[ThreadInfo]:
        views = (self._state.threads.get(thread_id) for thread_id in thread_ids)
        return [view.info for view in views if view is not None]

    def _is_found(
        self, info: ThreadInfo, ranks: Mapping[str, Rank], away: Mapping[str, str]
    ) -> bool:
        if not self.filter:
            return True
        run = self._state.threads.get(self._state.run_id_of(info.thread_id))
        role = info if info.kind is ThreadKind.ROLE else self._role_above(info)
        facts = FilterFacts(
            ranks[info.thread_id].value,
            "" if role is None else role.handle,
            "" if run is None else run.info.handle,
            info.thread_id in away,
        )
        return self.filter.matches(info, facts)

    def _role_above(self, info: ThreadInfo) -> ThreadInfo | None:
        parent = self._state.threads.get(info.parent)
        is_role = parent is not None and parent.info.kind is ThreadKind.ROLE
        return parent.info if parent is not None and is_role else None

    def _title_of(self, ranks: Mapping[str, Rank]) -> Callable[[ThreadInfo], str]:
        match self.grouping:
            case Grouping.TEAM:
                return group_of
            case Grouping.STATE:
                return lambda info: RANK_TITLES.get(ranks[info.thread_id], ranks[info.thread_id])
            case Grouping.FOLDER:
                return lambda info: short_folder(info.cwd) or "no folder"
            case Grouping.PROGRAM:
                return program_of
            case Grouping.MODEL:
                return lambda info: info.model or "no model"

    def next_grouping(self) -> Grouping:
        """Group by the next thing, and return it."""
        self.grouping = _ALL[(_ALL.index(self.grouping) + 1) % len(_ALL)]
        if self.grouping is Grouping.TEAM:
            self._choices.pop(_GROUPING, None)
        else:
            self._choices[_GROUPING] = self.grouping.value
        return self.grouping

    @property
    def tree_width(self) -> int:
        """Cells of the tree that the user has chosen; 0 for none."""
        chosen = self._choices.get(_WIDTH, "")
        return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 5 else 0

    @tree_width.setter
    def tree_width(self, width: int) -> None:
        if width:
            self._choices[_WIDTH] = str(width)
        else:
            self._choices.pop(_WIDTH, None)

    # Folds.

    def is_folded(self, key: str) -> bool:
        """Return whether the branch of a thread, or a group, is folded.

        Until the user folds or unfolds it, a run is folded once it is over. While there is a filter
        nothing is folded.
        """
        return not self.filter and self._is_folded_unfiltered(key)

    def _is_folded_unfiltered(self, key: str) -> bool:
        chosen = self._folds.get(key)
        if chosen is not None:
            return chosen == FOLDED
        view = self._state.threads.get(key)
        return view is not None and view.info.kind is ThreadKind.RUN and is_over(view.info)

    def set_folded(self, key: str, *, folded: bool) -> None:
        """Fold or unfold the branch of a thread, or a group (`group_key`)."""
        self._folds[key] = FOLDED if folded else UNFOLDED

    def _forget_gone(self) -> None:
        """Forget the folds of threads that are not there any more."""
        if self._state.connection.caught_up:
            gone = self._folds.keys() - self._state.threads.keys()
            for key in [key for key in gone if not is_group_key(key)]:
                del self._folds[key]

    # What is put away.

    def away_ids(self, now: float) -> dict[str, str]:
        """Return what is put away and why, with all that stands below it.

        What asks, or works, is never away, nor is anything that it stands under.
        """
        threads = self._state.threads
        has_away = any(reason != KEPT for reason in self.away.values())
        if not has_away and not any(self._archived(view, now) for view in threads.values()):
            return {}
        kept = self._working_branches()
        away: dict[str, str] = {}
        for entry in tree_entries(view.info for view in threads.values()):
            view = threads[entry.thread_id]
            above = away.get(view.info.parent) or away.get(view.info.forked_from, "")
            own = self.away.get(entry.thread_id, "") or self._archived(view, now)
            own = "" if own == KEPT else own
            if (reason := own or above) and entry.thread_id not in kept:
                away[entry.thread_id] = reason
        return away

    def _archived(self, view: ThreadView, now: float) -> str:
        if not self.archive_after or self.news.is_new(view.info):
            return ""
        is_old = is_over(view.info) and now - over_since(view) > self.archive_after
        return "archived" if is_old and view.info.kind is not ThreadKind.ROLE else ""

    def _working_branches(self) -> set[str]:
        """Return the threads that work or ask, and what they stand under."""
        threads, kept = self._state.threads, set[str]()
        for view in threads.values():
            if view.info.state.has_turn:
                ids, thread_id = kept, view.thread_id
                while thread_id in threads and thread_id not in ids:
                    ids.add(thread_id)
                    info = threads[thread_id].info
                    thread_id = info.parent or info.forked_from
        return kept

    def is_away(self, thread_id: str, now: float) -> bool:
        """Return whether a thread is put away, so that it should take no pane."""
        return thread_id in self.away_ids(now)

    def is_kept(self, thread_id: str) -> bool:
        """Return whether a thread works or asks, or one below it, so that it cannot be away."""
        return thread_id in self._working_branches()

    def hide(self, thread_id: str, reason: str = HIDDEN) -> None:
        """Put a thread or a run away, with all that stands below it."""
        self.away[thread_id] = reason

    def bring_back(self, thread_id: str) -> None:
        """Show again what was put away, and what it stands under."""
        threads, seen = self._state.threads, set[str]()
        while thread_id in threads and thread_id not in seen:
            seen.add(thread_id)
            self.away[thread_id] = KEPT
            info = threads[thread_id].info
            thread_id = info.parent or info.forked_from

    def over_ids(self, now: float) -> list[str]:
        """Return the runs and threads that are over and not put away yet."""
        away, kept = self.away_ids(now), self._working_branches()
        return [
            thread_id
            for thread_id, view in self._state.threads.items()
            if thread_id not in away and thread_id not in kept and self._may_clear(view.info)
        ]

    def _may_clear(self, info: ThreadInfo) -> bool:
        if info.kind is ThreadKind.ROLE or not info.ours:
            return False
        return is_over(info) or info.state is ThreadState.FAILED


def _read_grouping(choices: Mapping[str, str]) -> Grouping:
    chosen = choices.get(_GROUPING, "")
    return next((one for one in _ALL if one.value == chosen), Grouping.TEAM)
