"""Decisions in the shapes of app-server's answers, a function for each kind of request. Pure.

Every function returns None where the decision does not fit the request: then it declines.
"""

from __future__ import annotations

from codextui.codex.asked import command_rule, network_rule
from codextui.wire import fields
from codextui.wire.approval import ElicitationAsked, QuestionsAsked
from codextui.wire.decision import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.wire.fields import Json, JsonObject

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
