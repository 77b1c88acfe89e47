"""Sees what happens on the server to the threads and rows of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.runs import SpanKind
from codextui.protocol.threads import ThreadInfo, Usage
from codextui.teams.codex.calls import CallLog
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.publish.run import RunPublisher
from codextui.teams.records.costs import Budget
from codextui.teams.records.events import RunEvent, RunEventKind
from codextui.teams.runner.controls import ControlRequests
from codextui.teams.runner.ending import Ending, RunStopped


class Watch:
    """Counts what the threads of a run use, and how long it waits for people.

    Attributes:
        stopped: ends with RunStopped where the run must not go on.
        undecided: whether it is stopped because nobody decided something.
    """

    def __init__(
        self,
        log: CallLog,
        budget: Budget,
        *,
        person_minutes: float = 0.0,
    ) -> None:
        """Watch a run that has not begun; `begin` says who is told.

        Args:
            log: knows which threads are the run's.
            budget: counts what they use.
            person_minutes: how long it waits for a decision; 0 is for ever.
        """
        self.stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.undecided = False
        self._patience_s = person_minutes * 60
        self._log = log
        self._budget = budget
        self._tell: Callable[[RunEvent], None] = lambda _: None
        self._telling: RunPublisher | None = None
        self._requests: ControlRequests | None = None
        self._roles: dict[str, str] = {}
        self._threads: dict[str, ThreadInfo] = {}
        self._waiting: dict[str, tuple[asyncio.TimerHandle | None, str, str]] = {}

    def begin(
        self,
        tell: Callable[[RunEvent], None],
        telling: RunPublisher,
        requests: ControlRequests,
        link: TeamConnection,
    ) -> None:
        """Tell of what is seen from now on, and of what is open already.

        Args:
            tell: is told what happens.
            telling: tells of the run.
            requests: takes what people ask.
            link: knows all threads, what waits for a decision now, and what was asked before.
        """
        threads = self._threads = link.threads
        self._tell, self._telling, self._requests = tell, telling, requests
        self._roles = {role.row.thread_id: name for name, role in telling.roles.items()}
        for thread_id in self._log.threads & threads.keys():
            self._count(thread_id, threads[thread_id].usage, threads[thread_id].turn_id)
        requests.show_held()
        for event in link.requests:
            requests.take(event, past=True)
        for approval in tuple(link.approvals.values()):
            if self._role_of(approval.thread_id) is not None:
                self._wait_for_person(approval)

    def see(self, event: ev.Event) -> None:
        """Take an event of the server's."""
        if self._telling is None or self._requests is None:
            return
        self._requests.take(event)
        role = self._role_of(event.thread_id)
        if role is None:
            return
        match event.msg:
            case ev.TokensCounted(total, last) if event.thread_id in self._log.threads:
                self._count(event.thread_id, total, event.turn_id)
                self._telling.count_run(last)
            case ev.ApprovalAsked(approval):
                self._wait_for_person(approval)
            case ev.ApprovalResolved(approval_id, outcome, by):
                handle = self._stop_waiting(approval_id)
                data = {"approval": approval_id, "outcome": outcome, "by": by}
                told = f"{outcome} by {by}" if by else outcome
                self._tell(RunEvent(RunEventKind.PERSON_DECIDED, handle, told, data))
            case _:
                pass

    def lose(self, reason: str) -> None:
        """Take that the server is lost."""
        self.stop(RunStopped(Ending.FAILED, f"the shared server was lost: {reason}"))

    def stop(self, stopped: RunStopped) -> None:
        """End the run, unless something else did already."""
        if not self.stopped.done():
            self.stopped.set_exception(stopped)
            self.stopped.exception()  # it may have ended by itself in this moment

    def _role_of(self, thread_id: str) -> str | None:
        """Whose thread it is: a role's row, or a Codex thread of its; None for others'."""
        if thread_id in self._roles:
            return self._roles[thread_id]
        if thread_id not in self._log.threads:
            return None
        thread = self._threads.get(thread_id)
        return self._roles.get(thread.parent, "") if thread is not None else ""

    def _count(self, thread_id: str, total: Usage, turn_id: str) -> None:
        thread = self._threads.get(thread_id)
        self._budget.count_thread(
            thread_id,
            total,
            self.stop,
            role=self._role_of(thread_id) or "",
            model=thread.model if thread is not None else "",
            turn_id=turn_id,
            handle=thread.handle if thread is not None else "",
        )

    def _wait_for_person(self, approval: Approval) -> None:
        approval_id, handle = approval.approval_id, approval.handle
        if approval_id in self._waiting:
            return
        kind = kind_of(approval.asked)
        told = f"needs a person to decide {approval_id}"
        data = {"approval": approval_id, "asks": kind}
        self._tell(RunEvent(RunEventKind.PERSON_NEEDED, handle, told, data))
        timer = None
        if self._patience_s:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._patience_s, self._give_up, approval)
        span = ""
        if self._telling is not None:
            role = self._role_of(approval.thread_id) or ""
            span = self._telling.spans.begin(role, SpanKind.PERSON, f"{kind} of {handle}")
        self._waiting[approval_id] = (timer, span, handle)

    def _stop_waiting(self, approval_id: str) -> str:
        timer, span, handle = self._waiting.pop(approval_id, (None, "", ""))
        if timer is not None:
            timer.cancel()
        if self._telling is not None:
            self._telling.spans.end(span)
        return handle

    def _give_up(self, approval: Approval) -> None:
        self.undecided = True
        # What a role asks itself is taken back when its run ends; what Codex asks stays open.
        by_role = approval.thread_id in self._roles
        then = (
            "resume the run, and it is asked again"
            if by_role
            else "decide it (`codextui approvals`), then resume the run"
        )
        minutes = self._patience_s / 60
        told = f"nobody decided {approval.approval_id} of {approval.handle} in {minutes:g} minutes"
        self.stop(RunStopped(Ending.PERSON, f"{told}; {then}"))
