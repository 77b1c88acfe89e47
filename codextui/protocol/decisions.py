"""A person's answer to an approval, and how it travels in an elicitation's result.

The result is read in this order: top-level `decision` (as the clients of `codex mcp-server`
sent it), `content.decision`, `_meta.decision`, then `action`. Whatever is not understood
declines, and so does a reply that contradicts itself (`action: decline` with
`decision: approved`): nothing is ever approved by a reply that we could not read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from codextui.jsonrpc.fields import Json, JsonObject


class Scope(StrEnum):
    """How far an approval reaches."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"


class Approved(msgspec.Struct, frozen=True):
    """Yes. `ALWAYS` accepts the rule that Codex proposed, for every thread and for good."""

    scope: Scope = Scope.ONCE


class Declined(msgspec.Struct, frozen=True):
    """No, the turn goes on. `message` is for the agent to read; empty says nothing."""

    message: str = ""


class Aborted(msgspec.Struct, frozen=True):
    """No, and the turn stops."""


class Answered(msgspec.Struct, frozen=True):
    """Answers to questions (id → answers) or the content of an elicitation's form."""

    content: JsonObject = msgspec.field(default_factory=dict)


Decision: TypeAlias = Approved | Declined | Aborted | Answered


_APPROVED_WORDS = {
    Scope.ONCE: "approved",
    Scope.SESSION: "approved_for_session",
    Scope.ALWAYS: "approved_always",
}


def decision_word(decision: Decision) -> str:
    """The word for a decision in the journal and in `--json`."""
    match decision:
        case Approved(scope):
            return _APPROVED_WORDS[scope]
        case Declined():
            return "denied"
        case Aborted():
            return "abort"
        case Answered():
            return "answered"


def to_elicit_result(decision: Decision) -> dict[str, object]:
    """The result of `elicitation/create` that says this decision."""
    match decision:
        case Approved():
            return {"action": "accept", "content": {"decision": decision_word(decision)}}
        case Declined(message):
            return {"action": "decline", "content": {"decision": "denied", "message": message}}
        case Aborted():
            return {"action": "cancel", "content": {"decision": "abort"}}
        case Answered(content):
            return {"action": "accept", "content": {"decision": "answered", "answers": content}}


def parse_elicit_result(result: JsonObject) -> Decision:
    """Read a decision from any client's elicitation result. Never raises; doubt declines."""
    content = _object(result.get("content"))
    by_action = _parse_action(result.get("action"), content)
    for source in (result, content, _object(result.get("_meta"))):
        if source.get("decision") is not None:
            decision = _parse_decision(source["decision"], content)
            return by_action if _contradicts(decision, result.get("action")) else decision
    return by_action


def _parse_action(action: Json, content: JsonObject) -> Decision:
    match action:
        case "accept":
            return Answered(content) if content else Approved()
        case "cancel":
            return Aborted()
        case _:
            return Declined(_message(content))


def _contradicts(decision: Decision, action: Json) -> bool:
    said_yes = isinstance(decision, Approved | Answered)
    return said_yes and action is not None and action != "accept"


def _parse_decision(value: Json, content: JsonObject) -> Decision:
    match value:
        case "approved" | "accept":
            return Approved()
        case "approved_for_session" | "acceptForSession":
            return Approved(Scope.SESSION)
        case "approved_always":
            return Approved(Scope.ALWAYS)
        case {"approved_execpolicy_amendment": _}:
            return Approved(Scope.ALWAYS)
        case "answered":
            return Answered(_object(content.get("answers")))
        case "abort" | "cancel":
            return Aborted()
        case {"denied": {"rejection": str(why)}}:
            return Declined(why)
        case _:
            return Declined(_message(content))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _message(content: JsonObject) -> str:
    message = content.get("message")
    return message if isinstance(message, str) else ""


def parse_decision_fields(source: JsonObject) -> Decision:
    """Read a decision from the members `decision`, `message` and `answers`.

    The result of `codex-ask` has them, and so have the arguments of `codex-answer`. Never raises;
    doubt declines.
    """
    return _parse_decision(source.get("decision"), source)
