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
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.text.sanitize import one_line


class DiffScreen(ModalScreen[None]):
    """Shows a unified diff."""

    CSS_PATH: ClassVar = ["dialog.tcss", "diff.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d,q", "close", "Close", id="diff.close"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="diff.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="diff.up"),
    ]

    def __init__(self, title: str, diff: str) -> None:
        """Show a unified diff, which may be empty, under a title."""
        super().__init__()
        self._title = title
        self._diff = diff

    def compose(self) -> ComposeResult:
        """Yield the title, the diff, and the scroll position."""
        with Vertical(classes="dialog"):
            yield Static(one_line(self._title, 200), classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield Static(id="position", classes="dialog-keys", markup=False)

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show the scroll position."""
        place = f"lines {event.first} to {event.last} of {event.total}"
        self.query_one("#position", Static).update(f"{place}   ↑ ↓ space scroll   esc close")

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        if not self._diff.strip():
            return wrap_text(Text("No file was changed."), width, palette.muted)
        return render_unified_diff(self._diff, width, palette)
