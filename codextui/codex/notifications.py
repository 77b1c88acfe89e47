"""Codex's notifications as events. Pure.

Read against the schemas of 0.153.4, 0.163.0 and 0.169.0, which differ by notifications that are
ignored here (`thread/section/changed`, `thread/readState/changed` and such) and by members that
were added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.items import last_message, parse_changes, parse_item
from codextui.codex.thread_notifications import Fact, parse_fact
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import Usage

_SAID_ELSEWHERE = frozenset(
    {
        # The deltas and the finished items say the same.
        "item/reasoning/summaryPartAdded",
        "rawResponse/completed",
        "rawResponseItem/completed",
        # The terminal echoes what the agent types into it.
        "item/commandExecution/terminalInteraction",
        "item/fileChange/outputDelta",
        "thread/compacted",
        # What comes of these is told when it is over.
        "hook/started",
        "item/autoApprovalReview/started",
        "thread/environment/connected",
    }
)

_ABOUT_THE_ACCOUNT = frozenset(
    {
        "account/updated",
        "account/login/completed",
        "account/gatewayOAuth/changed",
        "model/verification",
        "model/safetyBuffering/updated",
        "turn/moderationMetadata",
    }
)

_ABOUT_OTHER_PROGRAMS = frozenset(
    {
        "app/list/updated",
        "externalAgentConfig/import/completed",
        "externalAgentConfig/import/progress",
        "project/changed",
        "remoteControl/status/changed",
        "skills/changed",
        "thread/attachment/updated",
        "thread/goal/cleared",
        "thread/goal/updated",
        "thread/prediction/updated",
        "thread/project/updated",
        "thread/queue/changed",
        "thread/readState/changed",
        "thread/section/changed",
        "windowsSandbox/setupCompleted",
    }
)

_ANSWERS_TO_CALLS_NEVER_MADE = frozenset(
    {
        "command/exec/outputDelta",
        "fs/changed",
        "fuzzyFileSearch/sessionCompleted",
        "fuzzyFileSearch/sessionUpdated",
        "mcpServer/event/stream/notification",
        "process/exited",
        "process/outputDelta",
        "thread/realtime/closed",
        "thread/realtime/error",
        "thread/realtime/item/completed",
        "thread/realtime/item/started",
        "thread/realtime/item/transcript/delta",
        "thread/realtime/itemAdded",
        "thread/realtime/outputAudio/delta",
        "thread/realtime/sdp",
        "thread/realtime/started",
        "thread/realtime/transcript/delta",
        "thread/realtime/transcript/done",
    }
)

IGNORED: frozenset[str] = (
    _SAID_ELSEWHERE | _ABOUT_THE_ACCOUNT | _ABOUT_OTHER_PROGRAMS | _ANSWERS_TO_CALLS_NEVER_MADE
)
"""The methods that `codextui.codex.notifications` drops."""


def _message(params: JsonObject) -> str:
    return fields.text(params, "message")


def _warning_summary(params: JsonObject) -> str:
    details = fields.text_or(params, "details")
    path = fields.text_or(params, "path")
    parts = (fields.text(params, "summary"), path and f"({path})", details)
    return " ".join(part for part in parts if part)


def _rerouted(params: JsonObject) -> str:
    asked, given = fields.text(params, "fromModel"), fields.text(params, "toModel")
    return f"The turn runs on {given} instead of {asked} ({fields.text_or(params, 'reason')})."


def _mcp_status(params: JsonObject) -> str | None:
    name, error = fields.text(params, "name"), fields.text_or(params, "error")
    if fields.text(params, "status") != "failed":
        return None
    return f"The MCP server {name} did not start: {error or 'Codex does not say why'}"


def _mcp_login(params: JsonObject) -> str | None:
    if fields.flag(params, "success"):
        return None
    name, error = fields.text(params, "name"), fields.text_or(params, "error")
    return f"The login to the MCP server {name} failed: {error or 'Codex does not say why'}"


def _rate_limits(params: JsonObject) -> str | None:
    limits = fields.as_object(params.get("rateLimits"), "rateLimits")
    reached = fields.text_or(limits, "rateLimitReachedType")
    return f"A limit of the account is reached: {reached.replace('_', ' ')}." if reached else None


def _hook(params: JsonObject) -> str | None:
    run = fields.as_object(params.get("run"), "run")
    status = fields.text(run, "status")
    if status not in ("failed", "blocked", "stopped"):
        return None
    said = " ".join(fields.text_or(entry, "text") for entry in fields.objects(run, "entries"))
    why = said or fields.text_or(run, "statusMessage") or "it does not say why"
    return f"A hook on {fields.text_or(run, 'eventName')} {status}: {why}"


def _review(params: JsonObject) -> str:
    review = fields.as_object(params.get("review"), "review")
    action = fields.as_object(params.get("action"), "action")
    what = fields.text_or(action, "command") or fields.text_or(action, "type")
    why = fields.text_or(review, "rationale")
    said = f"Codex's automatic review: {fields.text(review, 'status')}: {what}"
    return f"{said} ({why})" if why else said


def _strict_review(params: JsonObject) -> str:
    fields.text(params, "threadId")
    return "Codex reviews every further command of this turn before it runs."


def _environment_lost(params: JsonObject) -> str:
    return f"The environment {fields.text(params, 'environmentId')} is disconnected."


def _world_writable(params: JsonObject) -> str:
    paths = ", ".join(fields.texts(params, "samplePaths"))
    return f"Everybody can write to these folders, so the sandbox cannot guard them: {paths}"


WARNINGS: Mapping[str, Callable[[JsonObject], str | None]] = {
    "warning": _message,
    "guardianWarning": _message,
    "deprecationNotice": _warning_summary,
    "configWarning": _warning_summary,
    "model/rerouted": _rerouted,
    "modelProvider/authRecoveryStarted": _message,
    "modelProvider/authRecoveryCompleted": _message,
    "mcpServer/startupStatus/updated": _mcp_status,
    "mcpServer/oauthLogin/completed": _mcp_login,
    "account/rateLimits/updated": _rate_limits,
    "hook/completed": _hook,
    "item/autoApprovalReview/completed": _review,
    "autoApprovalReview/strictReviewRequired": _strict_review,
    "thread/environment/disconnected": _environment_lost,
    "windows/worldWritableWarning": _world_writable,
}
"""Every notification that may warn, and how its sentence is made."""

AT_EVERY_START = frozenset({"configWarning", "deprecationNotice"})
"""Those about how Codex is set up. Every process says them anew, whatever was said before."""


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
    warn of. An unknown method, and a known one whose parameters have
    a wrong shape, become an `UnknownEvent` with the whole of them.

    `turn/completed` carries no items, so the `TurnCompleted` made of it has no last message:
    whoever has seen the turn's items fills it in.
    """
    if method in IGNORED:
        return None
    try:
        return _translate(method, params)
    except MessageInvalid:
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
            raise MessageInvalid(f"a turn cannot be {status!r}")


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
        raise MessageInvalid("a completed turn cannot be inProgress")
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


