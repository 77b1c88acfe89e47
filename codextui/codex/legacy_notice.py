"""Notifications of app-server that mean one message of `codex mcp-server` each. Pure.

Every function raises WireInvalid where the parameters have a wrong shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codextui.codex import legacy_words as words
from codextui.codex.legacy_item import Msg
from codextui.wire import fields
from codextui.wire.fields import JsonObject


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
