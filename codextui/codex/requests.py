"""The requests that `codex app-server` sends, and the result that answers each. Pure.

Most requests ask a person for a decision. `parse_request` reads what is asked, and
`encode_decision` writes the decision in the shape of the request's own response type. A few
requests need no person; `parse_request` returns their answer.

To add a kind of request, write its three functions (`parse_…`, `accept_…`, `decline_…`; those of
forms stand in `forms`) and add a row to `_KINDS`. A request without a row is shown as
`UnknownAsked` and can only be declined.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codextui.codex.forms import (
    No,
    Yes,
    accept_elicitation,
    accept_questions,
    accepted_elicitation,
    answers_by_question,
    decline_elicitation,
    decline_questions,
    object_or_empty,
    parse_elicitation,
    parse_questions,
)
from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import METHOD_NOT_FOUND
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    FileChange,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    UnknownAsked,
    approval_scopes,
)
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope

COMMAND_APPROVAL = "item/commandExecution/requestApproval"
PATCH_APPROVAL = "item/fileChange/requestApproval"
PERMISSIONS_APPROVAL = "item/permissions/requestApproval"
USER_INPUT = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"
OLD_COMMAND_APPROVAL = "execCommandApproval"
OLD_PATCH_APPROVAL = "applyPatchApproval"

DECLINED = "The user declined."
"""The rejection that the agent reads where a decline must have words and the person gave none."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request that a person decides on.

    Attributes:
        thread_id: the thread that asks; empty where the request names none.
        turn_id: the turn that waits; empty where the request names none.
        item_id: the item to decide on; empty where there is none.
        asked: what is asked. The `PatchAsked` of `item/fileChange/requestApproval` has no
            changes: they came with the `fileChange` item of that id.
    """

    thread_id: str
    turn_id: str
    item_id: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Answer:
    """The result that answers a request."""

    result: JsonObject


@dataclass(frozen=True, slots=True)
class Refusal:
    """The JSON-RPC error that answers a request."""

    code: int
    message: str


def parse_request(method: str, params: JsonObject) -> ApprovalRequest | Answer | Refusal:
    """Return what a person has to decide, or the answer where none is needed. Never raises.

    An unknown method, and a known one with malformed parameters, become an `ApprovalRequest` of
    `UnknownAsked`.
    """
    answer = _ANSWERED_AT_ONCE.get(method)
    if answer is not None:
        return answer(params)
    return ApprovalRequest(
        thread_id=_text(params, "threadId") or _text(params, "conversationId"),
        turn_id=_text(params, "turnId"),
        item_id=_text(params, "itemId") or _text(params, "callId"),
        asked=_parse_asked(method, params),
    )


def encode_decision(method: str, params: JsonObject, decision: Decision) -> Answer | Refusal:
    """Encode a decision as the answer to its request. Never raises.

    A decision that does not fit the request (answers for a command, "always" where Codex
    proposed no rule, a plain yes to questions) declines it, and so does any yes to a request
    with malformed parameters.
    """
    answer = _ANSWERED_AT_ONCE.get(method)
    if answer is not None:
        return answer(params)
    kind = _KINDS.get(method)
    if kind is None:
        return Refusal(METHOD_NOT_FOUND, f"codextui cannot answer {method}, so it declines.")
    match decision:
        case Approved() | Answered():
            accepted = _accept(kind, params, decision)
            return Answer(kind.decline(Declined()) if accepted is None else accepted)
        case Declined() | Aborted():
            return Answer(kind.decline(decision))


def grants(asked: Asked, decision: Decision) -> bool:
    """Return whether a decision grants what is asked, as `encode_decision` would send it."""
    if isinstance(decision, Declined | Aborted):
        return False
    match asked:
        case QuestionsAsked():
            return isinstance(decision, Answered) and bool(answers_by_question(asked, decision))
        case ElicitationAsked():
            return accepted_elicitation(asked, decision) is not None
        case _:
            return isinstance(decision, Approved) and decision.scope in approval_scopes(asked)


def needs_interrupt(asked: Asked, decision: Decision) -> bool:
    """Return whether the turn has to be interrupted, too, to carry out a decision.

    The answers to commands and patches can end the turn; those to other kinds cannot.
    """
    ends_turn = isinstance(asked, CommandAsked | PatchAsked)
    return isinstance(decision, Aborted) and not ends_turn


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of request that a person decides on.

    Attributes:
        parse: reads the parameters. Raises MessageInvalid.
        accept: returns the result for a yes, None where this yes does not fit the request.
        decline: returns the result for a no, whatever the parameters.
    """

    parse: Callable[[JsonObject], Asked]
    accept: Callable[[JsonObject, Yes], JsonObject | None]
    decline: Callable[[No], JsonObject]


def _parse_asked(method: str, params: JsonObject) -> Asked:
    kind = _KINDS.get(method)
    if kind is None:
        return UnknownAsked(method, params)
    try:
        return kind.parse(params)
    except MessageInvalid:
        return UnknownAsked(method, params)


