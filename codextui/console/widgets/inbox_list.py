"""The list of the approval inbox: all that waits, beside or above what is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.inbox import InboxEntry
from codextui.console.model.labels import Asker
from codextui.console.render.inbox import InboxLook, InboxRow, render_inbox
from codextui.console.render.layout import fit_row
from codextui.console.render.palette import Palette
from codextui.console.widgets.drawing import ThemedLineWidget

MAX_COMPACT_ROWS = 3
"""Rows of the list where it stands above the content."""


class InboxList(ThemedLineWidget, can_focus=False):
    """Draws the rows around the current one. It never takes the focus."""

    class Picked(Message):
        """An approval was clicked."""

        def __init__(self, approval_id: str) -> None:
            super().__init__()
            self.approval_id = approval_id

    def __init__(self, *, now: Callable[[], float]) -> None:
        """Create an empty list; `now` returns unix seconds."""
        super().__init__(id="inbox")
        self._now = now
        self._entries: Sequence[InboxEntry] = ()
        self._askers: Mapping[str, Asker] = {}
        self._current = ""
        self._title = ""
        self._is_grouped = False
        self._is_compact = False
        self._rows: list[InboxRow] = []
        self._top = 0
        self._is_away = False

    def on_resize(self) -> None:
        """Render again at the new width."""
        self.redraw()

    def show(
        self,
        entries: Sequence[InboxEntry],
        *,
        current: str,
        title: str,
        grouped: bool,
        askers: Mapping[str, Asker],
    ) -> None:
        """Replace the rows.

        Args:
            entries: the approvals, in order.
            current: id of the one on the screen, which stays visible.
            title: a sanitized line above the rows, where there is room for it.
            grouped: whether same commands stand together.
            askers: thread id → whose thread it is.
        """
        self._is_away &= current == self._current
        self._entries, self._current, self._title = entries, current, title
        self._is_grouped, self._askers = grouped, askers
        self.redraw()

    def set_compact(self, compact: bool) -> None:  # as Textual's set_class
        """Give each approval one row and leave out the title, as above the content."""
        if compact != self._is_compact:
            self._is_compact = compact
            self.redraw()

    @property
    def row_count(self) -> int:
        """The rows of the whole list."""
        return len(self._rows)

    def redraw(self) -> None:
        """Render the rows, also because time has passed."""
        if self._palette is None or self.size.width <= 0:
            return
        look = InboxLook(
            self.size.width, self._palette, self._now(), self._askers, self._is_compact
        )
        self._rows = render_inbox(
            self._entries, look, current=self._current, grouped=self._is_grouped
        )
        self._fit_top()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Post what was clicked."""
        row = self._top + event.y - self._title_rows
        if event.y >= self._title_rows and row < len(self._rows):
            self.post_message(self.Picked(self._rows[row].approval_id))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show later rows; the current approval stays the same."""
        self._scroll(event, 2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show earlier rows."""
        self._scroll(event, -2)

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        if y < self._title_rows:
            text = self._title if y == 0 else ""
            return fit_row([Segment(text, palette.strong)], width, palette.text)
        row = self._top + y - self._title_rows
        if row >= len(self._rows) or self._rows[row].strip.cell_length != width:
            return Strip.blank(width, palette.text)
        below = len(self._rows) - row - 1
        is_last = y == self.size.height - 1 and below > 0
        return self._more(below, palette) if is_last else self._rows[row].strip

    def _more(self, below: int, palette: Palette) -> Strip:
        """Return the last line of a list that goes on below."""
        if self._is_compact:
            row = self._rows[self._top + self.size.height - 1].strip
            text = f" ↓ {below}"
            return Strip.join([row.crop(0, self.size.width - len(text)), _tail(text, palette)])
        return fit_row([Segment("   ↓ more below", palette.muted)], self.size.width, palette.text)

    @property
    def _title_rows(self) -> int:
        return 0 if self._is_compact else 2

    def _scroll(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        self._is_away = True
        self._top += rows
        self._fit_top()
        self.refresh()

    def _fit_top(self) -> None:
        """Keep the current row visible, unless the wheel has gone elsewhere."""
        height = max(1, self.size.height - self._title_rows)
        here = [at for at, row in enumerate(self._rows) if row.approval_id == self._current]
        if here and not self._is_away:
            self._top = min(max(self._top, here[-1] + 2 - height), max(0, here[0] - 1))
        self._top = max(0, min(self._top, len(self._rows) - height))

    def draw_again(self) -> None:
        """Draw everything with the palette as it is now."""
        self.redraw()


def _tail(text: str, palette: Palette) -> Strip:
    return Strip([Segment(text, palette.muted)])
