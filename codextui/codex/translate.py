"""Codex's notifications as events. Pure.

Read against the schemas of 0.153.4, 0.163.0 and 0.169.0, which differ by notifications that are
ignored here (`thread/section/changed`, `thread/readState/changed` and such) and by members that
were added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.fact import Fact, parse_fact
from codextui.codex.ignored import IGNORED
from codextui.codex.item import last_message, parse_changes, parse_item
from codextui.codex.warned import WARNINGS
from codextui.errors import WireInvalid
from codextui.wire import event as ev
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import Usage


@dataclass(frozen=True, slots=True)
class Translated:
    """An event in the making: the hub adds its `seq` and time.

    Attributes:
        thread_id: empty for what concerns Codex as a whole.
        turn_id: empty for what concerns the whole thread.
        msg: what happened.
    """

    thread_id: str
    turn_id: str
    msg: ev.Msg


Notice: TypeAlias = Translated | Fact | None
"""What a notification comes to: an event, a fact about a thread, or nothing (see IGNORED)."""

_Parser: TypeAlias = Callable[[JsonObject], ev.Msg]


def translate(method: str, params: JsonObject) -> Notice:
    """Say what a notification means. Never raises.

    None comes back for the methods in IGNORED, and where a kind that may warn has nothing to
    warn of (`codextui.codex.warned`). An unknown method, and a known one whose parameters have
    a wrong shape, become an `UnknownEvent` with the whole of them.

    `turn/completed` carries no items, so the `TurnCompleted` made of it has no last message:
    whoever has seen the turn's items fills it in.
    """
    if method in IGNORED:
        return None
    try:
        return _translate(method, params)
    except WireInvalid:
        return _place(params, ev.UnknownEvent(f"malformed {method}", params))


def turn_msg(turn: JsonObject) -> ev.Msg | None:
    """Return the event that says how a turn ended, None where it still runs. Raises WireInvalid."""
    match fields.text(turn, "status"):
        case "completed":
            return ev.TurnCompleted(last_message(fields.objects(turn, "items")))
        case "interrupted":
            return ev.TurnAborted("interrupted")
        case "failed":
            error = turn.get("error")
            return ev.TurnAborted("failed", error_text(error) if isinstance(error, dict) else "")
        case "inProgress":
            return None
        case status:
            raise WireInvalid(f"a turn cannot be {status!r}")


def error_text(error: JsonObject) -> str:
    """Return what a `TurnError` says, with its details. Raises WireInvalid."""
    details = fields.text_or(error, "additionalDetails")
    message = fields.text(error, "message")
    return f"{message}\n{details}" if details else message


def _translate(method: str, params: JsonObject) -> Notice:
    parse = _EVENTS.get(method)
    if parse is not None:
        msg = parse(params)
        return Translated(fields.text(params, "threadId"), fields.text_or(params, "turnId"), msg)
    fact = parse_fact(method, params)
    if fact is not None:
        return fact
    warning = WARNINGS.get(method)
    if warning is not None:
        message = warning(params)
        return None if message is None else _place(params, ev.Warned(message))
    if method in _TURNS:
        return _turn(method, params)
    return _place(params, ev.UnknownEvent(_kind(method), params))


def _turn(method: str, params: JsonObject) -> Translated:
    turn = fields.as_object(params.get("turn"), "turn")
    msg = ev.TurnStarted() if method == "turn/started" else turn_msg(turn)
    if msg is None:
        raise WireInvalid("a completed turn cannot be inProgress")
    return Translated(fields.text(params, "threadId"), fields.text(turn, "id"), msg)


def _place(params: JsonObject, msg: ev.Msg) -> Translated:
    """Put a message where its parameters say, as far as they do."""
    thread_id, turn_id = params.get("threadId"), params.get("turnId")
    return Translated(
        thread_id if isinstance(thread_id, str) else "",
        turn_id if isinstance(turn_id, str) else "",
        msg,
    )


def _kind(method: str) -> str:
    """The kind of an unknown event: its method, kept apart from our own words for events."""
    return method if "/" in method else f"app-server/{method}"


def _item_id(params: JsonObject) -> str:
    return fields.text(params, "itemId")


def _delta(params: JsonObject) -> str:
    return fields.text(params, "delta")


def _summary(params: JsonObject) -> ev.ReasoningDelta:
    part = fields.integer_or(params, "summaryIndex")
    return ev.ReasoningDelta(_item_id(params), _delta(params), part)


def _raw_reasoning(params: JsonObject) -> ev.ReasoningDelta:
    part = fields.integer_or(params, "contentIndex")
    return ev.ReasoningDelta(_item_id(params), _delta(params), part, raw=True)


def _progress(params: JsonObject) -> ev.OutputDelta:
    return ev.OutputDelta(_item_id(params), fields.text(params, "message") + "\n")


def _tokens(params: JsonObject) -> ev.TokensCounted:
    usage = fields.as_object(params.get("tokenUsage"), "tokenUsage")
    return ev.TokensCounted(
        total=_usage(usage, "total"),
        last=_usage(usage, "last"),
        context_window=fields.maybe_integer(usage, "modelContextWindow"),
    )


def _usage(source: JsonObject, key: str) -> Usage:
    tokens = fields.as_object(source.get(key), key)
    return Usage(
        total=fields.integer_or(tokens, "totalTokens"),
        input=fields.integer_or(tokens, "inputTokens"),
        cached_input=fields.integer_or(tokens, "cachedInputTokens"),
        output=fields.integer_or(tokens, "outputTokens"),
        reasoning=fields.integer_or(tokens, "reasoningOutputTokens"),
    )


def _plan(params: JsonObject) -> ev.PlanUpdated:
    steps = tuple(
        ev.PlanStep(fields.text(step, "step"), fields.text(step, "status"))
        for step in fields.objects(params, "plan")
    )
    return ev.PlanUpdated(fields.text_or(params, "explanation"), steps)


def _error(params: JsonObject) -> ev.ErrorRaised:
    error = fields.as_object(params.get("error"), "error")
    return ev.ErrorRaised(error_text(error), fields.flag(params, "willRetry"))


_TURNS = frozenset({"turn/started", "turn/completed"})

_EVENTS: Mapping[str, _Parser] = {
    "item/started": lambda p: ev.ItemStarted(parse_item(p.get("item"))),
    "item/completed": lambda p: ev.ItemCompleted(parse_item(p.get("item"))),
    "item/agentMessage/delta": lambda p: ev.TextDelta(_item_id(p), _delta(p)),
    "item/plan/delta": lambda p: ev.PlanDelta(_item_id(p), _delta(p)),
    "item/reasoning/summaryTextDelta": _summary,
    "item/reasoning/textDelta": _raw_reasoning,
    "item/commandExecution/outputDelta": lambda p: ev.OutputDelta(_item_id(p), _delta(p)),
    "item/mcpToolCall/progress": _progress,
    "item/fileChange/patchUpdated": lambda p: ev.PatchUpdated(_item_id(p), parse_changes(p)),
    "thread/tokenUsage/updated": _tokens,
    "turn/diff/updated": lambda p: ev.DiffUpdated(fields.text(p, "diff")),
    "turn/plan/updated": _plan,
    "error": _error,
}
"""Every notification that is an event on a thread, and how it is read."""
