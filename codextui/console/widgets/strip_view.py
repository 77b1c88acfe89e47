"""A scrollable view of rendered rows, such as a diff, a command or a list of keys."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.errors import NoWidget
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codextui.console.render.lazy_rows import JoinedRows
from codextui.console.render.palette import Palette, palette_from

DrawRows = Callable[[int, Palette], Sequence[Strip]]
"""Renders all rows for a width in cells; no row may be wider.

Whether rows were seen is counted for a list and for `JoinedRows`, not for others.
"""

_CONSOLE = Console(file=io.StringIO(), width=80, color_system="truecolor", markup=False)
"""Measures and wraps text; nothing is printed on it."""


class StripView(ScrollView, can_focus=True):
    """Renders its rows once per width and theme, and scrolls through them."""

    DEFAULT_CSS = """
    StripView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up a line", show=False, id="reader.up"),
        Binding("down", "scroll_down", "Down a line", show=False, id="reader.down"),
        Binding("pageup", "page_up", "Up a page", show=False, id="reader.page_up"),
        Binding("pagedown,space", "page_down", "Down a page", show=False, id="reader.page_down"),
        Binding("home", "scroll_home", "To the beginning", show=False, id="reader.home"),
        Binding("end", "scroll_end", "To the end", show=False, id="reader.end"),
    ]

    class Scrolled(Message):
        """Rows `first` to `last` of `total` are visible, counted from 1."""

        def __init__(self, first: int, last: int, total: int) -> None:
            super().__init__()
            self.first = first
            self.last = last
            self.total = total

    def __init__(self, draw: DrawRows, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Show the rows that `draw` renders."""
        super().__init__(id=id)
        self._draw = draw
        self._rows: Sequence[Strip] = []
        self._unseen: set[int] = set()
        self._is_settled = True
        self._width = 0

    @property
    def row_count(self) -> int:
        """The number of rows at the current width."""
        return len(self._rows)

    @property
    def unseen_count(self) -> int:
        """The number of rows that were never on the screen since they were rendered."""
        return len(self._unseen)

    @property
    def is_seen(self) -> bool:
        """Whether there are rows, and each was on the screen."""
        return bool(self._rows) and not self._unseen

    def show(self, draw: DrawRows, *, is_settled: bool = True) -> None:
        """Show other rows from the start.

        Args:
            draw: renders the rows.
            is_settled: whether rows count as seen before `settle` is called.
        """
        self._draw = draw
        self._is_settled = is_settled
        self._rows = []
        self.redraw()
        self.scroll_to(y=0, animate=False, force=True)

    def settle(self) -> None:
        """Count rows as seen from now on: the view has its final place and size."""
        if not self._is_settled:
            self._is_settled = True
            self._post_scrolled()

    def redraw(self) -> None:
        """Render the rows again, and keep the scroll position.

        Other rows, as at another width, count as unseen again.
        """
        self._width = self.scrollable_content_region.width
        if self._width <= 0:
            return
        palette = palette_from(self.app.theme_variables, surface="surface")
        before = _content(self._rows)
        self._rows = self._draw(self._width, palette)
        content = _content(self._rows)
        if content is None:
            self._unseen = set()
        elif before != content:
            self._unseen = set(range(len(self._rows)))
        self.virtual_size = Size(self._width, len(self._rows))
        self.refresh()
        self.call_after_refresh(self._post_scrolled)

    def on_mount(self) -> None:
        """Follow changes of the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.redraw())

    def on_resize(self) -> None:
        """Render again if the width changed."""
        if self.scrollable_content_region.width != self._width:
            self.redraw()
        self._post_scrolled()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Post the visible rows."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._post_scrolled()

    def render_line(self, y: int) -> Strip:
        """Render the line at `y` of the widget."""
        row = self.scroll_offset.y + y
        strip = self._rows[row] if row < len(self._rows) else Strip.blank(0, self.rich_style)
        return strip.adjust_cell_length(self.size.width, self.rich_style)

    def action_scroll_up(self) -> None:
        """Scroll up a line, without animation."""
        self.scroll_relative(y=-1, animate=False)

    def action_scroll_down(self) -> None:
        """Scroll down a line, without animation."""
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        """Scroll up a page, less one row of overlap."""
        self.scroll_relative(y=-max(1, self.size.height - 1), animate=False)

    def action_page_down(self) -> None:
        """Scroll down a page, less one row of overlap."""
        self.scroll_relative(y=max(1, self.size.height - 1), animate=False)

    def action_scroll_home(self) -> None:
        """Scroll to the first row."""
        self.scroll_to(y=0, animate=False)

    def action_scroll_end(self) -> None:
        """Scroll to the last row."""
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def _post_scrolled(self) -> None:
        total = len(self._rows)
        above, height = self._visible_lines()
        first = min(self.scroll_offset.y + above + 1, total)
        last = min(self.scroll_offset.y + above + height, total)
        if self._is_settled and self.screen.is_current:
            self._unseen.difference_update(range(first - 1, last))
        self.post_message(self.Scrolled(first, last, total))

    def _visible_lines(self) -> tuple[int, int]:
        """Return how many of the widget's lines are cut off above, and how many are visible."""
        try:
            place = self.screen.find_widget(self)
        except NoWidget:
            return 0, 0
        visible = place.visible_region
        return visible.y - place.region.y, visible.height


def _content(rows: Sequence[Strip]) -> object:
    """Return what is the same for rows of the same text; None for rows that are not counted."""
    if isinstance(rows, JoinedRows):
        return rows.content
    return [strip.text for strip in rows] if isinstance(rows, list) else None


def wrap_text(text: Text, width: int, style: Style) -> list[Strip]:
    """Wrap text into rows, and break words that are too long.

    Args:
        text: sanitized text.
        width: width of the rows in cells.
        style: the base of the text's own styles.
    """
    rows: list[Strip] = []
    for line in text.wrap(_CONSOLE, width, overflow="fold"):
        segments = Segment.apply_style(line.render(_CONSOLE, end=""), style)
        rows.append(Strip(segments))
    return rows
