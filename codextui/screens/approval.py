"""The dialog that asks a person for a decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from textual.screen import ModalScreen

from codextui.wire.approval import Approval
from codextui.wire.event import ApprovalResolved


class ApprovalScreen(ModalScreen[None]):
    """One approval at a time out of the queue, oldest first.

    Posts `ApprovalDecided` and `ThreadOpened`. It goes away by itself when nothing is left to
    decide, on "later" (esc) and on "open the thread".
    """

    def __init__(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        first: str = "",
        quiet: float = 0.6,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the queue.

        Args:
            approvals: all that are open, oldest first.
            clients: thread id → name of the MCP client that started the thread.
            first: the id of the approval to show first; the oldest where empty or gone.
            quiet: seconds without a keystroke after which decision keys work.
            clock: monotonic seconds, for the quiet moment.
            now: unix seconds, for the ages.
        """
        super().__init__()

    def show_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        """Take the queue as it is now; `resolved` says what became of those that are gone."""

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Say that a decision did not reach the server, and ask for it again."""
