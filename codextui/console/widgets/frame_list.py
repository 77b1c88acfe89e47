"""The rows of the inspector: the requests that wait, and below them the frames, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from codextui.console.model.frames import Entry, NameOf
from codextui.console.render.frames import render_frame
from codextui.console.render.layout import fit_row
from codextui.console.widgets.drawing import ThemedLineWidget

MAX_WAITING_ROWS = 8
"""Requests that stand on top at once."""


class FrameList(ThemedLineWidget, can_focus=True):
    """Draws the visible rows only.

    While the cursor is on the last row, it follows the newest frame.

    Attributes:
        current: the frame of the cursor; None where there are none.
        follows: whether the cursor follows the newest frame.
    """

    GROUND: ClassVar[str] = "background"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Frame above", show=False, id="frames.up"),
        Binding("down,j", "move(1)", "Frame below", show=False, id="frames.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="frames.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="frames.page_down"),
        Binding("home", "move(-1000000)", "What waits first", show=False, id="frames.first"),
        Binding("end,G", "follow", "The newest, and follow", id="frames.follow"),
        Binding("enter,right", "open", "Into the frame", id="frames.open"),
    ]

    class Moved(Message):
        """The cursor is on another frame."""

    class Opened(Message):
        """The frame of the cursor is to be read."""

    def __init__(self, name_of: NameOf) -> None:
        super().__init__(id="frames")
        self.current: Entry | None = None
        self.follows = True
        self._name_of = name_of
        self._entries: list[Entry] = []
        self._pinned = 0
        self._waiting = 0
        self._index = 0
        self._empty = ""
        self._now = 0.0
        self._top = 0

    def on_resize(self) -> None:
        """Keep the cursor visible at the new size."""
        self._scroll_to_cursor()

    def on_focus(self) -> None:
        """Draw the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the cursor as what the frame beside shows."""
        self.refresh()

    def show(
        self, waiting: Sequence[Entry], shown: Sequence[Entry], *, empty: str, now: float
    ) -> None:
        """Replace the rows; the cursor stays on its frame, or follows.

        Args:
            waiting: the requests without an answer, the oldest first.
            shown: the frames, the oldest first.
            empty: what stands there where there are no frames.
            now: unix seconds, for the ages.
        """
        pinned = waiting[:MAX_WAITING_ROWS]
        on_top = set(map(id, pinned))
        self._entries = [*pinned, *(entry for entry in shown if id(entry) not in on_top)]
        self._pinned, self._waiting = len(pinned), len(waiting)
        self._empty, self._now = empty, now
        before = self.current
        self._index = self._find_current()
        self.current = self._entries[self._index] if self._entries else None
        self._scroll_to_cursor()
        self.refresh()
        if self.current is not before:
            self.post_message(self.Moved())

    def go_to(self, entry: Entry) -> bool:
        """Move the cursor to a frame; False where it is not among the rows."""
        for index, other in enumerate(self._entries):
            if other is entry:
                self._move_to(index)
                return True
        return False

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        last = len(self._entries) - 1
        if last >= 0:
            self._move_to(max(0, min(last, self._index + rows)))

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(1, self.size.height - 2))

    def action_follow(self) -> None:
        """Move the cursor to the newest frame, and follow."""
        self.action_move(1_000_000)

    def action_open(self) -> None:
        """Ask for the frame of the cursor to be read."""
        if self.current is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; open it if it is there already."""
        index = self._index_at(event.y)
        if index is None:
            return
        if index == self._index:
            self.action_open()
        else:
            self._move_to(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_move(-3)

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y`."""
        palette, width = self._palette, self.size.width
        if palette is None:
            return Strip.blank(width, self.rich_style)
        if not self._entries:
            lines = self._empty.splitlines()
            line = lines[y - 1] if 0 < y <= len(lines) else ""
            return fit_row([Segment(f"  {line}", palette.muted)], width, palette.text)
        if self._pinned and y == self._pinned:
            return fit_row([Segment(self._rule(width), palette.faint)], width, palette.text)
        index = self._index_at(y)
        if index is None:
            return Strip.blank(width, palette.text)
        return render_frame(
            self._entries[index],
            width,
            palette,
            self._name_of,
            now=self._now,
            selected=index == self._index,
        )

    @property
    def _head(self) -> int:
        """Rows above the frames: the requests that wait, and a rule."""
        return self._pinned + 1 if self._pinned else 0

    def _rule(self, width: int) -> str:
        more = self._waiting - self._pinned
        text = f"── {self._waiting} outstanding"
        text += f", {more} of them below " if more > 0 else " "
        return text + "─" * max(0, width - len(text))

    def _index_at(self, y: int) -> int | None:
        """Return the index of the entry at a line; None for none."""
        if y < self._pinned:
            return y
        index = y - self._head + self._top + self._pinned
        return index if y >= self._head and index < len(self._entries) else None

    def _find_current(self) -> int:
        """Return where the cursor is after the entries were replaced."""
        last = max(0, len(self._entries) - 1)
        current = self.current
        if self.follows or current is None:
            return last
        for index, entry in enumerate(self._entries):
            if entry is current:
                return index
        later = (
            index
            for index, entry in enumerate(self._entries)
            if index >= self._pinned and entry.arrival >= current.arrival
        )
        return next(later, last)

    def _move_to(self, index: int) -> None:
        self.follows = index == len(self._entries) - 1 and index >= self._pinned
        self._index = index
        before, self.current = self.current, self._entries[index]
        self._scroll_to_cursor()
        self.refresh()
        if self.current is not before:
            self.post_message(self.Moved())

    def _scroll_to_cursor(self) -> None:
        room = max(1, self.size.height - self._head)
        highest = max(0, len(self._entries) - self._pinned - room)
        index = self._index - self._pinned
        if index >= 0:
            self._top = max(index - room + 1, min(self._top, index))
        self._top = max(0, min(self._top, highest))
