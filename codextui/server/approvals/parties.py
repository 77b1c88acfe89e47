"""Who takes part in the decision of an approval: responders, the audit log, an observer."""

from __future__ import annotations

from typing import Protocol

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Decision
from codextui.protocol.events import ApprovalResolved


class CannotAnswer(Exception):
    """A responder that was asked reports that it has nobody to ask."""


class ApprovalResponder(Protocol):
    """A client that can decide approvals: a supervisor, or the caller whose turn it is.

    Attributes:
        name: the client's name, for the audit log.
        supervises: whether it is a supervisor.
    """

    name: str

    @property
    def supervises(self) -> bool:
        """Whether it is a supervisor."""

    def accepts(self, approval: Approval) -> bool:
        """Return whether this approval is one that it may decide."""

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask for a decision, however long it takes; None where it turns out that it cannot.

        Cancelled where the approval is over before.

        Args:
            approval: what is asked.
            legacy: the question as `codex mcp-server` asked it, for the kinds that it had.

        Raises:
            CannotAnswer: it says that it cannot; if nobody else can, that declines.
        """


class AuditLog(Protocol):
    """Stores every approval and every decision (`store.journal.Journal`)."""

    def record_approval(self, approval: Approval) -> None:
        """Store what is asked."""

    def record_resolution(
        self, approval: Approval, resolved: ApprovalResolved, *, at: float
    ) -> None:
        """Store that an approval ended without a decision, `at` unix seconds."""

    async def record_decision(
        self, approval: Approval, resolved: ApprovalResolved, *, at: float
    ) -> None:
        """Store a decision and return when it is on the disk. Raises sqlite3.Error."""

    def record_loss(self, approval_id: str, *, at: float) -> None:
        """Store that a decision reached nobody."""


class ApprovalObserver(Protocol):
    """Is called with every change of an approval (`approvals.publisher.ApprovalPublisher`)."""

    def on_asked(self, approval: Approval) -> None:
        """Handle an approval that was opened."""

    def on_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        """Handle the end of an approval."""

    def on_unattended(self, approval: Approval) -> None:
        """Handle that nobody is connected who can decide an approval."""
