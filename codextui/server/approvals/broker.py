"""Who decides: every approval is offered to all who can answer, and the first answer wins."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from codextui.codex.legacy.requests import LegacyElicitation
from codextui.codex.requests import grants
from codextui.errors import ApprovalGone, CodextuiError, ServerRefused
from codextui.protocol.approvals import Approval, Asked
from codextui.protocol.decisions import Answered, Approved, Decision, Declined, decision_word
from codextui.protocol.events import ApprovalResolved

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

UNATTENDED = "codextui"
"""Who declined, in the record of decisions, where nobody was there to decide."""

Answer: TypeAlias = Callable[[Decision], Awaitable[bool]]
"""Carries a decision to Codex; False where nobody was there to read it."""


class CannotAnswer(Exception):
    """Somebody who was asked says that they cannot answer."""


class Answerer(Protocol):
    """Somebody who can be asked: a supervisor, or the client whose call it is.

    Attributes:
        name: the client's name, as it stands in the record of decisions.
    """

    name: str

    def wants(self, approval: Approval) -> bool:
        """Whether this approval is for it to decide."""

    async def ask(self, approval: Approval, legacy: LegacyElicitation | None) -> Decision | None:
        """Ask, and wait as long as it takes; None where it turns out that it cannot answer.

        `legacy` is the question as `codex mcp-server` asked it, where it asked such. It is
        cancelled where the approval is over before. Raises CannotAnswer where it says that it
        cannot: if nobody else can either, that declines.
        """


class Record(Protocol):
    """Keeps every decision (see Journal)."""

    def open_approval(self, approval: Approval) -> None:
        """Keep that something was asked."""

    def resolve_approval(self, resolved: ApprovalResolved, *, at: float) -> None:
        """Keep how an approval ended."""

    async def decide(self, resolved: ApprovalResolved, *, at: float) -> None:
        """Keep a decision, and return when it is kept for good. Raises sqlite3.Error."""


class Audience(Protocol):
    """Hears of approvals (see the registry of threads)."""

    def approval_asked(self, approval: Approval) -> None:
        """An approval is open."""

    def approval_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        """An approval is over."""

    def approval_unattended(self, approval: Approval) -> None:
        """Nobody who could answer is there, from now on."""


@dataclass(slots=True, eq=False)
class _Open:
    approval: Approval
    key: Hashable
    answer: Answer
    legacy: LegacyElicitation | None
    on_withdrawn: Callable[[], None]
    taken: bool = False
    offers: dict[Answerer, asyncio.Task[None]] = field(default_factory=dict)
    clock: asyncio.TimerHandle | None = None

    def stop_clock(self) -> None:
        if self.clock is not None:
            self.clock.cancel()
            self.clock = None


class Broker:
    """The open approvals, in the order in which they were asked.

    Nothing here ever approves by itself: an approval ends by the first decision of a person's,
    or because Codex no longer waits for it, or is declined because nobody who could decide was
    there for long (each time that the last one leaves, the clock starts anew). A decision is on
    the record before Codex reads it.
    """

    def __init__(
        self,
        record: Record,
        audience: Audience,
        *,
        last_number: int = 0,
        unattended_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put it together.

        Args:
            record: keeps every decision.
            audience: hears of every approval.
            last_number: how many approvals there were before.
            unattended_s: seconds without anybody who could decide after which an approval is
                declined; 0 is at once, None is never.
            clock: tells the time, in unix seconds.
        """
        self._unattended_s = unattended_s
        self._record = record
        self._audience = audience
        self._number = last_number
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._answerers: list[Answerer] = []
        self._settling: set[asyncio.Task[Any]] = set()

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """What waits for a decision, the oldest first."""
        return tuple(entry.approval for entry in self._open.values() if not entry.taken)

    def approvals_of(self, thread_id: str) -> tuple[Approval, ...]:
        """What waits for a decision on one thread, the oldest first."""
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
        answer: Answer,
        legacy: LegacyElicitation | None = None,
        on_withdrawn: Callable[[], None] = lambda: None,
    ) -> Approval | None:
        """Open an approval and offer it to everybody; None where `key` is open already.

        Args:
            asked: what is asked.
            key: the request's own id, by which it is withdrawn; Codex repeats a request under
                the same one.
            thread_id: whose it is.
            turn_id: the turn that waits.
            item_id: the item that it decides on.
            handle: the thread's handle.
            answer: carries the decision to Codex.
            legacy: the question as `codex mcp-server` asked it.
            on_withdrawn: called where it ends without a decision.
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
        )
        entry = self._open[approval.approval_id] = _Open(
            approval, key, answer, legacy, on_withdrawn
        )
        self._record.open_approval(approval)
        self._audience.approval_asked(approval)
        for answerer in self._answerers:
            self._offer(entry, answerer)
        self._watch(entry)
        return approval

    def is_attended(self, approval_id: str) -> bool:
        """Whether somebody has been asked who may answer still."""
        entry = self._open.get(approval_id)
        return entry is not None and bool(entry.offers)

    def attach(self, answerer: Answerer) -> None:
        """Offer everything that is open, and all that follows, to one more."""
        self._answerers.append(answerer)
        for entry in self._open.values():
            self._offer(entry, answerer)

    def detach(self, answerer: Answerer) -> None:
        """Offer nothing more to somebody; what it had been offered stays open for the others."""
        if answerer in self._answerers:
            self._answerers.remove(answerer)
        for entry in self._open.values():
            offer = entry.offers.pop(answerer, None)
            if offer is not None:
                offer.cancel()
                self._watch(entry)

    async def decide(self, approval_id: str, decision: Decision, *, by: str) -> ApprovalResolved:
        """Decide an approval, and return how it ended: `lost` where Codex was gone by then.

        A yes that does not fit what is asked is a no.

        Raises ApprovalGone where somebody or something was faster, ServerRefused where the
        decision could not be recorded (the approval is then open still).
        """
        entry = self._take(approval_id)
        if isinstance(decision, Approved | Answered) and not grants(entry.approval.asked, decision):
            decision = Declined()  # as Codex will be told: the record must say the same
        # Whoever decided may be gone before it is carried out; the decision stands.
        return await asyncio.shield(self._start(self._settle(entry, decision, by)))

    def withdraw(
        self,
        *,
        key: Hashable | None = None,
        thread_id: str | None = None,
        turn_id: str | None = None,
        outcome: str = "withdrawn",
    ) -> None:
        """End what nobody decided: by its key, or all of a thread, or of a turn, or of all."""
        for entry in tuple(self._open.values()):
            approval = entry.approval
            fits = (
                (key is None or entry.key == key)
                and (thread_id is None or approval.thread_id == thread_id)
                and (turn_id is None or approval.turn_id == turn_id)
            )
            if fits and not entry.taken:
                entry.taken = True
                self._close(entry)
                resolved = self._resolution(entry, outcome)
                self._record.resolve_approval(resolved, at=self._clock())
                self._audience.approval_resolved(approval, resolved)
                entry.on_withdrawn()

    def _take(self, approval_id: str) -> _Open:
        entry = self._open.get(approval_id)
        if entry is None or entry.taken:
            raise ApprovalGone(
                f"there is no open approval {approval_id}: it was answered or withdrawn before"
            )
        entry.taken = True
        return entry

    def _close(self, entry: _Open) -> None:
        """Forget an approval, and withdraw it from everybody else."""
        entry.stop_clock()
        del self._open[entry.approval.approval_id]
        for offer in entry.offers.values():
            offer.cancel()
        entry.offers.clear()

    async def _settle(self, entry: _Open, decision: Decision, by: str) -> ApprovalResolved:
        """Record the decision, withdraw the question from the others, tell Codex, tell all."""
        resolved = self._resolution(entry, decision_word(decision), by=by, decision=decision)
        try:
            await self._record.decide(resolved, at=self._clock())
        except sqlite3.Error as error:
            entry.taken = False
            self._watch(entry)
            raise ServerRefused(
                f"nothing was answered, because the decision could not be recorded: {error}"
            ) from error
        self._close(entry)
        if not await self._deliver(entry, decision):
            resolved = self._resolution(entry, "lost")
            self._record.resolve_approval(resolved, at=self._clock())
        self._audience.approval_resolved(entry.approval, resolved)
        return resolved

    async def _deliver(self, entry: _Open, decision: Decision) -> bool:
        try:
            return await entry.answer(decision)
        except CodextuiError as error:
            logger.warning("Codex was not told of %s: %s", entry.approval.approval_id, error)
            return False

    def _resolution(
        self, entry: _Open, outcome: str, *, by: str = "", decision: Decision | None = None
    ) -> ApprovalResolved:
        return ApprovalResolved(
            approval_id=entry.approval.approval_id,
            outcome=outcome,
            by=by,
            message=decision.message if isinstance(decision, Declined) else "",
            waited=max(0.0, self._clock() - entry.approval.asked_at),
        )

    def _offer(self, entry: _Open, answerer: Answerer) -> None:
        if entry.taken or answerer in entry.offers or not answerer.wants(entry.approval):
            return
        entry.stop_clock()
        entry.offers[answerer] = asyncio.create_task(self._ask(entry, answerer))

    async def _ask(self, entry: _Open, answerer: Answerer) -> None:
        """Ask one of them. That one cannot answer decides nothing where another one can."""
        approval_id = entry.approval.approval_id
        why = ""
        try:
            decision = await answerer.ask(entry.approval, entry.legacy)
            if decision is not None:
                await self.decide(approval_id, decision, by=answerer.name)
        except ApprovalGone:
            pass
        except CannotAnswer as error:
            why = str(error)
        except CodextuiError as error:
            logger.warning("%s could not answer: %s", answerer.name, error)
        finally:
            entry.offers.pop(answerer, None)
        if why and not entry.offers:
            await self._decline(entry, why, by=answerer.name)
        self._watch(entry)

    def _watch(self, entry: _Open) -> None:
        """Start the clock where nobody who could answer is there."""
        if entry.taken or entry.offers or entry.clock is not None:
            return
        self._audience.approval_unattended(entry.approval)
        if self._unattended_s is None:
            return
        loop = asyncio.get_running_loop()
        entry.clock = loop.call_later(self._unattended_s, self._run_out, entry)

    def _run_out(self, entry: _Open) -> None:
        why = _unattended(self._unattended_s or 0.0)
        self._start(self._decline(entry, why, by=UNATTENDED))

    async def _decline(self, entry: _Open, why: str, *, by: str) -> None:
        try:
            await self.decide(entry.approval.approval_id, Declined(why), by=by)
        except ApprovalGone:
            pass
        except CodextuiError as error:
            logger.warning("%s was not declined: %s", entry.approval.approval_id, error)

    def _start(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        task = asyncio.create_task(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task


def _unattended(seconds: float) -> str:
    """What the agent reads where nobody was there."""
    minutes = seconds / 60
    waited = f"for {minutes:.0f} minutes" if minutes >= 2 else f"for {seconds:.0f} seconds"
    return f"Nobody was there to decide{f' {waited}' if seconds else ''}, so it was declined."
