"""Notifications of app-server that mean one message of `codex mcp-server` each. Pure.

Every function raises WireInvalid where the parameters have a wrong shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codextui.codex.legacy import words
from codextui.codex.legacy.items import Msg
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject


def configured(result: JsonObject) -> Msg:
    """Return `session_configured`, from what `thread/start` answered. Raises WireInvalid."""
    thread = fields.as_object(result.get("thread"), "thread")
    thread_id, cwd = fields.text(thread, "id"), fields.text(result, "cwd")
    sandbox = fields.as_object(result.get("sandbox"), "sandbox")
    known: Msg = {
        "type": "session_configured",
        "session_id": fields.text_or(thread, "sessionId", thread_id),
        "thread_id": thread_id,
        "model": fields.text(result, "model"),
        "model_provider_id": result.get("modelProvider"),
        "service_tier": result.get("serviceTier"),
        "approval_policy": result.get("approvalPolicy"),
        "approvals_reviewer": result.get("approvalsReviewer"),
        "permission_profile": words.permission_profile(sandbox, cwd),
        "cwd": cwd,
        "reasoning_effort": result.get("reasoningEffort"),
        "rollout_path": thread.get("path"),
    }
    return words.without_nulls(known)


def error_told(error: JsonObject) -> Msg:
    """Return a `TurnError` as the old server told it. Raises WireInvalid."""
    info = words.error_info(error.get("codexErrorInfo"))
    return {"message": fields.text(error, "message"), "codex_error_info": info}


def _failed(params: JsonObject) -> Msg:
    error = fields.as_object(params.get("error"), "error")
    if not fields.flag(params, "willRetry"):
        return {"type": "error", **error_told(error)}
    details = {"additional_details": error.get("additionalDetails")}
    return {"type": "stream_error", **error_told(error), **details}


def _raw_item(params: JsonObject) -> Msg:
    return {"type": "raw_response_item", "item": fields.as_object(params.get("item"), "item")}


def _raw_completed(params: JsonObject) -> Msg:
    told: Msg = {"type": "raw_response_completed", "response_id": params.get("responseId")}
    usage = words.snake_keys(params.get("usage"))
    return told | {"token_usage": usage, "usage_metadata": params.get("usageMetadata")}


def _section(params: JsonObject) -> Msg:
    told: Msg = {"type": "agent_reasoning_section_break", "item_id": fields.text(params, "itemId")}
    return told | {"summary_index": fields.integer_or(params, "summaryIndex")}


def _patch_updated(params: JsonObject) -> Msg:
    told: Msg = {"type": "patch_apply_updated", "call_id": fields.text(params, "itemId")}
    return told | {"changes": words.file_changes_by_path(params)}


def _diff(params: JsonObject) -> Msg:
    return {"type": "turn_diff", "unified_diff": fields.text(params, "diff")}


def _plan(params: JsonObject) -> Msg:
    steps = [
        {"step": fields.text(step, "step"), "status": words.snake(fields.text(step, "status"))}
        for step in fields.objects(params, "plan")
    ]
    return {"type": "plan_update", "explanation": params.get("explanation"), "plan": steps}


def _warned(params: JsonObject) -> Msg:
    return {"type": "warning", "message": fields.text(params, "message")}


def _deprecated(params: JsonObject) -> Msg:
    told: Msg = {"type": "deprecation_notice", "summary": fields.text(params, "summary")}
    return told | {"details": params.get("details")}


def _rerouted(params: JsonObject) -> Msg:
    models = {"from_model": params.get("fromModel"), "to_model": params.get("toModel")}
    reason = words.snake(fields.text_or(params, "reason"))
    return {"type": "model_reroute", **models, "reason": reason}


def _text(params: JsonObject) -> Msg:
    return _delta("agent_message_content_delta", params)


def _plan_text(params: JsonObject) -> Msg:
    return _delta("plan_delta", params)


def _summary(params: JsonObject) -> Msg:
    index = {"summary_index": fields.integer_or(params, "summaryIndex")}
    return _delta("reasoning_content_delta", params) | index


def _reasoning(params: JsonObject) -> Msg:
    index = {"content_index": fields.integer_or(params, "contentIndex")}
    return _delta("reasoning_raw_content_delta", params) | index


def _delta(kind: str, params: JsonObject) -> Msg:
    return {
        "type": kind,
        "thread_id": fields.text(params, "threadId"),
        "turn_id": fields.text(params, "turnId"),
        "item_id": fields.text(params, "itemId"),
        "delta": fields.text(params, "delta"),
    }


NOTICES: Mapping[str, Callable[[JsonObject], Msg]] = {
    "error": _failed,
    "warning": _warned,
    "deprecationNotice": _deprecated,
    "model/rerouted": _rerouted,
    "turn/diff/updated": _diff,
    "turn/plan/updated": _plan,
    "item/agentMessage/delta": _text,
    "item/plan/delta": _plan_text,
    "item/reasoning/summaryPartAdded": _section,
    "item/reasoning/summaryTextDelta": _summary,
    "item/reasoning/textDelta": _reasoning,
    "item/fileChange/patchUpdated": _patch_updated,
    "rawResponseItem/completed": _raw_item,
    "rawResponse/completed": _raw_completed,
}
"""Every notification that needs no memory of what came before."""


_UPDATE, _COMPLETE = "mcp_startup_update", "mcp_startup_complete"
_FAILED = "MCP startup failed: "


def is_startup(msg: Msg) -> bool:
    """Whether a message tells how servers start."""
    return msg["type"] in (_UPDATE, _COMPLETE)


class LegacyStartup:
    """Follows the servers of a thread until each has started or failed.

    app-server does not say how many there are, nor that all are done: a thread's first turn
    begins the wait for those that are starting by then. It may tell of a server before it has
    answered `thread/start`; that is kept until `open`. It is `over` on a thread that was heard
    too late for it.
    """

    def __init__(self, *, over: bool = False) -> None:
        self._states: dict[str, JsonObject] = {}
        self._early: list[Msg] | None = None if over else []
        self._waited_for = over
        self._complete = over

    def open(self) -> list[Msg]:
        """Return what was kept, and keep nothing from now on."""
        early, self._early = self._early, None
        return early or []

    def update(self, params: JsonObject) -> list[Msg]:
        """Return what `mcpServer/startupStatus/updated` was. Raises WireInvalid."""
        name, state = fields.text(params, "name"), fields.text(params, "status")
        status = {"state": state}
        if state == "failed":
            status["error"] = fields.text_or(params, "error")
        self._states[name] = status
        told: Msg = {"type": _UPDATE, "server": name, "status": status}
        if self._early is not None:
            self._early.append(told)
            return []
        return [told, *(self._check() if self._waited_for else [])]

    def turn_starts(self) -> list[Msg]:
        """Return what is told before a turn: at the first, that all are done if they are."""
        self._waited_for = True
        return [*self.open(), *self._check()]

    def _check(self) -> list[Msg]:
        states = {name: status["state"] for name, status in self._states.items()}
        if self._complete or "starting" in states.values():
            return []
        self._complete = True
        failed = [
            {"server": name, "error": _why(self._states[name])}
            for name, state in states.items()
            if state == "failed"
        ]
        told: Msg = {"type": _COMPLETE, "ready": _names(states, "ready")}
        return [told | {"failed": failed, "cancelled": _names(states, "cancelled")}]


def _names(states: dict[str, object], wanted: str) -> list[str]:
    return [name for name, state in states.items() if state == wanted]


def _why(status: JsonObject) -> str:
    error = fields.text_or(status, "error")
    return error.partition(_FAILED)[2] or error
