"""How the demo answers approvals where nobody is there to ask."""

from __future__ import annotations

from pathlib import Path

from codextui.wire.approval import Approval, CommandAsked, PatchAsked
from codextui.wire.decision import Approved, Decision, Declined

POLICY = (
    "a command is approved once, after it was printed whole; a change to files is approved once "
    "where every file is in the project; anything else is declined"
)
"""What `decide` does, in words."""


def decide(approval: Approval, project: Path) -> tuple[Decision, str]:
    """Returns the decision on an approval, and the reason for it in words."""
    match approval.asked:
        case CommandAsked(stdin=False, network="", permissions=permissions) if not permissions:
            return Approved(), "approved once: a command of the demo's script"
        case PatchAsked(changes=changes, grant_root="") if changes:
            touched = {path for c in changes for path in (c.path, c.move_path) if path}
            if all((project / path).resolve().is_relative_to(project) for path in touched):
                return Approved(), "approved once: every file is in the project"
            return Declined(), "declined: a file is outside of the project"
        case _:
            return Declined(), "declined: the demo expects no such request"
