"""The screen that shows the diff of a turn."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.render.diff import render_unified_diff
from codextui.console.render.palette import Palette
from codextui.console.widgets.strip_view import StripView, text_rows
from codextui.text.sanitize import one_line


class DiffScreen(ModalScreen[None]):
    """A unified diff, scrollable."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,q", "close", "Close", id="diff.close"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="diff.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="diff.up"),
    ]

    def __init__(self, title: str, diff: str) -> None:
        """Take the heading and the unified diff; an empty one is shown as such."""
        super().__init__()
        self._title = title
        self._diff = diff

    def compose(self) -> ComposeResult:
        """The heading, the diff, where the reader is."""
        with Vertical(classes="dialog"):
            yield Static(one_line(self._title, 200), classes="dialog-title", markup=False)
            yield StripView(self._draw, id="body")
            yield Static(id="position", classes="dialog-keys", markup=False)

    def on_strip_view_moved(self, event: StripView.Moved) -> None:
        """Say where the reader is."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        self.query_one("#position", Static).update(f"{place}   ↑ ↓ space scroll   esc close")

    def action_close(self) -> None:
        """Back to where it was opened."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def _draw(self, width: int, palette: Palette) -> list[Strip]:
        if not self._diff.strip():
            return text_rows(Text("No file was changed."), width, palette.muted)
        return render_unified_diff(self._diff, width, palette)
