"""What a person hears of without looking: the bell, and notices about the whole server."""

from __future__ import annotations

from collections.abc import Callable

from codextui.console.model.state import ConsoleState, ServerNotice
from codextui.protocol.threads import ThreadState


class Notifications:
    """Rings once for each approval and each failure, and tells each notice once.

    What was there when the console attached is on the screen, and not told again.
    """

    def __init__(
        self, board: ConsoleState, *, ring: Callable[[], None], tell: Callable[[ServerNotice], None]
    ):
        """Take what to look at, what rings, and what tells a notice."""
        self._board = board
        self._ring = ring
        self._tell = tell
        self._rung_for: set[str] = set()
        self._told_until = 0.0

    def catch_up(self) -> None:
        """The past has been told: its notices are old."""
        self._told_until = max([self._told_until, *(n.at for n in self._board.notices)])

    def look(self) -> None:
        """Ring and tell what is new."""
        needs = self._failed() | self._board.approvals.keys()
        if needs - self._rung_for:
            self._ring()
        self._rung_for = needs
        for notice in self._board.notices:
            if notice.at > self._told_until:
                self._tell(notice)
        self.catch_up()

    def _failed(self) -> set[str]:
        threads = self._board.threads.values()
        return {view.thread_id for view in threads if view.info.state is ThreadState.FAILED}
