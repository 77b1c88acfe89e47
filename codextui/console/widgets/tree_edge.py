"""The right edge of the tree, which the mouse drags and two keys move."""

from __future__ import annotations

from textual import events

from codextui.console.model.fleet import Fleet
from codextui.console.widgets.drawing import LineWidget
from codextui.console.widgets.tiling import MIN_PANE_WIDTH

MIN_TREE_WIDTH = 20
"""Cells of the tree, at least."""

TINY_WIDTH = 64
"""Cells of a screen below which the tree stands alone, in the place of the panes."""


def bound_width(wanted: int, screen_width: int) -> int:
    """Return how wide the tree can be, 0 for the width that the screen's size gives it."""
    if not wanted or screen_width < TINY_WIDTH:
        return 0
    return max(MIN_TREE_WIDTH, min(wanted, screen_width - MIN_PANE_WIDTH))


class WidthByEdge(LineWidget):
    """A widget whose width follows its right edge; a double click there gives it its own again.

    Attributes:
        fleet: remembers the width.
    """

    fleet: Fleet

    _is_dragged = False
    _has_moved = False

    def fit_width(self) -> None:
        """Take the width that was chosen, as far as the screen has room for it."""
        width = bound_width(self.fleet.tree_width, self.screen.size.width)
        self.styles.width = width or None

    def widen(self, cells: int) -> None:
        """Make the tree wider, or narrower where `cells` is negative."""
        self._choose_width((self.fleet.tree_width or self.size.width) + cells)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the edge."""
        self._has_moved = False
        if self._is_on_edge(event):
            self._is_dragged = True
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the edge along."""
        if self._is_dragged and event.x != self.size.width - 1:
            self._has_moved = True
            self._choose_width(event.x + 1)

    def on_mouse_up(self) -> None:
        """Let go of the edge."""
        if self._is_dragged:
            self._is_dragged = False
            self.release_mouse()

    def takes_click(self, event: events.Click) -> bool:
        """Return whether a click was one on the edge, or ended its drag."""
        if not self._is_on_edge(event):
            return self._has_moved
        if event.chain > 1:
            self.fleet.tree_width = 0
            self.fit_width()
        return True

    def _is_on_edge(self, event: events.MouseEvent) -> bool:
        has_edge = self.screen.size.width >= TINY_WIDTH
        return has_edge and event.x == self.size.width - 1

    def _choose_width(self, width: int) -> None:
        self.fleet.tree_width = bound_width(width, self.screen.size.width)
        self.fit_width()
