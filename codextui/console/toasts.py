"""The toasts of the console: few at a time, none twice, and none over a dialog."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from codextui.console.programs import ProgramsApp
from codextui.console.render.layout import truncate

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

MAX_TOASTS = 3
"""Toasts on the screen at a time; the oldest make room."""

MAX_TOAST_LENGTH = 240
"""Cells of a toast's text."""


class ToastsApp(ProgramsApp):
    """Shows toasts as `Toasts` lets it."""

    def __init__(self, typing_pause: float) -> None:
        """Create an app; see `KeyDispatchingApp`."""
        super().__init__(typing_pause)
        self._toasts = Toasts(withdraw=self._withdraw_toasts, may_show=self._may_show_toasts)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast when `Toasts` lets it."""
        message = truncate(message, MAX_TOAST_LENGTH)
        toast = partial(
            super().notify, message, title=title, severity=severity, timeout=timeout, markup=markup
        )
        shown_for = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self._toasts.add(message, toast, shown_for)

    def _withdraw_toasts(self, max_left: int) -> set[str]:
        """Remove the oldest toasts from the screen; return the texts that are left."""
        toasts = list(self._notifications)
        for toast in toasts[: max(0, len(toasts) - max_left)]:
            self._unnotify(toast)
        return {toast.message for toast in self._notifications}

    def _may_show_toasts(self) -> bool:
        # The stack is empty while the app ends, when a toast may still wait.
        shown = bool(self.screen_stack) and self.screen is self.main
        return shown and not self._is_aside


class Toasts:
    """Shows each text once at a time, few toasts together, and none over a dialog.

    A toast that comes while a dialog is open waits, as it would cover what needs the user.
    """

    def __init__(
        self, *, withdraw: Callable[[int], set[str]], may_show: Callable[[], bool]
    ) -> None:
        """Create the toasts of an app.

        Args:
            withdraw: removes the oldest toasts until so many are left, and returns their texts.
            may_show: returns whether a toast covers nothing that needs the user.
        """
        self._withdraw = withdraw
        self._may_show = may_show
        self._shown_until: dict[str, float] = {}
        self._waiting: dict[str, Callable[[], None]] = {}

    def add(self, text: str, show: Callable[[], None], seconds: float) -> None:
        """Show a toast for some seconds, now or once the dialog is closed."""
        if not self._may_show():
            self._waiting[text] = show
            for oldest in list(self._waiting)[:-MAX_TOASTS]:
                del self._waiting[oldest]
        elif time.monotonic() >= self._shown_until.get(text, 0):
            left = self._withdraw(MAX_TOASTS - 1)
            self._shown_until = {one: t for one, t in self._shown_until.items() if one in left}
            self._shown_until[text] = time.monotonic() + seconds
            show()

    def show_waiting(self) -> None:
        """Show the toasts that waited for a dialog to close."""
        if self._waiting and self._may_show():
            for show in self._waiting.values():
                show()
            self._waiting.clear()
