"""The screen that shows a run's gate board."""

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
from codextui.console.widgets.strip_view import StripView, text_rows
from codextui.protocol.runs import Gate
from codextui.text.sanitize import one_line

LOOK = 0.25
"""Seconds between two looks at how the run stands."""

NO_GATES = (
    "This run has told of no gates. A role's `requires` and `produces` in its team's "
    "configuration are what they are made from."
)


class GatesScreen(ModalScreen[None]):
    """Every gate of a run, brought up to date while it is open."""

    CSS_PATH: ClassVar = ["dialog.tcss", "gates.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,g,q", "close", "Close", id="gates.close"),
        Binding("j", "scroll(1)", "Down a line", show=False, id="gates.down"),
        Binding("k", "scroll(-1)", "Up a line", show=False, id="gates.up"),
    ]

    def __init__(self, handle: str, run: Callable[[], RunView], now: Callable[[], float]) -> None:
        """Take the run's handle, what tells how the run stands, and unix seconds."""
        super().__init__()
        self._handle = handle
        self._run = run
        self._now = now
        self._shown: tuple[tuple[Gate, ...], int] | None = None

    def compose(self) -> ComposeResult:
        """The heading, the board, where the reader is."""
        with Vertical(classes="dialog"):
            yield Static(id="title", classes="dialog-title", markup=False)
            yield StripView(self._draw, id="body")
            yield Static(id="position", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Keep it up to date."""
        self.set_interval(LOOK, self._look)
        self._look()

    def on_strip_view_moved(self, event: StripView.Moved) -> None:
        """Say where the reader is."""
        keys = "↑ ↓ space scroll   esc close"
        if event.total > event.last - event.first + 1:
            keys = f"lines {event.first} to {event.last} of {event.total}   {keys}"
        self.query_one("#position", Static).update(keys)

    def action_close(self) -> None:
        """Back to where it was opened."""
        if self.is_active:
            self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        self.query_one(StripView).scroll_relative(y=rows, animate=False)

    def _look(self) -> None:
        """Draw again where something changed, or a second has passed."""
        gates = self._run().gates
        seen = (gates, int(self._now()))
        if seen == self._shown:
            return
        self._shown = seen
        count = gates_title(gates) if gates else "no gates"
        self.query_one("#title", Static).update(f"{one_line(self._handle, 60)}: {count}")
        self.query_one(StripView).redraw()

    def _draw(self, width: int, palette: Palette) -> list[Strip]:
        gates = self._run().gates
        if not gates:
            return text_rows(Text(NO_GATES), width, palette.muted)
        return render_gates(gates, width, palette, now=self._now())
