"""Notifications of app-server as messages of `codex mcp-server`. Pure.

`STATELESS` has those that mean one message each. `McpStartup` follows the start of the MCP
servers that a thread uses. The others are in `codextui.codex.legacy.events`.

Every function raises MessageInvalid for malformed parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codextui.codex.legacy import values
from codextui.codex.legacy.items import LegacyMsg
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject


def session_configured(result: JsonObject) -> LegacyMsg:
    """Return `session_configured`, from the result of `thread/start`."""
    thread = fields.as_object(result.get("thread"), "thread")
    thread_id, cwd = fields.text(thread, "id"), fields.text(result, "cwd")
    sandbox = fields.as_object(result.get("sandbox"), "sandbox")
    msg: LegacyMsg = {
        "type": "session_configured",
        "session_id": fields.text_or(thread, "sessionId", thread_id),
        "thread_id": thread_id,
        "model": fields.text(result, "model"),
        "model_provider_id": result.get("modelProvider"),
        "service_tier": result.get("serviceTier"),
        "approval_policy": result.get("approvalPolicy"),
        "approvals_reviewer": result.get("approvalsReviewer"),
        "permission_profile": values.permission_profile(sandbox, cwd),
        "cwd": cwd,
        "reasoning_effort": result.get("reasoningEffort"),
        "rollout_path": thread.get("path"),
    }
    return values.without_nulls(msg)


def turn_error(error: JsonObject) -> LegacyMsg:
    """Return the members of an error, from a `TurnError`."""
    info = values.error_info(error.get("codexErrorInfo"))
    return {"message": fields.text(error, "message"), "codex_error_info": info}


def _error(params: JsonObject) -> LegacyMsg:
    error = fields.as_object(params.get("error"), "error")
    if not fields.flag(params, "willRetry"):
        return {"type": "error", **turn_error(error)}
    details = error.get("additionalDetails")
    return {"type": "stream_error", **turn_error(error), "additional_details": details}


def _warning(params: JsonObject) -> LegacyMsg:
    return {"type": "warning", "message": fields.text(params, "message")}


def _deprecation(params: JsonObject) -> LegacyMsg:
    return {
        "type": "deprecation_notice",
        "summary": fields.text(params, "summary"),
        "details": params.get("details"),
    }


def _model_reroute(params: JsonObject) -> LegacyMsg:
    return {
        "type": "model_reroute",
        "from_model": params.get("fromModel"),
        "to_model": params.get("toModel"),
        "reason": values.snake_case(fields.text_or(params, "reason")),
    }


def _turn_diff(params: JsonObject) -> LegacyMsg:
    return {"type": "turn_diff", "unified_diff": fields.text(params, "diff")}


def _plan_update(params: JsonObject) -> LegacyMsg:
    steps = [
        {
            "step": fields.text(step, "step"),
            "status": values.snake_case(fields.text(step, "status")),
        }
        for step in fields.objects(params, "plan")
    ]
    return {"type": "plan_update", "explanation": params.get("explanation"), "plan": steps}


def _message_delta(params: JsonObject) -> LegacyMsg:
    return _delta("agent_message_content_delta", params)


def _plan_delta(params: JsonObject) -> LegacyMsg:
    return _delta("plan_delta", params)


def _section_break(params: JsonObject) -> LegacyMsg:
    return {
        "type": "agent_reasoning_section_break",
        "item_id": fields.text(params, "itemId"),
        "summary_index": fields.integer_or(params, "summaryIndex"),
    }


def _reasoning_delta(params: JsonObject) -> LegacyMsg:
    index = {"summary_index": fields.integer_or(params, "summaryIndex")}
    return _delta("reasoning_content_delta", params) | index


def _raw_reasoning_delta(params: JsonObject) -> LegacyMsg:
    index = {"content_index": fields.integer_or(params, "contentIndex")}
    return _delta("reasoning_raw_content_delta", params) | index


def _delta(kind: str, params: JsonObject) -> LegacyMsg:
    return {
        "type": kind,
        "thread_id": fields.text(params, "threadId"),
        "turn_id": fields.text(params, "turnId"),
        "item_id": fields.text(params, "itemId"),
        "delta": fields.text(params, "delta"),
    }


def _patch_updated(params: JsonObject) -> LegacyMsg:
    return {
        "type": "patch_apply_updated",
        "call_id": fields.text(params, "itemId"),
        "changes": values.file_changes_by_path(params),
    }


def _raw_item(params: JsonObject) -> LegacyMsg:
    return {"type": "raw_response_item", "item": fields.as_object(params.get("item"), "item")}


def _raw_completed(params: JsonObject) -> LegacyMsg:
    return {
        "type": "raw_response_completed",
        "response_id": params.get("responseId"),
        "token_usage": values.snake_keys(params.get("usage")),
        "usage_metadata": params.get("usageMetadata"),
    }


STATELESS: Mapping[str, Callable[[JsonObject], LegacyMsg]] = {
    "error": _error,
    "warning": _warning,
    "deprecationNotice": _deprecation,
    "model/rerouted": _model_reroute,
    "turn/diff/updated": _turn_diff,
    "turn/plan/updated": _plan_update,
    "item/agentMessage/delta": _message_delta,
    "item/plan/delta": _plan_delta,
    "item/reasoning/summaryPartAdded": _section_break,
    "item/reasoning/summaryTextDelta": _reasoning_delta,
    "item/reasoning/textDelta": _raw_reasoning_delta,
    "item/fileChange/patchUpdated": _patch_updated,
    "rawResponseItem/completed": _raw_item,
    "rawResponse/completed": _raw_completed,
}
"""Every notification that means one message, whatever came before it."""

_UPDATE, _COMPLETE = "mcp_startup_update", "mcp_startup_complete"
_FAILED = "MCP startup failed: "


def is_mcp_startup(msg: LegacyMsg) -> bool:
    """Return whether a message is about the start of MCP servers."""
    return msg["type"] in (_UPDATE, _COMPLETE)


class McpStartup:
    """Follows a thread's MCP servers until each has started or failed.

    app-server says neither how many servers there are nor that all are done. Those that are
    starting when the thread's first turn begins are waited for. app-server may report a server
    before it has answered `thread/start`; such messages are held until `release`.

    Args:
        over: whether all is done already, on a thread that was joined late.
    """

    def __init__(self, *, over: bool = False) -> None:
        self._status: dict[str, JsonObject] = {}
        self._held: list[LegacyMsg] | None = None if over else []
        self._first_turn_began = over
        self._complete = over

    def release(self) -> list[LegacyMsg]:
        """Return the held messages, and hold no more."""
        held, self._held = self._held, None
        return held or []

    def server_updated(self, params: JsonObject) -> list[LegacyMsg]:
        """Return the messages for `mcpServer/startupStatus/updated`."""
        name, state = fields.text(params, "name"), fields.text(params, "status")
        status = {"state": state}
        if state == "failed":
            status["error"] = fields.text_or(params, "error")
        self._status[name] = status
        msg: LegacyMsg = {"type": _UPDATE, "server": name, "status": status}
        if self._held is not None:
            self._held.append(msg)
            return []
        return [msg, *(self._complete_msg() if self._first_turn_began else [])]

    def turn_started(self) -> list[LegacyMsg]:
        """Return the messages before a turn: the held ones, and at the first turn the last."""
        self._first_turn_began = True
        return [*self.release(), *self._complete_msg()]

    def _complete_msg(self) -> list[LegacyMsg]:
        """Return the message that all servers are done, once, when they are."""
        states = {name: status["state"] for name, status in self._status.items()}
        if self._complete or "starting" in states.values():
            return []
        self._complete = True
        failed = [
            {"server": name, "error": _failure(self._status[name])}
            for name, state in states.items()
            if state == "failed"
        ]
        return [
            {
                "type": _COMPLETE,
                "ready": [name for name, state in states.items() if state == "ready"],
                "failed": failed,
                "cancelled": [name for name, state in states.items() if state == "cancelled"],
            }
        ]


def _failure(status: JsonObject) -> str:
    error = fields.text_or(status, "error")
    return error.partition(_FAILED)[2] or error
