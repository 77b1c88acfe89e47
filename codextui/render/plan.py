"""The plan of a turn."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.render.layout import Row, fit, indent, to_strips, wrap
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line, sanitize
from codextui.wire.event import PlanStep, PlanUpdated


def render_plan(plan: PlanUpdated, width: int, palette: Palette) -> list[Strip]:
    """A row or more for each step: `[x]` done, `[>]` at work, `[ ]` to do."""
    rows: list[Row] = []
    if plan.explanation:
        rows.extend(wrap([Segment(sanitize(plan.explanation), palette.muted)], width))
    for step in plan.plan:
        mark, style = _mark(step, palette)
        text = wrap([Segment(sanitize(step.step), style)], width - 4)
        rows.extend(indent(text, Segment(f"{mark} ", style)))
    return to_strips(rows)


def render_plan_line(plan: PlanUpdated, width: int, palette: Palette) -> Strip:
    """The plan in one row, exactly `width` cells: how much is done, and the step at work."""
    done = sum(step.status == "completed" for step in plan.plan)
    at_work = next((step.step for step in plan.plan if step.status == "inProgress"), "")
    words = "all done" if done == len(plan.plan) else one_line(at_work)
    row = [
        Segment(f"plan {done}/{len(plan.plan)} ", palette.muted),
        Segment(words, palette.text),
    ]
    return fit(row, width, palette.text)


def _mark(step: PlanStep, palette: Palette) -> tuple[str, Style]:
    match step.status:
        case "completed":
            return "[x]", palette.muted
        case "inProgress":
            return "[>]", palette.strong
        case "pending":
            return "[ ]", palette.text
        case _:
            return "[?]", palette.caution
