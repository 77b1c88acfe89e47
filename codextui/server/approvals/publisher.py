"""Publishes approvals, and shows on their threads what a person has to do."""

from __future__ import annotations

from codextui.protocol.approvals import Approval, takes_answers
from codextui.protocol.events import ApprovalAsked, ApprovalCorrected, ApprovalResolved
from codextui.protocol.threads import ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.threads.registry import PendingApproval, ThreadRecord, ThreadRegistry


class ApprovalPublisher:
    """The broker's `ApprovalObserver`: updates threads and publishes."""

    def __init__(self, hub: EventHub, registry: ThreadRegistry) -> None:
        self._hub = hub
        self._registry = registry

    def on_asked(self, approval: Approval) -> None:
        """Publish an approval; its thread needs input."""
        record = self._publish(approval, ApprovalAsked(approval))
        if record is not None:
            word = "answer" if takes_answers(approval.asked) else "approval"
            pending = PendingApproval(word, approval.asked_at)
            record.pending_approvals[approval.approval_id] = pending
            self._registry.update(record, state=ThreadState.NEEDS_INPUT, **record.waiting())

    def on_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        """Publish the end of an approval; its thread goes on where it waits for no other."""
        record = self._publish(approval, resolved)
        if record is None:
            return
        record.pending_approvals.pop(approval.approval_id, None)
        state, waiting = record.info.state, record.waiting()
        if not record.pending_approvals and state is ThreadState.NEEDS_INPUT:
            if record.program_info is not None:
                state = record.program_info.state
                waiting["waits_for"] = record.program_info.waits_for
            else:
                state = ThreadState.RUNNING if record.turn.running_id else ThreadState.IDLE
        self._registry.update(record, state=state, **waiting)

    def on_corrected(self, approval: Approval, correction: ApprovalCorrected) -> None:
        """Publish that another answer came before the decision."""
        self._publish(approval, correction)

    def on_unattended(self, approval: Approval) -> None:
        """Report to the thread's calls that nobody is connected who can decide."""
        record = self._registry.get(approval.thread_id)
        for watcher in tuple(record.watchers) if record is not None else ():
            watcher.on_unattended(approval)

    def _publish(
        self, approval: Approval, msg: ApprovalAsked | ApprovalResolved | ApprovalCorrected
    ) -> ThreadRecord | None:
        record = self._registry.get(approval.thread_id)
        if record is None:
            self._hub.publish(approval.thread_id, approval.turn_id, msg)
        else:
            self._registry.publish(record, approval.turn_id, msg)
        return record
