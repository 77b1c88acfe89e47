"""When the approval dialog is on the screen, and what it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from codextui.protocol.approvals import Approval
from codextui.protocol.events import ApprovalResolved


class Dialog(Protocol):
    """The part of `ApprovalScreen` that the desk needs."""

    def show_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        clients: Mapping[str, str] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        """Take the queue as it is now."""

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Say that a decision did not reach the server, and ask for it again."""


class ApprovalPresenter:
    """Opens the dialog when an approval arrives, but never again for one put off ("later").

    The dialog waits while `may_open` says no: a person is typing, or another dialog is open.
    """

    def __init__(
        self,
        open_dialog: Callable[[Sequence[Approval], str], Dialog],
        *,
        may_open: Callable[[], bool],
    ) -> None:
        """Take what puts the dialog on the screen, and what says whether it may be now."""
        self._open_dialog = open_dialog
        self._may_open = may_open
        self._approvals: tuple[Approval, ...] = ()
        self._postponed: set[str] = set()
        self._decided: set[str] = set()
        self._dialog: Dialog | None = None

    def update(
        self,
        approvals: Sequence[Approval],
        clients: Mapping[str, str],
        resolved: Mapping[str, ApprovalResolved],
    ) -> None:
        """Take the queue as it is now; `resolved` says what became of those that are gone."""
        names = {approval.approval_id for approval in approvals}
        self._approvals = tuple(approvals)
        self._postponed &= names
        self._decided &= names
        if self._dialog is not None:
            self._dialog.show_approvals(self._queue, clients=clients, resolved=resolved)
        else:
            self.nudge()

    def nudge(self) -> None:
        """Open the dialog if an approval waits for it and it may open now."""
        if self._dialog is not None:
            return
        new = [a for a in self._queue if a.approval_id not in self._postponed]
        if new and self._may_open():
            self._dialog = self._open_dialog(self._queue, new[0].approval_id)

    def open(self, first: str) -> bool:
        """Open the dialog because a person wants it; false where there is nothing to decide."""
        if self._dialog is None and self._queue:
            self._dialog = self._open_dialog(self._queue, first)
        return bool(self._queue)

    def decide(self, approval_id: str) -> None:
        """A decision is on its way: nobody is asked for it again."""
        self._decided.add(approval_id)

    def reject(self, approval_id: str, why: str) -> None:
        """Ask again for a decision that did not reach the server."""
        self._decided.discard(approval_id)
        if self._dialog is not None:
            self._dialog.show_approvals(self._queue)
        else:
            self.open(approval_id)
        if self._dialog is not None:
            self._dialog.reject_decision(approval_id, why)

    def closed(self) -> None:
        """The dialog went away; what is still open was put off."""
        self._dialog = None
        self._postponed = {approval.approval_id for approval in self._approvals}

    @property
    def _queue(self) -> tuple[Approval, ...]:
        """What is left to decide."""
        return tuple(a for a in self._approvals if a.approval_id not in self._decided)
