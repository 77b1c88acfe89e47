"""The tree of runs, roles and threads, forks below their source, and groups of other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.state import ThreadView
from codextui.console.model.tree import TreeEntry, TreeGroup, tree_rows
from codextui.console.render.palette import Palette
from codextui.console.render.thread import render_group_row, render_tree_row
from codextui.console.widgets.drawing import LineWidget, NothingDone
from codextui.console.widgets.pane_context import PaneContext

HEADING_ROWS = 2
"""Rows above the first thread."""


class ThreadTree(LineWidget, can_focus=True):
    """Lists all threads; enter or a click selects one for a pane.

    The cursor skips the headings of groups. Only visible lines are drawn, so hundreds of threads
    cost nothing.

    Attributes:
        cursor: id of the highlighted thread; empty if there are no threads.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next thread", id="tree.down", show=False),
        Binding("k,up", "move(-1)", "Previous thread", id="tree.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="tree.page_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="tree.page_up", show=False),
        Binding("home", "move(-100000)", "First thread", id="tree.first", show=False),
        Binding("end,G", "move(100000)", "Last thread", id="tree.last", show=False),
        Binding("enter", "choose", "Show in a pane", id="tree.show"),
    ]

    class Highlighted(Message):
        """The cursor moved to a thread."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    class Selected(Message):
        """A thread was selected for a pane."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self) -> None:
        super().__init__()
        self.cursor = ""
        self._entries: Sequence[TreeEntry] = ()
        self._rows: Sequence[TreeEntry | TreeGroup] = ()
        self._threads: Mapping[str, ThreadView] = {}
        self._panes: Mapping[str, int] = {}
        self._pane_context: PaneContext | None = None
        self._top = 0

    def show(
        self,
        entries: Sequence[TreeEntry],
        threads: Mapping[str, ThreadView],
        panes: Mapping[str, int],
        context: PaneContext,
    ) -> None:
        """Replace the tree.

        Args:
            entries: the tree from top to bottom.
            threads: the threads of the entries, by id.
            panes: thread id → number of the thread's pane.
            context: how to draw.
        """
        if entries is not self._entries:
            self._entries, self._rows = entries, tree_rows(entries)
        self._threads, self._panes = threads, panes
        self._pane_context = context
        if entries and self._cursor_index() is None:
            self.cursor = entries[0].thread_id
        self._scroll_to_cursor()
        self.refresh()

    def visible_threads(self) -> list[tuple[int, str]]:
        """Return the visible threads, and the line of each."""
        rows = self._rows[self._top : self._top + self._height]
        return [
            (line, row.thread_id)
            for line, row in enumerate(rows, HEADING_ROWS)
            if isinstance(row, TreeEntry)
        ]

    def highlight(self, thread_id: str) -> None:
        """Move the cursor to a thread."""
        if thread_id != self.cursor:
            self.cursor = thread_id
            self._scroll_to_cursor()
            self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor visible at the new size."""
        self._scroll_to_cursor()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked thread."""
        index = self._top + event.y - HEADING_ROWS
        row = self._rows[index] if event.y >= HEADING_ROWS and index < len(self._rows) else None
        if isinstance(row, TreeEntry):
            self.highlight(row.thread_id)
            self.post_message(self.Selected(self.cursor))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._scroll_to_row(self._top + 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._scroll_to_row(self._top - 1)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        before = self.cursor
        if self._entries:
            index = max(0, min(len(self._entries) - 1, (self._cursor_index() or 0) + rows))
            self.highlight(self._entries[index].thread_id)
            self.post_message(self.Highlighted(self.cursor))
        if self.cursor == before:
            end = "last" if rows > 0 else "first"
            none = "There are no threads yet: n starts one."
            self.post_message(NothingDone(f"This is the {end} thread." if self._entries else none))

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(1, self._height - 1))

    def action_choose(self) -> None:
        """Select the highlighted thread."""
        if self.cursor:
            self.post_message(self.Selected(self.cursor))
        else:
            self.post_message(NothingDone("There are no threads yet: n starts one."))

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        context = self._pane_context
        width = self.size.width
        if context is None:
            return Strip.blank(width, self.rich_style)
        palette = context.palettes.tree
        if y == 0:
            return self._render_heading(palette)
        index = self._top + y - HEADING_ROWS
        if y < HEADING_ROWS or index >= len(self._rows):
            return Strip.blank(width, palette.text)
        entry = self._rows[index]
        if isinstance(entry, TreeGroup):
            strip = render_group_row(entry, self._threads, width - 1, palette)
            return Strip([*strip, Segment(" ", palette.text)], width)
        selected = entry.thread_id == self.cursor
        strip = render_tree_row(
            entry,
            self._threads[entry.thread_id],
            context.state_of(entry.thread_id),
            width - 1,
            palette,
            now=context.now(),
            selected=selected,
            pane=self._panes.get(entry.thread_id),
            summary=context.run_summary_of(entry.thread_id),
        )
        margin = palette.selected if selected else palette.text
        return Strip([*strip, Segment(" ", margin)], width)

    def _render_heading(self, palette: Palette) -> Strip:
        mark = "▌" if self.has_focus else " "
        above = f"  ↑ {self._top}" if self._top else ""
        below = len(self._rows) - self._top - self._height
        more = above + (f"  ↓ {below}" if below > 0 else "")
        title = palette.strong if self.has_focus else palette.muted
        segments = [Segment(mark, palette.accent), Segment("threads", title)]
        segments.append(Segment(f"  {len(self._entries) or ''}{more}", palette.muted))
        return Strip(segments).adjust_cell_length(self.size.width, palette.text)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - HEADING_ROWS)

    def _cursor_index(self) -> int | None:
        found = (i for i, entry in enumerate(self._entries) if entry.thread_id == self.cursor)
        return next(found, None)

    def _row_of_cursor(self) -> int | None:
        for index, row in enumerate(self._rows):
            if isinstance(row, TreeEntry) and row.thread_id == self.cursor:
                return index
        return None

    def _scroll_to_cursor(self) -> None:
        """Keep the cursor visible, and the heading above it if it is the first of its group."""
        index = self._row_of_cursor()
        if index is not None:
            has_heading = index > 0 and isinstance(self._rows[index - 1], TreeGroup)
            first = index - 1 if has_heading and self._height > 1 else index
            low = index - self._height + 1
            self._scroll_to_row(max(low, min(self._top, first)))

    def _scroll_to_row(self, top: int) -> None:
        top = max(0, min(top, len(self._rows) - self._height))
        if top != self._top:
            self._top = top
            self.refresh()