def _reasoning_summary(params: JsonObject) -> ev.ReasoningDelta:
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
    "item/reasoning/summaryTextDelta": _reasoning_summary,
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


def translate_history(thread_id: str, turns: Iterable[JsonObject]) -> list[Translated]:
    """Return the events of past turns, oldest first, as if they had been heard.

    Per turn: TurnStarted, an ItemCompleted for every item (an ItemStarted where the turn still
    runs and the item is not finished), and TurnCompleted (with the last message) or TurnAborted
    unless it still runs. Never raises: a turn of a wrong shape becomes an `UnknownEvent`.
    """
    events: list[Translated] = []
    for turn in turns:
        try:
            events.extend(_translate_turn(thread_id, turn))
        except MessageInvalid:
            events.append(Translated(thread_id, "", ev.UnknownEvent("malformed turn", turn)))
    return events


def _translate_turn(thread_id: str, turn: JsonObject) -> list[Translated]:
    turn_id = fields.text(turn, "id")
    return [Translated(thread_id, turn_id, msg) for msg in _messages(turn)]


def _messages(turn: JsonObject) -> Iterator[ev.Msg]:
    end = turn_msg(turn)
    yield ev.TurnStarted()
    for value in fields.objects(turn, "items"):
        item = parse_item(value)
        unfinished = end is None and item.get("status") == "inProgress"
        yield ev.ItemStarted(item) if unfinished else ev.ItemCompleted(item)
    if end is not None:
        yield end
