"""Decides when the approval dialog opens, and what it shows; reports corrected decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from codextui.console.model.labels import Asker
from codextui.console.model.state import ServerNotice, ThreadView
from codextui.protocol.approvals import Approval
from codextui.protocol.events import ApprovalCorrected, ApprovalResolved, Event

if TYPE_CHECKING:
    from codextui.console.model.inbox import InboxMemory


class ApprovalDialog(Protocol):
    """The part of `ApprovalScreen` that the presenter uses."""

    def update_approvals(
        self,
        approvals: Sequence[Approval],
        *,
        askers: Mapping[str, Asker] | None = None,
        resolved: Mapping[str, ApprovalResolved] | None = None,
    ) -> None:
        """Show the current queue; `resolved` holds the outcomes of approvals that left it."""

    def refresh_clock(self) -> None:
        """Show how long the request has waited now."""

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Report that a decision did not reach the server, and ask for it again."""


class ApprovalPresenter:
    """Opens the dialog when an approval arrives, but not again for a postponed one.

    The dialog waits while `may_open` returns false: the user is typing, or another dialog is open.
    """

    def __init__(
        self,
        open_dialog: Callable[[Sequence[Approval], str, bool], ApprovalDialog],
        *,
        may_open: Callable[[], bool],
        pops_up: Callable[[Approval], bool] = lambda _: True,
    ) -> None:
        """Create a presenter without approvals.

        Args:
            open_dialog: opens the dialog with these approvals, at the one with this id; the last
                argument is whether a key of the user opens it.
            may_open: returns whether the dialog may open by itself now.
            pops_up: returns whether an approval is one that it opens for.
        """
        self._open_dialog = open_dialog
        self._may_open = may_open
        self._pops_up = pops_up
        self._judged: dict[str, tuple[Approval, bool]] = {}
        self._approvals: tuple[Approval, ...] = ()
        self._postponed: set[str] = set()
        self._decided: set[str] = set()
        self._lost_later: set[_Request] = set()
        self._dialog: ApprovalDialog | None = None

    @cached_property
    def memory(self) -> InboxMemory:
        """What outlives the dialog: marks, order, and what was seen."""
        from codextui.console.model.inbox import InboxMemory  # noqa: PLC0415 - not at the start

        return InboxMemory()

    def update(
        self,
        approvals: Sequence[Approval],
        askers: Mapping[str, Asker],
        resolved: Mapping[str, ApprovalResolved],
    ) -> None:
        """Replace the open approvals.

        Args:
            approvals: all that are open, oldest first.
            askers: thread id → whose thread it is.
            resolved: approval id → outcome of those that are no longer open.
        """
        ids = {approval.approval_id for approval in approvals}
        self._keep_postponed(approvals, resolved)
        self._approvals = tuple(approvals)
        self._postponed &= ids
        self._decided &= ids
        self._judged.clear()  # what pops up is a setting, which may have changed
        if self._dialog is not None:
            self._dialog.update_approvals(self._queue, askers=askers, resolved=resolved)
        else:
            self.open_if_allowed()

    def _keep_postponed(
        self, approvals: Sequence[Approval], resolved: Mapping[str, ApprovalResolved]
    ) -> None:
        """Postpone also what was postponed, lost with a connection, and is asked again."""
        for before in self._approvals:
            end = resolved.get(before.approval_id)
            if before.approval_id in self._postponed and end is not None and end.outcome == "lost":
                self._lost_later.add(_identify(before))
        for approval in approvals if self._lost_later else ():
            if _identify(approval) in self._lost_later:
                self._lost_later.discard(_identify(approval))
                self._postponed.add(approval.approval_id)

    def open_if_allowed(self) -> None:
        """Open the dialog if a new approval waits for it and it may open now."""
        if self._dialog is not None:
            return
        new = [
            approval
            for approval in self._queue
            if approval.approval_id not in self._postponed and self._may_pop_up(approval)
        ]
        if new and self._may_open():
            self._dialog = self._open_dialog(self._queue, new[0].approval_id, False)

    def _may_pop_up(self, approval: Approval) -> bool:
        """Return whether the dialog opens for an approval, which is examined once an update."""
        known = self._judged.get(approval.approval_id)
        if known is None or known[0] != approval:
            known = self._judged[approval.approval_id] = (approval, self._pops_up(approval))
        return known[1]

    def open(self, first: str) -> bool:
        """Open the dialog on the user's request; return false if nothing waits for a decision."""
        if self._dialog is None and self._queue:
            self._dialog = self._open_dialog(self._queue, first, True)
        return bool(self._queue)

    def refresh_clock(self) -> None:
        """Show in the dialog how long its request has waited now."""
        if self._dialog is not None:
            self._dialog.refresh_clock()

    def mark_decided(self, approval_id: str) -> None:
        """Leave an approval out of the queue while its decision is on its way to the server."""
        self._decided.add(approval_id)

    def reject_decision(self, approval_id: str, why: str) -> None:
        """Ask again for a decision that did not reach the server."""
        self._decided.discard(approval_id)
        if self._dialog is not None:
            self._dialog.update_approvals(self._queue)
        elif self._queue:
            self._dialog = self._open_dialog(self._queue, approval_id, False)
        if self._dialog is not None:
            self._dialog.reject_decision(approval_id, why)

    def on_dialog_closed(self) -> None:
        """Postpone every approval that is still open."""
        self._dialog = None
        self._postponed = {approval.approval_id for approval in self._approvals}

    @property
    def _queue(self) -> tuple[Approval, ...]:
        """The approvals that still need a decision."""
        return tuple(a for a in self._approvals if a.approval_id not in self._decided)


_Request: TypeAlias = tuple[str, str, float]


def _identify(approval: Approval) -> _Request:
    """Return what a request has in common with itself when it is asked again."""
    return approval.thread_id, approval.item_id, approval.asked_at


def correction_notice(
    event: Event, correction: ApprovalCorrected, view: ThreadView | None
) -> ServerNotice:
    """Return the notice that another answer came before the decision of the user."""
    whose = f"{view.info.handle}'s " if view is not None else ""
    text = f"{whose}{correction.approval_id}: {correction.description}"
    return ServerNotice(event.at, "warning", text)
