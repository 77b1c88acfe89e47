"""The screen that shows why nothing can start, and what to type."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from codextui.text.sanitize import sanitize

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


class ProblemScreen(ModalScreen[ProblemAnswer]):
    """Shows a problem and what to type; `r` retries, `d` shows the demo, `q` quits."""

    CSS_PATH: ClassVar = ["dialog.tcss", "problem.tcss"]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "answer('retry')", "Try again", id="trouble.retry"),
        Binding("d", "answer('demo')", "Leave, and show the demo", id="trouble.demo"),
        Binding("q", "answer('quit')", "Quit", id="trouble.quit"),
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
            retry = "r try again   " if problem.can_retry else ""
            demo = "d demo, without an account   " if problem.has_demo else ""
            yield Static(f"{retry}{demo}q quit", classes="dialog-keys", markup=False)

    def action_answer(self, answer: ProblemAnswer) -> None:
        """Close with an answer, if it is one."""
        problem = self._problem
        answers = {"retry": problem.can_retry, "demo": problem.has_demo, "quit": True}
        if self.is_active and answers[answer]:
            self.dismiss(answer)

    def dismiss_when_active(self) -> None:
        """Close without an answer, now or once no other screen is above this one."""
        self._is_solved = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Close, if the problem was solved while another screen was above this one."""
        if self._is_solved and self.is_active:
            self._is_solved = False
            self.dismiss()
