"""The screen that shows why nothing can start, and what to type."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.console.bindings import format_keys
from codextui.console.widgets.dialog_keys import DialogKeys
from codextui.text.sanitize import one_line, sanitize

ProblemAnswer = Literal["retry", "demo", "quit"]
"""What the user wants to do about a problem."""


class Problem(msgspec.Struct, frozen=True):
    """A problem that stops everything.

    Attributes:
        title: a few words.
        message: the whole error message.
        commands: shell commands that may solve it.
        can_retry: whether trying again without a restart can help.
        has_demo: whether the demo, which needs no account, is offered meanwhile.
    """

    title: str
    message: str
    commands: tuple[str, ...] = ()
    can_retry: bool = True
    has_demo: bool = False


class ProblemScreen(ModalScreen[ProblemAnswer | None]):
    """Shows a problem and what to type; `r` retries, `d` shows the demo, `q` quits, `esc` closes.

    Any other key is told what the keys are.
    """

    CSS_PATH: ClassVar = ["dialog.tcss", "problem.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "answer('retry')", "Try again", id="trouble.retry"),
        Binding("d", "answer('demo')", "Leave, and show the demo", id="trouble.demo"),
        Binding("q", "answer('quit')", "Quit", id="trouble.quit"),
        Binding("escape", "close", "Close, and look around", id="trouble.close"),
    ]

    def __init__(self, problem: Problem) -> None:
        """Show a problem."""
        super().__init__()
        self._problem = problem
        self._is_solved = False

    def compose(self) -> ComposeResult:
        """Yield the problem, the commands, and the keys."""
        problem = self._problem
        with Vertical(classes="dialog"):
            yield Static(sanitize(problem.title), classes="dialog-title", markup=False)
            with VerticalScroll(id="story"):
                yield Static(sanitize(problem.message), markup=False)
            if problem.commands:
                yield Static("What to type:", classes="dialog-quiet", markup=False)
                for command in problem.commands:
                    yield Static(f"$ {sanitize(command)}", classes="command", markup=False)
            keys = "   ".join(self._answers().values())
            yield DialogKeys(f"{keys}   esc close")

    def _answers(self) -> dict[ProblemAnswer, str]:
        """Return the answers that can be given now, each with its key."""
        answers: dict[ProblemAnswer, str] = {}
        if self._problem.can_retry:
            answers["retry"] = "r try again"
        if self._problem.has_demo:
            answers["demo"] = "d demo, without an account"
        return answers | {"quit": "q quit"}

    def on_key(self, event: events.Key) -> None:
        """Say of a key that is bound to nothing here that it does nothing."""
        if event.key not in self.active_bindings:
            shown = one_line(format_keys(event.key), 20)
            self.query_one(DialogKeys).explain(f"{shown} does nothing here.")

    def action_answer(self, answer: ProblemAnswer) -> None:
        """Close with an answer, if it is one."""
        if self.is_active and answer in self._answers():
            self.dismiss(answer)

    def action_close(self) -> None:
        """Close without an answer; the header goes on telling the problem."""
        if self.is_active:
            self.dismiss(None)

    def dismiss_when_active(self) -> None:
        """Close without an answer, now or once no other screen is above this one."""
        self._is_solved = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Close, if the problem was solved while another screen was above this one."""
        if self._is_solved and self.is_active:
            self._is_solved = False
            self.dismiss()
