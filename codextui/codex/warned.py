"""Codex's notifications that are worth a sentence to a person, and nothing more. Pure.

Each function returns the sentence, or None where there is nothing to warn of, and raises
WireInvalid where the parameters have a wrong shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codextui.wire import fields
from codextui.wire.fields import JsonObject


def _message(params: JsonObject) -> str:
    return fields.text(params, "message")


def _summary(params: JsonObject) -> str:
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
    "deprecationNotice": _summary,
    "configWarning": _summary,
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
