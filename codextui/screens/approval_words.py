"""What became of an approval, in a sentence."""

from __future__ import annotations

from codextui.render.sanitize import one_line
from codextui.wire.approval import Approval
from codextui.wire.decision import Decision, decision_word
from codextui.wire.event import ApprovalResolved

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


def name(approval: Approval) -> str:
    """Whose it is, and which: `backend's a7`."""
    handle = one_line(approval.handle, 40)
    approval_id = one_line(approval.approval_id, 20)
    return f"{handle}'s {approval_id}" if handle else approval_id
