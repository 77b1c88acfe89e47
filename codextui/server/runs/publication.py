"""Parses and checks what a program publishes of its run, before any of it is applied. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from msgspec import structs

from codextui.errors import MessageInvalid, ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import events as ev
from codextui.protocol.events import parse_msg
from codextui.protocol.runs import RUN_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo
from codextui.server.threads.registry import MAX_BRIEF
from codextui.server.threads.turn_state import MAX_NOTE

MAX_EVENTS = 1_000
"""Events of one call."""

MAX_CHARS = 8 * 1024 * 1024
"""Characters of one call's events, as JSON."""

MAX_EVENT_CHARS = 1024 * 1024
"""Characters of one event, as JSON."""

MAX_INFO_CHARS = 16 * 1024
"""Characters of a thread's info, as JSON. Every change of it is sent to every supervisor."""

MAX_ID = 200
"""Characters of an id."""

MAX_DEPTH = 60
"""Levels of objects and arrays within each other."""

LATEST = 253_402_300_799.0
"""Unix seconds at the end of the year 9999. A later time cannot be shown."""

_RUN_ID = re.compile(re.escape(RUN_PREFIX) + r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_LARGEST = 2**53

_TURN_EVENTS = (
    ev.TurnStarted,
    ev.ItemStarted,
    ev.ItemCompleted,
    ev.TextDelta,
    ev.ReasoningDelta,
    ev.PlanDelta,
    ev.OutputDelta,
    ev.PlanUpdated,
    ev.TurnCompleted,
    ev.TurnAborted,
)
_RUN_EVENTS = (ev.GatesChecked, ev.SpanChanged)
_ALLOWED = (
    *_TURN_EVENTS,
    *_RUN_EVENTS,
    ev.ThreadChanged,
    ev.TokensCounted,
    ev.ErrorRaised,
    ev.Warned,
    ev.HandedOff,
    ev.HandoffRefused,
    ev.RunNoted,
)


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event of a run.

    Attributes:
        thread_id: the run or the role that it is about.
        turn_id: its turn; empty for what concerns the whole thread.
        msg: what happened.
        chars: its length as JSON.
    """

    thread_id: str
    turn_id: str
    msg: ev.Msg
    chars: int


def parse_publication(arguments: JsonObject) -> tuple[str, tuple[PublishedEvent, ...]]:
    """Return the run's id and its events, in order, from the arguments of `codex-publish`.

    Raises:
        ServerRefused: an event cannot be published; the message names it and why.
    """
    run_id = fields.text(arguments, "run")
    if not _RUN_ID.fullmatch(run_id):
        raise ServerRefused(
            f"codex-publish: run: a run's id is `{RUN_PREFIX}` and up to 120 letters, digits, "
            "dots, dashes and underscores"
        )
    sources = fields.objects(arguments, "events")
    if len(sources) > MAX_EVENTS:
        raise ServerRefused(
            f"codex-publish: {len(sources)} events in one call; {MAX_EVENTS} may be"
        )
    events: list[PublishedEvent] = []
    for number, source in enumerate(sources):
        try:
            events.append(_parse_event(run_id, source))
        except (ServerRefused, MessageInvalid) as error:
            raise ServerRefused(f"codex-publish: events.{number}: {error}") from error
    chars = sum(event.chars for event in events)
    if chars > MAX_CHARS:
        raise ServerRefused(f"codex-publish: {chars} characters in one call; {MAX_CHARS} may be")
    return run_id, tuple(events)


def json_chars(value: Json, depth: int = 0) -> int:
    """Return about how many characters a value has as JSON.

    Raises:
        ServerRefused: it is nested too deep, or has a number that not every JSON parser reads
            alike.
    """
    if depth > MAX_DEPTH:
        raise ServerRefused(f"it is nested more than {MAX_DEPTH} deep")
    match value:
        case str():
            return len(value) + 2
        case dict():
            members = value.items()
            return 2 + sum(len(key) + 4 + json_chars(one, depth + 1) for key, one in members)
        case list():
            return 2 + sum(1 + json_chars(one, depth + 1) for one in value)
        case float() if not math.isfinite(value):
            raise ServerRefused("it has a number that JSON does not have")
        case int() | float() if abs(value) > _LARGEST:
            raise ServerRefused("it has a number that is too large")
        case _:
            return 8


def _parse_event(run_id: str, source: JsonObject) -> PublishedEvent:
    chars = json_chars(source)
    if chars > MAX_EVENT_CHARS:
        raise ServerRefused(f"it has {chars} characters; {MAX_EVENT_CHARS} may be")
    thread_id = _check_id(fields.text(source, "threadId"), "threadId")
    turn_id = _check_id(fields.text_or(source, "turnId"), "turnId")
    message = fields.as_object(source.get("msg"), "msg")
    msg = parse_msg(message)
    if not isinstance(msg, _ALLOWED):
        raise ServerRefused(f"a program cannot tell {fields.text(message, 'type')[:MAX_ID]!r}")
    if thread_id != run_id and not thread_id.startswith(f"{run_id}/"):
        raise ServerRefused(f"{thread_id!r} is none of {run_id}")
    if isinstance(msg, _RUN_EVENTS) and thread_id != run_id:
        raise ServerRefused(f"{fields.text(message, 'type')!r} is told on the run's own row")
    if isinstance(msg, _TURN_EVENTS) and not turn_id:
        raise ServerRefused(f"{fields.text(message, 'type')!r} needs its turnId")
    return PublishedEvent(thread_id, turn_id, _check_msg(run_id, thread_id, msg, chars), chars)


def _check_msg(run_id: str, thread_id: str, msg: ev.Msg, chars: int) -> ev.Msg:
    match msg:
        case ev.ThreadChanged(info):
            return ev.ThreadChanged(_check_info(run_id, thread_id, info, chars))
        case ev.ItemStarted(item) | ev.ItemCompleted(item):
            _check_id(fields.text(item, "id"), "item.id")
            _check_id(fields.text(item, "type"), "item.type")
        case ev.TextDelta() | ev.ReasoningDelta() | ev.PlanDelta() | ev.OutputDelta():
            _check_id(msg.item_id, "item_id")
        case ev.GatesChecked(gates):
            for gate in gates:
                _check_time(gate.since)
        case ev.SpanChanged(span):
            _check_id(span.span_id, "span_id")
            _check_time(span.started_at)
            _check_time(span.ended_at)
        case _:
            pass
    return msg


def _check_info(run_id: str, thread_id: str, info: ThreadInfo, chars: int) -> ThreadInfo:
    """Return the info shortened, and placed in the tree where it belongs."""
    if info.thread_id != thread_id:
        raise ServerRefused(f"the row of {info.thread_id[:MAX_ID]!r} is told on {thread_id!r}")
    kind = ThreadKind.RUN if thread_id == run_id else ThreadKind.ROLE
    if info.kind is not kind:
        raise ServerRefused(f"the kind of {thread_id!r} is {kind.value!r}")
    note = " ".join(info.note[: 4 * MAX_NOTE].split())[:MAX_NOTE]
    brief = info.brief[:MAX_BRIEF]
    shortened = chars - len(info.note) - len(info.brief) + len(note) + len(brief)
    if shortened > MAX_INFO_CHARS:
        raise ServerRefused(f"a row of {shortened} characters; {MAX_INFO_CHARS} may be")
    _check_id(info.turn_id, "turn_id")
    _check_time(info.created_at)
    _check_time(info.turn_started_at)
    parent = "" if kind is ThreadKind.RUN else run_id
    return structs.replace(info, note=note, brief=brief, parent=parent, forked_from="")


def _check_id(text: str, what: str) -> str:
    if len(text) > MAX_ID or not text.isprintable():
        raise ServerRefused(f"{what} must be up to {MAX_ID} characters that can be printed")
    return text


def _check_time(at: float | None) -> None:
    if at is not None and not 0 <= at <= LATEST:
        raise ServerRefused("a time must be unix seconds before the year 10000")
