"""What Codex asks of us, and how each kind is answered in its own shape. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from codextui.codex import answer, asked
from codextui.errors import WireInvalid
from codextui.wire import approval as ap
from codextui.wire.decision import Aborted, Answered, Approved, Decision, Declined, Scope
from codextui.wire.fields import JsonObject

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
            return answer.answer_questions(question, decision) is not None
        case ap.ElicitationAsked(), Approved() | Answered():
            return answer.answer_elicitation(question, decision) is not None
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
    except WireInvalid:
        return ap.UnknownAsked(method, params)


def _encode(
    question: ap.Asked, method: str, params: JsonObject, decision: Decision
) -> JsonObject | None:
    if method in _OLD_REVIEWS and not isinstance(question, ap.UnknownAsked):
        return answer.answer_old_review(decision)
    match question:
        case ap.CommandAsked():
            return answer.answer_command(params, decision)
        case ap.PatchAsked():
            return answer.answer_patch(decision)
        case ap.PermissionsAsked():
            return answer.answer_permissions(params, decision)
        case ap.QuestionsAsked():
            return answer.answer_questions(question, decision)
        case ap.ElicitationAsked():
            return answer.answer_elicitation(question, decision)
        case ap.ToolAsked() | ap.UnknownAsked():  # no tool of a team's comes from Codex
            return None


def _decline(method: str, no: Declined | Aborted) -> JsonObject | None:
    """A no in the shape of a method, whatever its parameters; None for an unknown method."""
    match method:
        case "item/commandExecution/requestApproval" | "item/fileChange/requestApproval":
            return answer.answer_patch(no)
        case "item/permissions/requestApproval":
            return answer.answer_permissions({}, no)
        case "item/tool/requestUserInput":
            return {"answers": {}}
        case "mcpServer/elicitation/request":
            return answer.answer_elicitation(ap.ElicitationAsked("", "", ""), no)
        case "execCommandApproval" | "applyPatchApproval":
            return answer.answer_old_review(no)
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
    "item/commandExecution/requestApproval": asked.command,
    "item/fileChange/requestApproval": asked.patch,
    "item/permissions/requestApproval": asked.permissions,
    "item/tool/requestUserInput": asked.questions,
    "mcpServer/elicitation/request": asked.elicitation,
    "execCommandApproval": asked.old_command,
    "applyPatchApproval": asked.old_patch,
}
"""The requests that a person decides on."""

_OLD_REVIEWS = frozenset({"execCommandApproval", "applyPatchApproval"})
