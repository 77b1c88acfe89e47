"""What a program tells of its run, read and held to bounds before any of it is applied. Pure."""

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

MAX_EVENTS = 1_000
"""Events that one call may tell."""

MAX_CHARS = 8 * 1024 * 1024
"""Characters that they may have together, as JSON."""

MAX_EVENT_CHARS = 1024 * 1024
MAX_ROW_CHARS = 16 * 1024
"""A row goes to everybody at every change of it."""

MAX_ID = 200
MAX_NOTE = 300
MAX_DEPTH = 60
LATEST = 253_402_300_799.0
"""Unix seconds at the end of the year 9999, after which a time cannot be shown."""

_RUN_ID = re.compile(re.escape(RUN_PREFIX) + r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_LARGEST = 2**53

_IN_TURN = (
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
_OF_RUN = (ev.GatesChecked, ev.SpanChanged)
_ALLOWED = (
    *_IN_TURN,
    *_OF_RUN,
    ev.ThreadChanged,
    ev.TokensCounted,
    ev.ErrorRaised,
    ev.Warned,
    ev.HandedOff,
    ev.HandoffRefused,
    ev.RunNoted,
)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened in a run.

    Attributes:
        thread_id: the row that it is about.
        turn_id: the turn of it, empty for what concerns the whole row.
        msg: what happened.
        chars: how long it is, as JSON.
    """

    thread_id: str
    turn_id: str
    msg: ev.Msg
    chars: int


def read_publication(arguments: JsonObject) -> tuple[str, tuple[Told, ...]]:
    """Return the run's id, and what is told of it in order, from the arguments of `codex-publish`.

    Raises ServerRefused, which names the event and what is wrong with it.
    """
    run_id = fields.text(arguments, "run")
    if not _RUN_ID.fullmatch(run_id):
        raise ServerRefused(
            f"codex-publish: run: a run's id is `{RUN_PREFIX}` and up to 120 letters, digits, "
            "dots, dashes and underscores"
        )
    events = fields.objects(arguments, "events")
    if len(events) > MAX_EVENTS:
        raise ServerRefused(f"codex-publish: {len(events)} events in one call; {MAX_EVENTS} may be")
    told: list[Told] = []
    for number, event in enumerate(events):
        try:
            told.append(_read(run_id, event))
        except (ServerRefused, MessageInvalid) as error:
            raise ServerRefused(f"codex-publish: events.{number}: {error}") from error
    chars = sum(one.chars for one in told)
    if chars > MAX_CHARS:
        raise ServerRefused(f"codex-publish: {chars} characters in one call; {MAX_CHARS} may be")
    return run_id, tuple(told)


def weigh(value: Json, depth: int = 0) -> int:
    """How many characters a JSON value has, about.

    Raises ServerRefused where it is nested too deep, or has a number that JSON's readers do not
    agree about.
    """
    if depth > MAX_DEPTH:
        raise ServerRefused(f"it is nested more than {MAX_DEPTH} deep")
    match value:
        case str():
            return len(value) + 2
        case dict():
            return 2 + sum(len(key) + 4 + weigh(one, depth + 1) for key, one in value.items())
        case list():
            return 2 + sum(1 + weigh(one, depth + 1) for one in value)
        case float() if not math.isfinite(value):
            raise ServerRefused("it has a number that JSON does not have")
        case int() | float() if abs(value) > _LARGEST:
            raise ServerRefused("it has a number that is too large")
        case _:
            return 8


def _read(run_id: str, event: JsonObject) -> Told:
    chars = weigh(event)
    if chars > MAX_EVENT_CHARS:
        raise ServerRefused(f"it has {chars} characters; {MAX_EVENT_CHARS} may be")
    thread_id = _id(fields.text(event, "threadId"), "threadId")
    turn_id = _id(fields.text_or(event, "turnId"), "turnId")
    source = fields.as_object(event.get("msg"), "msg")
    msg = parse_msg(source)
    if not isinstance(msg, _ALLOWED):
        raise ServerRefused(f"a program cannot tell {fields.text(source, 'type')[:MAX_ID]!r}")
    if thread_id != run_id and not thread_id.startswith(f"{run_id}/"):
        raise ServerRefused(f"{thread_id!r} is none of {run_id}")
    if isinstance(msg, _OF_RUN) and thread_id != run_id:
        raise ServerRefused(f"{fields.text(source, 'type')!r} is told on the run's own row")
    if isinstance(msg, _IN_TURN) and not turn_id:
        raise ServerRefused(f"{fields.text(source, 'type')!r} needs its turnId")
    return Told(thread_id, turn_id, _checked(run_id, thread_id, msg, chars), chars)


def _checked(run_id: str, thread_id: str, msg: ev.Msg, chars: int) -> ev.Msg:
    match msg:
        case ev.ThreadChanged(info):
            return ev.ThreadChanged(_row(run_id, thread_id, info, chars))
        case ev.ItemStarted(item) | ev.ItemCompleted(item):
            _id(fields.text(item, "id"), "item.id")
            _id(fields.text(item, "type"), "item.type")
        case ev.TextDelta() | ev.ReasoningDelta() | ev.PlanDelta() | ev.OutputDelta():
            _id(msg.item_id, "item_id")
        case ev.GatesChecked(gates):
            for gate in gates:
                _time(gate.since)
        case ev.SpanChanged(span):
            _id(span.span_id, "span_id")
            _time(span.started_at)
            _time(span.ended_at)
        case _:
            pass
    return msg


def _row(run_id: str, thread_id: str, info: ThreadInfo, chars: int) -> ThreadInfo:
    """The row as it can be told: where it stands in the tree is for the server to say."""
    if info.thread_id != thread_id:
        raise ServerRefused(f"the row of {info.thread_id[:MAX_ID]!r} is told on {thread_id!r}")
    kind = ThreadKind.RUN if thread_id == run_id else ThreadKind.ROLE
    if info.kind is not kind:
        raise ServerRefused(f"the kind of {thread_id!r} is {kind.value!r}")
    note = " ".join(info.note[: 4 * MAX_NOTE].split())[:MAX_NOTE]
    brief = info.brief[:MAX_BRIEF]
    shortened = chars - len(info.note) - len(info.brief) + len(note) + len(brief)
    if shortened > MAX_ROW_CHARS:
        raise ServerRefused(f"a row of {shortened} characters; {MAX_ROW_CHARS} may be")
    _id(info.turn_id, "turn_id")
    _time(info.created_at)
    _time(info.turn_started_at)
    parent = "" if kind is ThreadKind.RUN else run_id
    return structs.replace(info, note=note, brief=brief, parent=parent, forked_from="")


def _id(text: str, what: str) -> str:
    if len(text) > MAX_ID or not text.isprintable():
        raise ServerRefused(f"{what} must be up to {MAX_ID} characters that can be printed")
    return text


def _time(at: float | None) -> None:
    if at is not None and not 0 <= at <= LATEST:
        raise ServerRefused("a time must be unix seconds before the year 10000")
