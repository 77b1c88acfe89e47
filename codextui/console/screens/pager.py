"""The pager, which shows an item of a transcript whole."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.items import TranscriptItem, TurnEnd, TurnStart
from codextui.console.model.transcript import Transcript
from codextui.console.render.items import RenderedItem
from codextui.console.render.layout import WHOLE
from codextui.console.render.palette import Palette
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.text.sanitize import one_line

REDRAW_INTERVAL = 1.0
"""Seconds between redraws of an item that still grows."""

MAX_DRAWING = 20
"""Times that drawing an item took which have to pass before it is drawn again."""


class PagerScreen(ModalScreen[None]):
    """Shows an item whole, and the ones before and after it on request."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,o,q", "close", "Close", id="pager.close"),
        Binding("n,right", "step(1)", "Next item", id="pager.next"),
        Binding("p,left", "step(-1)", "Previous item", id="pager.previous"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="pager.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="pager.up"),
        Binding("G", "end", "To the end", show=False, id="pager.end"),
    ]

    def __init__(self, handle: str, transcript: Transcript, item: TranscriptItem) -> None:
        """Show an item of the transcript of the thread with this handle."""
        super().__init__(classes="pager")
        self._handle = handle
        self._transcript = transcript
        self._item = item
        self._drawn_version = item.version
        self._drawn_at = self._drawing_time = 0.0

    def compose(self) -> ComposeResult:
        """Yield the title, the item, and the scroll position."""
        with Vertical(classes="dialog"):
            yield Static(self._title(), classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield Static(id="position", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Follow the changes of the item."""
        self.set_interval(REDRAW_INTERVAL, self._redraw_if_changed)

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show the scroll position."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        keys = "↑ ↓ space scroll   n p other items   esc close"
        self.query_one("#position", Static).update(f"{place}   {keys}")

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)

    def action_step(self, step: int) -> None:
        """Show the next or the previous item."""
        items = self._items()
        at = next((i for i, one in enumerate(items) if one.ordinal >= self._item.ordinal), 0)
        if 0 <= at + step < len(items):
            self._item = items[at + step]
            self._drawn_version = self._item.version
            self.query_one(".dialog-title", Static).update(self._title())
            self.query_one(StripView).show(self._render_rows)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def action_end(self) -> None:
        """Scroll to the last row."""
        self.query_one(StripView).action_scroll_end()

    def _redraw_if_changed(self) -> None:
        """Redraw an item that grows, the more seldom the longer that takes."""
        rest = time.monotonic() - self._drawn_at
        if self._item.version != self._drawn_version and rest > MAX_DRAWING * self._drawing_time:
            self._drawn_version = self._item.version
            self.query_one(StripView).redraw()

    def _items(self) -> list[TranscriptItem]:
        """Return the items that have a content of their own."""
        items = self._transcript.items
        return [one for one in items if not isinstance(one.content, TurnStart | TurnEnd)]

    def _title(self) -> str:
        items = self._items()
        at = sum(one.ordinal <= self._item.ordinal for one in items)
        return f"{one_line(self._handle, 60)}: item {at} of {len(items)}"

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        started = time.monotonic()
        rows = RenderedItem(self._item, width, palette, WHOLE).rows
        self._drawn_at = time.monotonic()
        self._drawing_time = self._drawn_at - started
        return rows or wrap_text(Text("Nothing yet."), width, palette.muted)
