"""Events as JSON: the parameters of a `codex/event` notification.

Shaped as those of `codex mcp-server` were:
`{"_meta": {"seq", "threadId", "at"}, "id": turnId, "msg": {"type": …}}`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.runs import Gate, RoleAction, Span
from codextui.protocol.threads import ThreadInfo, Usage

EVENT_METHOD = "codex/event"
"""The notification that carries an event."""

_Parser: TypeAlias = Callable[[JsonObject], ev.Msg]


def event_to_wire(event: ev.Event) -> dict[str, object]:
    """The parameters of a `codex/event` notification."""
    return {
        "_meta": {"seq": event.seq, "threadId": event.thread_id, "at": event.at},
        "id": event.turn_id,
        "msg": msg_to_wire(event.msg),
    }


def parse_event(params: JsonObject) -> ev.Event:
    """Read the parameters of a `codex/event` notification.

    A message of an unknown kind becomes `UnknownEvent`. Raises WireInvalid.
    """
    meta = fields.as_object(params.get("_meta"), "_meta")
    return ev.Event(
        seq=fields.integer_or(meta, "seq"),
        thread_id=fields.text_or(meta, "threadId"),
        turn_id=fields.text_or(params, "id"),
        at=fields.number_or(meta, "at"),
        msg=parse_msg(fields.as_object(params.get("msg"), "msg")),
    )


def msg_to_wire(msg: ev.Msg) -> dict[str, object]:
    """The JSON object of a message; its `type` says its kind."""
    match msg:
        case ev.TextDelta(item_id, delta):
            return {"type": "agent_message_content_delta", "item_id": item_id, "delta": delta}
        case ev.OutputDelta(item_id, delta):
            return {"type": "exec_command_output_delta", "item_id": item_id, "delta": delta}
        case ev.ItemStarted(item) | ev.ItemCompleted(item):
            return {"type": _KINDS[type(msg)], "item": item}
        case ev.ThreadChanged(thread):
            return {"type": "thread_changed", "thread": thread.to_wire()}
        case ev.ApprovalAsked(approval):
            return {"type": "approval_asked", "approval": approval.to_wire()}
        case ev.UnknownEvent(kind, payload):
            return {"type": kind, "payload": payload}
        case _:
            return {"type": _KINDS[type(msg)], **dataclasses.asdict(msg)}


def parse_msg(source: JsonObject) -> ev.Msg:
    """Read a message by its `type`; an unknown one becomes `UnknownEvent`. Raises WireInvalid."""
    kind = fields.text(source, "type")
    known = _MESSAGES.get(kind)
    if known is not None:
        return known[1](source)
    payload = source.get("payload")
    rest = {key: value for key, value in source.items() if key != "type"}
    return ev.UnknownEvent(kind, payload if isinstance(payload, dict) else rest)


def _item(source: JsonObject) -> JsonObject:
    item = fields.as_object(source.get("item"), "item")
    fields.text(item, "id")
    fields.text(item, "type")
    return item


def _item_delta(kind: Callable[[str, str], ev.Msg]) -> _Parser:
    return lambda s: kind(fields.text(s, "item_id"), fields.text(s, "delta"))


def _reasoning(source: JsonObject) -> ev.ReasoningDelta:
    return ev.ReasoningDelta(
        fields.text(source, "item_id"),
        fields.text(source, "delta"),
        fields.integer_or(source, "part"),
        fields.flag(source, "raw"),
    )


def _patch(source: JsonObject) -> ev.PatchUpdated:
    changes = tuple(FileChange.parse(change) for change in fields.objects(source, "changes"))
    return ev.PatchUpdated(fields.text(source, "item_id"), changes)


def _usage(source: JsonObject, key: str) -> Usage:
    return Usage.parse(fields.as_object(source.get(key, {}), key))


def _tokens(source: JsonObject) -> ev.TokensCounted:
    window = fields.maybe_integer(source, "context_window")
    return ev.TokensCounted(_usage(source, "total"), _usage(source, "last"), window)


def _plan(source: JsonObject) -> ev.PlanUpdated:
    plan = tuple(
        ev.PlanStep(fields.text_or(step, "step"), fields.text_or(step, "status"))
        for step in fields.objects(source, "plan")
    )
    return ev.PlanUpdated(fields.text_or(source, "explanation"), plan)


def _thread(source: JsonObject) -> ev.ThreadChanged:
    return ev.ThreadChanged(ThreadInfo.parse(fields.as_object(source.get("thread"), "thread")))


def _approval(source: JsonObject) -> ev.ApprovalAsked:
    return ev.ApprovalAsked(Approval.parse(fields.as_object(source.get("approval"), "approval")))


def _resolved(source: JsonObject) -> ev.ApprovalResolved:
    return ev.ApprovalResolved(
        approval_id=fields.text(source, "approval_id"),
        outcome=fields.text_or(source, "outcome"),
        by=fields.text_or(source, "by"),
        message=fields.text_or(source, "message"),
        waited=fields.number_or(source, "waited"),
    )


def _aborted(source: JsonObject) -> ev.TurnAborted:
    return ev.TurnAborted(fields.text_or(source, "reason"), fields.text_or(source, "message"))


def _error(source: JsonObject) -> ev.ErrorRaised:
    return ev.ErrorRaised(fields.text_or(source, "message"), fields.flag(source, "will_retry"))


def _refused(source: JsonObject) -> ev.HandoffRefused:
    return ev.HandoffRefused(
        fields.text(source, "source"),
        fields.text(source, "target"),
        fields.texts(source, "missing"),
    )


def _noted(source: JsonObject) -> ev.RunNoted:
    return ev.RunNoted(
        fields.text(source, "kind"), fields.text_or(source, "role"), fields.text_or(source, "text")
    )


def _gates(source: JsonObject) -> ev.GatesChecked:
    return ev.GatesChecked(tuple(Gate.parse(gate) for gate in fields.objects(source, "gates")))


def _requested(source: JsonObject) -> ev.RoleRequested:
    try:
        action = RoleAction(fields.text(source, "action"))
    except ValueError as error:
        raise MessageInvalid(f"action is none that a role knows: {error}") from error
    return ev.RoleRequested(action, fields.text_or(source, "text"), fields.text_or(source, "by"))


_MESSAGES: dict[str, tuple[type[ev.Msg], _Parser]] = {
    "thread_changed": (ev.ThreadChanged, _thread),
    "task_started": (ev.TurnStarted, lambda _: ev.TurnStarted()),
    "item_started": (ev.ItemStarted, lambda s: ev.ItemStarted(_item(s))),
    "item_completed": (ev.ItemCompleted, lambda s: ev.ItemCompleted(_item(s))),
    "agent_message_content_delta": (ev.TextDelta, _item_delta(ev.TextDelta)),
    "reasoning_content_delta": (ev.ReasoningDelta, _reasoning),
    "plan_delta": (ev.PlanDelta, _item_delta(ev.PlanDelta)),
    "exec_command_output_delta": (ev.OutputDelta, _item_delta(ev.OutputDelta)),
    "patch_updated": (ev.PatchUpdated, _patch),
    "token_count": (ev.TokensCounted, _tokens),
    "turn_diff": (ev.DiffUpdated, lambda s: ev.DiffUpdated(fields.text_or(s, "unified_diff"))),
    "plan_update": (ev.PlanUpdated, _plan),
    "task_complete": (
        ev.TurnCompleted,
        lambda s: ev.TurnCompleted(fields.text_or(s, "last_agent_message")),
    ),
    "turn_aborted": (ev.TurnAborted, _aborted),
    "error": (ev.ErrorRaised, _error),
    "warning": (ev.Warned, lambda s: ev.Warned(fields.text_or(s, "message"))),
    "approval_asked": (ev.ApprovalAsked, _approval),
    "approval_resolved": (ev.ApprovalResolved, _resolved),
    "codex_lost": (ev.CodexLost, lambda s: ev.CodexLost(fields.text_or(s, "message"))),
    "codex_ready": (ev.CodexReady, lambda s: ev.CodexReady(fields.text_or(s, "version"))),
    "handed_off": (
        ev.HandedOff,
        lambda s: ev.HandedOff(fields.text(s, "source"), fields.text(s, "target")),
    ),
    "handoff_refused": (ev.HandoffRefused, _refused),
    "run_noted": (ev.RunNoted, _noted),
    "gates_checked": (ev.GatesChecked, _gates),
    "span_changed": (
        ev.SpanChanged,
        lambda s: ev.SpanChanged(Span.parse(fields.as_object(s.get("span"), "span"))),
    ),
    "role_requested": (ev.RoleRequested, _requested),
}
"""Every kind of message by its word on the wire: its class, and how it is read."""

_KINDS: dict[type[ev.Msg], str] = {kind: word for word, (kind, _) in _MESSAGES.items()}
