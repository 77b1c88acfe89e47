"""Translates the notifications of `codex app-server` into our events. Pure.

Every notification becomes one of four things: an event (`_EVENTS`, and the start and end of a
turn), a warning (`WARNINGS`), an update for the server alone
(`codextui.codex.thread_notifications`), or nothing (`IGNORED`). An unknown method becomes an
`UnknownEvent`, so that what a newer Codex sends stays visible.

Written for the schemas of 0.153.4 to 0.171.0, which differ in members that were added and in
notifications that are ignored here. `tests/contract/test_schema.py` compares it with the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.items import last_message, parse_changes, parse_item
from codextui.codex.thread_notifications import ThreadNotification, parse_thread_notification
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import Usage


@dataclass(frozen=True, slots=True)
class TranslatedEvent:
    """An event without the `seq` and time that the hub assigns.

    Attributes:
        thread_id: empty for what concerns Codex as a whole.
        turn_id: empty for what concerns the whole thread.
        msg: what happened.
    """

    thread_id: str
    turn_id: str
    msg: ev.Msg


Translation: TypeAlias = TranslatedEvent | ThreadNotification | None
"""What a notification becomes; None for nothing."""


def translate(method: str, params: JsonObject) -> Translation:
    """Translate a notification. Never raises.

    Returns None for the methods in IGNORED, and for one in WARNINGS that reports no problem. An
    unknown method, and a known one with malformed parameters, become an `UnknownEvent` with all
    parameters.

    The items of a turn do not come with `turn/completed`, so the `TurnCompleted` has no last
    message; the caller has seen the items and can add it.
    """
    if method in IGNORED:
        return None
    try:
        return _translate(method, params)
    except MessageInvalid:
        return _locate(params, ev.UnknownEvent(f"malformed {method}", params))


def translate_history(thread_id: str, turns: Iterable[JsonObject]) -> list[TranslatedEvent]:
    """Return the events of past turns, oldest first. Never raises.

    A turn gives TurnStarted, an ItemCompleted per item, and TurnCompleted (with the last message)
    or TurnAborted. A turn that still runs has no end, and an ItemStarted for every item that is
    in progress. A malformed turn becomes an `UnknownEvent`.
    """
    events: list[TranslatedEvent] = []
    for turn in turns:
        try:
            turn_id = fields.text(turn, "id")
            events += [TranslatedEvent(thread_id, turn_id, msg) for msg in _past_msgs(turn)]
        except MessageInvalid:
            events.append(TranslatedEvent(thread_id, "", ev.UnknownEvent("malformed turn", turn)))
    return events


def _past_msgs(turn: JsonObject) -> list[ev.Msg]:
    end = _turn_end(turn)
    msgs: list[ev.Msg] = [ev.TurnStarted()]
    for value in fields.objects(turn, "items"):
        item = parse_item(value)
        unfinished = end is None and item.get("status") == "inProgress"
        msgs.append(ev.ItemStarted(item) if unfinished else ev.ItemCompleted(item))
    return msgs if end is None else [*msgs, end]


def _translate(method: str, params: JsonObject) -> Translation:
    parse = _EVENTS.get(method)
    if parse is not None:
        msg = parse(params)
        turn_id = fields.text_or(params, "turnId")
        return TranslatedEvent(fields.text(params, "threadId"), turn_id, msg)
    if method in _TURNS:
        return _translate_turn(method, params)
    notification = parse_thread_notification(method, params)
    if notification is not None:
        return notification
    warning = WARNINGS.get(method)
    if warning is not None:
        message = warning(params)
        if message is None:
            return None
        details = params.get("details")
        warned = ev.Warned(message, method, details if isinstance(details, str) else "")
        return _locate(params, warned)
    # An event's own kinds have no slash.
    kind = method if "/" in method else f"app-server/{method}"
    return _locate(params, ev.UnknownEvent(kind, params))


def _locate(params: JsonObject, msg: ev.Msg) -> TranslatedEvent:
    """Return an event on the thread and turn that the parameters name, as far as they do."""
    thread_id, turn_id = params.get("threadId"), params.get("turnId")
    return TranslatedEvent(
        thread_id if isinstance(thread_id, str) else "",
        turn_id if isinstance(turn_id, str) else "",
        msg,
    )


_TURNS = frozenset({"turn/started", "turn/completed"})


def _translate_turn(method: str, params: JsonObject) -> TranslatedEvent:
    turn = fields.as_object(params.get("turn"), "turn")
    msg = ev.TurnStarted() if method == "turn/started" else _turn_end(turn)
    if msg is None:
        raise MessageInvalid("a completed turn cannot be inProgress")
    return TranslatedEvent(fields.text(params, "threadId"), fields.text(turn, "id"), msg)


def _turn_end(turn: JsonObject) -> ev.TurnCompleted | ev.TurnAborted | None:
    """Return how a turn ended, None while it runs."""
    match fields.text(turn, "status"):
        case "completed":
            return ev.TurnCompleted(last_message(fields.objects(turn, "items")))
        case "interrupted":
            return ev.TurnAborted("interrupted")
        case "failed":
            error = turn.get("error")
            if not isinstance(error, dict):
                return ev.TurnAborted("failed")
            return ev.TurnAborted("failed", _error_text(error), details=_error_details(error))
        case "inProgress":
            return None
        case status:
            raise MessageInvalid(f"a turn cannot be {status!r}")


def _error_text(error: JsonObject) -> str:
    details = _error_details(error)
    message = fields.text(error, "message")
    return f"{message}\n{details}" if details else message


def _error_details(error: JsonObject) -> str:
    return fields.text_or(error, "additionalDetails")


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


def _tool_progress(params: JsonObject) -> ev.OutputDelta:
    return ev.OutputDelta(_item_id(params), fields.text(params, "message") + "\n")


def _token_usage(params: JsonObject) -> ev.TokensCounted:
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
        cache_write=fields.integer_or(tokens, "cacheWriteInputTokens"),
    )


def _plan(params: JsonObject) -> ev.PlanUpdated:
    steps = tuple(
        ev.PlanStep(fields.text(step, "step"), fields.text(step, "status"))
        for step in fields.objects(params, "plan")
    )
    return ev.PlanUpdated(fields.text_or(params, "explanation"), steps)


def _error(params: JsonObject) -> ev.ErrorRaised:
    error = fields.as_object(params.get("error"), "error")
    retries = fields.flag(params, "willRetry")
    return ev.ErrorRaised(_error_text(error), retries, _error_details(error))


_EVENTS: Mapping[str, Callable[[JsonObject], ev.Msg]] = {
    "item/started": lambda p: ev.ItemStarted(parse_item(p.get("item"))),
    "item/completed": lambda p: ev.ItemCompleted(parse_item(p.get("item"))),
    "item/agentMessage/delta": lambda p: ev.TextDelta(_item_id(p), _delta(p)),
    "item/plan/delta": lambda p: ev.PlanDelta(_item_id(p), _delta(p)),
    "item/reasoning/summaryTextDelta": _reasoning_summary,
    "item/reasoning/textDelta": _raw_reasoning,
    "item/commandExecution/outputDelta": lambda p: ev.OutputDelta(_item_id(p), _delta(p)),
    "item/mcpToolCall/progress": _tool_progress,
    "item/fileChange/patchUpdated": lambda p: ev.PatchUpdated(_item_id(p), parse_changes(p)),
    "thread/tokenUsage/updated": _token_usage,
    "turn/diff/updated": lambda p: ev.DiffUpdated(fields.text(p, "diff")),
    "turn/plan/updated": _plan,
    "error": _error,
}
"""Every notification that is an event on a thread, but for the start and end of a turn."""


def _message_text(params: JsonObject) -> str:
    return fields.text(params, "message")


def _warning_summary(params: JsonObject) -> str:
    details = fields.text_or(params, "details")
    path = fields.text_or(params, "path")
    place = f"({path})" if path not in details else ""
    return " ".join(part for part in (fields.text(params, "summary"), place, details) if part)


def _rerouted(params: JsonObject) -> str:
    wanted, used = fields.text(params, "fromModel"), fields.text(params, "toModel")
    return f"The turn runs on {used} instead of {wanted} ({fields.text_or(params, 'reason')})."


def _mcp_startup(params: JsonObject) -> str | None:
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


def _hook_run(params: JsonObject) -> str | None:
    run = fields.as_object(params.get("run"), "run")
    status = fields.text(run, "status")
    if status not in ("failed", "blocked", "stopped"):
        return None
    output = " ".join(fields.text_or(entry, "text") for entry in fields.objects(run, "entries"))
    why = output or fields.text_or(run, "statusMessage") or "it does not say why"
    return f"A hook on {fields.text_or(run, 'eventName')} {status}: {why}"


def _auto_review(params: JsonObject) -> str:
    review = fields.as_object(params.get("review"), "review")
    action = fields.as_object(params.get("action"), "action")
    what = fields.text_or(action, "command") or fields.text_or(action, "type")
    why = fields.text_or(review, "rationale")
    outcome = f"Codex's automatic review: {fields.text(review, 'status')}: {what}"
    return f"{outcome} ({why})" if why else outcome


def _strict_review(params: JsonObject) -> str:
    fields.text(params, "threadId")
    return "Codex reviews every further command of this turn before it runs."


def _environment_lost(params: JsonObject) -> str:
    return f"The environment {fields.text(params, 'environmentId')} is disconnected."


def _world_writable(params: JsonObject) -> str:
    paths = ", ".join(fields.texts(params, "samplePaths"))
    return f"Everybody can write to these folders, so the sandbox cannot guard them: {paths}"


WARNINGS: Mapping[str, Callable[[JsonObject], str | None]] = {
    "warning": _message_text,
    "guardianWarning": _message_text,
    "deprecationNotice": _warning_summary,
    "configWarning": _warning_summary,
    "model/rerouted": _rerouted,
    "modelProvider/authRecoveryStarted": _message_text,
    "modelProvider/authRecoveryCompleted": _message_text,
    "mcpServer/startupStatus/updated": _mcp_startup,
    "mcpServer/oauthLogin/completed": _mcp_login,
    "account/rateLimits/updated": _rate_limits,
    "hook/completed": _hook_run,
    "item/autoApprovalReview/completed": _auto_review,
    "autoApprovalReview/strictReviewRequired": _strict_review,
    "thread/environment/disconnected": _environment_lost,
    "windows/worldWritableWarning": _world_writable,
}
"""Every notification that can report a problem, and the text of its warning; None for none."""

SETUP_WARNINGS = frozenset({"configWarning", "deprecationNotice"})
"""Warnings about how Codex is set up, which every Codex process repeats at its start."""

IGNORED: frozenset[str] = frozenset(
    {
        # Items, their deltas and the events of a turn say the same.
        "item/reasoning/summaryPartAdded",
        "rawResponse/completed",
        "rawResponseItem/completed",
        "item/fileChange/outputDelta",
        "thread/compacted",
        # The terminal echoes what the agent types.
        "item/commandExecution/terminalInteraction",
        # The end is what counts, and has a notification of its own.
        "hook/started",
        "item/autoApprovalReview/started",
        "thread/environment/connected",
        # The server loads a thread where it needs one.
        "thread/unarchived",
        # About the account.
        "account/gatewayOAuth/changed",
        "account/login/completed",
        "account/updated",
        "model/safetyBuffering/updated",
        "model/verification",
        "turn/moderationMetadata",
        # For other clients of Codex.
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
        "thread/readState/changed",
        "thread/section/changed",
        "windowsSandbox/setupCompleted",
        # Answers to calls that we never make.
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
        "thread/search/partial",
    }
)
"""The notifications that become nothing."""
