"""The rows of the tree: arranged, laid out in one line or two, and drawn once until they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.strip import Strip

from codextui.console.model.activity import (
    Activity,
    asks_below,
    asks_by_thread,
    describe_activity,
    describe_asks,
    recent_spans,
    role_name,
)
from codextui.console.model.fleet import Arrangement, Fleet, Rank, is_over, over_since
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.timeline import Lane, Window, lane_cells
from codextui.console.model.tree import TreeEntry, TreeGroup
from codextui.console.render.tree import (
    choose_second_lines,
    render_activity_row,
    render_group_row,
    render_tree_row,
)
from codextui.console.widgets.pane_context import PaneContext
from codextui.protocol.approvals import Approval
from codextui.protocol.runs import SpanKind, ThreadKind

LANE_CELLS, LANE_STEP = 10, 30.0
"""Cells of what a role did lately, and the seconds of each."""


class TreeRows:
    """Arranges the threads of a state in rows, and renders their lines.

    Attributes:
        arrangement: the rows.
        lines: for each line the index of its row, and whether it is the second of that row.
    """

    def __init__(self, fleet: Fleet) -> None:
        """Arrange the threads as `fleet` does."""
        self.arrangement = Arrangement()
        self.lines: list[tuple[int, bool]] = []
        self._fleet = fleet
        self._state = ConsoleState()
        self._panes: Mapping[str, int] = {}
        self._places: dict[str, int] = {}
        self._asks: dict[str, list[Approval]] = {}
        self._activities: dict[str, tuple[object, Activity | None]] = {}
        self._strips: dict[str, tuple[object, Strip]] = {}

    def arrange(
        self, state: ConsoleState, panes: Mapping[str, int], now: float, height: int
    ) -> None:
        """Arrange the threads of a state.

        Args:
            state: the console state.
            panes: thread id → number of the thread's pane.
            now: unix seconds.
            height: lines that there is room for.
        """
        self._state, self._panes = state, panes
        self.arrangement = self._fleet.arrange(now)
        self._places = {}
        for index, row in enumerate(self.arrangement.rows):
            ids = (row.thread_id, *row.folded) if isinstance(row, TreeEntry) else ()
            ids = row.thread_ids if isinstance(row, TreeGroup) and row.is_folded else ids
            self._places |= dict.fromkeys(ids, index)
        self._find_asks()
        self._lay_out(height)

    def clear(self) -> None:
        """Forget what was rendered, as the styles have changed."""
        self._strips.clear()

    def place_of(self, thread_id: str) -> int | None:
        """Return the index of the row of a thread, or of that into which it is folded."""
        return self._places.get(thread_id)

    @property
    def has_asks(self) -> bool:
        """Whether a thread asks for something."""
        return bool(self._asks)

    def first_thread(self) -> str:
        """Return the id of the first thread; empty if there is none."""
        rows = self.arrangement.rows
        return next((row.thread_id for row in rows if isinstance(row, TreeEntry)), "")

    @property
    def _is_offline(self) -> bool:
        connection = self._state.connection
        return not connection.connected and bool(connection.reason)

    def _find_asks(self) -> None:
        own = {} if self._is_offline else asks_by_thread(self._state)
        below = asks_below(self._state, own) if own else {}
        folded = {
            thread_id: below.get(thread_id, [])
            for thread_id in below
            if self._folded_at(thread_id) or thread_id not in self._places
        }
        self._asks = folded | own

    def _folded_at(self, thread_id: str) -> tuple[str, ...]:
        index = self._places.get(thread_id)
        row = None if index is None else self.arrangement.rows[index]
        return row.folded if isinstance(row, TreeEntry) else ()

    def _lay_out(self, height: int) -> None:
        """Choose the rows with a second line."""
        rows = self.arrangement.rows
        for gone in self._activities.keys() - self._places.keys():
            del self._activities[gone]
        for gone in self._strips.keys() - self._places.keys():
            del self._strips[gone]
        wanted = [self._wanted_rank(row) for row in rows]
        second = choose_second_lines(wanted, height)
        self.lines = []
        for index in range(len(rows)):
            self.lines.append((index, False))
            if index in second:
                self.lines.append((index, True))

    def _wanted_rank(self, row: TreeEntry | TreeGroup) -> Rank | None:
        if isinstance(row, TreeGroup) or self._activity_of(row.thread_id) is None:
            return None
        return Rank.ASKS if row.thread_id in self._asks else self._fleet.rank(row.thread_id)

    def _activity_of(self, thread_id: str) -> Activity | None:
        """Return what a thread does; found again only after something has changed."""
        if asks := self._asks.get(thread_id):
            return describe_asks(asks)
        view = self._state.threads[thread_id]
        if view.info.state.has_turn and self._is_offline:
            return None  # nobody knows whether it still does what it did
        if view.info.kind is not ThreadKind.CODEX:  # it changes with gates, spans and roles
            return describe_activity(self._state, view)
        key = (view.info, view.transcript.version, view.plan)
        kept = self._activities.get(thread_id)
        if kept is None or kept[0] != key:
            kept = key, describe_activity(self._state, view)
            self._activities[thread_id] = kept
        return kept[1]

    def render(
        self, index: int, context: PaneContext, width: int, *, selected: bool, second: bool
    ) -> Strip:
        """Render the first or the second line of a row, exactly `width` cells wide."""
        rows, palette = self.arrangement.rows, context.palettes.tree
        row = rows[index]
        if isinstance(row, TreeGroup):
            return render_group_row(row, self._state.threads, width, palette, selected=selected)
        view = self._state.threads.get(row.thread_id)
        if view is None:  # it has left, and the tree is not arranged again yet
            return Strip.blank(width, palette.text)
        if second and (activity := self._activity_of(row.thread_id)) is not None:
            after = rows[index + 1 : index + 2]
            return render_activity_row(
                row,
                activity,
                width,
                palette,
                now=context.now(),
                selected=selected,
                has_children=any(isinstance(r, TreeEntry) and r.depth > row.depth for r in after),
                lane=self._recent_work(view, context.now()),
            )
        return self._render_thread(row, view, context, width, selected=selected)

    def _render_thread(
        self, row: TreeEntry, view: ThreadView, context: PaneContext, width: int, *, selected: bool
    ) -> Strip:
        """Render the row of a thread, or return it as it was if nothing of it has changed."""
        thread_id, palette = row.thread_id, context.palettes.tree
        state, pane = context.state_of(thread_id), self._panes.get(thread_id)
        is_new = self._fleet.rank(thread_id) is Rank.NEW
        since, is_marked = view.waits_since, thread_id in self._fleet.marked
        shown = (width, selected, pane, is_new, is_marked)
        key = (row, view.info, state, int(context.now()), since, shown)
        kept = self._strips.get(thread_id)
        if kept is not None and kept[0] == key and view.info.kind is ThreadKind.CODEX:
            return kept[1]
        strip = render_tree_row(
            row,
            view,
            state,
            width,
            palette,
            now=context.now(),
            selected=selected,
            pane=pane,
            summary=context.run_summary_of(thread_id),
            is_new=is_new,
            is_marked=is_marked,
            over_since=self._over_since(view),
        )
        self._strips[thread_id] = key, strip
        return strip

    def _over_since(self, view: ThreadView) -> float | None:
        is_shown = view.info.kind is ThreadKind.RUN and self._state.connection.connected
        return over_since(view) if is_shown and is_over(view.info) else None

    def _recent_work(self, view: ThreadView, now: float) -> Sequence[SpanKind | None]:
        """Return what a role did in the last minutes, a cell for each half a minute."""
        if view.info.kind is not ThreadKind.ROLE:
            return ()
        role, start = role_name(view.thread_id), now - LANE_CELLS * LANE_STEP
        spans = tuple(
            span
            for span in recent_spans(self._state, view.thread_id, role)
            if span.ended_at is None or span.ended_at >= start
        )
        turns = tuple(span for span in spans if span.kind is SpanKind.ROLE)
        lane = Lane(role, turns, tuple(span for span in spans if span.kind is not SpanKind.ROLE))
        return lane_cells(lane, Window(start, LANE_STEP, LANE_CELLS), now) if spans else ()
