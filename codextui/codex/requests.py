"""What Codex asks of us, and how each kind is answered in its own shape. Pure."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.errors import MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol import approvals as ap
from codextui.protocol.approvals import ElicitationAsked, QuestionsAsked
from codextui.protocol.decisions import Aborted, Answered, Approved, Decision, Declined, Scope

_ACTIONS: Mapping[str, str] = {
    "read": "read",
    "listFiles": "list",
    "list_files": "list",
    "search": "search",
    "unknown": "run",
}


def command(params: JsonObject) -> ap.CommandAsked:
    """Read `item/commandExecution/requestApproval`."""
    return ap.CommandAsked(
        command=fields.text_or(params, "command"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "commandActions")),
        rule=_rule(params),
        network=_network(params),
        permissions=_object_or_empty(params, "additionalPermissions"),
        stdin=fields.text_or(params, "kind") == "writeStdin",
    )


def patch(params: JsonObject) -> ap.PatchAsked:
    """Read `item/fileChange/requestApproval`. It has no changes: they are in the item."""
    return ap.PatchAsked(
        changes=(),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
    )


def permissions(params: JsonObject) -> ap.PermissionsAsked:
    """Read `item/permissions/requestApproval`."""
    return ap.PermissionsAsked(
        permissions=fields.as_object(params.get("permissions"), "permissions"),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
    )


def questions(params: JsonObject) -> ap.QuestionsAsked:
    """Read `item/tool/requestUserInput`."""
    return ap.QuestionsAsked(tuple(_question(q) for q in fields.objects(params, "questions")))


def elicitation(params: JsonObject) -> ap.ElicitationAsked:
    """Read `mcpServer/elicitation/request`, of any mode."""
    message = fields.text_or(params, "message") or " ".join(
        part
        for part in (fields.text_or(params, "title"), fields.text_or(params, "description"))
        if part
    )
    return ap.ElicitationAsked(
        server=fields.text(params, "serverName"),
        mode=fields.text(params, "mode"),
        message=message,
        schema=_object_or_empty(params, "requestedSchema"),
        url=fields.text_or(params, "url"),
        meta=_object_or_empty(params, "_meta"),
    )


def old_command(params: JsonObject) -> ap.CommandAsked:
    """Read `execCommandApproval`, the request of clients before threads."""
    return ap.CommandAsked(
        command=shlex.join(fields.texts(params, "command")),
        cwd=fields.text_or(params, "cwd"),
        reason=fields.text_or(params, "reason"),
        parsed=tuple(_action(part) for part in fields.objects(params, "parsedCmd")),
    )


def old_patch(params: JsonObject) -> ap.PatchAsked:
    """Read `applyPatchApproval`, the request of clients before threads."""
    changes = fields.as_object(params.get("fileChanges"), "fileChanges")
    return ap.PatchAsked(
        changes=tuple(_old_change(path, changes[path]) for path in changes),
        reason=fields.text_or(params, "reason"),
        grant_root=fields.text_or(params, "grantRoot"),
    )


def network_rule(params: JsonObject) -> JsonObject | None:
    """Return the rule that Codex proposes for a host that a command wants to reach, if any."""
    if params.get("networkApprovalContext") is None:
        return None
    for rule in fields.objects(params, "proposedNetworkPolicyAmendments"):
        if rule.get("action") == "allow":
            return rule
    return None


def command_rule(params: JsonObject) -> tuple[str, ...]:
    """Return the command prefix that Codex proposes to allow for good, empty where it does not."""
    return fields.texts(params, "proposedExecpolicyAmendment")


def _rule(params: JsonObject) -> tuple[str, ...]:
    if params.get("networkApprovalContext") is None:
        return command_rule(params)
    rule = network_rule(params)
    return () if rule is None else ("allow", fields.text(rule, "host"))


def _network(params: JsonObject) -> str:
    context = params.get("networkApprovalContext")
    if context is None:
        return ""
    wanted = fields.as_object(context, "networkApprovalContext")
    return f"{fields.text(wanted, 'protocol')}://{fields.text(wanted, 'host')}"


def _action(part: JsonObject) -> str:
    kind = fields.text(part, "type")
    word = _ACTIONS.get(kind, kind)
    command = fields.text_or(part, "command") or fields.text_or(part, "cmd")
    path, query = fields.text_or(part, "path"), fields.text_or(part, "query")
    match word:
        case "search" if query:
            return f"search {query!r} in {path}" if path else f"search {query!r}"
        case "read" | "list" | "search" if path:
            return f"{word} {path}"
        case _:
            return f"{word} {command}"


def _question(source: JsonObject) -> ap.Question:
    options = tuple(
        (fields.text(option, "label"), fields.text_or(option, "description"))
        for option in fields.objects(source, "options")
    )
    return ap.Question(
        question_id=fields.text(source, "id"),
        header=fields.text_or(source, "header"),
        question=fields.text(source, "question"),
        options=options,
        other=fields.flag(source, "isOther"),
        secret=fields.flag(source, "isSecret"),
    )


def _old_change(path: str, value: object) -> ap.FileChange:
    change = fields.as_object(value, path)
    kind = fields.text(change, "type")
    diff = fields.text(change, "unified_diff" if kind == "update" else "content")
    return ap.FileChange(path, kind, diff, fields.text_or(change, "move_path"))


def _object_or_empty(source: JsonObject, key: str) -> JsonObject:
    value = source.get(key)
    return {} if value is None else fields.as_object(value, key)


DECLINED = "The user declined."
"""What the agent reads where a decline needs words and has none."""


def answer_command(params: JsonObject, decision: Decision) -> JsonObject | None:
    """A `CommandExecutionRequestApprovalResponse`."""
    match decision:
        case Approved(Scope.ALWAYS):
            return _amendment(params)
        case _:
            return answer_patch(decision)


def answer_patch(decision: Decision) -> JsonObject | None:
    """A `FileChangeRequestApprovalResponse`."""
    match decision:
        case Approved(Scope.ONCE):
            return {"decision": "accept"}
        case Approved(Scope.SESSION):
            return {"decision": "acceptForSession"}
        case Declined():
            return {"decision": "decline"}
        case Aborted():
            return {"decision": "cancel"}
        case Approved() | Answered():
            return None


def answer_permissions(params: JsonObject, decision: Decision) -> JsonObject | None:
    """A `PermissionsRequestApprovalResponse`: all that is asked for, or nothing."""
    match decision:
        case Approved(Scope.ONCE):
            scope = "turn"
        case Approved(Scope.SESSION):
            scope = "session"
        case Declined() | Aborted():
            return {"permissions": {}, "scope": "turn"}
        case Approved() | Answered():
            return None
    asked = fields.as_object(params.get("permissions"), "permissions")
    granted = {key: asked[key] for key in ("network", "fileSystem") if asked.get(key) is not None}
    return {"permissions": granted, "scope": scope}


def answer_questions(asked: QuestionsAsked, decision: Decision) -> JsonObject | None:
    """A `ToolRequestUserInputResponse`: answers to what was asked, and to nothing else."""
    match decision:
        case Answered(content):
            given = {q.question_id: _answers(content.get(q.question_id)) for q in asked.questions}
            answers = {key: {"answers": texts} for key, texts in given.items() if texts}
            return {"answers": answers} if answers else None
        case Declined() | Aborted():
            return {"answers": {}}
        case Approved():
            return None


def answer_elicitation(asked: ElicitationAsked, decision: Decision) -> JsonObject | None:
    """A `McpServerElicitationRequestResponse`."""
    match decision:
        case Approved(scope) if _takes_yes(asked, scope):
            meta = None if scope is Scope.ONCE else {"persist": scope.value}
            form: JsonObject | None = None if asked.mode == "url" else {}
            return {"action": "accept", "content": form, "_meta": meta}
        case Answered(content) if asked.mode == "form":
            return {"action": "accept", "content": dict(content), "_meta": None}
        case Declined():
            return {"action": "decline", "content": None, "_meta": None}
        case Aborted():
            return {"action": "cancel", "content": None, "_meta": None}
        case _:
            return None


def answer_old_review(decision: Decision) -> JsonObject | None:
    """An `ExecCommandApprovalResponse` or `ApplyPatchApprovalResponse`."""
    match decision:
        case Approved(Scope.ONCE):
            return {"decision": "approved"}
        case Approved(Scope.SESSION):
            return {"decision": "approved_for_session"}
        case Declined(message):
            return {"decision": {"denied": {"rejection": message or DECLINED}}}
        case Aborted():
            return {"decision": "abort"}
        case Approved() | Answered():
            return None


def _amendment(params: JsonObject) -> JsonObject | None:
    """Accept the rule that Codex proposed: for the host where it asks for one, or the command."""
    if params.get("networkApprovalContext") is not None:
        rule = network_rule(params)
        amendment = {"applyNetworkPolicyAmendment": {"network_policy_amendment": rule}}
        return None if rule is None else {"decision": amendment}
    prefix = command_rule(params)
    accepted = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": list(prefix)}}
    return {"decision": accepted} if prefix else None


def _answers(given: Json) -> list[str]:
    """Read one question's answers, however the client wrote them."""
    match given:
        case {"answers": answers}:
            return _answers(answers)
        case str():
            return [given]
        case list() | tuple() if all(isinstance(answer, str) for answer in given):
            return list(given)
        case _:
            return []


