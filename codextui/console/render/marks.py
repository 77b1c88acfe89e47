"""What stands between the items of a conversation: turns, approvals, errors, notes."""

from __future__ import annotations

from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style

from codextui.console.model import items as b
from codextui.console.render.approval import describe_asked
from codextui.console.render.layout import Row, cut, indent, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.approvals import ToolAsked
from codextui.protocol.events import ApprovalResolved
from codextui.protocol.runs import RoleAction
from codextui.text.figures import format_elapsed, format_tokens, more_lines
from codextui.text.sanitize import one_line, reveal, sanitize

Mark: TypeAlias = (
    b.WebSearch | b.Compaction | b.ApprovalMark | b.TurnStart | b.TurnEnd | b.Failure | b.Caution
)
"""Bodies that are marks."""


def mark_rows(body: Mark, width: int, palette: Palette) -> list[Row]:
    """The rows of a mark."""
    match body:
        case b.WebSearch():
            return _search_rows(body, width, palette)
        case b.Compaction():
            return _compaction_rows(width, palette)
        case b.ApprovalMark():
            return _approval_rows(body, width, palette)
        case b.TurnStart():
            return _turn_start_rows(body, width, palette)
        case b.TurnEnd():
            return _turn_end_rows(body, width, palette)
        case b.Failure():
            return _failure_rows(body, width, palette)
        case b.Caution():
            return marked_rows("!", f"warning: {sanitize(body.message)}", palette.caution, width)


def marked_rows(glyph: str, text: str, style: Style, width: int) -> list[Row]:
    """Text, made safe before, with a glyph before its first row."""
    return indent(wrap([Segment(text, style)], width - 2), Segment(f"{glyph} ", style))


def _turn_start_rows(body: b.TurnStart, width: int, palette: Palette) -> list[Row]:
    """A rule with the number of the turn that begins."""
    label = cut(f"── turn {body.number} ", width)
    return [[Segment(label + "─" * (width - len(label)), palette.faint)]]


def _turn_end_rows(body: b.TurnEnd, width: int, palette: Palette) -> list[Row]:
    """How the turn ended, how long it took and what it used."""
    glyph, words, style = {
        "completed": ("✓", "completed", palette.muted),
        "interrupted": ("■", "interrupted", palette.caution),
        "failed": ("✗", "failed", palette.bad),
        "killed": ("†", "killed", palette.bad),
        "lost": ("✗", "lost" if body.message else "lost: Codex stopped", palette.bad),
    }.get(body.reason, ("?", one_line(body.reason), palette.caution))
    facts = [f"turn {body.number} {words}"]
    facts.extend([format_elapsed(body.seconds)] if body.seconds is not None else [])
    facts.extend([f"{format_tokens(body.tokens)} tokens"] if body.tokens is not None else [])
    rows = marked_rows(glyph, " · ".join(facts), style, width)
    if body.message:
        text = wrap([Segment(sanitize(body.message), style)], width - 2)
        rows.extend(indent(text, Segment("  ", palette.text)))
    return rows


def _approval_rows(body: b.ApprovalMark, width: int, palette: Palette) -> list[Row]:
    """What was asked, in a row, and what became of it."""
    asked = describe_asked(body.approval.asked)
    if body.outcome is None:
        return marked_rows("?", cut(f"waits for you: {asked}", 2 * width), palette.asking, width)
    rows = marked_rows("?", cut(f"asked to {asked}", width - 2), palette.muted, width)
    glyph, words, style = _outcome(body.outcome, palette)
    if isinstance(body.approval.asked, ToolAsked):
        words = words.replace("approved for this session", "approved for the rest of this run", 1)
    outcome = marked_rows(glyph, words, style, width - 2)
    return rows + indent(outcome, Segment("  ", palette.text))


def _failure_rows(body: b.Failure, width: int, palette: Palette) -> list[Row]:
    """An error, and whether Codex goes on by itself."""
    again = " · Codex tries again by itself" if body.will_retry else ""
    return marked_rows("✗", f"error: {sanitize(body.message)}{again}", palette.bad, width)


def _search_rows(body: b.WebSearch, width: int, palette: Palette) -> list[Row]:
    """What was searched, opened or looked for."""
    match body.action:
        case "openPage":
            words = f"opened {body.url or body.query}"
        case "findInPage":
            words = f"looked for {body.pattern!r} in {body.url}"
        case _:
            words = f"searched the web: {body.query}"
    return marked_rows("→", reveal(words), palette.text, width)


def _compaction_rows(width: int, palette: Palette) -> list[Row]:
    """That the past was summarised."""
    words = "the conversation was summarised to fit the model"
    return marked_rows("·", words, palette.muted, width)


def _outcome(outcome: ApprovalResolved, palette: Palette) -> tuple[str, str, Style]:
    by = f" by {one_line(outcome.by)}" if outcome.by else ""
    waited = f", waited {format_elapsed(outcome.waited)}"
    said = f": {sanitize(outcome.message)}" if outcome.message else ""
    match outcome.outcome:
        case "approved":
            return "✓", f"approved once{by}{waited}", palette.good
        case "approved_for_session":
            return "✓", f"approved for this session{by}{waited}", palette.good
        case "approved_always":
            return "✓", f"approved always, as a rule{by}{waited}", palette.good
        case "answered":
            return "✓", f"answered{by}{waited}", palette.good
        case "denied":
            return "✗", f"declined{by}{waited}{said}", palette.bad
        case "abort":
            return "■", f"declined and the turn stopped{by}{waited}{said}", palette.bad
        case "withdrawn":
            return "·", f"withdrawn, nobody decided{waited}{said}", palette.caution
        case "lost":
            return "·", f"lost with the Codex process, nobody decided{said}", palette.caution
        case other:
            return "?", f"{one_line(other)}{by}{waited}{said}", palette.caution


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
