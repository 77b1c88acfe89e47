"""A widget that draws its own lines."""

from __future__ import annotations

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
