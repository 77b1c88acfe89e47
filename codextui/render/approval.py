"""What a person is asked, as rows."""

from __future__ import annotations

from textual.strip import Strip

from codextui.render.palette import Palette
from codextui.wire.approval import Approval


def approval_title(approval: Approval) -> str:
    """What is asked, in a few words: `backend asks to run a command`. Safe to show."""
    raise NotImplementedError


def render_approval(approval: Approval, width: int, palette: Palette) -> list[Strip]:
    """Everything that is asked, in full: nothing is ever cut, long lines are wrapped.

    The whole command (highlighted), cwd, reason, what Codex parsed and the rule that "always"
    would set; or the diff; questions; permissions; an elicitation; or, for what is not known,
    all of it as JSON.
    """
    raise NotImplementedError


def render_approval_row(
    approval: Approval,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
) -> Strip:
    """One row of the strip of what needs a person, exactly `width` cells."""
    raise NotImplementedError
