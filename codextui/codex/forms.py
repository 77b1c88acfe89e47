"""The forms among the requests of Codex: questions, and elicitations of MCP servers. Pure."""

from __future__ import annotations

from typing import TypeAlias

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import (
    ElicitationAsked,
    Question,
    QuestionsAsked,
    approval_scopes,
)
from codextui.protocol.decisions import Aborted, Answered, Approved, Declined, Scope

Yes: TypeAlias = Approved | Answered
No: TypeAlias = Declined | Aborted


# item/tool/requestUserInput


def parse_questions(params: JsonObject) -> QuestionsAsked:
    """Read the parameters of questions. Raises MessageInvalid."""
    return QuestionsAsked(tuple(_question(q) for q in fields.objects(params, "questions")))


def _question(source: JsonObject) -> Question:
    options = tuple(
        (fields.text(option, "label"), fields.text_or(option, "description"))
        for option in fields.objects(source, "options")
    )
    return Question(
        question_id=fields.text(source, "id"),
        header=fields.text_or(source, "header"),
        question=fields.text(source, "question"),
        options=options,
        other=fields.flag(source, "isOther"),
        secret=fields.flag(source, "isSecret"),
    )


def accept_questions(params: JsonObject, decision: Yes) -> JsonObject | None:
    """Return the result for answers; None where the decision has none that fit."""
    if not isinstance(decision, Answered):
        return None
    answers = answers_by_question(parse_questions(params), decision)
    if not answers:
        return None
    return {"answers": {question: {"answers": texts} for question, texts in answers.items()}}


def decline_questions(_: No) -> JsonObject:
    """Return the result for a no."""
    return {"answers": {}}


def _answers(given: Json) -> list[str]:
    """Read the answers to one question in any of the shapes that clients send."""
    match given:
        case {"answers": answers}:
            return _answers(answers)
        case str():
            return [given]
        case list() | tuple() if all(isinstance(answer, str) for answer in given):
            return list(given)
        case _:
            return []


# mcpServer/elicitation/request


def parse_elicitation(params: JsonObject) -> ElicitationAsked:
    """Read the parameters of an MCP server's elicitation. Raises MessageInvalid."""
    parts = (fields.text_or(params, "title"), fields.text_or(params, "description"))
    return ElicitationAsked(
        server=fields.text(params, "serverName"),
        mode=fields.text(params, "mode"),
        message=fields.text_or(params, "message") or " ".join(part for part in parts if part),
        schema=object_or_empty(params, "requestedSchema"),
        url=fields.text_or(params, "url"),
        meta=object_or_empty(params, "_meta"),
    )


def accept_elicitation(params: JsonObject, decision: Yes) -> JsonObject | None:
    """Return the result for a yes; None where it does not fit."""
    return accepted_elicitation(parse_elicitation(params), decision)


def accepted_elicitation(asked: ElicitationAsked, decision: Yes) -> JsonObject | None:
    """Return the result for a yes to what is asked; None where it does not fit."""
    match decision:
        case Approved(scope) if scope in approval_scopes(asked):
            meta = None if scope is Scope.ONCE else {"persist": scope.value}
            form: JsonObject | None = None if asked.mode == "url" else {}
            return {"action": "accept", "content": form, "_meta": meta}
        case Answered(content) if asked.mode == "form":
            return {"action": "accept", "content": dict(content), "_meta": None}
        case Approved() | Answered():
            return None


def decline_elicitation(decision: No) -> JsonObject:
    """Return the result for a no."""
    action = "cancel" if isinstance(decision, Aborted) else "decline"
    return {"action": action, "content": None, "_meta": None}


def answers_by_question(asked: QuestionsAsked, decision: Answered) -> dict[str, list[str]]:
    """Return the answers to the questions that were asked, by question id.

    Questions without an answer are left out, and so are answers to other questions.
    """
    given = {q.question_id: _answers(decision.content.get(q.question_id)) for q in asked.questions}
    return {question_id: answers for question_id, answers in given.items() if answers}


def object_or_empty(source: JsonObject, key: str) -> JsonObject:
    """Return a member that is an object, an empty one where it is missing."""
    value = source.get(key)
    return {} if value is None else fields.as_object(value, key)
