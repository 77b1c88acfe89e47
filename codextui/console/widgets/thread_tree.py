"""The tree of runs, roles and threads, forks below their source, and groups of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from codextui.console.bindings import format_keys
from codextui.console.model.fleet import Arrangement, Fleet
from codextui.console.model.labels import format_counts
from codextui.console.model.state import ConsoleState
from codextui.console.model.tree import Grouping, TreeEntry, TreeGroup, group_key
from codextui.console.model.tree_filter import NO_FILTER, parse_filter
from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.widgets.composer import LineInput
from codextui.console.widgets.drawing import NothingDone
from codextui.console.widgets.pane_context import PaneContext
from codextui.console.widgets.tree_edge import WidthByEdge
from codextui.console.widgets.tree_rows import TreeRows
from codextui.text.sanitize import one_line

HEADING_ROWS = 2
"""Rows above the first thread."""

WIDE_TREE = 28
"""Cells of a tree whose heading has room for spaces."""


class FilterField(LineInput):
    """The field of the tree's filter; enter keeps the filter, and esc clears it."""

    def __init__(self) -> None:
        super().__init__(placeholder="name state:asks role: dir:", compact=True)
        self.display = False


class ThreadTree(WidthByEdge, can_focus=True):
    """Lists all threads; enter or a click selects one for a pane.

    The cursor skips the headings of groups, unless they are folded. Only visible lines are drawn,
    and drawn again only where they have changed, so hundreds of threads cost nothing.

    Attributes:
        cursor: id of the highlighted thread; empty if there are no threads.
        fleet: how the threads are arranged.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next thread", id="tree.down", show=False),
        Binding("k,up", "move(-1)", "Previous thread", id="tree.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="tree.page_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="tree.page_up", show=False),
        Binding("home", "move(-100000)", "First thread", id="tree.first", show=False),
        Binding("end", "move(100000)", "Last thread", id="tree.last", show=False),
        Binding("enter", "choose", "Show in a pane", id="tree.show"),
        Binding("left", "fold", "Fold a run, a branch or a group", id="tree.fold", show=False),
        Binding("right", "unfold", "Unfold it", id="tree.unfold", show=False),
        Binding("escape", "clear_filter", "Clear the filter", id="tree.clear_filter", show=False),
    ]

    class Highlighted(Message):
        """The cursor moved to a thread."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    class Rearranged(Message):
        """The user has changed what is folded or filtered."""

    class FilterClosed(Message):
        """The filter is not written any more; it may still be set."""

    class Selected(Message):
        """A thread was selected for a pane."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self, fleet: Fleet) -> None:
        """Show the threads as `fleet` arranges them."""
        super().__init__()
        self.cursor = ""
        self.fleet = fleet
        self._rows = TreeRows(fleet)
        self._heading = ""
        self._field = FilterField()
        self._state = ConsoleState()
        self._panes: Mapping[str, int] = {}
        self._pane_context: PaneContext | None = None
        self._top = 0
        self._drawn: list[Strip] = []

    @property
    def arrangement(self) -> Arrangement:
        """The rows."""
        return self._rows.arrangement

    def compose(self) -> ComposeResult:
        """Yield the field of the filter, which is hidden until it is opened."""
        yield self._field

    def show(self, state: ConsoleState, panes: Mapping[str, int], context: PaneContext) -> None:
        """Show the threads of a state.

        Args:
            state: the console state.
            panes: thread id → number of the thread's pane.
            context: how to draw.
        """
        if context is not self._pane_context:
            self._rows.clear()
        self._state, self._panes, self._pane_context = state, panes, context
        self.update()

    def update(self) -> None:
        """Arrange the threads, and draw what has changed."""
        if (context := self._pane_context) is None:
            return
        self._rows.arrange(self._state, self._panes, context.now(), self._height)
        if self.cursor not in self._state.threads:
            self.cursor = self._rows.first_thread() or self.cursor
        self._scroll_to_cursor()
        self.redraw()

    def highlight(self, thread_id: str) -> None:
        """Move the cursor to a thread."""
        if thread_id != self.cursor:
            self.cursor, self._heading = thread_id, ""
            self._scroll_to_cursor()
            self.redraw()

    def on_resize(self) -> None:
        """Keep the cursor visible at the new size."""
        self.update()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show whether the keys move the cursor."""
        super().watch_has_focus(has_focus)
        self.redraw()

    async def on_click(self, event: events.Click) -> None:
        """Select the clicked thread, fold the clicked group, or show what was put away, or not."""
        if self.takes_click(event):
            return
        row = self._row_at(event.y)
        if isinstance(row, TreeEntry):
            self.highlight(row.thread_id)
            self.post_message(self.Selected(self.cursor))
        elif row is not None:
            self._fold(group_key(row.title), folded=not row.is_folded)
        elif event.y == self._heading_rows - 1 and self._away_texts:
            await self.run_action("screen.show_away")

    def _row_at(self, y: int) -> TreeEntry | TreeGroup | None:
        index = self._top + y - self._heading_rows
        if y < self._heading_rows or index >= len(self._rows.lines):
            return None
        return self.arrangement.rows[self._rows.lines[index][0]]

    def visible_threads(self) -> list[tuple[int, str]]:
        """Return the visible threads, and the line of each."""
        visible = self._rows.lines[self._top : self._top + self._height]
        rows = self.arrangement.rows
        return [
            (line, row.thread_id)
            for line, (index, is_second) in enumerate(visible, self._heading_rows)
            if not is_second and isinstance(row := rows[index], TreeEntry)
        ]

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._scroll_to_line(self._top + 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._scroll_to_line(self._top - 1)

    # Actions.

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        stops = [i for i, row in enumerate(self.arrangement.rows) if _is_stop(row)]
        if not stops:
            self.post_message(NothingDone("There are no threads yet: n starts one."))
            return
        here = self._row_of_cursor()
        index = stops.index(here) if here in stops else (-1 if rows > 0 else 0)
        wanted = max(0, min(len(stops) - 1, index + rows))
        if stops[wanted] == here:
            end = "last" if rows > 0 else "first"
            self.post_message(NothingDone(f"This is the {end} thread."))
        self._move_to(self.arrangement.rows[stops[wanted]])

    def _move_to(self, row: TreeEntry | TreeGroup) -> None:
        if isinstance(row, TreeGroup):
            self._heading = row.title
            self._scroll_to_cursor()
            self.redraw()
            return
        self._heading = ""
        self.cursor = row.thread_id
        self._scroll_to_cursor()
        self.redraw()
        self.post_message(self.Highlighted(self.cursor))

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(1, self._height - 1))

    def action_choose(self) -> None:
        """Select the highlighted thread, or unfold the highlighted group."""
        if self._heading:
            self.action_unfold()
        elif self.cursor:
            self.post_message(self.Selected(self.cursor))
        else:
            self.post_message(NothingDone("There are no threads yet: n starts one."))

    def action_fold(self) -> None:
        """Fold what is below the highlighted thread, or else what it stands in."""
        index = self._row_of_cursor()
        row = None if index is None else self.arrangement.rows[index]
        if index is None or not isinstance(row, TreeEntry):
            raise SkipAction
        above = self._branch_at(index)
        if above is not None:
            self._fold(above.thread_id, folded=True)
            self.post_message(self.Highlighted(self.cursor))
        elif row.group:
            self._heading = row.group
            self._fold(group_key(row.group), folded=True)
        else:
            raise SkipAction

    def _branch_at(self, index: int) -> TreeEntry | None:
        """Return the row at an index, or else the one above it, that has rows below it."""
        rows = self.arrangement.rows
        row, below = rows[index], rows[index + 1 : index + 2]
        if not isinstance(row, TreeEntry):
            return None
        if below and isinstance(below[0], TreeEntry) and below[0].depth > row.depth:
            return row
        for above in reversed(rows[:index]):
            if isinstance(above, TreeEntry) and above.depth < row.depth:
                self.cursor = above.thread_id
                return above
        return None

    def action_unfold(self) -> None:
        """Unfold what is highlighted; where nothing is folded, the key goes to a pane."""
        index = self._row_of_cursor()
        row = None if index is None else self.arrangement.rows[index]
        if isinstance(row, TreeGroup):
            self._heading = ""
            self._fold(group_key(row.title), folded=False)
            self._move_to_first_of(row.title)
        elif row is not None and row.folded:
            self._fold(row.thread_id, folded=False)
        else:
            raise SkipAction

    def _move_to_first_of(self, title: str) -> None:
        rows = self.arrangement.rows
        row = next((r for r in rows if isinstance(r, TreeEntry) and r.group == title), None)
        if row is not None:
            self._move_to(row)

    # The filter.

    def open_filter(self) -> None:
        """Let the user write a filter; what is typed next goes into it."""
        self._field.display = True
        self.update()
        self.screen.set_focus(self._field)

    @on(FilterField.Changed)
    def _set_filter(self, message: FilterField.Changed) -> None:
        message.stop()
        self.fleet.filter = parse_filter(message.value)
        self.update()
        self.post_message(self.Rearranged())

    @on(FilterField.Submitted)
    def _close_filter(self, message: FilterField.Submitted) -> None:
        """Keep the filter, and go to what it has found."""
        message.stop()
        self._field.display = False
        self.update()
        self.post_message(self.FilterClosed())
        rows = self.arrangement.rows
        found = next((row for row in rows if isinstance(row, TreeEntry)), None)
        if found is not None and self._rows.place_of(self.cursor) is None:
            self._move_to(found)

    def action_clear_filter(self) -> None:
        """Show all threads again; where there is no filter, the key goes to the screen."""
        if not self.fleet.filter.text and not self._field.display:
            raise SkipAction
        self._field.value = ""
        self._field.display = False
        self.fleet.filter = NO_FILTER
        self.update()
        self.post_message(self.Rearranged())
        if self._field.has_focus:
            self.screen.set_focus(self)

    def leave(self, thread_ids: Sequence[str]) -> None:
        """Move the cursor from threads that are put away to the next one that stays."""
        index, rows = self._row_of_cursor(), self.arrangement.rows
        gone = set(thread_ids)
        if index is None or not self._is_below(self.cursor, gone):
            return
        for row in (*rows[index:], *reversed(rows[:index])):
            if isinstance(row, TreeEntry) and not self._is_below(row.thread_id, gone):
                self._move_to(row)
                return

    def _is_below(self, thread_id: str, above: set[str]) -> bool:
        """Return whether a thread is one of these, or stands below one."""
        seen: set[str] = set()
        while thread_id and thread_id not in seen and thread_id not in above:
            seen.add(thread_id)
            view = self._state.threads.get(thread_id)
            thread_id = "" if view is None else view.info.parent or view.info.forked_from
        return thread_id in above

    def _fold(self, key: str, *, folded: bool) -> None:
        self.fleet.set_folded(key, folded=folded)
        self.update()
        self.post_message(self.Rearranged())

    # Drawing.

    def redraw(self) -> None:
        """Draw the lines that have changed."""
        width, height = self.size
        drawn = [self._render_line(y, width) for y in range(height)]
        old, self._drawn = self._drawn, drawn
        if len(old) != len(drawn):
            self.refresh()
            return
        changed = [y for y in range(height) if drawn[y] != old[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        if y < len(self._drawn) and self._drawn[y].cell_length == self.size.width:
            return self._drawn[y]
        return self._render_line(y, self.size.width)

    def _render_line(self, y: int, width: int) -> Strip:
        context = self._pane_context
        if context is None:
            return Strip.blank(width, self.rich_style)
        palette = context.palettes.tree
        if y < self._heading_rows:
            return self._render_head(y, palette)
        index = self._top + y - self._heading_rows
        if index >= len(self._rows.lines):
            return Strip.blank(width, palette.text)
        row_index, is_second = self._rows.lines[index]
        selected = row_index == self._row_of_cursor()
        strip = self._rows.render(
            row_index, context, width - 1, selected=selected, second=is_second
        )
        margin = palette.selected if selected else palette.text
        return Strip([*strip, Segment(" ", margin)], width)

    def _render_heading(self, palette: Palette) -> Strip:
        mark = "▌" if self.has_focus else " "
        space = " " if self.size.width >= WIDE_TREE else ""
        above = f"  ↑{space}{self._top}" if self._top else ""
        below = len(self._rows.lines) - self._top - self._height
        more = above + (f"  ↓{space}{below}" if below > 0 else "")
        title = palette.strong if self.has_focus else palette.muted
        segments = [Segment(mark, palette.accent), Segment("threads", title)]
        segments.append(Segment(f"  {self.arrangement.thread_count or ''}{more}", palette.muted))
        return fit_row(segments, self.size.width, palette.text)

    def _render_head(self, y: int, palette: Palette) -> Strip:
        if y == 0:
            return self._render_heading(palette)
        is_filter = y < self._heading_rows - 1
        text = f"/{one_line(self.fleet.filter.text)}" if is_filter else self._info
        style = palette.accent if is_filter else palette.muted
        if not is_filter and self.fleet.filter.problem:
            style = palette.warning
        return fit_row([Segment(f" {text}", style)], self.size.width, palette.text)

    @property
    def _heading_rows(self) -> int:
        """Rows above the first thread: the heading, the filter if there is one, and more on it."""
        return HEADING_ROWS + bool(self.fleet.filter.text or self._field.display)

    @property
    def _info(self) -> str:
        """How the tree is grouped and what it leaves out, in a few words."""
        fleet, found = self.fleet, self.arrangement
        if fleet.filter.problem:
            return fleet.filter.problem
        parts: list[str] = []
        if fleet.filter and not found.thread_count:
            parts.append("nothing matches: esc clears")
        elif fleet.filter:
            parts.append(f"{found.thread_count} of {found.thread_count + found.hidden_count}")
        if fleet.grouping is not Grouping.TEAM:
            parts.append(f"by {fleet.grouping}")
        choices = [" · ".join([*parts, away]) for away in self._away_texts]
        fitting = (text for text in choices if len(text) < self.size.width)
        return next(fitting, choices[-1] if choices else " · ".join(parts))

    @property
    def _away_texts(self) -> list[str]:
        """What was put away, and the key that shows it or not; the longest words first."""
        found = self.arrangement
        if self.fleet.shows_away:
            texts = ["put away too"]
        elif counts := format_counts(found.away_runs, found.away_threads):
            texts = [f"{counts} put away", f"{found.away_runs + found.away_threads} put away"]
        else:
            return []
        keys = (
            format_keys(active.binding.key)
            for active in self.screen.active_bindings.values()
            if active.binding.action == "show_away"
        )
        key = next(keys, "")
        return [f"{text} ({key})" if key else text for text in texts]

    @property
    def _height(self) -> int:
        return max(1, self.size.height - self._heading_rows)

    def _row_of_cursor(self) -> int | None:
        if self._heading:
            for index, row in enumerate(self.arrangement.rows):
                if isinstance(row, TreeGroup) and row.title == self._heading:
                    return index
        return self._rows.place_of(self.cursor)

    def _scroll_to_cursor(self) -> None:
        """Keep the cursor visible, and the heading above it if it is the first of its group.

        While the keys do not move it, who asks is more important, and stands at the top.
        """
        row = self._row_of_cursor()
        if row is None or (self._rows.has_asks and not self.has_focus):
            self._scroll_to_line(self._top if self.has_focus else 0)
            return
        lines = [line for line, (index, _) in enumerate(self._rows.lines) if index == row]
        has_heading = row > 0 and isinstance(self.arrangement.rows[row - 1], TreeGroup)
        first = lines[0] - 1 if has_heading and self._height > 1 else lines[0]
        low = lines[-1] - self._height + 1
        self._scroll_to_line(max(low, min(self._top, first)))

    def _scroll_to_line(self, top: int) -> None:
        top = max(0, min(top, len(self._rows.lines) - self._height))
        if top != self._top:
            self._top = top
            self.redraw()


def _is_stop(row: TreeEntry | TreeGroup) -> bool:
    return isinstance(row, TreeEntry) or row.is_folded
