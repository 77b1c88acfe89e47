"""Finds out which answer Codex carried out, where another client may have answered as well.

Two answers to one request can be on their way at once. Codex takes the first one, and does not say
whose it was, so a decision of ours can be in the audit log though the other one counted. What
becomes of the item tells: where that contradicts the decision, the log gets a correction beside it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from codextui.codex.calls import list_terminals
from codextui.codex.outcomes import follows_tools, was_granted
from codextui.errors import CodextuiError
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.server.threads.following import DECIDED
from codextui.server.threads.others import OtherThreads
from codextui.server.worker import CodexWorker

MAX_CHECKS = 1_000
"""Decisions that are checked at a time; beyond that the oldest is no longer."""

logger = logging.getLogger(__name__)


class Corrections(Protocol):
    """Stores corrections in the audit log (`store.journal.Journal`)."""

    def record_correction(self, correction: ev.ApprovalCorrected, *, at: float) -> None:
        """Store that another answer came before a decision."""


@dataclass(slots=True, eq=False)
class _Check:
    """A decision that was sent, until its item shows whether it counted.

    Attributes:
        approval: what was asked.
        granted: whether the decision grants it.
        on_confirmed: called where the item shows that it does not contradict the decision.
        process: the connection to Codex on which it was sent.
    """

    approval: Approval
    granted: bool
    on_confirmed: Callable[[], object]
    process: int


class DecisionChecks:
    """The decisions that were sent and are still to be seen in what happens.

    Args:
        log: the audit log.
        publish: publishes a correction.
        others: the threads of other programs, which are followed meanwhile.
        worker: asks Codex which commands still run.
        start: starts a task that belongs to the server.
        clock: returns unix seconds.
    """

    def __init__(
        self,
        log: Corrections,
        publish: Callable[[Approval, ev.ApprovalCorrected], object],
        others: OtherThreads,
        worker: CodexWorker,
        start: Callable[[Coroutine[Any, Any, Any]], object],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._publish = publish
        self._others = others
        self._worker = worker
        self._start = start
        self._clock = clock
        self._checks: dict[tuple[str, str], _Check] = {}

    def watch(
        self,
        approval: Approval,
        *,
        process: int,
        granted: bool,
        on_confirmed: Callable[[], object] = lambda: None,
    ) -> None:
        """Check a decision that is just being sent, where others can answer as well."""
        if not self._others.is_shared:
            on_confirmed()
            return
        self.handle_asked(approval.thread_id, approval.item_id)
        check = _Check(approval, granted, on_confirmed, process)
        self._checks[approval.thread_id, approval.item_id] = check
        self._others.keep_following(approval.thread_id, DECIDED)
        if len(self._checks) > MAX_CHECKS:  # of threads that were closed meanwhile
            self._forget(next(iter(self._checks.values())))

    def handle_asked(self, thread_id: str, item_id: str) -> None:
        """Handle a further request about an item: the one before was granted, or it were over."""
        if (check := self._checks.get((thread_id, item_id))) is not None:
            self._conclude(check, granted=True)

    def handle_event(self, thread_id: str, msg: ev.Msg) -> None:
        """Look at what happens on a thread."""
        if not self._checks:
            return
        match msg:
            case ev.ItemCompleted(item):
                self._handle_end(thread_id, str(item.get("id")), was_granted(item))
            case ev.OutputDelta(item_id):
                self._handle_end(thread_id, item_id, True)
            case ev.ItemStarted(item) if follows_tools(item):
                self._look_at_commands(thread_id, is_aborted=False)
            case ev.TurnCompleted():
                self._look_at_commands(thread_id, is_aborted=False)
            case ev.TurnAborted():
                self._look_at_commands(thread_id, is_aborted=True)

    def handle_exit(self) -> None:
        """The connection is gone, and with it what could be seen."""
        for check in tuple(self._checks.values()):
            self._forget(check)

    def _handle_end(self, thread_id: str, item_id: str, granted: bool | None) -> None:
        check = self._checks.get((thread_id, item_id))
        if check is not None and granted is not None:
            self._conclude(check, granted=granted)

    def _look_at_commands(self, thread_id: str, *, is_aborted: bool) -> None:
        """The turn went on without an end of the items: they never ran, or still do."""
        for check in tuple(self._checks.values()):
            if check.approval.thread_id == thread_id:
                self._start(self._look_at_command(check, is_aborted=is_aborted))

    async def _look_at_command(self, check: _Check, *, is_aborted: bool) -> None:
        """Ask Codex whether the command of an item runs, as no event says so.

        Codex reports a declined command only to clients that followed its thread when it asked.
        """
        approval = check.approval
        is_running: bool | None = None
        try:
            app = await self._worker.app()
            if self._worker.is_current(check.process):
                is_running = approval.item_id in await list_terminals(app, approval.thread_id)
        except CodextuiError as error:
            logger.info("what became of %s is not known: %s", approval.approval_id, error)
        if self._checks.get((approval.thread_id, approval.item_id)) is not check:
            return  # an event has arrived meanwhile
        if is_running is None:
            self._forget(check)
        elif is_aborted and not is_running and isinstance(approval.asked, CommandAsked):
            self._conclude_stopped(check)
        else:
            self._conclude(check, granted=is_running)

    def _conclude_stopped(self, check: _Check) -> None:
        """Record that a turn was stopped together with its running command.

        Codex reports declined commands to clients that follow the thread, but not stopped ones.
        """
        self._forget(check)
        if check.granted and check.approval.origin:
            self._correct(check, "unknown")

    def _conclude(self, check: _Check, *, granted: bool) -> None:
        self._forget(check)
        if granted == check.granted:
            check.on_confirmed()
        else:
            self._correct(check, "approved" if granted else "declined")

    def _correct(self, check: _Check, carried_out: str) -> None:
        correction = ev.ApprovalCorrected(check.approval.approval_id, carried_out)
        logger.info("%s: %s", correction.approval_id, correction.description)
        self._log.record_correction(correction, at=self._clock())
        self._publish(check.approval, correction)

    def _forget(self, check: _Check) -> None:
        thread_id = check.approval.thread_id
        self._checks.pop((thread_id, check.approval.item_id), None)
        if all(other != thread_id for other, _ in self._checks):
            self._others.stop_following(thread_id, DECIDED)
