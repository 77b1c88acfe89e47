"""What a person can answer to which kind of request, and why not."""

from __future__ import annotations

from enum import StrEnum

from codextui.widgets.form_field import FormField, form_fields, form_problem
from codextui.wire import fields
from codextui.wire.approval import (
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.wire.decision import Scope


class Choice(StrEnum):
    """One of the decision keys; the value is the last part of its binding's id."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    ANSWER = "answer"
    DECLINE = "decline"
    MESSAGE = "message"
    STOP = "stop"


YES = (Choice.ONCE, Choice.SESSION, Choice.ALWAYS, Choice.ANSWER)
"""The choices that grant something."""

SCOPES = {Choice.ONCE: Scope.ONCE, Choice.SESSION: Scope.SESSION, Choice.ALWAYS: Scope.ALWAYS}
"""How far each of the approving choices reaches."""

_NO_RULE: dict[type[Asked], str] = {
    PatchAsked: "There is no rule for file changes: they are approved once or for this session.",
    PermissionsAsked: "Permissions are granted for this turn or for this session, not for good.",
    ToolAsked: "There is no rule for tools: they are approved once or for this run.",
}

_IS_ANSWERED = "This is answered, not approved: fill in the form."


def why_not(asked: Asked, choice: Choice) -> str:
    """Why a choice does not apply to this kind, in a sentence; empty where it does."""
    if choice in (Choice.DECLINE, Choice.MESSAGE, Choice.STOP):
        return ""
    match asked:
        case CommandAsked():
            return _why_not_command(asked, choice)
        case PatchAsked() | PermissionsAsked() | ToolAsked() if choice is Choice.ALWAYS:
            return _NO_RULE[type(asked)]
        case PatchAsked() | PermissionsAsked() | ToolAsked():
            return "There is no form to fill in here." if choice is Choice.ANSWER else ""
        case QuestionsAsked() | ElicitationAsked(mode="form") if problem := form_problem(asked):
            return problem
        case QuestionsAsked():
            return "" if choice is Choice.ANSWER else _IS_ANSWERED
        case ElicitationAsked():
            return _why_not_elicitation(asked, choice)
        case UnknownAsked():
            return "codextui does not know this kind of request, so it can only be declined."


def fields_of(asked: Asked) -> tuple[FormField, ...]:
    """What there is to fill in; nothing where the form is beyond us."""
    match asked:
        case QuestionsAsked() | ElicitationAsked(mode="form") if not form_problem(asked):
            return form_fields(asked)
        case _:
            return ()


def offer_tone(choice: Choice) -> str:
    """Whether a choice says yes or no."""
    return "yes" if choice in YES else "no"


def label(asked: Asked, choice: Choice) -> str:
    """What a choice does to this kind, in a few words."""
    match choice:
        case Choice.ONCE:
            return _once_label(asked)
        case Choice.SESSION:
            is_tool = isinstance(asked, ToolAsked)
            return "for the rest of this run" if is_tool else "for this session"
        case Choice.ALWAYS:
            return "always…"
        case Choice.ANSWER:
            return "send the answers"
        case Choice.DECLINE:
            return "decline"
        case Choice.MESSAGE:
            return "decline, say why…"
        case Choice.STOP:
            return "stop the turn"


def _once_label(asked: Asked) -> str:
    match asked:
        case PermissionsAsked():
            return "for this turn"
        case ElicitationAsked(mode="url"):
            return "done, I have opened it"
        case _:
            return "once"


def _why_not_command(asked: CommandAsked, choice: Choice) -> str:
    if choice is Choice.ANSWER:
        return "There is no form to fill in here."
    if choice is Choice.ALWAYS and not asked.rule:
        return "Codex proposed no rule for this command, so there is nothing to allow for good."
    if choice is Choice.SESSION and asked.stdin:
        return "Input for a running command is approved each time."
    return ""


def _why_not_elicitation(asked: ElicitationAsked, choice: Choice) -> str:
    if asked.mode not in ("form", "url"):
        return f"codextui does not know the mode {asked.mode!a}, so it can only be declined."
    if fields_of(asked):
        return "" if choice is Choice.ANSWER else _IS_ANSWERED
    if choice is Choice.ANSWER:
        return "There is no form to fill in here."
    if choice is Choice.ONCE or choice.value in _lasting(asked):
        return ""
    return f"{asked.server or 'This server'} takes an answer for this one time only."


def _lasting(asked: ElicitationAsked) -> tuple[str, ...]:
    """How long an approval of an MCP tool may last: `session`, `always` (`_meta.persist`)."""
    persist = asked.meta.get("persist")
    if isinstance(persist, str):
        return (persist,)
    return (
        tuple(str(word) for word in fields.as_array(persist, "persist"))
        if isinstance(persist, list | tuple)
        else ()
    )