def _accept(kind: _Kind, params: JsonObject, decision: Yes) -> JsonObject | None:
    """Return the result for a yes, None where the parameters are malformed or it does not fit."""
    try:
        asked = kind.parse(params)
        if isinstance(decision, Approved) and not _is_available(asked, decision.scope):
            return None
        return kind.accept(params, decision)
    except MessageInvalid:
        return None


def _is_available(asked: Asked, scope: Scope) -> bool:
    match asked:
        case CommandAsked() | PatchAsked() | PermissionsAsked():
            return scope in approval_scopes(asked)
        case _:
            return True  # the kind's own function knows


_LISTED_SCOPES: Mapping[str, Scope] = {
    "accept": Scope.ONCE,
    "acceptForSession": Scope.SESSION,
    "acceptWithExecpolicyAmendment": Scope.ALWAYS,
}


def _available(params: JsonObject) -> tuple[Scope, ...] | None:
    """Return the scopes of the yeses among `availableDecisions`; None where nothing is listed."""
    if params.get("availableDecisions") is None:
        return None
    listed = fields.as_array(params["availableDecisions"], "availableDecisions")
    scopes = {_listed_scope(decision) for decision in listed}
    return tuple(scope for scope in Scope if scope in scopes)


def _listed_scope(decision: Json) -> Scope | None:
    match decision:
        case str(word):
            return _LISTED_SCOPES.get(word)
        case {"applyNetworkPolicyAmendment": {"network_policy_amendment": {"action": "allow"}}}:
            return Scope.ALWAYS
        case {"acceptWithExecpolicyAmendment": _}:
            return Scope.ALWAYS
        case _:
            return None


# item/commandExecution/requestApproval


def _parse_command(params: JsonObject) -> CommandAsked:
    kind = fields.text_or(params, "kind", "command")
    available = _available_for_command(kind, params)
    return CommandAsked(
        command=fields.text_or(params, "command"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "commandActions")),
        rule=_rule(params) if available is None or Scope.ALWAYS in available else (),
        network=_network(params),
        permissions=object_or_empty(params, "additionalPermissions"),
        stdin=kind == "writeStdin",
        available=available,
        human=kind == "humanCommand",
    )


def _available_for_command(kind: str, params: JsonObject) -> tuple[Scope, ...] | None:
    listed = _available(params)
    match kind:
        case "humanCommand":  # is decided each time, whatever is listed
            return (Scope.ONCE,) if listed is None or Scope.ONCE in listed else ()
        case "command" | "writeStdin":
            # Codex takes "for this session" wherever it takes a yes, and does not always list it.
            if listed is not None and Scope.ONCE in listed and Scope.SESSION not in listed:
                return (Scope.ONCE, Scope.SESSION, *listed[1:])
            return listed
        case _:
            raise MessageInvalid(f"commands of the kind {kind!r} are not known")


def _accept_command(params: JsonObject, decision: Yes) -> JsonObject | None:
    if decision == Approved(Scope.ALWAYS):
        return _accept_rule(params)
    return _accept_patch(params, decision)


def _accept_rule(params: JsonObject) -> JsonObject | None:
    """Accept the rule that Codex proposes: for the host where it names one, or the command."""
    if params.get("networkApprovalContext") is not None:
        rule = _network_rule(params)
        amendment = {"applyNetworkPolicyAmendment": {"network_policy_amendment": rule}}
        return None if rule is None else {"decision": amendment}
    prefix = _command_rule(params)
    accepted = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": list(prefix)}}
    return {"decision": accepted} if prefix else None


def _rule(params: JsonObject) -> tuple[str, ...]:
    if params.get("networkApprovalContext") is None:
        return _command_rule(params)
    rule = _network_rule(params)
    return () if rule is None else ("allow", fields.text(rule, "host"))


def _command_rule(params: JsonObject) -> tuple[str, ...]:
    return fields.texts(params, "proposedExecpolicyAmendment")


def _network_rule(params: JsonObject) -> JsonObject | None:
    for rule in fields.objects(params, "proposedNetworkPolicyAmendments"):
        if rule.get("action") == "allow":
            return rule
    return None


def _network(params: JsonObject) -> str:
    context = params.get("networkApprovalContext")
    if context is None:
        return ""
    wanted = fields.as_object(context, "networkApprovalContext")
    return f"{fields.text(wanted, 'protocol')}://{fields.text(wanted, 'host')}"


_ACTION_VERBS: Mapping[str, str] = {
    "read": "read",
    "listFiles": "list",
    "list_files": "list",
    "search": "search",
    "unknown": "run",
}


def _action(part: JsonObject) -> str:
    """Return one part of a command as Codex understands it, such as `read src/a.py`."""
    kind = fields.text(part, "type")
    verb = _ACTION_VERBS.get(kind, kind)
    command = fields.text_or(part, "command") or fields.text_or(part, "cmd")
    path, query = fields.text_or(part, "path"), fields.text_or(part, "query")
    match verb:
        case "search" if query:
            return f"search {query!r} in {path}" if path else f"search {query!r}"
        case "read" | "list" | "search" if path:
            return f"{verb} {path}"
        case _:
            return f"{verb} {command}"


