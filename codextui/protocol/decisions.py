"""A person's answer to an approval, and how it travels in an elicitation's result.

A result has up to four sources: `action`, top-level `decision` (as the clients of
`codex mcp-server` sent it), `content.decision` and `_meta.decision`. It is a yes only where every
source that is there says the same yes. A member of a wrong type, a word that is not known and two
sources that disagree decline: nothing is ever approved by a reply that could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def parse_elicit_result(result: JsonObject, *, rule: Sequence[str] | None = None) -> Decision:
    """Read a decision from any client's elicitation result. Never raises; doubt declines.

    Null counts as missing, except in `content.decision`, which the form requires.

    Args:
        result: the result.
        rule: the rule that an approval for good would accept. A client that names another one has
            not accepted it. None leaves that unchecked.
    """
    action, content = result.get("action"), _object(result.get("content"))
    by_action = _parse_action(action, content)
    values = _decision_values(result)
    said = [_parse_decision(value, content) for value in values]
    decision = said[0] if said else by_action
    if not any(map(_is_yes, said or [by_action])):
        return decision
    is_accepted = action is None or action == "accept"
    is_one = all(other == decision for other in said) and _name_no_other(values, rule)
    if is_accepted and is_one and _is_well_formed(result):
        return decision
    return by_action if action == "cancel" else Declined(_message(content))


def says_no(result: JsonObject) -> bool:
    """Return whether an elicitation's result declines or aborts in so many words.

    `parse_elicit_result` declines in doubt; a bare `cancel` may mean that a form was closed.
    """
    return result.get("action") == "decline" or any(map(_is_no, _decision_values(result)))


def _is_no(value: Json) -> bool:
    match value:
        case "denied" | "abort" | "cancel" | {"denied": _}:
            return True
        case _:
            return False


def parse_decision_fields(source: JsonObject) -> Decision:
    """Read a decision from the members `decision`, `message` and `answers`.

    The result of `codex-ask` has them, and so have the arguments of `codex-answer`. Never raises;
    doubt declines.
    """
    decision = _parse_decision(source.get("decision"), source)
    is_readable = isinstance(source.get("message"), str | None)
    return decision if is_readable or not _is_yes(decision) else Declined()


def _parse_action(action: Json, content: JsonObject) -> Decision:
    match action:
        case "accept":
            return Answered(content) if content else Approved()
        case "cancel":
            return Aborted()
        case _:
            return Declined(_message(content))


def _parse_decision(value: Json, content: JsonObject) -> Decision:
    match value:
        case "approved" | "accept":
            return Approved()
        case "approved_for_session" | "acceptForSession":
            return Approved(Scope.SESSION)
        case "approved_always":
            return Approved(Scope.ALWAYS)
        case {"approved_execpolicy_amendment": dict(), **others} if not others:
            return Approved(Scope.ALWAYS)
        case "answered":
            answers = content.get("answers")
            is_readable = isinstance(answers, dict | None)
            return Answered(_object(answers)) if is_readable else Declined(_message(content))
        case "abort" | "cancel":
            return Aborted()
        case {"denied": {"rejection": str(why)}}:
            return Declined(why)
        case _:
            return Declined(_message(content))


def _decision_values(result: JsonObject) -> list[Json]:
    """Return what stands at `decision` wherever it may stand, the first in rank first."""
    sources = (result, _object(result.get("content")), _object(result.get("_meta")))
    values = (source.get("decision") for source in sources)
    return [value for value in values if value is not None]


def _name_no_other(values: list[Json], rule: Sequence[str] | None) -> bool:
    """Return whether the rules that decisions name, if they do, are the proposed one."""
    for value in values:
        match value:
            case {"approved_execpolicy_amendment": {"proposed_execpolicy_amendment": named}}:
                if rule is not None and named != list(rule):
                    return False
    return True


def _is_well_formed(result: JsonObject) -> bool:
    """Return whether the members beside the decisions have the types that they must have."""
    content = result.get("content")
    if not isinstance(content, dict | None) or not isinstance(result.get("_meta"), dict | None):
        return False
    form = _object(content)
    return isinstance(form.get("message"), str | None) and form.get("decision", "") is not None


def _is_yes(decision: Decision) -> bool:
    return isinstance(decision, Approved | Answered)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _message(content: JsonObject) -> str:
    message = content.get("message")
    return message if isinstance(message, str) else ""
