"""Watches a run on the server: tokens of its threads, approvals that wait, requests of people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.runs import RunEventKind, SpanKind
from codextui.protocol.threads import ThreadInfo, Usage
from codextui.teams.codex.calls import CallLog
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped
from codextui.teams.runner.controls import ControlRequests


class RunWatch:
    """Handles the server's events for the threads of a run, and stops the run if it must.

    Attributes:
        stopped: a future that raises RunStopped when the run must stop.
        is_undecided: whether it was stopped because an approval was not decided in time.
    """

    def __init__(self, log: CallLog, budget: Budget, *, person_minutes: float = 0.0) -> None:
        """Create a watch, which ignores events until `start`.

        Args:
            log: the Codex calls of the run, which identify its threads.
            budget: counts the tokens of the threads.
            person_minutes: how long an approval may wait for a decision; 0 for no limit.
        """
        self.stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_undecided = False
        self._decision_timeout_s = person_minutes * 60
        self._log = log
        self._budget = budget
        self._on_event: Callable[[RunEvent], None] = lambda _: None
        self._publisher: RunPublisher | None = None
        self._requests: ControlRequests | None = None
        self._roles: dict[str, str] = {}
        self._threads: dict[str, ThreadInfo] = {}
        self._waiting: dict[str, _WaitingApproval] = {}

    def start(
        self,
        on_event: Callable[[RunEvent], None],
        publisher: RunPublisher,
        requests: ControlRequests,
        connection: TeamConnection,
    ) -> None:
        """Handle the current state, and all events from now on.

        Args:
            on_event: called with what happens.
            publisher: publishes the run.
            requests: handles the requests of people.
            connection: has the threads, the open approvals and the past requests.
        """
        threads = self._threads = connection.threads
        self._on_event, self._publisher, self._requests = on_event, publisher, requests
        self._roles = {role.thread.thread_id: name for name, role in publisher.roles.items()}
        for thread in tuple(threads.values()):
            if self._is_codex_thread(thread.thread_id):
                self._count(thread.thread_id, thread.usage, thread.turn_id)
        requests.publish_paused()
        for event in connection.past_requests:
            requests.handle(event, past=True)
        for approval in tuple(connection.approvals.values()):
            if self._role_of(approval.thread_id) is not None:
                self._begin_wait(approval)

    def handle_event(self, event: ev.Event) -> None:
        """Handle an event of the server."""
        if self._publisher is None or self._requests is None:
            return
        self._requests.handle(event)
        if self._role_of(event.thread_id) is None:
            return
        match event.msg:
            case ev.TokensCounted(total, last) if self._is_codex_thread(event.thread_id):
                self._count(event.thread_id, total, event.turn_id)
                self._publisher.count_tokens(last)
            case ev.ApprovalAsked(approval):
                self._begin_wait(approval)
            case ev.ApprovalResolved(approval_id, outcome, by):
                handle = self._end_wait(approval_id)
                data = {"approval": approval_id, "outcome": outcome, "by": by}
                text = f"{outcome} by {by}" if by else outcome
                self._on_event(RunEvent(RunEventKind.PERSON_DECIDED, handle, text, data))
            case ev.ApprovalCorrected(approval_id, carried_out) as correction:
                data = {"approval": approval_id, "carried_out": carried_out}
                thread = self._threads.get(event.thread_id)
                handle = thread.handle if thread is not None else ""
                text = correction.description
                self._on_event(RunEvent(RunEventKind.PERSON_DECIDED, handle, text, data))
            case _:
                pass

    def handle_lost(self, reason: str) -> None:
        """Stop the run because the server is lost."""
        self.stop(RunStopped(RunOutcome.FAILED, f"the shared server was lost: {reason}"))

    def stop(self, stopped: RunStopped) -> None:
        """Stop the run, unless it was stopped already."""
        if not self.stopped.done():
            self.stopped.set_exception(stopped)
            self.stopped.exception()  # retrieved, in case the run ends in this moment

    def _role_of(self, thread_id: str) -> str | None:
        """Return the role that a thread of the run is of or works for; None for other threads.

        The sub-agents of a Codex thread work for its role.
        """
        if thread_id in self._roles:
            return self._roles[thread_id]
        seen: set[str] = set()
        while thread_id not in seen:
            seen.add(thread_id)
            thread = self._threads.get(thread_id)
            parent = thread.parent if thread is not None else ""
            if thread_id in self._log.thread_ids:
                return self._roles.get(parent, "")
            thread_id = parent
        return None

    def _is_codex_thread(self, thread_id: str) -> bool:
        return thread_id not in self._roles and self._role_of(thread_id) is not None

    def _count(self, thread_id: str, total: Usage, turn_id: str) -> None:
        thread = self._threads.get(thread_id)
        self._budget.count_thread_usage(
            thread_id,
            total,
            self.stop,
            role=self._role_of(thread_id) or "",
            model=thread.model if thread is not None else "",
            turn_id=turn_id,
            handle=thread.handle if thread is not None else "",
        )

    def _begin_wait(self, approval: Approval) -> None:
        approval_id, handle = approval.approval_id, approval.handle
        if approval_id in self._waiting:
            return
        kind = kind_of(approval.asked)
        text = f"needs a person to decide {approval_id}"
        data = {"approval": approval_id, "asks": kind}
        self._on_event(RunEvent(RunEventKind.PERSON_NEEDED, handle, text, data))
        timer = None
        if self._decision_timeout_s:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._decision_timeout_s, self._handle_timeout, approval)
        span_id = ""
        if self._publisher is not None:
            role = self._role_of(approval.thread_id) or ""
            span_id = self._publisher.spans.begin(role, SpanKind.PERSON, f"{kind} of {handle}")
        self._waiting[approval_id] = _WaitingApproval(handle, span_id, timer)

    def _end_wait(self, approval_id: str) -> str:
        """End the wait for a decision, and return the handle of the approval's thread."""
        waiting = self._waiting.pop(approval_id, _WaitingApproval())
        if waiting.timer is not None:
            waiting.timer.cancel()
        if self._publisher is not None:
            self._publisher.spans.end(waiting.span_id)
        return waiting.handle

    def _handle_timeout(self, approval: Approval) -> None:
        self.is_undecided = True
        # A role's own approval is withdrawn when its run ends; a Codex thread's stays open.
        by_role = approval.thread_id in self._roles
        advice = (
            "resume the run, and it is asked again"
            if by_role
            else "decide it (`codextui approvals`), then resume the run"
        )
        minutes = self._decision_timeout_s / 60
        reason = (
            f"nobody decided {approval.approval_id} of {approval.handle} in {minutes:g} minutes"
        )
        self.stop(RunStopped(RunOutcome.PERSON, f"{reason}; {advice}"))


@dataclass(frozen=True, slots=True)
class _WaitingApproval:
    handle: str = ""
    span_id: str = ""
    timer: asyncio.TimerHandle | None = None
