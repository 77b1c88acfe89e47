"""The plan of a turn."""

from __future__ import annotations

from textual.strip import Strip

from codextui.render.palette import Palette
from codextui.wire.event import PlanUpdated


def render_plan(plan: PlanUpdated, width: int, palette: Palette) -> list[Strip]:
    """A row or more for each step: `[x]` done, `[>]` at work, `[ ]` to do."""
    raise NotImplementedError


def render_plan_line(plan: PlanUpdated, width: int, palette: Palette) -> Strip:
    """The plan in one row: how many steps are done, and the one at work."""
    raise NotImplementedError
