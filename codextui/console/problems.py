"""What is in the way of everything: shown above everything, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from textual.app import App

if TYPE_CHECKING:
    from codextui.console.screens.trouble import Trouble, TroubleScreen

Answer = Literal["retry", "quit"]
"""What a person says to a trouble."""


class ProblemPresenter:
    """Puts a trouble on the screen, and takes it away when it is over."""

    def __init__(self, app: App[int], on_answer: Callable[[Answer], None]) -> None:
        """Take the app, and who hears what the person says."""
        self._app = app
        self._on_answer = on_answer
        self._screen: TroubleScreen | None = None
        self._shown: Trouble | None = None

    def show(self, trouble: Trouble) -> None:
        """Put a trouble on the screen, instead of the one that is there."""
        from codextui.console.screens.trouble import TroubleScreen  # noqa: PLC0415

        if trouble == self._shown:
            return
        self.clear()
        self._shown = trouble
        self._screen = TroubleScreen(trouble)
        self._app.push_screen(self._screen, self._answered)

    def clear(self) -> None:
        """Take it away: it is over."""
        screen, self._screen, self._shown = self._screen, None, None
        if screen is not None:
            screen.withdraw()

    def _answered(self, answer: Answer | None) -> None:
        if answer is not None:
            self._screen = self._shown = None
            self._on_answer(answer)


def unreachable(server: str, reason: str) -> Trouble:
    """The shared server can be neither reached nor started."""
    from codextui.console.screens.trouble import Trouble  # noqa: PLC0415 - not before the first frame

    return Trouble(
        title="The shared server is out of reach",
        message=reason,
        commands=(f"codextui -L {server} serve",),
    )


def codex_unusable(problem: str) -> Trouble:
    """The server runs, but Codex does not."""
    from codextui.console.screens.trouble import Trouble  # noqa: PLC0415 - not before the first frame

    return Trouble(title="Codex cannot be used", message=problem)
