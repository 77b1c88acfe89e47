"""The screen that shows the gates of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.run import RunView
from codextui.console.render.gates import gates_title, render_gates
from codextui.console.render.palette import Palette
from codextui.console.screens.picture import PictureActions
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.console.widgets.strip_view import StripView, wrap_text
from codextui.protocol.runs import Gate
from codextui.text.sanitize import one_line

UPDATE_INTERVAL = 0.25
"""Seconds between updates."""

NO_GATES = (
    "This run has told of no gates. A role's `requires` and `produces` in its team's "
    "configuration are what they are made from."
)


class GatesScreen(ModalScreen[None], PictureActions):
    """Shows all gates of a run, and follows their changes."""

    CSS_PATH: ClassVar = ["dialog.tcss", "gates.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,g,q", "close", "Close", id="gates.close"),
        Binding("s", "save_picture", "Save a picture (SVG)", id="gates.save"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="gates.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="gates.up"),
    ]

    def __init__(self, handle: str, run: Callable[[], RunView], now: Callable[[], float]) -> None:
        """Create the screen.

        Args:
            handle: the run's.
            run: returns the run as it is now.
            now: returns unix seconds.
        """
        super().__init__()
        self.picture_name = f"{handle}-gates"
        self._handle = handle
        self._run = run
        self._now = now
        self._shown: tuple[tuple[Gate, ...], int] | None = None

    def compose(self) -> ComposeResult:
        """Yield the title, the gates, and the scroll position."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield StripView(self._render_rows, id="body")
            yield DialogKeys(id="keys")

    def on_mount(self) -> None:
        """Start the timer of the updates."""
        self.set_interval(UPDATE_INTERVAL, self._update)
        self._update()

    def on_strip_view_scrolled(self, event: StripView.Scrolled) -> None:
        """Show the scroll position."""
        keys = "↑ ↓ space scroll   s save a picture   esc close"
        if event.total > event.last - event.first + 1:
            keys = f"lines {event.first} to {event.last} of {event.total}   {keys}"
        self.query_one("#keys", Static).update(keys)

    def action_close(self) -> None:
        """Close the screen."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def _update(self) -> None:
        """Render again if a gate changed or a second has passed."""
        gates = self._run().gates
        current = (gates, int(self._now()))
        if current == self._shown:
            return
        self._shown = current
        count = gates_title(gates) if gates else "no gates"
        self.query_one("#title", Static).update(f"{one_line(self._handle, 60)}: {count}")
        self.query_one(StripView).redraw()

    def _render_rows(self, width: int, palette: Palette) -> list[Strip]:
        gates = self._run().gates
        if not gates:
            return wrap_text(Text(NO_GATES), width, palette.muted)
        return render_gates(gates, width, palette, now=self._now())
