"""A widget that draws its own lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class LineWidget(Widget):
    """Draws lines straight to the screen, past Textual's borders, padding and line caches.

    That halves the cost of a stream (no box to draw, no cache to keep), and so a subclass has
    neither border nor padding, and fills every line to its own width.
    """

    ALLOW_SELECT = False

    def line(self, y: int) -> Strip:
        """The line at `y` of the widget, exactly as wide as it."""
        raise NotImplementedError

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the widget."""
        strips = [self.line(y) for y in range(crop.y, crop.bottom)]
        if crop.x or crop.width != self.size.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        if self.app.no_color:
            background = self.background_colors[1]
            for line_filter in self.get_line_filters():
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips


FRAME = 1 / 60
"""Seconds between two ticks."""


class Flushable(Protocol):
    """Something that draws what it has not drawn yet when it is told to."""

    def flush(self) -> None:
        """Draw it."""


class Pacer:
    """Flushes dirty panes in turn, a few a frame.

    Nothing ticks while nothing is dirty: `wake` is called at the first mark, and `rest` when
    the queue has run empty.
    """

    def __init__(
        self, *, wake: Callable[[], None], rest: Callable[[], None], per_frame: int = 3
    ) -> None:
        """Take what starts and stops the ticks, and how many panes a frame may draw."""
        self._wake = wake
        self._rest = rest
        self._per_frame = per_frame
        self._queue: deque[Flushable] = deque()
        self._dirty: set[Flushable] = set()

    def mark(self, pane: Flushable) -> None:
        """Have `pane` flushed in one of the next frames; once, however often it is marked."""
        if pane in self._dirty:
            return
        if not self._queue:
            self._wake()
        self._dirty.add(pane)
        self._queue.append(pane)

    def tick(self) -> None:
        """Flush the panes that have waited longest."""
        for _ in range(min(self._per_frame, len(self._queue))):
            pane = self._queue.popleft()
            self._dirty.discard(pane)
            pane.flush()
        if not self._queue:
            self._rest()
