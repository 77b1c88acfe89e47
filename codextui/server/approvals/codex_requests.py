"""Turns the requests of Codex into approvals, and answers them with the decisions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec import structs

from codextui.codex.calls import interrupt_turn, steer_turn
from codextui.codex.legacy.requests import build_elicitation
from codextui.codex.outcomes import tells_outcome
from codextui.codex.requests import (
    Answer,
    ApprovalRequest,
    Refusal,
    encode_decision,
    grants,
    needs_interrupt,
    parse_request,
)
from codextui.codex.threads import ANOTHER_PROGRAM
from codextui.errors import CodextuiError, TurnNotRunning
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, PatchAsked
from codextui.protocol.decisions import Decision, Declined
from codextui.protocol.events import Warned
from codextui.server.approvals.broker import ApprovalBroker
from codextui.server.approvals.carried_out import DecisionChecks
from codextui.server.events.legacy import LegacyEventHub
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.registry import ThreadRegistry, new_message_id
from codextui.server.worker import CodexWorker

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _OpenRequest:
    """A request of Codex that waits for a decision; `opened` is the approval that was opened."""

    process: int
    request_id: RequestId
    method: str
    params: JsonObject
    approval: ApprovalRequest
    opened: Approval | None = None


@dataclass(frozen=True, slots=True)
class CodexRequests:
    """Turns requests of Codex into approvals, and answers them with the decisions.

    Attributes:
        registry: the threads that ask.
        broker: asks people.
        worker: takes the answers.
        legacy: sends the legacy events of decisions.
        others: the threads of other programs.
        checks: checks which answer was carried out.
        start: starts a task that belongs to the server.
    """

    registry: ThreadRegistry
    broker: ApprovalBroker
    worker: CodexWorker
    legacy: LegacyEventHub
    others: OtherThreads
    checks: DecisionChecks
    start: Callable[[Coroutine[Any, Any, Any]], object]

    def handle(self, process: int, request_id: RequestId, method: str, params: JsonObject) -> None:
        """Answer a request at once where no person is needed; otherwise open an approval.

        What needs no person and is asked by a thread that another program has gets no answer at
        all: the client that it is meant for gives one, and ours, even an error, would take its
        place.
        """
        thread_id = params.get("threadId")
        thread_id = thread_id if isinstance(thread_id, str) else ""
        match parse_request(method, params):
            case Answer() | Refusal() if self._has_other_client(thread_id):
                logger.info("%s is left to the other programs", method)
            case Answer(result):
                self.worker.respond(process, request_id, result)
            case Refusal(code, message):
                self.worker.refuse(process, request_id, code, message)
            case ApprovalRequest() as approval:
                request = _OpenRequest(process, request_id, method, params, approval)
                ask = partial(self._ask, request)
                needs_item = isinstance(approval.asked, PatchAsked)
                if not self.others.defer(approval.thread_id, ask, needs_item=needs_item):
                    ask()

    def _has_other_client(self, thread_id: str) -> bool:
        record = self.registry.get(thread_id)
        is_adopted = record is not None and record.info.adopted and self.others.is_shared
        return is_adopted or self.others.is_foreign(thread_id)

    def _ask(self, request: _OpenRequest) -> None:
        """Open the approval, unless the process that asks is gone: the next one asks again."""
        if not self.worker.is_current(request.process):
            return
        approval = request.approval
        record = self.registry.get(approval.thread_id)
        asked = approval.asked
        if record is not None and isinstance(asked, PatchAsked) and not asked.changes:
            changes = record.turn.patches.get(approval.item_id, ())
            asked = structs.replace(asked, changes=changes)
        changes = asked.changes if isinstance(asked, PatchAsked) else ()
        is_foreign = self.others.is_foreign(approval.thread_id)
        origin = record.info.origin if record is not None else ""
        self.checks.handle_asked(approval.thread_id, approval.item_id)
        request.opened = self.broker.ask(
            asked,
            key=(request.process, request.request_id),
            thread_id=approval.thread_id,
            turn_id=approval.turn_id,
            item_id=approval.item_id,
            handle=record.info.handle if record is not None else "",
            origin=(origin or ANOTHER_PROGRAM) if is_foreign else "",
            on_decision=partial(self._answer, request),
            legacy=build_elicitation(request.method, request.params, changes),
        )

    async def _answer(self, request: _OpenRequest, decision: Decision) -> bool:
        """Answer a request; False where the process that made it is gone, or it was answered.

        The reason of a decline is steered into the turn before it, so that the model reads both.
        Where another client may be answering it is given once ours was the answer that counted.
        """
        approval = request.approval
        reason = decision.message if isinstance(decision, Declined) else ""
        can_tell = tells_outcome(request.method, request.params)
        is_contested = can_tell and self._has_other_client(approval.thread_id)
        if reason and not is_contested and not self._is_too_late(request):
            await self._steer_reason(approval, reason)
        if self._is_too_late(request):
            return False
        sent = self._send(request, decision)
        granted = grants(approval.asked, decision)
        self.legacy.handle_decision(approval.thread_id, approval.item_id, granted=granted)
        if sent and can_tell:
            self._check(request, granted=granted, reason=reason if is_contested else "")
        if sent and needs_interrupt(approval.asked, decision):
            with suppress(TurnNotRunning):
                app = await self.worker.app()
                await interrupt_turn(app, approval.thread_id, approval.turn_id)
        return sent

    def _is_too_late(self, request: _OpenRequest) -> bool:
        return self.broker.is_too_late((request.process, request.request_id))

    def _check(self, request: _OpenRequest, *, granted: bool, reason: str) -> None:
        """Check whether a decision counted; the reason of one that did is given to the agent."""

        def give_reason() -> None:
            if reason:
                self.start(self._steer_reason(request.approval, reason))

        if request.opened is not None:
            self.checks.watch(
                request.opened,
                process=request.process,
                granted=granted,
                on_confirmed=give_reason,
            )

    def _send(self, request: _OpenRequest, decision: Decision) -> bool:
        process, request_id = request.process, request.request_id
        match encode_decision(request.method, request.params, decision):
            case Answer(result):
                return self.worker.respond(process, request_id, result)
            case Refusal(code, message):
                return self.worker.refuse(process, request_id, code, message)

    async def _steer_reason(self, approval: ApprovalRequest, reason: str) -> None:
        """Steer the reason of a decline into the turn first, so that the model reads both."""
        try:
            await steer_turn(
                await self.worker.app(),
                approval.thread_id,
                approval.turn_id,
                reason,
                client_message_id=new_message_id(),
            )
        except CodextuiError as error:
            logger.warning("the reason for a decline was not given to the agent: %s", error)
            record = self.registry.get(approval.thread_id)
            if record is not None:
                text = f"The agent could not be told why: {error}"
                self.registry.publish(record, approval.turn_id, Warned(text))
