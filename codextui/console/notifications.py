"""Shows what the server reports of itself, and rings for threads of ours that failed."""

from __future__ import annotations

from collections.abc import Callable

from codextui.console.model.state import ConsoleState, ServerNotice
from codextui.protocol.threads import ThreadState


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
