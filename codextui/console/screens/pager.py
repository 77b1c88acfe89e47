"""The pager, which shows an item of a transcript whole."""

from __future__ import annotations

import asyncio
import copy
import gc
import time
from collections.abc import Sequence
from typing import ClassVar

from msgspec import structs
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.item_text import item_parts
from codextui.console.model.items import (
    AgentMessage,
    CommandExecution,
    FileChanges,
    GrowingText,
    PlanText,
    Reasoning,
    Remark,
    ToolCall,
    TranscriptItem,
    TurnEnd,
    TurnStart,
    UserMessage,
)
from codextui.console.model.transcript import Transcript
from codextui.console.render.items import RenderedItem
from codextui.console.render.layout import WHOLE
from codextui.console.render.long_item import PiecedRows, item_pieces
from codextui.console.render.palette import Palette
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.text.sanitize import one_line

REDRAW_INTERVAL = 1.0
"""Seconds between redraws of an item that still grows."""

MAX_DRAWING = 20
"""Times that drawing an item took which have to pass before it is drawn again."""


LARGE = 30_000
"""Characters of an item from which it is laid out off the event loop."""

_FIRST_LENGTH = 8_000
"""Characters of a large item that are shown at once."""

_FIRST_ROWS = 200
"""Rows of a large item that are shown at once."""


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
        Binding("y", "copy", "Copy the item", id="pager.copy"),
    ]

    def __init__(
        self, handle: str, transcript: Transcript, item: TranscriptItem, *, large: int = LARGE
    ) -> None:
        """Show an item of the transcript of the thread with this handle.

        Args:
            handle: the thread's.
            transcript: the thread's.
            item: the item.
            large: characters from which an item is laid out off the event loop.
        """
        super().__init__(classes="pager")
        self._handle = handle
        self._transcript = transcript
        self._item = item
        self._drawn_version = item.version
        self._drawn_at = self._drawing_time = 0.0
        self._large = large
        self._whole: Sequence[Strip] = []
        self._whole_of = -1
        self._laid_out: tuple[int, int, Palette] | None = None
        self._laying_out: tuple[int, int, Palette] | None = None
        self._wants_end = False

    def compose(self) -> ComposeResult:
        """Yield the title, the item, and the scroll position."""
        with Vertical(classes="dialog"):
            yield Static(self._title(), classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield DialogKeys(id="position")

    def on_mount(self) -> None:
        """Follow the changes of the item."""
        self.set_interval(REDRAW_INTERVAL, self._redraw_if_changed)

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show the scroll position."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        keys = "↑ ↓ space scroll   n p other items   y copy   esc close"
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
            self._wants_end = False
            self.query_one(".dialog-title", Static).update(self._title())
            self.query_one(StripView).show(self._render_rows)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self._wants_end = False
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def action_end(self) -> None:
        """Scroll to the last row, also while it is being laid out."""
        self._wants_end = self._item.size > self._large
        self.query_one(StripView).action_scroll_end()

    def action_copy(self) -> None:
        """Copy the item whole."""
        parts = item_parts(self._item.content)
        if parts:
            self.app.copy_to_clipboard(parts[0].text)

    def _redraw_if_changed(self) -> None:
        """Redraw an item that grows, the more seldom the longer that takes."""
        rest = time.monotonic() - self._drawn_at
        if self._item.version != self._drawn_version and rest > MAX_DRAWING * self._drawing_time:
            self._drawn_version, self._laid_out = self._item.version, None
            self.query_one(StripView).redraw()

    def _items(self) -> list[TranscriptItem]:
        """Return the items that have a content of their own."""
        items = self._transcript.items
        return [one for one in items if not isinstance(one.content, TurnStart | TurnEnd)]

    def _title(self) -> str:
        items = self._items()
        at = sum(one.ordinal <= self._item.ordinal for one in items)
        return f"{one_line(self._handle, 60)}: item {at} of {len(items)}"

    # Laying out. What is large is laid out in a thread; its beginning is shown meanwhile.

    def _render_rows(self, width: int, palette: Palette) -> Sequence[Strip]:
        started = time.monotonic()
        rows: Sequence[Strip]
        if self._item.size <= self._large:
            rows = RenderedItem(self._item, width, palette, WHOLE).rows
        elif self._is_laid_out_for(width, palette):
            return self._whole
        else:
            self._lay_out_in_thread(width, palette)
            rows = self._whole or self._render_beginning(width, palette)
        self._drawn_at = time.monotonic()
        self._drawing_time = self._drawn_at - started
        return rows or wrap_text(Text("Nothing yet."), width, palette.muted)

    @staticmethod
    def _lay_out(item: TranscriptItem, width: int, palette: Palette) -> Sequence[Strip]:
        is_collecting = gc.isenabled()
        gc.disable()  # what is laid out here and dropped would make it stop everything
        try:
            return PiecedRows(item_pieces(item, width, palette))
        finally:
            if is_collecting:
                gc.enable()

    def _is_laid_out_for(self, width: int, palette: Palette) -> bool:
        return self._laid_out == (self._item.ordinal, width, palette)

    def _render_beginning(self, width: int, palette: Palette) -> list[Strip]:
        rows = RenderedItem(beginning_of(self._item), width, palette, WHOLE).rows
        note = wrap_text(Text("… the rest is being laid out"), width, palette.muted)
        return [*rows[:_FIRST_ROWS], *note]

    def _lay_out_in_thread(self, width: int, palette: Palette) -> None:
        layout = (self._item.ordinal, width, palette)
        if layout == self._laying_out:
            return
        if self._whole_of != self._item.ordinal:
            self._whole = []  # of another item
        self._laying_out, self._whole_of = layout, self._item.ordinal
        item = copy_of(self._item)
        work = self._show_whole(item, width, palette)
        self.run_worker(work, group="layout", exclusive=True, exit_on_error=False)

    async def _show_whole(self, item: TranscriptItem, width: int, palette: Palette) -> None:
        started = time.monotonic()
        rows = await asyncio.to_thread(self._lay_out, item, width, palette)
        self._drawn_at = time.monotonic()
        self._drawing_time = self._drawn_at - started
        self._drawn_version = item.version
        self._laid_out, self._laying_out = (item.ordinal, width, palette), None
        self._whole = rows
        self.query_one(StripView).redraw()
        if self._wants_end:
            self.call_after_refresh(self.action_end)


def copy_of(item: TranscriptItem) -> TranscriptItem:
    """Return an item that no event changes, for another thread."""
    return structs.replace(item, content=copy.deepcopy(item.content))


def beginning_of(item: TranscriptItem, length: int = _FIRST_LENGTH) -> TranscriptItem:
    """Return an item with the first `length` characters of its texts."""
    content = item.content
    match content:
        case AgentMessage(text):
            content = AgentMessage(GrowingText(text.text[:length]))
        case PlanText(text):
            content = PlanText(GrowingText(text.text[:length]))
        case Reasoning(summary, raw):
            parts = [GrowingText(part.text[:length]) for part in (summary or raw)[:1]]
            content = Reasoning(parts)
        case CommandExecution():
            output = GrowingText(content.output.text[:length])
            content = structs.replace(content, command=content.command[:length], output=output)
        case FileChanges(changes):
            first = tuple(structs.replace(one, diff=one.diff[:length]) for one in changes[:1])
            content = structs.replace(content, changes=first)
        case UserMessage(text=words):
            content = structs.replace(content, text=words[:length])
        case ToolCall(result=str(result)):
            content = structs.replace(content, result=result[:length])
        case _:
            content = Remark("")
    return structs.replace(item, content=content)
