"""Approval requests of app-server as elicitations of `codex mcp-server`. Pure.

The old server asked about commands and patches only. Before `elicitation/create` it sent a
`codex/event` about the same approval.

Every function but `build_elicitation` raises MessageInvalid for malformed parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codextui.codex.legacy import values
from codextui.codex.legacy.items import LegacyMsg
from codextui.codex.requests import COMMAND_APPROVAL, PATCH_APPROVAL
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import FileChange

EMPTY_FORM: JsonObject = {"type": "object", "properties": {}}
"""The schema of the old server's elicitations, which had nothing to fill in."""


@dataclass(frozen=True, slots=True)
class LegacyElicitation:
    """An approval as the old server asked for it.

    Attributes:
        msg: the `msg` of the `codex/event` before the elicitation.
        message: the question.
        details: the old server's own parameters (`threadId` and all that begin with `codex_`),
            but for the id of the call.
    """

    msg: LegacyMsg
    message: str
    details: LegacyMsg

    def to_params(self, call_id: int | str, form: JsonObject = EMPTY_FORM) -> LegacyMsg:
        """Return the parameters of `elicitation/create`.

        Args:
            call_id: the JSON-RPC id of the `tools/call` whose turn asks.
            form: the schema of what the client fills in.
        """
        return {
            "message": self.message,
            "requestedSchema": form,
            "codex_mcp_tool_call_id": str(call_id),
            **self.details,
        }


def build_elicitation(
    method: str, params: JsonObject, changes: Iterable[FileChange] = ()
) -> LegacyElicitation | None:
    """Return the elicitation for a request of app-server.

    None for a malformed request, and for one that the old server did not ask about.

    Args:
        method: the request's method.
        params: its parameters.
        changes: the changes of a patch, which are not in the parameters.
    """
    try:
        if method == COMMAND_APPROVAL:
            return build_command_elicitation(params)
        if method == PATCH_APPROVAL:
            by_path = {change.path: values.file_change(change) for change in changes}
            return build_patch_elicitation(params, by_path)
    except MessageInvalid:
        pass
    return None


def build_command_elicitation(params: JsonObject) -> LegacyElicitation:
    """Return the elicitation for `item/commandExecution/requestApproval`."""
    line, cwd = fields.text_or(params, "command"), fields.text_or(params, "cwd")
    command, parsed = values.split_command(line), values.parsed_cmd(params)
    msg: LegacyMsg = {
        "type": "exec_approval_request",
        "kind": values.snake_case(fields.text_or(params, "kind", "command")),
        "call_id": fields.text(params, "itemId"),
        "approval_id": params.get("approvalId"),
        "turn_id": fields.text(params, "turnId"),
        "environmentId": params.get("environmentId"),
        "started_at_ms": params.get("startedAtMs"),
        "command": command,
        "cwd": cwd,
        "parsed_cmd": parsed,
        **_proposals(params),
    }
    message = f"Allow Codex to run `{line}` in `{cwd}`?"
    details = _details("exec", params)
    details |= {"codex_command": command, "codex_cwd": cwd, "codex_parsed_cmd": parsed}
    return LegacyElicitation(values.without_nulls(msg), message, details)


def build_patch_elicitation(params: JsonObject, changes: JsonObject) -> LegacyElicitation:
    """Return the elicitation for `item/fileChange/requestApproval`.

    Args:
        params: the request's parameters.
        changes: the changes, as `values.file_changes_by_path` returns them.
    """
    reason, root = fields.text_or(params, "reason"), params.get("grantRoot")
    msg: LegacyMsg = {
        "type": "apply_patch_approval_request",
        "call_id": fields.text(params, "itemId"),
        "turn_id": fields.text(params, "turnId"),
        "started_at_ms": params.get("startedAtMs"),
        "reason": reason or None,
        "grant_root": root,
        "changes": changes,
    }
    details = values.without_nulls({"codex_reason": reason or None, "codex_grant_root": root})
    question = "Allow Codex to apply proposed code changes?"
    message = f"{reason}\n{question}" if reason else question
    details |= _details("patch", params) | {"codex_changes": changes}
    return LegacyElicitation(values.without_nulls(msg), message, details)


def _details(kind: str, params: JsonObject) -> LegacyMsg:
    return {
        "threadId": fields.text(params, "threadId"),
        "codex_elicitation": f"{kind}-approval",
        "codex_event_id": fields.text(params, "turnId"),
        "codex_call_id": fields.text(params, "itemId"),
    }


def _proposals(params: JsonObject) -> LegacyMsg:
    """Return the reason of a request, and the rules that can be approved with it."""
    available = params.get("availableDecisions")
    decisions = [_decision(one) for one in fields.as_array(available, "availableDecisions")]
    return {
        "reason": params.get("reason"),
        "network_approval_context": values.snake_keys(params.get("networkApprovalContext")),
        "additional_permissions": values.snake_keys(params.get("additionalPermissions")),
        "proposed_execpolicy_amendment": params.get("proposedExecpolicyAmendment"),
        "proposed_network_policy_amendments": params.get("proposedNetworkPolicyAmendments"),
        "available_decisions": None if available is None else decisions,
    }


_DECISIONS = {
    "accept": "approved",
    "acceptForSession": "approved_for_session",
    "decline": "denied",
    "cancel": "abort",
}


def _decision(value: Json) -> Json:
    match value:
        case str():
            return _DECISIONS.get(value, values.snake_case(value))
        case {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": rule}}:
            return {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": rule}}
        case {"applyNetworkPolicyAmendment": rule}:
            return {"network_policy_amendment": rule}
        case _:
            return values.snake_keys(value)
