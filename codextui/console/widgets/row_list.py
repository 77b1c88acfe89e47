"""A list of rows with a cursor, and a line on what is missing below them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.widgets.drawing import ThemedLineWidget

_Row = TypeVar("_Row")


class RowList(ThemedLineWidget, Generic[_Row], can_focus=True):
    """Draws the visible rows only, so that any number of them costs nothing.

    Attributes:
        index: the row of the cursor; 0 if there are none.
    """

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class Chosen(Message):
        """The row of the cursor was clicked."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's name
        """Create an empty list."""
        super().__init__(id=id)
        self.index = 0
        self._listed: Sequence[_Row] = ()
        self._note = ""
        self._is_error = False
        self._now = 0.0
        self._top = 0

    @abstractmethod
    def id_of(self, row: _Row) -> str:
        """Return what no other row has."""

    @abstractmethod
    def render_row(
        self, row: _Row, width: int, palette: Palette, *, now: float, selected: bool
    ) -> Strip:
        """Render a row of exactly `width` cells."""

    def on_resize(self) -> None:
        """Keep the cursor visible at the new size."""
        self._scroll_to_cursor()

    def show(self, rows: Sequence[_Row], note: str, *, now: float, is_error: bool = False) -> None:
        """Replace the rows; the cursor stays on its row, or else where it is.

        Args:
            rows: the rows.
            note: a sanitized line below them, empty for none.
            now: unix seconds, for the ages.
            is_error: whether the note is an error.
        """
        current = self.current
        self._listed, self._note, self._is_error, self._now = rows, note, is_error, now
        ids = [self.id_of(row) for row in rows]
        if current is not None and self.id_of(current) in ids:
            self.index = ids.index(self.id_of(current))
        self.index = max(0, min(self.index, len(ids) - 1))
        self._scroll_to_cursor()
        self.refresh()

    @property
    def current(self) -> _Row | None:
        """The row of the cursor."""
        return self._listed[self.index] if self.index < len(self._listed) else None

    def go_to_start(self) -> None:
        """Move the cursor to the first row, without a message."""
        self.index = self._top = 0

    def move(self, rows: int) -> None:
        """Move the cursor by rows."""
        if self._listed:
            self.index = max(0, min(len(self._listed) - 1, self.index + rows))
            self._scroll_to_cursor()
            self.refresh()
            self.post_message(self.Moved(self.index))

    def page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.move(direction * max(1, self.size.height - 1))

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.move(rows)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; choose it if it is there already."""
        index = self._top + event.y
        if index >= len(self._listed):
            return
        if index == self.index:
            self.post_message(self.Chosen())
        self.move(index - self.index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.move(-1)

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        index = self._top + y
        if index < len(self._listed):
            row, selected = self._listed[index], index == self.index
            return self.render_row(row, width, palette, now=self._now, selected=selected)
        if index == len(self._listed) and self._note:
            style = palette.error if self._is_error else palette.muted
            return fit_row([Segment(f"  {self._note}", style)], width, palette.text)
        return Strip.blank(width, palette.text)

    def _scroll_to_cursor(self) -> None:
        """Keep the cursor visible, and the note below the last row."""
        height = max(1, self.size.height)
        is_last = self.index >= len(self._listed) - 1
        last = self.index + (1 if is_last and self._note and height > 1 else 0)
        self._top = max(0, last - height + 1, min(self._top, self.index))
