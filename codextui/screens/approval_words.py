"""The words around an approval: which it is, what became of it, the keys beside its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from codextui.render.figures import format_elapsed
from codextui.render.sanitize import one_line
from codextui.screens.approval_queue import ApprovalQueue
from codextui.wire.approval import Approval
from codextui.wire.decision import Decision, decision_word
from codextui.wire.event import ApprovalResolved
from codextui.wire.run import RUN_PREFIX


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