def _takes_yes(asked: ElicitationAsked, scope: Scope) -> bool:
    """Whether a plain yes answers it: no field has to be filled in, and it offers this scope."""
    offered = asked.meta.get("persist")
    scopes = offered if isinstance(offered, list | tuple) else (offered,)
    if scope is not Scope.ONCE and scope.value not in scopes:
        return False
    return asked.mode == "url" or (asked.mode == "form" and not asked.schema.get("required"))


METHOD_NOT_FOUND = -32601
"""JSON-RPC's error code for a request that is not served."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A person has to decide.

    Attributes:
        thread_id: whose it is; empty where the request names none.
        turn_id: the turn that waits; empty where the request names none.
        item_id: the item that it decides on; empty where there is none.
        asked: what is asked. A `PatchAsked` of the current protocol comes without changes:
            they are in the `fileChange` item of that id, heard before.
    """

    thread_id: str
    turn_id: str
    item_id: str
    asked: ap.Asked


@dataclass(frozen=True, slots=True)
class Immediate:
    """It is answered at once, by this result."""

    result: JsonObject


@dataclass(frozen=True, slots=True)
class Refusal:
    """It is answered by a JSON-RPC error."""

    code: int
    message: str


Request: TypeAlias = Ask | Immediate | Refusal
"""What to do about a request of Codex's."""


