"""The dialog that shows what was found on this machine, and how to begin."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.console.model.findings import Finding
from codextui.console.render.findings import DEFAULT_WIDTH, render_findings
from codextui.console.render.palette import palette_from
from codextui.console.widgets.dialog_keys import DialogKeys

FirstStep = Literal["new", "demo", "history"]
"""What the user wants to begin with."""


class FirstStepsScreen(ModalScreen[FirstStep | None]):
    """Returns what to begin with, or None to go on."""

    CSS_PATH: ClassVar = ["dialog.tcss", "first_steps.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "begin('new')", "Start a thread", id="first.new"),
        Binding("d", "begin('demo')", "Leave, and show the demo", id="first.demo"),
        Binding("H", "begin('history')", "Continue a thread of Codex's", id="first.history"),
        Binding("escape,enter,q", "close", "Go on", id="first.close"),
    ]

    def __init__(self) -> None:
        """Create the dialog; what is found is shown by `show`."""
        super().__init__()
        self._findings: tuple[Finding, ...] | None = None

    def compose(self) -> ComposeResult:
        """Yield the findings and the choices."""
        with Vertical(classes="dialog"):
            yield Static("What this machine has", classes="dialog-title", markup=False)
            with VerticalScroll():
                yield Static("looking …", id="findings", markup=False)
            keys = "n new thread   d demo, without a key   H continue a thread   esc go on"
            yield DialogKeys(keys)

    def show(self, findings: tuple[Finding, ...]) -> None:
        """Show what was found."""
        self._findings = findings
        if self.is_mounted:
            self._draw()

    def on_mount(self) -> None:
        """Draw what was found before the dialog was there, and follow changes of the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._draw())
        self._draw()

    def _draw(self) -> None:
        if self._findings is not None:
            palette = palette_from(self.app.theme_variables, surface="surface")
            width = min(DEFAULT_WIDTH, self.size.width - 6)
            findings = render_findings(self._findings, palette, width)
            self.query_one("#findings", Static).update(findings)

    def action_begin(self, step: FirstStep) -> None:
        """Close with what to begin with."""
        if self.is_active:
            self.dismiss(step)

    def action_close(self) -> None:
        """Close, and go on."""
        if self.is_active:
            self.dismiss(None)
