"""The screen that says why nothing can start, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.text.sanitize import sanitize


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong.

    Attributes:
        title: a few words.
        message: the whole story, as the error tells it.
        commands: what to type, each a line for the shell.
        can_retry: whether trying again without a restart can help.
    """

    title: str
    message: str
    commands: tuple[str, ...] = ()
    can_retry: bool = True


class TroubleScreen(ModalScreen[Literal["retry", "quit"]]):
    """Says what is wrong and what to type; `r` retries, `q` quits."""

    CSS_PATH: ClassVar = ["dialog.tcss", "trouble.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "answer('retry')", "Try again", id="trouble.retry"),
        Binding("q", "answer('quit')", "Quit", id="trouble.quit"),
    ]

    def __init__(self, trouble: Trouble) -> None:
        """Take what to say."""
        super().__init__()
        self._trouble = trouble
        self._is_over = False

    def compose(self) -> ComposeResult:
        """What is wrong, what to type, what the keys do."""
        trouble = self._trouble
        with Vertical(classes="dialog"):
            yield Static(sanitize(trouble.title), classes="dialog-title", markup=False)
            with VerticalScroll(id="story"):
                yield Static(sanitize(trouble.message), markup=False)
            if trouble.commands:
                yield Static("What to type:", classes="dialog-quiet", markup=False)
                for command in trouble.commands:
                    yield Static(f"$ {sanitize(command)}", classes="command", markup=False)
            retry = "r try again   " if trouble.can_retry else ""
            yield Static(f"{retry}q quit", classes="dialog-keys", markup=False)

    def action_answer(self, answer: Literal["retry", "quit"]) -> None:
        """Go away with the answer."""
        if self.is_active and (answer == "quit" or self._trouble.can_retry):
            self.dismiss(answer)

    def withdraw(self) -> None:
        """Go away without an answer: it is over. Waits for a screen over this one to go first."""
        self._is_over = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Go away, where it was over before."""
        if self._is_over and self.is_active:
            self._is_over = False
            self.dismiss()