def parse_request(method: str, params: JsonObject) -> Request:
    """Say what to do about a request. Never raises.

    An unknown method, and a known one whose parameters have a wrong shape, become an `Ask` of
    `UnknownAsked`: it is shown whole, and can only be declined.
    """
    served = _SERVED.get(method)
    if served is not None:
        return served(params)
    return Ask(
        thread_id=_text(params, "threadId") or _text(params, "conversationId"),
        turn_id=_text(params, "turnId"),
        item_id=_text(params, "itemId") or _text(params, "callId"),
        asked=_parse_asked(method, params),
    )


def encode_decision(method: str, params: JsonObject, decision: Decision) -> Immediate | Refusal:
    """Return the answer that says this decision, in the shape of the request's own kind.

    A decision that does not fit the kind (answers for a command, "always" where Codex proposed
    no rule, a plain yes to questions) becomes the kind's decline: nothing is granted by an
    answer that means something else. Never raises.
    """
    request = parse_request(method, params)
    if not isinstance(request, Ask):
        return request
    result = _encode(request.asked, method, params, decision)
    if result is None:
        result = _decline(method, Aborted() if isinstance(decision, Aborted) else Declined())
    if result is None:
        return Refusal(METHOD_NOT_FOUND, f"codextui cannot answer {method}, so it declines.")
    return Immediate(result)


