"""The approval broker: offers every approval to all who can decide it; the first answer wins."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from msgspec import structs

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.codex.requests import grants
from codextui.errors import ApprovalGone, CodextuiError, ServerRefused
from codextui.protocol.approvals import Approval, Asked, Others, UnknownAsked
from codextui.protocol.decisions import Answered, Approved, Decision, Declined, decision_word
from codextui.protocol.events import ApprovalResolved
from codextui.server.approvals.parties import (
    ApprovalObserver,
    ApprovalResponder,
    AuditLog,
    CannotAnswer,
)

UNATTENDED = "codextui"
"""Who declined, in the audit log, where nobody was connected to decide."""

ELSEWHERE = "answered_elsewhere"
"""The outcome of an approval that another program on the same Codex has answered."""

_ANOTHER_PROGRAM = "another program"

DecisionHandler: TypeAlias = Callable[[Decision], Awaitable[bool]]
"""Delivers a decision to the program that asked; returns False where that is gone."""

_LONGEST_PAUSE_S = 30.0
_MAX_LOST = 200

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Open:
    """An open approval, the responders that it is offered to, and those that could not answer."""

    approval: Approval
    key: Hashable
    on_decision: DecisionHandler
    legacy: LegacyElicitation | None
    on_withdrawn: Callable[[], None]
    taken: bool = False
    withdrawn_as: str = ""
    withdrawn_why: str = ""
    offers: dict[ApprovalResponder, asyncio.Task[None]] = field(default_factory=dict)
    unable: set[ApprovalResponder] = field(default_factory=set)
    timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class ApprovalBroker:
    """The open approvals, in the order in which they were asked.

    Nothing here approves by itself. An approval ends by the first decision of a person, because
    Codex no longer waits for it, or declined because nobody who can decide was connected for
    long; that time starts whenever the last responder leaves. A decision is in the audit log
    before Codex reads it.

    What the threads of other programs ask is offered to supervisors only, and no time-out declines
    it: somebody may be asked there as well. Whoever answers first has decided.

    Args:
        audit_log: stores every approval and decision.
        observer: called with every change.
        last_number: the number of the last approval of earlier servers.
        unattended_s: seconds without a responder after which an approval is declined; 0 is at
            once, None is never.
        callers_first: whether supervisors are asked only what no caller can decide.
        others: whether that, and the time-out, apply to the threads of other programs, too.
        ask_again_s: seconds after which a responder whose decision could not be stored is asked
            for the third time, and at least between two attempts to decline.
        lost: those that ended with earlier servers, and may be asked again.
        clock: returns unix seconds.
    """

    def __init__(
        self,
        audit_log: AuditLog,
        observer: ApprovalObserver,
        *,
        last_number: int = 0,
        unattended_s: float | None = None,
        callers_first: bool = False,
        others: Others = Others.SHOW,
        ask_again_s: float = 1.0,
        lost: Iterable[Approval] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._unattended_s = unattended_s
        self._callers_first = callers_first
        self._others = others
        self._ask_again_s = ask_again_s
        self._audit_log = audit_log
        self._observer = observer
        self._number = last_number
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._delivering: dict[Hashable, _Open] = {}
        self._responders: list[ApprovalResponder] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: Counter[str] = Counter()
        self._lost: deque[Approval] = deque(lost, maxlen=_MAX_LOST)

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """The undecided approvals, oldest first."""
        return tuple(entry.approval for entry in self._open.values() if not entry.taken)

    def approvals_of(self, thread_id: str) -> tuple[Approval, ...]:
        """Return the undecided approvals of one thread, oldest first."""
        return tuple(a for a in self.approvals if a.thread_id == thread_id)

    def ask(
        self,
        asked: Asked,
        *,
        key: Hashable,
        thread_id: str,
        turn_id: str,
        item_id: str,
        handle: str,
        origin: str = "",
        on_decision: DecisionHandler,
        legacy: LegacyElicitation | None = None,
        on_withdrawn: Callable[[], None] = lambda: None,
    ) -> Approval | None:
        """Open an approval and offer it to all responders.

        What was lost with a connection or a server and is asked again has waited since then.

        Args:
            asked: what is asked.
            key: identifies the request; Codex repeats a request under the same key.
            thread_id: the thread that asks.
            turn_id: the turn that waits.
            item_id: the item to decide on.
            handle: the thread's handle.
            origin: the program whose thread asks; empty for a thread of ours.
            on_decision: delivers the decision.
            legacy: the question as `codex mcp-server` asked it.
            on_withdrawn: called where the approval ends without a decision.

        Returns:
            The approval; None where one with that key is open.
        """
        if any(entry.key == key for entry in self._open.values()):
            return None
        self._number += 1
        approval = Approval(
            approval_id=f"a{self._number}",
            thread_id=thread_id,
            turn_id=turn_id,
            item_id=item_id,
            handle=handle,
            asked_at=self._clock(),
            asked=asked,
            origin=origin,
        )
        approval = structs.replace(approval, asked_at=self._asked_first(approval))
        entry = self._open[approval.approval_id] = _Open(
            approval, key, on_decision, legacy, on_withdrawn
        )
        self._audit_log.record_approval(approval)
        self._observer.on_asked(approval)
        self._offer_to_all(entry)
        self._start_timer(entry)
        return approval

    def is_attended(self, approval_id: str) -> bool:
        """Return whether a responder has been asked and may still answer."""
        entry = self._open.get(approval_id)
        return entry is not None and bool(entry.offers)

    def attach(self, responder: ApprovalResponder) -> None:
        """Offer every open approval, and all that follow, to one more responder."""
        self._responders.append(responder)
        for entry in self._open.values():
            self._offer(entry, responder)

    def detach(self, responder: ApprovalResponder) -> None:
        """Withdraw what a responder is asked, and ask it nothing more."""
        if responder in self._responders:
            self._responders.remove(responder)
        for entry in self._open.values():
            offer = entry.offers.pop(responder, None)
            if offer is not None:
                offer.cancel()
                self._offer_to_all(entry)
                self._start_timer(entry)

    async def decide(self, approval_id: str, decision: Decision, *, by: str) -> ApprovalResolved:
        """Decide an approval and return how it ended: `lost` where it could not be delivered.

        A yes that does not fit what is asked becomes a no, unless another program's thread asks.
        Cancelling this does not undo the decision.

        Raises:
            ApprovalGone: the approval is over already, or was answered elsewhere meanwhile.
            ServerRefused: the decision could not be stored, or does not fit what another
                program's thread asks; the approval is still open.
        """
        entry = self._take(approval_id)
        if isinstance(decision, Approved | Answered) and not grants(entry.approval.asked, decision):
            if entry.approval.origin:
                entry.taken = False
                raise ServerRefused(f"nothing was answered: this does not fit {approval_id}")
            decision = Declined()  # what Codex will be sent: the audit log must say the same
        return await asyncio.shield(self._start(self._settle(entry, decision, by)))

    @contextmanager
    def hold(self, thread_id: str) -> Iterator[None]:
        """Let no approval of a thread time out meanwhile, such as while its turn is being ended."""
        self._held[thread_id] += 1
        try:
            yield
        finally:
            self._held -= Counter([thread_id])
            for entry in tuple(self._open.values()):
                if entry.approval.thread_id == thread_id and thread_id not in self._held:
                    self._start_timer(entry)

    def withdraw(
        self,
        *,
        key: Hashable | None = None,
        thread_id: str | None = None,
        turn_id: str | None = None,
        outcome: str = "withdrawn",
        why: str = "",
    ) -> None:
        """End the undecided approvals that all given criteria fit, without a decision.

        One whose decision is being stored ends by that, or like this where it cannot be stored.

        Args:
            key: of this request only.
            thread_id: of this thread only.
            turn_id: of this turn only.
            outcome: as in `ApprovalResolved`.
            why: of one that is lost: by what, for people.
        """
        for entry in tuple(self._open.values()):
            approval = entry.approval
            fits = (
                (key is None or entry.key == key)
                and (thread_id is None or approval.thread_id == thread_id)
                and (turn_id is None or approval.turn_id == turn_id)
            )
            if fits and entry.taken:
                entry.withdrawn_as, entry.withdrawn_why = outcome, why
            elif fits:
                self._withdraw(entry, outcome, why)
        if key in self._delivering:
            self._delivering[key].withdrawn_as = outcome

    def is_too_late(self, key: Hashable) -> bool:
        """Return whether a request whose decision is being delivered was answered meanwhile."""
        entry = self._delivering.get(key)
        return entry is not None and entry.withdrawn_as == ELSEWHERE

    def _asked_first(self, approval: Approval) -> float:
        """Return when an approval was asked; when the same one was, that was lost before it."""
        for lost in self._lost:
            if _request_of(lost) == _request_of(approval):
                self._lost.remove(lost)
                return min(lost.asked_at, approval.asked_at)
        return approval.asked_at

    def _withdraw(self, entry: _Open, outcome: str, why: str = "") -> None:
        entry.taken = True
        self._close(entry)
        resolved = structs.replace(self._resolution(entry, outcome), message=why)
        if outcome == "lost":
            self._lost.append(entry.approval)
        self._audit_log.record_resolution(entry.approval, resolved, at=self._clock())
        self._observer.on_resolved(entry.approval, resolved)
        entry.on_withdrawn()

    def _take(self, approval_id: str) -> _Open:
        entry = self._open.get(approval_id)
        if entry is None or entry.taken:
            raise _gone(approval_id)
        entry.taken = True
        return entry

    def _close(self, entry: _Open) -> None:
        """Forget an approval, and withdraw it from all responders."""
        entry.stop_timer()
        del self._open[entry.approval.approval_id]
        for offer in entry.offers.values():
            offer.cancel()
        entry.offers.clear()

    async def _settle(self, entry: _Open, decision: Decision, by: str) -> ApprovalResolved:
        """Store the decision, withdraw the approval from the others, then deliver it."""
        resolved = self._resolution(entry, decision_word(decision), by=by, decision=decision)
        try:
            await self._audit_log.record_decision(entry.approval, resolved, at=self._clock())
        except sqlite3.Error as error:
            entry.taken = False
            if entry.withdrawn_as:
                self._withdraw(entry, entry.withdrawn_as, entry.withdrawn_why)
            self._start_timer(entry, at_least=self._ask_again_s)
            raise ServerRefused(
                f"nothing was answered, because the decision could not be recorded: {error}"
            ) from error
        self._close(entry)
        was_late = entry.withdrawn_as == ELSEWHERE
        if was_late or not await self._deliver(entry, decision):
            self._audit_log.record_loss(entry.approval.approval_id, at=self._clock())
            if entry.withdrawn_as == ELSEWHERE:
                self._observer.on_resolved(entry.approval, self._resolution(entry, ELSEWHERE))
                raise _gone(entry.approval.approval_id)
            resolved = self._resolution(entry, "lost", by=by)
        self._observer.on_resolved(entry.approval, resolved)
        return resolved

    async def _deliver(self, entry: _Open, decision: Decision) -> bool:
        self._delivering[entry.key] = entry
        try:
            return await entry.on_decision(decision)
        except CodextuiError as error:
            logger.warning("Codex was not told of %s: %s", entry.approval.approval_id, error)
            return False
        finally:
            del self._delivering[entry.key]

    def _resolution(
        self, entry: _Open, outcome: str, *, by: str = "", decision: Decision | None = None
    ) -> ApprovalResolved:
        return ApprovalResolved(
            approval_id=entry.approval.approval_id,
            outcome=outcome,
            by=_ANOTHER_PROGRAM if outcome == ELSEWHERE else by,
            message=decision.message if isinstance(decision, Declined) else "",
            waited=max(0.0, self._clock() - entry.approval.asked_at),
        )

    def _offer_to_all(self, entry: _Open) -> None:
        for responder in self._responders:
            if responder not in entry.unable:
                self._offer(entry, responder)

    def _offer(self, entry: _Open, responder: ApprovalResponder) -> None:
        if entry.taken or responder in entry.offers or not responder.accepts(entry.approval):
            return
        if self._is_only_shown(entry):
            is_left_to_others = not responder.supervises
        else:
            is_first = not responder.supervises or not self._callers_first
            is_left_to_others = not is_first and self._is_with_caller(entry)
        if is_left_to_others:
            return
        entry.stop_timer()
        entry.offers[responder] = asyncio.create_task(self._ask(entry, responder))

    def _is_only_shown(self, entry: _Open) -> bool:
        """Return whether an approval is another program's, and nothing but a person decides it.

        What is not known here may be nothing that people are asked: its program answers it.
        """
        approval = entry.approval
        is_unknown = isinstance(approval.asked, UnknownAsked)
        return bool(approval.origin) and (self._others is Others.SHOW or is_unknown)

    def _is_with_caller(self, entry: _Open) -> bool:
        """Return whether a caller can decide an approval, as far as we know."""
        return any(
            not responder.supervises
            and responder not in entry.unable
            and responder.accepts(entry.approval)
            for responder in self._responders
        )

    async def _ask(self, entry: _Open, responder: ApprovalResponder) -> None:
        """Ask one responder. That it cannot answer decides nothing while another one can.

        Where its decision could not be recorded it is asked again: at once, then ever later.
        """
        reason, pause = "", 0.0
        try:
            while not await self._ask_once(entry, responder):
                await asyncio.sleep(pause)
                pause = min(max(2 * pause, self._ask_again_s), _LONGEST_PAUSE_S)
        except CannotAnswer as error:
            reason = str(error)
        finally:
            entry.offers.pop(responder, None)
        entry.unable.add(responder)
        self._offer_to_all(entry)
        if reason and not entry.offers and not self._is_only_shown(entry):
            await self._decline(entry, reason, by=responder.name)
        self._start_timer(entry)

    async def _ask_once(self, entry: _Open, responder: ApprovalResponder) -> bool:
        """Ask a responder; False where its decision could not be recorded. Raises CannotAnswer."""
        approval_id = entry.approval.approval_id
        try:
            decision = await responder.ask(entry.approval, entry.legacy)
            if decision is not None:
                await self.decide(approval_id, decision, by=responder.name)
        except ApprovalGone:
            pass
        except ServerRefused as error:
            logger.warning("%s of %s: %s", approval_id, responder.name, error)
            return False
        except CodextuiError as error:
            logger.warning("%s could not answer: %s", responder.name, error)
        return True

    def _start_timer(self, entry: _Open, *, at_least: float = 0.0) -> None:
        """Start the time-out of an approval that is offered to nobody."""
        if entry.taken or entry.offers or entry.timer is not None:
            return
        self._observer.on_unattended(entry.approval)
        if self._unattended_s is None or self._is_only_shown(entry):
            return
        loop = asyncio.get_running_loop()
        seconds = max(self._unattended_s, at_least)
        entry.timer = loop.call_later(seconds, self._time_out, entry)

    def _time_out(self, entry: _Open) -> None:
        entry.timer = None
        if entry.approval.thread_id in self._held:
            return
        reason = _unattended_reason(self._unattended_s or 0.0)
        self._start(self._decline(entry, reason, by=UNATTENDED))

    async def _decline(self, entry: _Open, reason: str, *, by: str) -> None:
        try:
            await self.decide(entry.approval.approval_id, Declined(reason), by=by)
        except ApprovalGone:
            pass
        except CodextuiError as error:
            logger.warning("%s was not declined: %s", entry.approval.approval_id, error)

    def _start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _request_of(approval: Approval) -> tuple[str, str, str, Asked]:
    """Return what a request has in common with itself when it is asked again."""
    return approval.thread_id, approval.turn_id, approval.item_id, approval.asked


def _gone(approval_id: str) -> ApprovalGone:
    return ApprovalGone(
        f"there is no open approval {approval_id}: it was answered or withdrawn before"
    )


def _unattended_reason(seconds: float) -> str:
    """Return what the agent reads where nobody was connected to decide."""
    minutes = seconds / 60
    waited = f"for {minutes:.0f} minutes" if minutes >= 2 else f"for {seconds:.0f} seconds"
    return f"Nobody was there to decide{f' {waited}' if seconds else ''}, so it was declined."
