"""What app-server tells, as `codex mcp-server` told it to its clients. Pure.

Followed is 0.153.4, the last version that had that server: tests/contract/legacy holds what it
sent, and tests/contract/test_differential.py the differences, with a reason for each.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex.items import last_message, parse_item
from codextui.codex.legacy import words
from codextui.codex.legacy.items import Msg, begin, end, legacy_item
from codextui.codex.legacy.notifications import (
    NOTICES,
    LegacyStartup,
    configured,
    error_told,
    is_startup,
)
from codextui.codex.legacy.requests import LegacyAsk, ask_command, ask_patch
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject


@dataclass(frozen=True, slots=True)
class LegacyEvent:
    """A `codex/event` in the making.

    Attributes:
        thread_id: whose it is.
        turn_id: the `id` of the event; empty for what belongs to no turn.
        msg: what happened, with its `type`.
    """

    thread_id: str
    turn_id: str
    msg: Msg

    def params(self, call_id: int | str) -> Msg:
        """Return the parameters of `codex/event`.

        Args:
            call_id: the JSON-RPC id of the `tools/call` that hears it.
        """
        meta = {"requestId": call_id, "threadId": self.thread_id}
        return {"_meta": meta, "msg": self.msg, "id": self.turn_id}


Told: TypeAlias = tuple[LegacyEvent, ...]
"""Events in the order in which they are to be sent."""

_Tell: TypeAlias = Callable[[JsonObject, str], list[Msg]]


_BESIDE_A_PATCH = frozenset(
    {
        "account/rateLimits/updated",
        "rawResponse/completed",
        "thread/status/changed",
        "thread/tokenUsage/updated",
    }
)
"""What may come between the begin of a file change and the question whether to make it."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """An item that has begun, as `item/started` told it."""

    turn_id: str
    item: JsonObject
    started: int


class LegacyEvents:
    """Follows one thread and says what the old server would have told of it.

    Feed it from the thread's first notification on, everything in wire order: `notification`
    with what names the thread and with the limits of the account, `request` with what Codex
    asks, and `answered` with what was decided. Some things are told a notification later than
    they are heard, because app-server says in two what the old server said in one. Nothing here
    raises: what has a wrong shape or no old name is left out.

    Raw items (`raw_response_item`, `raw_response_completed`) come only of a thread that was
    started with `experimentalRawEvents`.
    """

    def __init__(self, thread_id: str, *, under_way: bool = False) -> None:
        """Follow a thread; `under_way` says that it was not heard from its first notification."""
        self._thread_id = thread_id
        self._stateful: Mapping[str, _Tell] = {
            "account/rateLimits/updated": self._limits,
            "mcpServer/startupStatus/updated": self._servers,
            "thread/status/changed": self._status,
            "thread/tokenUsage/updated": self._tokens,
            "turn/started": self._turn_started,
            "turn/completed": self._turn_completed,
            "item/started": self._item_started,
            "item/completed": self._item_completed,
            "item/commandExecution/outputDelta": self._output,
            "item/commandExecution/terminalInteraction": self._typed,
        }
        self._startup = LegacyStartup(over=under_way)
        self._begun: dict[str, _Begun] = {}
        self._held: set[str] = set()
        self._patch: _Begun | None = None
        self._count: LegacyEvent | None = None
        self._rate_limits: Json = None
        self._context_window: int | None = None
        self._last_message: str | None = None
        self._asking = False

    def configured(self, result: JsonObject) -> Told:
        """Return how a call of `codex` began.

        Args:
            result: what `thread/start` answered.
        """
        try:
            return self._events("", [configured(result), *self._startup.open()])
        except MessageInvalid:
            return ()

    def notification(self, method: str, params: JsonObject) -> Told:
        """Return what a notification of Codex's was."""
        waited = self._flush(method)
        try:
            turn_id = fields.text_or(params, "turnId") or _turn_id(params)
            notice = NOTICES.get(method)
            if notice is not None:
                return (*waited, LegacyEvent(self._thread_id, turn_id, notice(params)))
            stateful = self._stateful.get(method)
            told = [] if stateful is None else stateful(params, turn_id)
            return waited + self._events(turn_id, told)
        except MessageInvalid:
            return waited

    def request(self, method: str, params: JsonObject) -> tuple[Told, LegacyAsk | None]:
        """Return what a request of Codex's was: the events before the question, and the question.

        The question is None where the old server asked none of that kind.
        """
        asked_of = params.get("itemId")
        begins = self._patch is not None and self._patch.item["id"] == asked_of
        waited = self._flush(method, auto_approved=not begins)
        try:
            ask = self._ask(method, params)
        except MessageInvalid:
            ask = None
        if ask is None:
            return waited, None
        return waited + self._events(str(params["turnId"]), [ask.msg]), ask

    def answered(self, item_id: str, *, granted: bool) -> Told:
        """Return what follows from a decision on an item, to be told once Codex is told it."""
        if not granted or item_id not in self._held:
            return ()
        return self._events(self._begun[item_id].turn_id, self._begin_held(item_id))

    def _ask(self, method: str, params: JsonObject) -> LegacyAsk | None:
        if method == "item/commandExecution/requestApproval":
            return ask_command(params)
        if method != "item/fileChange/requestApproval":
            return None
        begun = self._begun.get(fields.text(params, "itemId"))
        return ask_patch(params, {} if begun is None else words.file_changes_by_path(begun.item))

    def _events(self, turn_id: str, msgs: Iterable[Msg]) -> Told:
        """Put messages in their place; how servers start belongs to no turn, whenever it is."""
        return tuple(
            LegacyEvent(self._thread_id, "" if is_startup(msg) else turn_id, msg)
            for msg in msgs
            if msg
        )

    def _flush(self, method: str, *, auto_approved: bool = True) -> Told:
        """Return what has waited for the next notification, unless this one belongs to it."""
        told: Told = ()
        if self._count is None and self._patch is None:
            return told
        if self._count is not None and method != "account/rateLimits/updated":
            told, self._count = (self._count,), None
        if self._patch is not None and method not in _BESIDE_A_PATCH:
            begun, self._patch = self._patch, None
            told += self._events(begun.turn_id, self._begin(begun, auto_approved=auto_approved))
        return told

    def _place(self, turn_id: str) -> Msg:
        return {"thread_id": self._thread_id, "turn_id": turn_id}

    def _begin(self, begun: _Begun, *, auto_approved: bool = False) -> list[Msg]:
        item = legacy_item(begun.item, done=False, auto_approved=auto_approved)
        told: Msg = {"type": "item_started", "item": item, "started_at_ms": begun.started}
        alone = begin(begun.item, begun.turn_id, begun.started, auto_approved=auto_approved)
        return [told | self._place(begun.turn_id), alone]

    def _begin_held(self, item_id: str) -> list[Msg]:
        if item_id not in self._held:
            return []
        self._held.discard(item_id)
        return self._begin(self._begun[item_id])

    def _turn_started(self, params: JsonObject, turn_id: str) -> list[Msg]:
        turn = fields.as_object(params.get("turn"), "turn")
        self._last_message = None
        told: Msg = {
            "type": "task_started",
            "turn_id": turn_id,
            "started_at": turn.get("startedAt"),
            "model_context_window": self._context_window,
            "collaboration_mode_kind": "default",
        }
        return [*self._startup.turn_starts(), told]

    def _turn_completed(self, params: JsonObject, turn_id: str) -> list[Msg]:
        turn = fields.as_object(params.get("turn"), "turn")
        message = self._last_message or last_message(fields.objects(turn, "items")) or None
        self._begun.clear()
        self._held.clear()
        times = {
            "started_at": turn.get("startedAt"),
            "completed_at": turn.get("completedAt"),
            "duration_ms": turn.get("durationMs"),
        }
        if turn.get("status") == "interrupted":
            ended = {"type": "turn_aborted", "turn_id": turn_id, "reason": "interrupted"}
            return [ended | times]
        done: Msg = {"type": "task_complete", "turn_id": turn_id, "last_agent_message": message}
        if isinstance(turn.get("error"), dict):
            done["error"] = error_told(fields.as_object(turn["error"], "error"))
        return [done | times]

    def _item_started(self, params: JsonObject, turn_id: str) -> list[Msg]:
        item = parse_item(params.get("item"))
        begun = _Begun(turn_id, item, fields.integer_or(params, "startedAtMs"))
        told = self._begin(begun)
        self._begun[fields.text(item, "id")] = begun
        if item["type"] == "fileChange":
            self._patch = begun
            return []
        if item["type"] == "commandExecution" and self._asking and not item.get("processId"):
            self._held.add(fields.text(item, "id"))
            return []
        return told

    def _item_completed(self, params: JsonObject, turn_id: str) -> list[Msg]:
        item = parse_item(params.get("item"))
        item_id = fields.text(item, "id")
        completed = fields.integer_or(params, "completedAtMs")
        if item_id in self._held and item.get("status") == "declined":
            self._held.discard(item_id)
            return []
        if item["type"] == "agentMessage":
            self._last_message = fields.text(item, "text")
        before = self._begin_held(item_id)
        begun = self._begun.pop(item_id, None)
        told: Msg = {
            "type": "item_completed",
            "item": legacy_item(item, done=True),
            "started_at_ms": completed if begun is None else begun.started,
            "completed_at_ms": completed,
        }
        return [*before, told | self._place(turn_id), *end(item, turn_id, completed)]

    def _output(self, params: JsonObject, _: str) -> list[Msg]:
        item_id = fields.text(params, "itemId")
        output = fields.text(params, "delta").encode(errors="replace")
        chunk = base64.b64encode(output).decode()
        told: Msg = {"type": "exec_command_output_delta", "call_id": item_id}
        return [*self._begin_held(item_id), told | {"stream": "stdout", "chunk": chunk}]

    def _typed(self, params: JsonObject, _: str) -> list[Msg]:
        item_id = fields.text(params, "itemId")
        told: Msg = {"type": "terminal_interaction", "call_id": item_id}
        typed = {"process_id": params.get("processId"), "stdin": fields.text(params, "stdin")}
        return [*self._begin_held(item_id), told | typed]

    def _tokens(self, params: JsonObject, turn_id: str) -> list[Msg]:
        usage = fields.as_object(params.get("tokenUsage"), "tokenUsage")
        self._context_window = fields.maybe_integer(usage, "modelContextWindow")
        info = {
            "total_token_usage": words.snake_keys(usage.get("total")),
            "last_token_usage": words.snake_keys(usage.get("last")),
            "model_context_window": self._context_window,
        }
        told: Msg = {"type": "token_count", "info": info, "rate_limits": self._rate_limits}
        self._count = LegacyEvent(self._thread_id, turn_id, told)
        return []

    def _limits(self, params: JsonObject, _: str) -> list[Msg]:
        self._rate_limits = words.snake_keys(params.get("rateLimits"))
        if self._count is not None:
            self._count.msg["rate_limits"] = self._rate_limits
        return []

    def _status(self, params: JsonObject, _: str) -> list[Msg]:
        status = fields.as_object(params.get("status"), "status")
        self._asking = "waitingOnApproval" in fields.texts(status, "activeFlags")
        return []

    def _servers(self, params: JsonObject, _: str) -> list[Msg]:
        return self._startup.update(params)


def _turn_id(params: JsonObject) -> str:
    """The turn of a notification that tells the whole of it."""
    turn = params.get("turn")
    return fields.text(turn, "id") if isinstance(turn, dict) else ""
