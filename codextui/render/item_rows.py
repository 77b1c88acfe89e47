"""What each kind of item looks like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.segment import Segment
from rich.style import Style

from codextui.model import body as b
from codextui.model.growing_text import GrowingText
from codextui.model.transcript_item import TranscriptItem
from codextui.render.command import command_rows
from codextui.render.diff import change_rows, summarize_changes
from codextui.render.figures import format_count
from codextui.render.layout import Row, indent, wrap
from codextui.render.marks import mark_rows, marked_rows
from codextui.render.message import user_rows
from codextui.render.palette import Palette
from codextui.render.run_notes import run_mark_rows
from codextui.render.sanitize import one_line
from codextui.render.tool_call import tool_call_rows
from codextui.render.values import value_rows

CHANGE_LINES = 20
"""Lines of a file's diff shown unless all of them are wanted."""

VALUE_ROWS = 12
"""Rows of an unknown item shown unless all of them are wanted."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An item that is Markdown, and what stands around it.

    Attributes:
        source: the Markdown as far as it has come, not made safe yet.
        palette: for the Markdown.
        head: rows above it.
        gutter: what stands before each of its rows, the first one and the others.
        tail: rows below it.
    """

    source: str
    palette: Palette
    head: tuple[Row, ...] = ()
    gutter: tuple[Segment, Segment] | None = None
    tail: tuple[Row, ...] = ()


def flow_of(item: TranscriptItem, width: int, palette: Palette) -> Flow | None:
    """How an item of Markdown is set; None for all others."""
    tail = tuple(_cut_off(width, palette)) if item.unfinished else ()
    match item.body:
        case b.AgentMessage(text=text):
            return Flow(text.text, palette, tuple(_dropped(text, width, palette)), None, tail)
        case b.PlanText(text=text):
            head = [[Segment("plan", palette.accent)], *_dropped(text, width, palette)]
            return Flow(text.text, palette, tuple(head), None, tail)
        case b.Reasoning(summary, raw):
            source = "\n\n".join(part.text for part in summary or raw)
            gutter = (Segment("~ ", palette.muted), Segment("  ", palette.muted))
            return Flow(source, _muted(palette), (), gutter, tail)
        case _:
            return None


def item_rows(item: TranscriptItem, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The rows of an item that is no Markdown."""
    unfinished = item.unfinished
    match item.body:
        case b.UserMessage() as body:
            return user_rows(body, width, palette, full=full)
        case b.CommandRun() as body:
            return command_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.FileChanges() as body:
            return _file_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.ToolCall() as body:
            return tool_call_rows(body, width, palette, unfinished=unfinished, full=full)
        case b.Unknown() as body:
            return _unknown_rows(body, width, palette, full=full)
        case b.AgentMessage() | b.PlanText() | b.Reasoning():
            return []
        case b.Handoff() | b.HandoffRefusal() | b.RunNote() | b.RoleRequest() as body:
            return run_mark_rows(body, width, palette, full=full)
        case body:
            return mark_rows(body, width, palette)


def is_set_off(body: b.Body) -> bool:
    """Whether an empty row stands above an item of this kind."""
    return not isinstance(
        body,
        b.ApprovalMark | b.Failure | b.Caution | b.Compaction | b.WebSearch | b.RunNote | b.Handoff,
    )


def placeholder_rows(item: TranscriptItem, width: int, palette: Palette) -> list[Row]:
    """What stands for Markdown of which nothing has come yet."""
    if isinstance(item.body, b.Reasoning) and not item.done:
        return marked_rows("~", "thinking …", palette.muted, width)
    return []


def _file_rows(
    body: b.FileChanges, width: int, palette: Palette, *, unfinished: bool, full: bool
) -> list[Row]:
    most = None if full else CHANGE_LINES
    glyph, words, style = _file_state(body.status, palette, unfinished=unfinished)
    title = f"{summarize_changes(body.changes)}: {words}"
    rows = marked_rows(glyph, title, style, width)
    inner = change_rows(body.changes, width - 2, palette, most=most)
    return rows + indent(inner, Segment("  ", palette.text))


def _file_state(status: str, palette: Palette, *, unfinished: bool) -> tuple[str, str, Style]:
    match status:
        case "completed":
            return "✓", "applied", palette.good
        case "declined":
            return "✗", "declined, not applied", palette.bad
        case "failed":
            return "✗", "failed, not applied", palette.bad
        case "inProgress" if unfinished:
            return "■", "unfinished, the turn ended first", palette.caution
        case "inProgress":
            return "●", "proposed, not applied yet", palette.running
        case _:
            return "?", one_line(status), palette.caution


def _unknown_rows(body: b.Unknown, width: int, palette: Palette, *, full: bool) -> list[Row]:
    kind = one_line(body.kind, 80)
    rows = marked_rows("·", kind, palette.muted, width)
    payload = {key: value for key, value in body.payload.items() if key not in ("id", "type")}
    values = value_rows(payload if not full else body.payload, width - 2, palette)
    shown = values if full else values[:VALUE_ROWS]
    if len(shown) < len(values):
        mark = f"… {format_count(len(values) - len(shown))} more rows"
        shown = [*shown, *wrap([Segment(mark, palette.muted)], width - 2)]
    return rows + indent(shown, Segment("  ", palette.text))


def _cut_off(width: int, palette: Palette) -> list[Row]:
    return marked_rows("■", "cut off, the turn ended first", palette.caution, width)


def _dropped(text: GrowingText, width: int, palette: Palette) -> list[Row]:
    if not text.dropped:
        return []
    mark = f"… {format_count(text.dropped)} characters before are not kept"
    return wrap([Segment(mark, palette.muted)], width)


def _muted(palette: Palette) -> Palette:
    """For what the agent thinks: quieter than what it says."""
    bold = palette.muted + Style(bold=True)
    return replace(palette, text=palette.muted, strong=bold, heading=bold, accent=palette.muted)
