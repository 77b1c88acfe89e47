"""Drawing without Textual's overhead: widgets that draw lines, and the pacing of their frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import ClassVar, Protocol

from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codextui.console.render.palette import Palette, palette_from

FRAME_INTERVAL = 1 / 60
"""Seconds between frames."""


class NothingDone(Message):
    """A key did nothing; `reason` says why, and what would be right. Bubbles to the screen."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class LineWidget(Widget):
    """Draws lines directly, without Textual's borders, padding and line caches.

    This halves the cost of a stream. A subclass has neither border nor padding, and fills every
    line to the widget's width.
    """

    ALLOW_SELECT = False

    def draw_line(self, y: int) -> Strip:
        """Return the line at `y` of the widget, exactly as wide as the widget."""
        raise NotImplementedError

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render the lines of a region of the widget."""
        strips = [self.draw_line(y) for y in range(crop.y, crop.bottom)]
        if crop.x or crop.width != self.size.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        if self.app.no_color or self.app.console.color_system == "256":
            background = self.background_colors[1]
            for line_filter in self.get_line_filters():
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips


class ThemedLineWidget(LineWidget):
    """A line widget that draws with a palette of the theme, and again when that changes.

    Attributes:
        GROUND: the theme's colour behind it.
    """

    GROUND: ClassVar[str] = "surface"

    _palette: Palette | None = None

    def on_mount(self) -> None:
        """Follow changes of the theme."""
        self._restyle()
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._restyle())

    def _restyle(self) -> None:
        self._palette = palette_from(self.app.theme_variables, surface=self.GROUND)
        self.draw_again()

    def draw_again(self) -> None:
        """Draw everything with the palette as it is now."""
        self.refresh()


class Flushable(Protocol):
    """A widget that draws its pending changes on request."""

    def flush(self) -> None:
        """Draw all pending changes."""


class Pacer:
    """Flushes dirty widgets in turn, a few per frame.

    The timer behind `tick` runs only while a widget is dirty.
    """

    def __init__(
        self, *, resume: Callable[[], None], pause: Callable[[], None], per_frame: int = 3
    ) -> None:
        """Create a pacer.

        Args:
            resume: starts the timer that calls `tick`; called when a first widget is dirty.
            pause: stops the timer; called when the queue is empty.
            per_frame: widgets to flush per frame.
        """
        self._resume = resume
        self._pause = pause
        self._per_frame = per_frame
        self._queue: deque[Flushable] = deque()
        self._dirty: set[Flushable] = set()

    def mark_dirty(self, widget: Flushable) -> None:
        """Flush `widget` in one of the next frames, once however often it is marked."""
        if widget in self._dirty:
            return
        if not self._queue:
            self._resume()
        self._dirty.add(widget)
        self._queue.append(widget)

    def tick(self) -> None:
        """Flush the widgets that have waited longest."""
        for _ in range(min(self._per_frame, len(self._queue))):
            widget = self._queue.popleft()
            self._dirty.discard(widget)
            widget.flush()
        if not self._queue:
            self._pause()
