"""Builds the `codex/event` messages of `codex mcp-server` from what app-server sends. Pure.

A `LegacyEventTranslator` follows one thread. Notifications that mean one message each are in
`codextui.codex.legacy.notifications`, items in `…items`, approvals in `…requests`; here is what
depends on earlier notifications.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from codextui.codex.items import last_message, parse_item
from codextui.codex.legacy import values
from codextui.codex.legacy.items import LegacyMsg, begin_msg, end_msgs, legacy_item
from codextui.codex.legacy.notifications import (
    STATELESS,
    McpStartup,
    is_mcp_startup,
    session_configured,
    turn_error,
)
from codextui.codex.legacy.requests import (
    LegacyElicitation,
    build_command_elicitation,
    build_patch_elicitation,
)
from codextui.codex.requests import COMMAND_APPROVAL, PATCH_APPROVAL
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject


@dataclass(frozen=True, slots=True)
class LegacyEvent:
    """A `codex/event` notification that has no receiver yet.

    Attributes:
        thread_id: the thread.
        turn_id: becomes the `id` of the event; empty for what belongs to no turn.
        msg: what happened, with its `type`.
    """

    thread_id: str
    turn_id: str
    msg: LegacyMsg

    def to_params(self, call_id: int | str) -> LegacyMsg:
        """Return the parameters of the notification.

        Args:
            call_id: the JSON-RPC id of the `tools/call` during which it is sent.
        """
        meta = {"requestId": call_id, "threadId": self.thread_id}
        return {"_meta": meta, "msg": self.msg, "id": self.turn_id}


@dataclass(frozen=True, slots=True)
class _StartedItem:
    turn_id: str
    item: JsonObject
    started_at_ms: int


class LegacyEventTranslator:
    """Translates what app-server sends about one thread, as `codex mcp-server` 0.153.4 did.

    Pass it everything that names the thread, and the account's rate limits, in wire order from
    the thread's first notification on. Some events come one notification late, because
    app-server splits in two what the old server sent as one. Nothing here raises: a malformed
    message gives no events, and neither does one without a counterpart in the old server.

    `raw_response_item` and `raw_response_completed` come only for a thread that was started with
    `experimentalRawEvents`.

    Args:
        thread_id: the thread to follow.
        joined_late: whether its first notifications were missed.
    """

    def __init__(self, thread_id: str, *, joined_late: bool = False) -> None:
        self._thread_id = thread_id
        self._mcp_startup = McpStartup(over=joined_late)
        self._started: dict[str, _StartedItem] = {}
        self._rate_limits: Json = None
        self._context_window: int | None = None
        self._last_message: str | None = None
        self._waits_for_approval = False
        # Commands that app-server started before a person approved them. The old server started
        # them afterwards, so their begin is sent with the decision or the first output.
        self._unapproved: set[str] = set()
        # A file change whose begin is sent with the next notification, which shows whether a
        # person is asked.
        self._pending_patch: _StartedItem | None = None
        # A token count that is sent with the rate limits that may follow it.
        self._pending_count: LegacyEvent | None = None

    def translate_thread_start(self, result: JsonObject) -> tuple[LegacyEvent, ...]:
        """Return the first events of a thread, from the result of `thread/start`."""
        try:
            return self._events("", [session_configured(result), *self._mcp_startup.release()])
        except MessageInvalid:
            return ()

    def translate_notification(self, method: str, params: JsonObject) -> tuple[LegacyEvent, ...]:
        """Return the events that a notification makes."""
        pending = self._flush(method)
        try:
            turn_id = fields.text_or(params, "turnId") or _turn_id(params)
            stateless = STATELESS.get(method)
            if stateless is not None:
                return (*pending, LegacyEvent(self._thread_id, turn_id, stateless(params)))
            return pending + self._events(turn_id, self._translate(method, params, turn_id))
        except MessageInvalid:
            return pending

    def translate_request(
        self, method: str, params: JsonObject
    ) -> tuple[tuple[LegacyEvent, ...], LegacyElicitation | None]:
        """Return the events before an approval, and its elicitation.

        The elicitation is None where the old server asked nothing of that kind.
        """
        patch, item_id = self._pending_patch, params.get("itemId")
        asks_about_patch = patch is not None and patch.item["id"] == item_id
        pending = self._flush(method, auto_approved=not asks_about_patch)
        try:
            elicitation = self._build_elicitation(method, params)
        except MessageInvalid:
            elicitation = None
        if elicitation is None:
            return pending, None
        return pending + self._events(str(params["turnId"]), [elicitation.msg]), elicitation

    def translate_decision(self, item_id: str, *, granted: bool) -> tuple[LegacyEvent, ...]:
        """Return the events that follow from a decision, once Codex has been sent it."""
        if not granted or item_id not in self._unapproved:
            return ()
        return self._events(self._started[item_id].turn_id, self._begin_approved(item_id))

    def _translate(self, method: str, params: JsonObject, turn_id: str) -> list[LegacyMsg]:
        match method:
            case "turn/started":
                return self._turn_started(params, turn_id)
            case "turn/completed":
                return self._turn_completed(params, turn_id)
            case "item/started":
                return self._item_started(params, turn_id)
            case "item/completed":
                return self._item_completed(params, turn_id)
            case "item/commandExecution/outputDelta":
                return self._command_output(params)
            case "item/commandExecution/terminalInteraction":
                return self._command_input(params)
            case "mcpServer/startupStatus/updated":
                return self._mcp_startup.server_updated(params)
            case _:
                self._note(method, params, turn_id)
                return []

    def _note(self, method: str, params: JsonObject, turn_id: str) -> None:
        match method:
            case "thread/tokenUsage/updated":
                self._note_token_usage(params, turn_id)
            case "account/rateLimits/updated":
                self._note_rate_limits(params)
            case "thread/status/changed":
                status = fields.as_object(params.get("status"), "status")
                flags = fields.texts(status, "activeFlags")
                self._waits_for_approval = "waitingOnApproval" in flags

    def _build_elicitation(self, method: str, params: JsonObject) -> LegacyElicitation | None:
        if method == COMMAND_APPROVAL:
            return build_command_elicitation(params)
        if method == PATCH_APPROVAL:
            started = self._started.get(fields.text(params, "itemId"))
            changes = values.file_changes_by_path(started.item) if started else {}
            return build_patch_elicitation(params, changes)
        return None

    def _events(self, turn_id: str, msgs: Iterable[LegacyMsg]) -> tuple[LegacyEvent, ...]:
        """Return messages as events. The startup of MCP servers never belongs to a turn."""
        return tuple(
            LegacyEvent(self._thread_id, "" if is_mcp_startup(msg) else turn_id, msg)
            for msg in msgs
            if msg
        )

    def _flush(self, method: str, *, auto_approved: bool = True) -> tuple[LegacyEvent, ...]:
        """Return the pending events, unless this notification may still belong to them."""
        events: tuple[LegacyEvent, ...] = ()
        if self._pending_count is None and self._pending_patch is None:
            return events
        if self._pending_count is not None and method != "account/rateLimits/updated":
            events, self._pending_count = (self._pending_count,), None
        if self._pending_patch is not None and method not in _BESIDE_A_PATCH:
            patch, self._pending_patch = self._pending_patch, None
            begin = self._begin(patch, auto_approved=auto_approved)
            events += self._events(patch.turn_id, begin)
        return events

    def _begin(self, started: _StartedItem, *, auto_approved: bool = False) -> list[LegacyMsg]:
        item, turn_id, started_at_ms = started.item, started.turn_id, started.started_at_ms
        msg: LegacyMsg = {
            "type": "item_started",
            "item": legacy_item(item, done=False, auto_approved=auto_approved),
            "started_at_ms": started_at_ms,
            **self._place(turn_id),
        }
        return [msg, begin_msg(item, turn_id, started_at_ms, auto_approved=auto_approved)]

    def _begin_approved(self, item_id: str) -> list[LegacyMsg]:
        if item_id not in self._unapproved:
            return []
        self._unapproved.discard(item_id)
        return self._begin(self._started[item_id])

    def _place(self, turn_id: str) -> LegacyMsg:
        return {"thread_id": self._thread_id, "turn_id": turn_id}

    def _turn_started(self, params: JsonObject, turn_id: str) -> list[LegacyMsg]:
        turn = fields.as_object(params.get("turn"), "turn")
        self._last_message = None
        msg: LegacyMsg = {
            "type": "task_started",
            "turn_id": turn_id,
            "started_at": turn.get("startedAt"),
            "model_context_window": self._context_window,
            "collaboration_mode_kind": "default",
        }
        return [*self._mcp_startup.turn_started(), msg]

    def _turn_completed(self, params: JsonObject, turn_id: str) -> list[LegacyMsg]:
        turn = fields.as_object(params.get("turn"), "turn")
        message = self._last_message or last_message(fields.objects(turn, "items")) or None
        self._started.clear()
        self._unapproved.clear()
        times = {
            "started_at": turn.get("startedAt"),
            "completed_at": turn.get("completedAt"),
            "duration_ms": turn.get("durationMs"),
        }
        if turn.get("status") == "interrupted":
            aborted = {"type": "turn_aborted", "turn_id": turn_id, "reason": "interrupted"}
            return [aborted | times]
        msg: LegacyMsg = {"type": "task_complete", "turn_id": turn_id}
        msg["last_agent_message"] = message
        if isinstance(turn.get("error"), dict):
            msg["error"] = turn_error(fields.as_object(turn["error"], "error"))
        return [msg | times]

    def _item_started(self, params: JsonObject, turn_id: str) -> list[LegacyMsg]:
        item = parse_item(params.get("item"))
        started = _StartedItem(turn_id, item, fields.integer_or(params, "startedAtMs"))
        msgs = self._begin(started)
        item_id = fields.text(item, "id")
        self._started[item_id] = started
        if item["type"] == "fileChange":
            self._pending_patch = started
            return []
        is_asked = self._waits_for_approval and not item.get("processId")
        if item["type"] == "commandExecution" and is_asked:
            self._unapproved.add(item_id)
            return []
        return msgs

    def _item_completed(self, params: JsonObject, turn_id: str) -> list[LegacyMsg]:
        item = parse_item(params.get("item"))
        item_id = fields.text(item, "id")
        completed_at_ms = fields.integer_or(params, "completedAtMs")
        if item_id in self._unapproved and item.get("status") == "declined":
            self._unapproved.discard(item_id)
            return []
        if item["type"] == "agentMessage":
            self._last_message = fields.text(item, "text")
        begin = self._begin_approved(item_id)
        started = self._started.pop(item_id, None)
        msg: LegacyMsg = {
            "type": "item_completed",
            "item": legacy_item(item, done=True),
            "started_at_ms": completed_at_ms if started is None else started.started_at_ms,
            "completed_at_ms": completed_at_ms,
            **self._place(turn_id),
        }
        return [*begin, msg, *end_msgs(item, turn_id, completed_at_ms)]

    def _command_output(self, params: JsonObject) -> list[LegacyMsg]:
        item_id = fields.text(params, "itemId")
        output = fields.text(params, "delta").encode(errors="replace")
        msg: LegacyMsg = {
            "type": "exec_command_output_delta",
            "call_id": item_id,
            "stream": "stdout",
            "chunk": base64.b64encode(output).decode(),
        }
        return [*self._begin_approved(item_id), msg]

    def _command_input(self, params: JsonObject) -> list[LegacyMsg]:
        item_id = fields.text(params, "itemId")
        msg: LegacyMsg = {
            "type": "terminal_interaction",
            "call_id": item_id,
            "process_id": params.get("processId"),
            "stdin": fields.text(params, "stdin"),
        }
        return [*self._begin_approved(item_id), msg]

    def _note_token_usage(self, params: JsonObject, turn_id: str) -> None:
        usage = fields.as_object(params.get("tokenUsage"), "tokenUsage")
        self._context_window = fields.maybe_integer(usage, "modelContextWindow")
        info = {
            "total_token_usage": values.snake_keys(usage.get("total")),
            "last_token_usage": values.snake_keys(usage.get("last")),
            "model_context_window": self._context_window,
        }
        msg: LegacyMsg = {"type": "token_count", "info": info, "rate_limits": self._rate_limits}
        self._pending_count = LegacyEvent(self._thread_id, turn_id, msg)

    def _note_rate_limits(self, params: JsonObject) -> None:
        self._rate_limits = values.snake_keys(params.get("rateLimits"))
        if self._pending_count is not None:
            self._pending_count.msg["rate_limits"] = self._rate_limits


_BESIDE_A_PATCH = frozenset(
    {
        "account/rateLimits/updated",
        "rawResponse/completed",
        "thread/status/changed",
        "thread/tokenUsage/updated",
    }
)
"""What can come between the start of a file change and the request to approve it."""


def _turn_id(params: JsonObject) -> str:
    """Return the id of the turn that a notification carries as a whole, empty where none."""
    turn = params.get("turn")
    return fields.text(turn, "id") if isinstance(turn, dict) else ""
