"""Turns what a supervised server sends, frame by frame, into facts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from mcp_types import INVALID_PARAMS, RequestId

from codextui.client.facts import (
    ApprovalOffered,
    ApprovalWithdrawn,
    CaughtUp,
    Connected,
    EventArrived,
    Fact,
)
from codextui.client.transport import InterceptTransport
from codextui.errors import MessageInvalid, ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events, tools
from codextui.protocol.approvals import Approval
from codextui.protocol.decisions import Decision, to_elicit_result
from codextui.protocol.events import ApprovalResolved, Event, UnknownEvent, Warned


class Intake:
    """Where in the events a client is, what it was asked, and whom it tells.

    It outlives connections: `epoch` and `seq` say where to go on after a reconnect.
    """

    def __init__(self, on_fact: Callable[[Fact], None]) -> None:
        self._on_fact = on_fact
        self.epoch = ""
        self.seq = 0
        self.server_info = ""
        self._transport: InterceptTransport | None = None
        self._asked: dict[RequestId, str] = {}
        self._answered: dict[str, asyncio.Future[ApprovalResolved]] = {}

    def attach(self, transport: InterceptTransport) -> None:
        """Take over a new connection: what the one before asked is gone."""
        self._transport = transport
        self._asked.clear()

    def detach(self, reason: str) -> None:
        """The connection is lost: nobody will confirm the answers that were given on it."""
        answered, self._answered = self._answered, {}
        for resolved in answered.values():
            if not resolved.done():
                resolved.set_exception(ServerUnreachable(f"no word of what became of it: {reason}"))

    def answer(
        self, approval_id: str, decision: Decision
    ) -> asyncio.Future[ApprovalResolved] | None:
        """Answer the open elicitation for an approval; None where there is none.

        The future resolves to what the server says of the approval's end, which another client
        may have brought about. It fails with ServerUnreachable where the connection is lost.
        """
        open_ids = [key for key, asked in self._asked.items() if asked == approval_id]
        if not open_ids or self._transport is None:
            return None
        resolved = self._answered.setdefault(
            approval_id, asyncio.get_running_loop().create_future()
        )
        for request_id in open_ids:
            del self._asked[request_id]
            self._transport.respond(request_id, to_elicit_result(decision))
        return resolved

    def tell(self, fact: Fact) -> None:
        """Hand a fact to the owner. What it raises is reported to the loop, not to the wire."""
        try:
            self._on_fact(fact)
        except Exception as error:  # noqa: BLE001 - the owner's fault must not end the connection
            context = {"message": f"{type(fact).__name__} was not dealt with", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def take_notification(self, method: str, params: JsonObject) -> bool:
        """Deal with what a supervised server sends (`Intercept`)."""
        match method:
            case events.EVENT_METHOD:
                self._take_event(params)
            case tools.SUBSCRIBED_METHOD:
                self._take_subscribed(params)
            case tools.CAUGHT_UP_METHOD:
                self.tell(CaughtUp(_count(params, "seq")))
            case "notifications/cancelled":
                return self._withdraw(params.get("requestId"))
            case _:
                return False
        return True

    def take_request(self, request_id: RequestId, method: str, params: JsonObject) -> bool:
        """Keep an elicitation open until it is decided or withdrawn (`Intercept`)."""
        if method != "elicitation/create":
            return False
        try:
            meta = fields.as_object(params.get("_meta"), "_meta")
            approval = Approval.from_json(
                fields.as_object(meta.get(tools.APPROVAL_META), tools.APPROVAL_META)
            )
        except MessageInvalid as error:
            if self._transport is not None:
                self._transport.refuse(request_id, INVALID_PARAMS, str(error))
            self.malformed(f"an approval could not be read, and was refused: {error}")
            return True
        self._asked[request_id] = approval.approval_id
        self.tell(ApprovalOffered(approval))
        return True

    def malformed(self, reason: str) -> None:
        """Make visible what could not be read (`Intercept`)."""
        self.tell(EventArrived(Event(0, "", "", time.time(), Warned(reason))))

    def _take_event(self, params: JsonObject) -> None:
        try:
            event = Event.from_json(params)
        except MessageInvalid as error:
            event = _unreadable(params, error)
        if event.seq > self.seq:
            self.seq = event.seq
        elif event.seq > 0:
            return  # told before: a replay may overlap
        if isinstance(event.msg, ApprovalResolved):
            self._confirm(event.msg)
        self.tell(EventArrived(event))

    def _confirm(self, end: ApprovalResolved) -> None:
        resolved = self._answered.pop(end.approval_id, None)
        if resolved is not None and not resolved.done():
            resolved.set_result(end)

    def _take_subscribed(self, params: JsonObject) -> None:
        epoch = params.get("epoch")
        epoch = epoch if isinstance(epoch, str) else ""
        since = _count(params, "since")
        fresh = since == 0 or epoch != self.epoch
        self.epoch = epoch
        if fresh:
            self.seq = since
        self.tell(Connected(epoch, self.server_info, fresh))

    def _withdraw(self, request_id: object) -> bool:
        if not isinstance(request_id, int | str):
            return False
        approval_id = self._asked.pop(request_id, None)
        if approval_id is None:
            return False
        self.tell(ApprovalWithdrawn(approval_id))
        return True


def _count(params: JsonObject, key: str) -> int:
    value = params.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _unreadable(params: JsonObject, error: MessageInvalid) -> Event:
    """The event, kept whole: where it belongs as far as that can be read."""
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    thread_id, turn_id = meta.get("threadId"), params.get("id")
    return Event(
        seq=_count(meta, "seq"),
        thread_id=thread_id if isinstance(thread_id, str) else "",
        turn_id=turn_id if isinstance(turn_id, str) else "",
        at=time.time(),
        msg=UnknownEvent(f"unreadable: {error}", params),
    )
