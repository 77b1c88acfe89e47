"""app-server's approval requests as `codex mcp-server` asked them. Pure.

Every function but `read_ask` raises WireInvalid where the request has a wrong shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codextui.codex.legacy import words
from codextui.codex.legacy.items import Msg
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import FileChange

NO_QUESTIONS: JsonObject = {"type": "object", "properties": {}}
"""The form of the old server's elicitations: it asked for nothing that a client could fill in."""

_DECISIONS = {
    "accept": "approved",
    "acceptForSession": "approved_for_session",
    "decline": "denied",
    "cancel": "abort",
}


@dataclass(frozen=True, slots=True)
class LegacyAsk:
    """An approval as the old server told it and asked for it.

    Attributes:
        msg: the `codex/event` that comes before the question.
        message: the question, as text.
        details: the old members beside it, `threadId` and all that begins with `codex_`, but
            for the id of the call that is asking.
    """

    msg: Msg
    message: str
    details: Msg

    def params(self, call_id: int | str, form: JsonObject = NO_QUESTIONS) -> Msg:
        """Return the parameters of `elicitation/create`.

        Args:
            call_id: the JSON-RPC id of the `tools/call` whose turn asks.
            form: what the client is asked to fill in.
        """
        told = {"codex_mcp_tool_call_id": str(call_id), **self.details}
        return {"message": self.message, "requestedSchema": form, **told}


def read_ask(
    method: str, params: JsonObject, changes: Iterable[FileChange] = ()
) -> LegacyAsk | None:
    """Return what a request was; None where the old server asked nothing of that kind.

    Never raises: what has a wrong shape is None, too. `changes` are those of a patch, which
    its request does not tell.
    """
    try:
        match method:
            case "item/commandExecution/requestApproval":
                return ask_command(params)
            case "item/fileChange/requestApproval":
                return ask_patch(params, {one.path: words.file_change(one) for one in changes})
            case _:
                return None
    except MessageInvalid:
        return None


def ask_command(params: JsonObject) -> LegacyAsk:
    """Return what `item/commandExecution/requestApproval` was."""
    line, cwd = fields.text_or(params, "command"), fields.text_or(params, "cwd")
    command, parsed = words.split_command(line), words.parsed_command(params)
    told: Msg = {
        "type": "exec_approval_request",
        "kind": words.snake(fields.text_or(params, "kind", "command")),
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
    details = {"codex_command": command, "codex_cwd": cwd, "codex_parsed_cmd": parsed}
    message = f"Allow Codex to run `{line}` in `{cwd}`?"
    return LegacyAsk(words.without_nulls(told), message, _details("exec", params) | details)


def ask_patch(params: JsonObject, changes: JsonObject) -> LegacyAsk:
    """Return what `item/fileChange/requestApproval` was.

    Args:
        params: its parameters, which do not tell the changes.
        changes: by path, as `legacy_words.file_changes_by_path` returns them.
    """
    reason, root = fields.text_or(params, "reason"), params.get("grantRoot")
    told: Msg = {
        "type": "apply_patch_approval_request",
        "call_id": fields.text(params, "itemId"),
        "turn_id": fields.text(params, "turnId"),
        "started_at_ms": params.get("startedAtMs"),
        "reason": reason or None,
        "grant_root": root,
        "changes": changes,
    }
    details = words.without_nulls({"codex_reason": reason or None, "codex_grant_root": root})
    question = "Allow Codex to apply proposed code changes?"
    message = f"{reason}\n{question}" if reason else question
    details |= _details("patch", params) | {"codex_changes": changes}
    return LegacyAsk(words.without_nulls(told), message, details)


def _details(kind: str, params: JsonObject) -> Msg:
    return {
        "threadId": fields.text(params, "threadId"),
        "codex_elicitation": f"{kind}-approval",
        "codex_event_id": fields.text(params, "turnId"),
        "codex_call_id": fields.text(params, "itemId"),
    }


def _proposals(params: JsonObject) -> Msg:
    """What could be allowed beside the one command, and the reason to ask."""
    available = params.get("availableDecisions")
    decisions = [_decision(one) for one in fields.as_array(available, "availableDecisions")]
    return {
        "reason": params.get("reason"),
        "network_approval_context": words.snake_keys(params.get("networkApprovalContext")),
        "additional_permissions": words.snake_keys(params.get("additionalPermissions")),
        "proposed_execpolicy_amendment": params.get("proposedExecpolicyAmendment"),
        "proposed_network_policy_amendments": params.get("proposedNetworkPolicyAmendments"),
        "available_decisions": None if available is None else decisions,
    }


def _decision(value: Json) -> Json:
    match value:
        case str():
            return _DECISIONS.get(value, words.snake(value))
        case {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": rule}}:
            return {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": rule}}
        case {"applyNetworkPolicyAmendment": rule}:
            return {"network_policy_amendment": rule}
        case _:
            return words.snake_keys(value)
