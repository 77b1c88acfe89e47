"""Every thread in a row of its own, under what it was forked from or works for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.state import ThreadView
from codextui.console.model.tree import TreeEntry
from codextui.console.render.thread import render_tree_row
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.pane_context import PaneContext

HEAD_ROWS = 2
"""Rows above the first thread."""


class ThreadTree(LineWidget, can_focus=True):
    """The list of threads. Moving only moves; enter or a click shows the thread in a pane.

    It draws its own lines, and only those in sight, so that hundreds of threads cost nothing.
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

    class Moved(Message):
        """Another thread is under the cursor."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    class Chosen(Message):
        """A person wants this thread in a pane."""

        def __init__(self, thread_id: str) -> None:
            super().__init__()
            self.thread_id = thread_id

    def __init__(self) -> None:
        super().__init__()
        self.cursor = ""
        self._rows: Sequence[TreeEntry] = ()
        self._threads: Mapping[str, ThreadView] = {}
        self._panes: Mapping[str, int] = {}
        self._pane_context: PaneContext | None = None
        self._top = 0

    def show(
        self,
        rows: Sequence[TreeEntry],
        threads: Mapping[str, ThreadView],
        panes: Mapping[str, int],
        context: PaneContext,
    ) -> None:
        """Show these rows; `panes` has the numbers of the panes by thread id."""
        self._rows, self._threads, self._panes, self._pane_context = rows, threads, panes, context
        if rows and self._index() is None:
            self.cursor = rows[0].thread_id
        self._keep_in_sight()
        self.refresh()

    def select(self, thread_id: str) -> None:
        """Put the cursor on a thread."""
        if thread_id != self.cursor:
            self.cursor = thread_id
            self._keep_in_sight()
            self.refresh()

    def on_resize(self) -> None:
        """Fit the new size."""
        self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        index = self._top + event.y - HEAD_ROWS
        if event.y >= HEAD_ROWS and index < len(self._rows):
            self.select(self._rows[index].thread_id)
            self.post_message(self.Chosen(self.cursor))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._slide_to(self._top + 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._slide_to(self._top - 1)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        if self._rows:
            index = max(0, min(len(self._rows) - 1, (self._index() or 0) + rows))
            self.select(self._rows[index].thread_id)
            self.post_message(self.Moved(self.cursor))

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is in sight."""
        self.action_move(direction * max(1, self._height - 1))

    def action_choose(self) -> None:
        """Show the thread under the cursor."""
        if self.cursor:
            self.post_message(self.Chosen(self.cursor))

    def line(self, y: int) -> Strip:
        """The line at `y`."""
        context = self._pane_context
        width = self.size.width
        if context is None:
            return Strip.blank(width, self.rich_style)
        if y < HEAD_ROWS:
            return self._heading(context) if y == 0 else Strip.blank(width, context.looks.side.text)
        index = self._top + y - HEAD_ROWS
        if index >= len(self._rows):
            return Strip.blank(width, context.looks.side.text)
        row = self._rows[index]
        selected = row.thread_id == self.cursor
        strip = render_tree_row(
            row,
            self._threads[row.thread_id],
            context.state_of(row.thread_id),
            width - 1,
            context.looks.side,
            now=context.now(),
            selected=selected,
            pane=self._panes.get(row.thread_id),
            summary=context.standing_of(row.thread_id),
        )
        margin = context.looks.side.selected if selected else context.looks.side.text
        return Strip([*strip, Segment(" ", margin)], width)

    def _heading(self, context: PaneContext) -> Strip:
        palette = context.looks.side
        mark = "▌" if self.has_focus else " "
        above = f"  ↑ {self._top}" if self._top else ""
        below = len(self._rows) - self._top - self._height
        more = above + (f"  ↓ {below}" if below > 0 else "")
        title = palette.strong if self.has_focus else palette.muted
        segments = [Segment(mark, palette.accent), Segment("threads", title)]
        segments.append(Segment(f"  {len(self._rows) or ''}{more}", palette.muted))
        return Strip(segments).adjust_cell_length(self.size.width, palette.text)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - HEAD_ROWS)

    def _index(self) -> int | None:
        found = (i for i, row in enumerate(self._rows) if row.thread_id == self.cursor)
        return next(found, None)

    def _keep_in_sight(self) -> None:
        index = self._index()
        if index is not None:
            low = index - self._height + 1
            self._slide_to(max(low, min(self._top, index)))

    def _slide_to(self, top: int) -> None:
        top = max(0, min(top, len(self._rows) - self._height))
        if top != self._top:
            self._top = top
            self.refresh()
