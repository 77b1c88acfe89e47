"""The dialog that confirms what cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from codextui.console.widgets.dialog_keys import DialogKeys, bound_keys
from codextui.text.sanitize import sanitize


class ConfirmScreen(ModalScreen[bool]):
    """Asks a question; returns true only for yes. No has the focus, and esc answers it."""

    CSS_PATH: ClassVar = ["dialog.tcss", "confirm.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding(
            "left,right,j,k", "app.focus_next", "The other choice", show=False, id="confirm.other"
        ),
    ]

    def __init__(self, title: str, message: str, *, yes: str, no: str = "Cancel") -> None:
        """Create the dialog.

        Args:
            title: the question.
            message: what would happen.
            yes: the label of yes.
            no: the label of no.
        """
        super().__init__()
        self._title = title
        self._message = message
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """Yield the question and the choices, no first."""
        with Vertical(classes="dialog"):
            yield Static(sanitize(self._title), classes="dialog-title", markup=False)
            yield Static(sanitize(self._message), id="message", markup=False)
            with Horizontal(id="choices"):
                bound = bound_keys(self)
                yield Button(f"{bound.get('n', 'n')}  {self._no}", id="no", compact=True)
                yield Button(f"{bound.get('y', 'y')}  {self._yes}", id="yes", compact=True)
            yield DialogKeys()

    def on_mount(self) -> None:
        """Focus no, so that enter is safe."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Close with an answer."""
        if self.is_active:
            self.dismiss(answer)
