"""The logic of the approval dialog: its choices, typing guard and texts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum, auto

from codextui.console.model.inbox import Inbox, Order
from codextui.console.model.labels import UNKNOWN_ASKER, Asker
from codextui.console.widgets.form_fields import FormField, form_fields, form_problem
from codextui.protocol.approval_text import scope_problem
from codextui.protocol.approvals import (
    Approval,
    Asked,
    ElicitationAsked,
    Others,
    PermissionsAsked,
    QuestionsAsked,
    ToolAsked,
    UnknownAsked,
    approval_scopes,
    takes_answers,
)
from codextui.protocol.decisions import Decision, Scope, decision_word
from codextui.protocol.events import ApprovalResolved
from codextui.protocol.runs import RUN_PREFIX
from codextui.text.figures import format_count, format_running
from codextui.text.sanitize import one_line


class Choice(StrEnum):
    """An answer to an approval; the value is the last part of its binding's id."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    ANSWER = "answer"
    DECLINE = "decline"
    MESSAGE = "message"
    STOP = "stop"


GRANTING = (Choice.ONCE, Choice.SESSION, Choice.ALWAYS, Choice.ANSWER)
"""Choices that grant what is asked."""

SCOPES = {Choice.ONCE: Scope.ONCE, Choice.SESSION: Scope.SESSION, Choice.ALWAYS: Scope.ALWAYS}
"""The scope of each approving choice."""

PASTE_NOTE = "Pasted text decides nothing."

HELD_S = 1.0
"""Seconds in which a key that is held down comes again: X11 waits for 0.66 before that."""

TYPING_NOTE = "Not taken as a decision: keys decide after a moment without typing."
"""Shown when a decision key is pressed before the guard is ready."""

_NEEDS_FORM = "This is answered, not approved: fill in the form."
_HAS_NO_FORM = "There is no form to fill in here."


def choice_unavailable_reason(asked: Asked, choice: Choice) -> str:
    """Return why a choice is unavailable for a request; empty if it is available."""
    match asked:
        case _ if choice in (Choice.DECLINE, Choice.MESSAGE, Choice.STOP):
            return ""
        case QuestionsAsked() | ElicitationAsked(mode="form") if problem := form_problem(asked):
            return problem
        case _ if takes_answers(asked):
            return "" if choice is Choice.ANSWER else _NEEDS_FORM
        case UnknownAsked() | ElicitationAsked() if not approval_scopes(asked):
            return scope_problem(asked, Scope.ONCE)
        case _ if choice is Choice.ANSWER:
            return _HAS_NO_FORM
        case _:
            return scope_problem(asked, SCOPES[choice])


def answer_fields(asked: Asked) -> tuple[FormField, ...]:
    """Return the form fields of a request; empty if there are none, or too many to show."""
    match asked:
        case QuestionsAsked() | ElicitationAsked(mode="form") if not form_problem(asked):
            return form_fields(asked)
        case _:
            return ()


def choice_label(asked: Asked, choice: Choice) -> str:
    """Label a choice for a request."""
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


class TypingGuard:
    """Becomes ready after a time without keystrokes, and stays ready until it is armed again.

    A dialog that opens while the user types gets the rest of the word. The guard keeps it from
    taking a letter for a decision. A key that is held down decides once: a terminal sends it again
    and again, the first time after a longer pause than `quiet` may be.

    Attributes:
        last_key: the key that was recorded last; empty for none.
        last_at: when.
    """

    def __init__(self, quiet: float, clock: Callable[[], float]) -> None:
        """Arm the guard.

        Args:
            quiet: seconds without a keystroke until it is ready.
            clock: returns monotonic seconds.
        """
        self._quiet = quiet
        self._clock = clock
        self._since = clock()
        self._ready = False
        self.last_key, self.last_at = "", 0.0
        self._held = ""

    @property
    def is_ready(self) -> bool:
        """Whether a key counts as a decision."""
        self._ready = self._ready or self._clock() - self._since >= self._quiet
        return self._ready

    def arm(self) -> None:
        """Wait for a quiet moment again, as the content has changed."""
        self._since = self._clock()
        self._ready = False

    def record_key(self, key: str) -> None:
        """Restart the wait, unless the guard is ready and this is no key that is held down."""
        now = self._clock()
        is_held = key == self._held and now - self.last_at <= HELD_S
        self._held = ""
        if is_held:
            self.arm()
        elif not self.is_ready:
            self._since = now
        self.last_key, self.last_at = key, now

    def hold(self, other: TypingGuard | None = None) -> None:
        """Take the last key, or that of another guard, for one that may be held down still.

        Where it comes again soon, the guard is armed once more.
        """
        guard = other or self
        if self._quiet:
            self._held, self.last_at = guard.last_key, guard.last_at


class Step(Enum):
    """A step of the approval dialog.

    Reading the request, granting it without having seen all of it, accepting a rule, writing a
    message.
    """

    READ = auto()
    UNSEEN = auto()
    RULE = auto()
    MESSAGE = auto()


_OUTCOME_WORDS = {
    "approved": "approved",
    "approved_for_session": "approved for the session",
    "approved_always": "approved for good",
    "denied": "declined",
    "abort": "ended together with its turn",
    "answered": "answered",
    "withdrawn": "withdrawn by the agent",
    "lost": "lost",
    "answered_elsewhere": "answered elsewhere",
    "left": "left open, as the server ended",
}


