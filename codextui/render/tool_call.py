"""Calls of tools as rows."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from codextui.model.body import ToolCall
from codextui.render.figures import format_elapsed
from codextui.render.layout import Row, indent, wrap
from codextui.render.palette import Palette
from codextui.render.sanitize import reveal, sanitize
from codextui.render.values import to_json

ARGUMENT_ROWS = 4
"""Rows of arguments shown unless all of them are wanted."""

RESULT_ROWS = 6
"""Rows of a result shown unless all of them are wanted."""

_BRIEF = 4_000
"""Characters that are laid out where not all are wanted."""


def tool_call_rows(
    body: ToolCall, width: int, palette: Palette, *, unfinished: bool, full: bool
) -> list[Row]:
    """The tool with its arguments, its result, and how it ended."""
    inner = width - 2
    rows = indent(_call_rows(body, inner, palette, full=full), Segment("→ ", palette.accent))
    gutter = Segment("  ", palette.text)
    rows.extend(indent(_result_rows(body, inner, palette, full=full), gutter))
    ending, style = _ending(body, palette, unfinished=unfinished)
    return rows + indent(wrap([Segment(ending, style)], width - 2), gutter)


def _call_rows(body: ToolCall, width: int, palette: Palette, *, full: bool) -> list[Row]:
    name = f"{body.server}.{body.tool}" if body.server else body.tool
    runs = [Segment(reveal(name), palette.strong)]
    if body.arguments not in (None, {}, []):
        arguments = to_json(body.arguments, spread=full)
        runs.append(Segment(f" {reveal(arguments if full else arguments[:_BRIEF])}", palette.code))
    rows = wrap(runs, width, exact=True)
    return rows if full else _first_rows(rows, ARGUMENT_ROWS, width, palette)


def _result_rows(body: ToolCall, width: int, palette: Palette, *, full: bool) -> list[Row]:
    if body.result is None:
        return []
    text = body.result if isinstance(body.result, str) else to_json(body.result, spread=full)
    shown = Segment(sanitize(text if full else text[:_BRIEF]), palette.muted)
    rows = wrap([shown], width, exact=True)
    return rows if full else _first_rows(rows, RESULT_ROWS, width, palette)


def _first_rows(rows: list[Row], most: int, width: int, palette: Palette) -> list[Row]:
    if len(rows) <= most:
        return rows
    return rows[:most] + wrap([Segment("… there is more", palette.muted)], width)


def _ending(body: ToolCall, palette: Palette, *, unfinished: bool) -> tuple[str, Style]:
    took = "" if body.duration_ms is None else f" · {format_elapsed(body.duration_ms / 1000)}"
    match body.status:
        case _ if body.error:
            return f"✗ failed{took}: {sanitize(body.error)}", palette.bad
        case "inProgress" if unfinished:
            return "■ interrupted", palette.caution
        case "inProgress":
            return "● running", palette.running
        case "completed":
            return f"✓ done{took}", palette.good
        case "failed":
            return f"✗ failed{took}", palette.bad
        case status:
            return f"? {sanitize(status)}{took}", palette.caution
