"""What Codex asks, brought to people; and how their answers go back to it."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from msgspec import structs

from codextui.codex.calls import interrupt_turn, steer_turn
from codextui.codex.legacy.requests import build_elicitation
from codextui.codex.requests import (
    Answer,
    ApprovalRequest,
    Refusal,
    encode_decision,
    grants,
    needs_interrupt,
    parse_request,
)
from codextui.errors import CodextuiError, TurnNotRunning
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import (
    Approval,
    Asked,
    ElicitationAsked,
    PatchAsked,
    QuestionsAsked,
)
from codextui.protocol.decisions import Decision, Declined
from codextui.protocol.events import ApprovalAsked, ApprovalResolved, Warned
from codextui.protocol.threads import ThreadState
from codextui.server.approvals.broker import Broker
from codextui.server.events.hub import EventHub
from codextui.server.mcp.codex_events import LegacyStreams
from codextui.server.threads.registry import Registry, ThreadRecord, new_message_id
from codextui.server.worker import CodexWorker

logger = logging.getLogger(__name__)


class ApprovalAudience:
    """Tells everybody of approvals, and keeps the threads' rows right about them.

    It is the broker's audience.
    """

    def __init__(self, hub: EventHub, registry: Registry) -> None:
        self._hub = hub
        self._registry = registry

    def approval_asked(self, approval: Approval) -> None:
        """A thread waits for a person."""
        record = self._publish(approval, ApprovalAsked(approval))
        if record is not None:
            word = record.asking[approval.approval_id] = _what_to_do(approval.asked)
            self._registry.update(record, state=ThreadState.NEEDS_INPUT, waits_for=word)

    def approval_resolved(self, approval: Approval, resolved: ApprovalResolved) -> None:
        """A thread does not wait for that any more."""
        record = self._publish(approval, resolved)
        if record is None:
            return
        record.asking.pop(approval.approval_id, None)
        state, waits_for = record.info.state, next(iter(record.asking.values()), "")
        if not record.asking and state is ThreadState.NEEDS_INPUT:
            if record.told is not None:
                state, waits_for = record.told.state, record.told.waits_for
            else:
                state = ThreadState.RUNNING if record.running else ThreadState.IDLE
        self._registry.update(record, state=state, waits_for=waits_for)

    def approval_unattended(self, approval: Approval) -> None:
        """Whoever made the call learns who could decide."""
        record = self._registry.get(approval.thread_id)
        for watcher in tuple(record.watchers) if record is not None else ():
            watcher.unattended(approval)

    def _publish(
        self, approval: Approval, msg: ApprovalAsked | ApprovalResolved
    ) -> ThreadRecord | None:
        record = self._registry.get(approval.thread_id)
        if record is None:
            self._hub.publish(approval.thread_id, approval.turn_id, msg)
        else:
            self._registry.publish(record, approval.turn_id, msg)
        return record


@dataclass(frozen=True, slots=True)
class _Question:
    """A request of Codex's that waits for an answer."""

    process: int
    request_id: RequestId
    method: str
    params: JsonObject
    ask: ApprovalRequest


@dataclass(frozen=True, slots=True)
class CodexRequests:
    """Takes the requests of Codex's to whoever can answer them."""

    registry: Registry
    broker: Broker
    worker: CodexWorker
    legacy: LegacyStreams

    def hear(self, process: int, request_id: RequestId, method: str, params: JsonObject) -> None:
        """Answer a request at once where that is right, otherwise ask people."""
        match parse_request(method, params):
            case Answer(result):
                self.worker.respond(process, request_id, result)
            case Refusal(code, message):
                self.worker.refuse(process, request_id, code, message)
            case ApprovalRequest() as ask:
                self._ask(_Question(process, request_id, method, params, ask))

    def _ask(self, question: _Question) -> None:
        ask = question.ask
        record = self.registry.get(ask.thread_id)
        asked = ask.asked
        if record is not None and isinstance(asked, PatchAsked) and not asked.changes:
            asked = structs.replace(asked, changes=record.patches.get(ask.item_id, ()))
        changes = asked.changes if isinstance(asked, PatchAsked) else ()
        self.broker.ask(
            asked,
            key=(question.process, question.request_id),
            thread_id=ask.thread_id,
            turn_id=ask.turn_id,
            item_id=ask.item_id,
            handle=record.info.handle if record is not None else "",
            answer=partial(self._answer, question),
            legacy=build_elicitation(question.method, question.params, changes),
        )

    async def _answer(self, question: _Question, decision: Decision) -> bool:
        ask = question.ask
        if isinstance(decision, Declined) and decision.message:
            await self._explain(ask, decision.message)
        sent = self._send(question, decision)
        self.legacy.answered(ask.thread_id, ask.item_id, granted=grants(ask.asked, decision))
        if sent and needs_interrupt(ask.asked, decision):
            with suppress(TurnNotRunning):
                await interrupt_turn(await self.worker.app(), ask.thread_id, ask.turn_id)
        return sent

    def _send(self, question: _Question, decision: Decision) -> bool:
        process, request_id = question.process, question.request_id
        match encode_decision(question.method, question.params, decision):
            case Answer(result):
                return self.worker.respond(process, request_id, result)
            case Refusal(code, message):
                return self.worker.refuse(process, request_id, code, message)

    async def _explain(self, ask: ApprovalRequest, message: str) -> None:
        """Say why to the turn before it reads the no, so that the model reads both."""
        try:
            app = await self.worker.app()
            await steer_turn(
                app, ask.thread_id, ask.turn_id, message, client_message_id=new_message_id()
            )
        except CodextuiError as error:
            logger.warning("the reason for a decline was not given to the agent: %s", error)
            record = self.registry.get(ask.thread_id)
            if record is not None:
                text = f"The agent could not be told why: {error}"
                self.registry.publish(record, ask.turn_id, Warned(text))


def _what_to_do(asked: Asked) -> str:
    return "answer" if isinstance(asked, QuestionsAsked | ElicitationAsked) else "approval"