def describe_outcome(
    approval: Approval, resolved: ApprovalResolved | None, asker: Asker = UNKNOWN_ASKER
) -> str:
    """Describe the outcome of an approval that was not decided here, and where it was decided."""
    return f"{approval_name(approval)} was {describe_end(resolved, asker)}."


def describe_end(resolved: ApprovalResolved | None, asker: Asker = UNKNOWN_ASKER) -> str:
    """Describe how an approval ended: `approved by claude-code`."""
    if resolved is None:
        return "resolved elsewhere"
    by = f" by {one_line(resolved.by, 40)}" if resolved.by else ""
    if resolved.outcome == "answered_elsewhere":  # Codex does not say by which program.
        by = f": in {asker.origin}, or another program on the same Codex" if asker.origin else by
    if resolved.outcome == "lost":
        why = f": {one_line(resolved.message, 120)}" if resolved.message else ""
        return f"decided{by}, but Codex did not get it" if by else f"lost{why}"
    return f"{_OUTCOME_WORDS.get(resolved.outcome, 'resolved')}{by}"


def describe_decision(approval: Approval, decision: Decision) -> str:
    """Describe a decision just made here."""
    return f"{approval_name(approval)}: {_OUTCOME_WORDS[decision_word(decision)]}."


def describe_decisions(approvals: Sequence[Approval], decision: Decision) -> str:
    """Describe a decision just made here about several approvals."""
    names = ", ".join(approval_name(approval) for approval in approvals)
    return one_line(f"{names}: {_OUTCOME_WORDS[decision_word(decision)]}.", 300)


def describe_position(queue: Inbox) -> str:
    """Describe the place in the queue: `2 of 5 by risk · 3 marked`; empty for an only one."""
    at, total = queue.position
    marked = len(queue.marked)
    here = ", this one too" if queue.current in queue.marked and marked > 1 else ""
    order = queue.memory.order
    sorted_by = "" if order is Order.OLDEST else f" {order.value}"
    parts = [f"{at} of {total}{sorted_by}"] if total > 1 else []
    parts += [f"{marked} marked{here}"] if marked else []
    return " · ".join(parts)


def describe_list(queue: Inbox) -> str:
    """Return the title of the list: `3 wait for you · oldest first`."""
    _, total = queue.position
    waits = "1 waits for you" if total == 1 else f"{total} wait for you"
    alike = " · the same together" if queue.memory.grouped else ""
    return f"{waits} · {queue.memory.order.value}{alike}"


def describe_origin(
    approval: Approval, asker: Asker, now: float, *, others: Others = Others.SHOW
) -> str:
    """Describe an approval's id, its waiting time, its thread and the client behind it.

    Of another program's thread: that nobody but the user decides it, here or there; also where the
    thread was adopted after it had asked.

    Args:
        approval: the approval.
        asker: whose thread it is.
        now: unix seconds.
        others: whether rules of ours decide for other programs, too.
    """
    waits = format_running(now - approval.asked_at)
    if (origin := asker.origin or one_line(approval.origin, 40)) and others is Others.SHOW:
        only = f"only you decide it, here or in {origin}"
        return one_line(f"{approval.approval_id} · waits {waits} · {only}", 200)
    is_role = approval.thread_id.startswith(RUN_PREFIX)
    thread_id = approval.thread_id if is_role else approval.thread_id[:13]
    parts = [approval.approval_id, f"waits {waits}", f"thread {thread_id}"]
    parts += [f"started by {asker.client}"] if asker.client else []
    return one_line(" · ".join(parts), 200)


def step_hints(
    step: Step, queue: Inbox, key_of: Callable[[str], str], *, has_form: bool
) -> list[str]:
    """List the keys of a step other than the decision keys, each with what it does.

    Args:
        step: the dialog's step.
        queue: the dialog's queue.
        key_of: returns the key of an `approval.` binding.
        has_form: whether the request has a form.
    """
    match step:
        case Step.UNSEEN:
            agree = f"{key_of('unseen')} go on without having seen them"
            return [agree, "space scroll", f"{key_of('later')} back"]
        case Step.RULE:
            accept = f"{key_of('once')} or {key_of('confirm')} accept the rule"
            return [accept, f"{key_of('later')} back"]
        case Step.MESSAGE:
            return ["⏎ decline and send this to the agent", f"{key_of('later')} back"]
        case Step.READ:
            return _read_step_hints(queue, key_of, has_form=has_form)


def _read_step_hints(queue: Inbox, key_of: Callable[[str], str], *, has_form: bool) -> list[str]:
    words = [f"{key_of('later')} later"]
    if queue.position[1] > 1:
        words.append(f"{key_of('next')} next  {key_of('previous')} previous  {key_of('mark')} mark")
        words.append(f"{key_of('order')} order  {key_of('group')} group")
    if queue.marked:
        words.append(f"{key_of('many')} approve  {key_of('decline_many')} decline all marked")
    words += [f"{key_of('open')} its thread", "↑ ↓ space scroll"]
    return [*words, "tab to the form"] if has_form else words


def describe_unseen(unseen: int, total: int) -> str:
    """Describe how much of a request was never on the screen."""
    return f"{format_count(unseen)} of {format_count(total)} lines were never on the screen."


def approval_name(approval: Approval) -> str:
    """Name an approval by its handle and id: `backend's a7`."""
    handle = one_line(approval.handle, 40)
    approval_id = one_line(approval.approval_id, 20)
    return f"{handle}'s {approval_id}" if handle else approval_id


def draft_key(approval: Approval) -> str:
    """Return the key of an answer to an approval that was not sent."""
    return f"{approval.thread_id}/{approval.approval_id}"