def is_yes(question: ap.Asked, decision: Decision) -> bool:
    """Whether this decision grants what is asked, as `encode_decision` would send it."""
    match question, decision:
        case ap.CommandAsked(rule=rule), Approved(scope):
            return scope is not Scope.ALWAYS or bool(rule)
        case ap.PatchAsked() | ap.PermissionsAsked() | ap.ToolAsked(), Approved(scope):
            return scope is not Scope.ALWAYS
        case ap.QuestionsAsked(), Answered():
            return answer_questions(question, decision) is not None
        case ap.ElicitationAsked(), Approved() | Answered():
            return answer_elicitation(question, decision) is not None
        case _:
            return False


def needs_interrupt(question: ap.Asked, decision: Decision) -> bool:
    """Whether the turn has to be interrupted as well for this decision to be carried out.

    Commands and patches have an answer that ends the turn; other kinds have none.
    """
    ends_it = isinstance(question, ap.CommandAsked | ap.PatchAsked)
    return isinstance(decision, Aborted) and not ends_it


def _parse_asked(method: str, params: JsonObject) -> ap.Asked:
    parse = _ASKED.get(method)
    if parse is None:
        return ap.UnknownAsked(method, params)
    try:
        return parse(params)
    except MessageInvalid:
        return ap.UnknownAsked(method, params)


def _encode(
    question: ap.Asked, method: str, params: JsonObject, decision: Decision
) -> JsonObject | None:
    if method in _OLD_REVIEWS and not isinstance(question, ap.UnknownAsked):
        return answer_old_review(decision)
    match question:
        case ap.CommandAsked():
            return answer_command(params, decision)
        case ap.PatchAsked():
            return answer_patch(decision)
        case ap.PermissionsAsked():
            return answer_permissions(params, decision)
        case ap.QuestionsAsked():
            return answer_questions(question, decision)
        case ap.ElicitationAsked():
            return answer_elicitation(question, decision)
        case ap.ToolAsked() | ap.UnknownAsked():  # no tool of a team's comes from Codex
            return None


def _decline(method: str, no: Declined | Aborted) -> JsonObject | None:
    """A no in the shape of a method, whatever its parameters; None for an unknown method."""
    match method:
        case "item/commandExecution/requestApproval" | "item/fileChange/requestApproval":
            return answer_patch(no)
        case "item/permissions/requestApproval":
            return answer_permissions({}, no)
        case "item/tool/requestUserInput":
            return {"answers": {}}
        case "mcpServer/elicitation/request":
            return answer_elicitation(ap.ElicitationAsked("", "", ""), no)
        case "execCommandApproval" | "applyPatchApproval":
            return answer_old_review(no)
        case _:
            return None


def _text(params: JsonObject, key: str) -> str:
    value = params.get(key)
    return value if isinstance(value, str) else ""


def _tell_time(_: JsonObject) -> Immediate:
    return Immediate({"currentTimeAt": int(time.time())})


def _refuse_tool(params: JsonObject) -> Immediate:
    text = f"codextui has no tool named {_text(params, 'tool')!r}."
    return Immediate({"contentItems": [{"type": "inputText", "text": text}], "success": False})


def _refuse_tokens(_: JsonObject) -> Refusal:
    return Refusal(METHOD_NOT_FOUND, "codextui holds no ChatGPT tokens. Type: codex login")


def _refuse_attestation(_: JsonObject) -> Refusal:
    return Refusal(METHOD_NOT_FOUND, "codextui cannot attest anything.")


_SERVED: Mapping[str, Callable[[JsonObject], Immediate | Refusal]] = {
    "currentTime/read": _tell_time,
    "item/tool/call": _refuse_tool,
    "account/chatgptAuthTokens/refresh": _refuse_tokens,
    "attestation/generate": _refuse_attestation,
}
"""The requests that no person has to decide on."""

_ASKED: Mapping[str, Callable[[JsonObject], ap.Asked]] = {
    "item/commandExecution/requestApproval": command,
    "item/fileChange/requestApproval": patch,
    "item/permissions/requestApproval": permissions,
    "item/tool/requestUserInput": questions,
    "mcpServer/elicitation/request": elicitation,
    "execCommandApproval": old_command,
    "applyPatchApproval": old_patch,
}
"""The requests that a person decides on."""

_OLD_REVIEWS = frozenset({"execCommandApproval", "applyPatchApproval"})
