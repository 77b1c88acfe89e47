"""What a person can answer to which kind of request, and why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum, auto

from codextui.console.screens.approval_queue import ApprovalQueue
from codextui.console.widgets.form_fields import FormField, form_fields, form_problem
from codextui.jsonrpc import fields
from codextui.protocol.approvals import (
    Approval,
    Asked,
    CommandAsked,
    ElicitationAsked,
    PatchAsked,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
)
from codextui.protocol.decisions import Decision, Scope, decision_word
from codextui.protocol.events import ApprovalResolved
from codextui.protocol.runs import RUN_PREFIX
from codextui.text.figures import format_elapsed
from codextui.text.sanitize import one_line


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


class Step(Enum):
    """What the keys of the approval dialog mean now."""

    READ = auto()
    RULE = auto()
    MESSAGE = auto()


_WORDS = {
    "approved": "approved",
    "approved_for_session": "approved for the session",
    "approved_always": "approved for good",
    "denied": "declined",
    "abort": "ended together with its turn",
    "answered": "answered",
    "withdrawn": "withdrawn by the agent",
    "lost": "lost with the Codex process",
}


def what_became(approval: Approval, resolved: ApprovalResolved | None) -> str:
    """What became of an approval that somebody else decided, or nobody."""
    if resolved is None:
        return f"{name(approval)} was resolved elsewhere."
    by = f" by {one_line(resolved.by, 40)}" if resolved.by else ""
    return f"{name(approval)} was {_WORDS.get(resolved.outcome, 'resolved')}{by}."


def what_was_sent(approval: Approval, decision: Decision) -> str:
    """What was just decided here."""
    return f"{name(approval)}: {_WORDS[decision_word(decision)]}."


def many_were_sent(approvals: Sequence[Approval], decision: Decision) -> str:
    """What was just decided here for several at once."""
    names = ", ".join(name(approval) for approval in approvals)
    return one_line(f"{names}: {_WORDS[decision_word(decision)]}.", 300)


def place_words(queue: ApprovalQueue) -> str:
    """`2 of 5 · 3 marked, this one too`; empty where there is one and it is not marked."""
    at, total = queue.place
    marked = len(queue.marked)
    here = ", this one too" if queue.current in queue.marked and marked > 1 else ""
    facts = [f"{at} of {total}"] if total > 1 else []
    facts += [f"{marked} marked{here}"] if marked else []
    return " · ".join(facts)


def facts_words(approval: Approval, client: str, now: float) -> str:
    """Which one it is, how long it waits, and whose thread it is."""
    waits = format_elapsed(max(0, now - approval.asked_at))
    is_role = approval.thread_id.startswith(RUN_PREFIX)
    thread_id = approval.thread_id if is_role else approval.thread_id[:13]
    facts = [approval.approval_id, f"waits {waits}", f"thread {thread_id}"]
    facts.extend([f"started by {client}"] if client else [])
    return one_line(" · ".join(facts), 200)


def step_keys(
    step: Step, queue: ApprovalQueue, key_of: Callable[[str], str], *, has_form: bool
) -> list[str]:
    """The keys beside the answers, each with what it does.

    Args:
        step: what the keys mean now.
        queue: what is left to decide.
        key_of: the key of an `approval.` binding.
        has_form: whether there is something to fill in.
    """
    match step:
        case Step.RULE:
            accept = f"{key_of('once')} or {key_of('confirm')} accept the rule"
            return [accept, f"{key_of('later')} back"]
        case Step.MESSAGE:
            return ["⏎ decline and send this to the agent", f"{key_of('later')} back"]
        case Step.READ:
            return _reading_keys(queue, key_of, has_form=has_form)


def _reading_keys(
    queue: ApprovalQueue, key_of: Callable[[str], str], *, has_form: bool
) -> list[str]:
    words = [f"{key_of('later')} later"]
    if queue.place[1] > 1:
        words.append(f"{key_of('next')} next  {key_of('previous')} previous  {key_of('mark')} mark")
    if queue.marked:
        words.append(f"{key_of('many')} approve  {key_of('decline_many')} decline all marked")
    words += [f"{key_of('open')} its thread", "↑ ↓ space scroll"]
    return [*words, "tab to the form"] if has_form else words


def name(approval: Approval) -> str:
    """Whose it is, and which: `backend's a7`."""
    handle = one_line(approval.handle, 40)
    approval_id = one_line(approval.approval_id, 20)
    return f"{handle}'s {approval_id}" if handle else approval_id