# item/fileChange/requestApproval


def _parse_patch(params: JsonObject) -> PatchAsked:
    return PatchAsked(
        changes=(),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
        available=_available(params),
    )


def _accept_patch(_: JsonObject, decision: Yes) -> JsonObject | None:
    match decision:
        case Approved(Scope.ONCE):
            return {"decision": "accept"}
        case Approved(Scope.SESSION):
            return {"decision": "acceptForSession"}
        case Approved() | Answered():
            return None


def _decline_review(decision: No) -> JsonObject:
    return {"decision": "cancel" if isinstance(decision, Aborted) else "decline"}


# item/permissions/requestApproval


def _parse_permissions(params: JsonObject) -> PermissionsAsked:
    return PermissionsAsked(
        permissions=fields.as_object(params.get("permissions"), "permissions"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        available=_available(params),
    )


def _accept_permissions(params: JsonObject, decision: Yes) -> JsonObject | None:
    match decision:
        case Approved(Scope.ONCE):
            scope = "turn"
        case Approved(Scope.SESSION):
            scope = "session"
        case Approved() | Answered():
            return None
    asked = fields.as_object(params.get("permissions"), "permissions")
    granted = {key: asked[key] for key in ("network", "fileSystem") if asked.get(key) is not None}
    return {"permissions": granted, "scope": scope}


def _decline_permissions(_: No) -> JsonObject:
    return {"permissions": {}, "scope": "turn"}


# execCommandApproval and applyPatchApproval, which Codex sends to clients without threads


def _parse_old_command(params: JsonObject) -> CommandAsked:
    return CommandAsked(
        command=shlex.join(fields.texts(params, "command")),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "parsedCmd")),
    )


def _parse_old_patch(params: JsonObject) -> PatchAsked:
    changes = fields.as_object(params.get("fileChanges"), "fileChanges")
    return PatchAsked(
        changes=tuple(_old_change(path, changes[path]) for path in changes),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
    )


def _old_change(path: str, value: Json) -> FileChange:
    change = fields.as_object(value, path)
    kind = fields.text(change, "type")
    diff = fields.text(change, "unified_diff" if kind == "update" else "content")
    return FileChange(path, kind, diff, fields.text_or(change, "move_path"))


def _accept_old_review(_: JsonObject, decision: Yes) -> JsonObject | None:
    match decision:
        case Approved(Scope.ONCE):
            return {"decision": "approved"}
        case Approved(Scope.SESSION):
            return {"decision": "approved_for_session"}
        case Approved() | Answered():
            return None


def _decline_old_review(decision: No) -> JsonObject:
    match decision:
        case Declined(message):
            return {"decision": {"denied": {"rejection": message or DECLINED}}}
        case Aborted():
            return {"decision": "abort"}


_KINDS: Mapping[str, _Kind] = {
    COMMAND_APPROVAL: _Kind(_parse_command, _accept_command, _decline_review),
    PATCH_APPROVAL: _Kind(_parse_patch, _accept_patch, _decline_review),
    PERMISSIONS_APPROVAL: _Kind(_parse_permissions, _accept_permissions, _decline_permissions),
    USER_INPUT: _Kind(parse_questions, accept_questions, decline_questions),
    ELICITATION: _Kind(parse_elicitation, accept_elicitation, decline_elicitation),
    OLD_COMMAND_APPROVAL: _Kind(_parse_old_command, _accept_old_review, _decline_old_review),
    OLD_PATCH_APPROVAL: _Kind(_parse_old_patch, _accept_old_review, _decline_old_review),
}
"""Every request that a person decides on, by method."""


def _answer_time(_: JsonObject) -> Answer:
    return Answer({"currentTimeAt": int(time.time())})


def _fail_tool_call(params: JsonObject) -> Answer:
    text = f"codextui has no tool named {_text(params, 'tool')!r}."
    return Answer({"contentItems": [{"type": "inputText", "text": text}], "success": False})


def _refuse_tokens(_: JsonObject) -> Refusal:
    return Refusal(METHOD_NOT_FOUND, "codextui holds no ChatGPT tokens. Type: codextui login")


def _refuse_attestation(_: JsonObject) -> Refusal:
    return Refusal(METHOD_NOT_FOUND, "codextui cannot attest anything.")


_ANSWERED_AT_ONCE: Mapping[str, Callable[[JsonObject], Answer | Refusal]] = {
    "currentTime/read": _answer_time,
    "item/tool/call": _fail_tool_call,
    "account/chatgptAuthTokens/refresh": _refuse_tokens,
    "attestation/generate": _refuse_attestation,
}
"""Every request that needs no person, by method."""


def _text(params: JsonObject, key: str) -> str:
    value = params.get(key)
    return value if isinstance(value, str) else ""
