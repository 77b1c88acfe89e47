"""Problems that stop everything: shown above all other screens, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from codextui.console.screens.problem import Problem, ProblemAnswer, ProblemScreen


class ProblemPresenter:
    """Shows a problem, and removes it once it is solved."""

    def __init__(self, app: App[int], on_answer: Callable[[ProblemAnswer], None]) -> None:
        """Create a presenter that reports the user's answers to `on_answer`."""
        self._app = app
        self._on_answer = on_answer
        self._screen: ProblemScreen | None = None
        self._shown: Problem | None = None

    def show(self, problem: Problem) -> None:
        """Show a problem in place of the current one, unless it is the one shown last."""
        from codextui.console.screens.problem import ProblemScreen  # noqa: PLC0415

        if problem == self._shown:
            return
        self.clear()
        self._shown = problem
        self._screen = ProblemScreen(problem)
        self._app.push_screen(self._screen, self._handle_answer)

    def clear(self) -> None:
        """Remove the problem, which is solved."""
        screen, self._screen, self._shown = self._screen, None, None
        if screen is not None:
            screen.dismiss_when_active()

    def _handle_answer(self, answer: ProblemAnswer | None) -> None:
        self._screen = None
        if answer is not None:  # else the user has closed it, and it is not shown again
            self._shown = None
            self._on_answer(answer)


def server_unreachable(server: str, reason: str) -> Problem:
    """Describe a shared server that can be neither reached nor started."""
    from codextui.console.screens.problem import Problem  # noqa: PLC0415 - not before the first frame

    return Problem(
        title="The shared server is out of reach",
        message=reason,
        commands=(f"codextui -L {server} serve",),
    )


def codex_unusable(problem: str, *, has_demo: bool = False) -> Problem:
    """Describe a server that runs without a usable Codex."""
    from codextui.console.screens.problem import Problem  # noqa: PLC0415 - not before the first frame

    return Problem(title="Codex cannot be used", message=problem, has_demo=has_demo)
