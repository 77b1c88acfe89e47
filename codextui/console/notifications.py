"""Alerts a user who is not looking: the bell, notices of the server, and when toasts are shown."""

from __future__ import annotations

import time
from collections.abc import Callable

from codextui.console.model.state import ConsoleState, ServerNotice
from codextui.protocol.threads import ThreadState

MAX_TOASTS = 3
"""Toasts on the screen at a time; the oldest make room."""

MAX_TOAST_LENGTH = 240
"""Cells of a toast's text."""


class Notifier:
    """Rings once for each failed thread of ours, and shows each notice once.

    A warning in the same words, as every new server sends it, is not shown again. Notices from
    before the console connected are not shown.
    """

    def __init__(
        self,
        state: ConsoleState,
        *,
        ring: Callable[[], None],
        notify: Callable[[ServerNotice], None],
    ) -> None:
        """Create a notifier that rings by `ring` and shows notices by `notify`."""
        self._state = state
        self._ring = ring
        self._notify = notify
        self._rung_for: set[str] = set()
        self._shown: set[str] = set()
        self._seen_until = 0.0

    def mark_seen(self) -> None:
        """Treat every notice so far as seen."""
        self._seen_until = max([self._seen_until, *(n.at for n in self._state.notices)])

    def update(self) -> None:
        """Ring for new failures, and show new notices."""
        attention = self._failed_threads()
        if attention - self._rung_for:
            self._ring()
        self._rung_for = attention
        for notice in self._state.notices:
            is_repeated = notice.severity != "error" and notice.text in self._shown
            if notice.at > self._seen_until and not is_repeated:
                self._shown.add(notice.text)
                self._notify(notice)
        self.mark_seen()

    def _failed_threads(self) -> set[str]:
        threads = self._state.threads.values()
        failed = (v for v in threads if v.info.ours and v.info.state is ThreadState.FAILED)
        return {view.thread_id for view in failed}


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
