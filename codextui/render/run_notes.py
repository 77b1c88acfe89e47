"""What happens in a team's run, as rows: handoffs, refused ones, requests of people."""

from __future__ import annotations

from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style

from codextui.model import body as b
from codextui.render.figures import more_lines
from codextui.render.layout import Row, indent, wrap
from codextui.render.palette import Palette
from codextui.render.sanitize import one_line, sanitize
from codextui.wire.run import RoleAction

RunMark: TypeAlias = b.Handoff | b.HandoffRefusal | b.RunNote | b.RoleRequest
"""Bodies that tell of a run."""

NOTE_ROWS = 8
"""Rows of a long note shown unless all of them are wanted."""

_GLYPHS = {
    "run_started": "▸",
    "run_resumed": "▸",
    "run_ended": "■",
    "role_started": "●",
    "role_finished": "✓",
    "role_said": "·",
    "role_stale": "↻",
    "sent_back": "↩",
    "tool_called": "·",
    "tool_answered": "·",
    "person_needed": "?",
    "person_decided": "·",
    "role_directed": "»",
    "message_read": "»",
    "trouble": "✗",
    "handed_off": "→",
    "handoff_refused": "✗",
}
"""What is known by its look and its words; other kinds are named."""

_ASKED = {
    RoleAction.PAUSE: "to pause before the next step",
    RoleAction.RESUME: "to go on",
    RoleAction.STOP: "to stop",
    RoleAction.RERUN: "to run again from the start",
}


def run_mark_words(body: RunMark) -> str:
    """What happened, in words; further lines are details. Safe to show."""
    match body:
        case b.Handoff(source, target):
            return f"{one_line(source, 80)} handed off to {one_line(target, 80)}"
        case b.HandoffRefusal(source, target, missing):
            first = f"{one_line(source, 80)} could not hand off to {one_line(target, 80)} yet:"
            return "\n".join([first, *(f"- {one_line(line)}" for line in missing)])
        case b.RunNote(kind, role, text):
            return _note_words(kind, role, text)
        case b.RoleRequest(RoleAction.MESSAGE, text, by):
            return f"{one_line(by, 80) or 'somebody'}: {sanitize(text)}"
        case b.RoleRequest(action, text, by):
            said = f": {sanitize(text)}" if text else ""
            return f"{one_line(by, 80) or 'somebody'} asked it {_ASKED[action]}{said}"


def run_mark_rows(body: RunMark, width: int, palette: Palette, *, full: bool) -> list[Row]:
    """The rows of something that happened in a run."""
    glyph, style = _look(body, palette)
    first, _, rest = run_mark_words(body).partition("\n")
    rows = indent(wrap([Segment(first, style)], width - 2), Segment(f"{glyph} ", style))
    if rest:
        inner = wrap([Segment(rest, palette.text)], width - 2)
        rows.extend(indent(inner, *[Segment("  ", palette.text)] * 2))
    if full or len(rows) <= NOTE_ROWS or isinstance(body, b.HandoffRefusal):
        return rows
    mark = f"  … {more_lines(len(rows) - NOTE_ROWS)}"
    return [*rows[:NOTE_ROWS], *wrap([Segment(mark, palette.muted)], width)]


def _note_words(kind: str, role: str, text: str) -> str:
    words = sanitize(text).strip("\n") or one_line(kind, 80).replace("_", " ")
    who = one_line(role, 80)
    told = f"{who}: {words}" if who else words
    return told if kind in _GLYPHS or not text else f"{one_line(kind, 80)} · {told}"


def _look(body: RunMark, palette: Palette) -> tuple[str, Style]:
    match body:
        case b.Handoff():
            return "→", palette.accent
        case b.HandoffRefusal():
            return "✗", palette.caution
        case b.RunNote(kind):
            return _GLYPHS.get(kind, "·"), palette.caution if kind == "sent_back" else palette.text
        case b.RoleRequest():
            return "»", palette.strong
