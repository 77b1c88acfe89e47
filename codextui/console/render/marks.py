"""Renders transcript marks: turns, approvals, errors, warnings and the events of team runs."""

from __future__ import annotations

from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style

from codextui.console.model.items import (
    ApprovalItem,
    ErrorMessage,
    Handoff,
    HandoffRefusal,
    Progress,
    RoleRequest,
    RunNote,
    TurnEnd,
    TurnStart,
    WarningMessage,
)
from codextui.console.render.layout import (
    Fold,
    Row,
    indent,
    truncate,
    truncate_paths,
    wrap,
    wrap_with_glyph,
)
from codextui.console.render.palette import Palette
from codextui.protocol.approval_text import summarize_request
from codextui.protocol.approvals import ToolAsked
from codextui.protocol.events import ApprovalResolved
from codextui.protocol.runs import RoleAction, RunEventKind
from codextui.text.failures import error_in_words
from codextui.text.figures import format_elapsed, format_tokens, more_lines
from codextui.text.sanitize import one_line, sanitize

RunMark: TypeAlias = Handoff | HandoffRefusal | RunNote | RoleRequest
"""Content of a mark for an event of a team run."""

Mark: TypeAlias = TurnStart | TurnEnd | ApprovalItem | ErrorMessage | WarningMessage | RunMark
"""Content of a mark."""

MAX_NOTE_ROWS = 8
"""Rows shown of an event of a run; a refused handoff is shown in full."""

MAX_MARK_LENGTH = 8_000
"""Characters shown of an error and of an event of a run."""

_NOTE_GLYPHS: dict[str, str] = {
    RunEventKind.RUN_STARTED: "▸",
    RunEventKind.RUN_RESUMED: "▸",
    RunEventKind.RUN_ENDED: "■",
    RunEventKind.ROLE_STARTED: "●",
    RunEventKind.ROLE_FINISHED: "✓",
    RunEventKind.ROLE_SAID: "·",
    RunEventKind.ROLE_STALE: "↻",
    RunEventKind.SENT_BACK: "↩",
    RunEventKind.TOOL_CALLED: "·",
    RunEventKind.TOOL_ANSWERED: "·",
    RunEventKind.PERSON_NEEDED: "?",
    RunEventKind.PERSON_DECIDED: "·",
    RunEventKind.ROLE_DIRECTED: "»",
    RunEventKind.MESSAGE_READ: "»",
    RunEventKind.TROUBLE: "✗",
    RunEventKind.HANDED_OFF: "→",
    RunEventKind.HANDOFF_REFUSED: "✗",
}
"""Glyphs by kind of `RunNote`; a note of any other kind is prefixed with its kind."""

_REQUESTS = {
    RoleAction.PAUSE: "to pause before the next step",
    RoleAction.RESUME: "to go on",
    RoleAction.STOP: "to stop",
    RoleAction.RERUN: "to run again from the start",
}


def mark_rows(mark: Mark, width: int, palette: Palette, fold: Fold) -> list[Row]:
    """Lay out a mark."""
    match mark:
        case TurnStart(number):
            rule = truncate(f"── turn {number} ", width)
            return [[Segment(rule + "─" * (width - len(rule)), palette.faint)]]
        case TurnEnd():
            return _turn_end_rows(mark, width, palette, fold)
        case ApprovalItem():
            return _approval_rows(mark, width, palette, fold)
        case ErrorMessage(message, will_retry):
            retry = " · Codex tries again by itself" if will_retry else ""
            text = f"error: {_sanitized_start(error_in_words(message), fold)}{retry}"
            return wrap_with_glyph("✗", text, palette.error, width)
        case WarningMessage(message):
            text = f"warning: {_sanitized_start(message, fold)}"
            return wrap_with_glyph("!", text, palette.warning, width)
        case _:
            return _run_mark_rows(mark, width, palette, fold)


def describe_run_mark(mark: RunMark) -> str:
    """Describe an event of a run in a line, with details in further lines. Sanitized."""
    match mark:
        case Handoff(source, target):
            return f"{one_line(source, 80)} handed off to {one_line(target, 80)}"
        case HandoffRefusal(source, target, missing):
            first = f"{one_line(source, 80)} could not hand off to {one_line(target, 80)} yet:"
            return "\n".join([first, *(f"- {one_line(line)}" for line in missing)])
        case RunNote():
            return _describe_note(mark)
        case RoleRequest(RoleAction.MESSAGE, text, by):
            return f"{one_line(by, 80) or 'somebody'}: {sanitize(text)}"
        case RoleRequest(action, text, by):
            message = f": {sanitize(text)}" if text else ""
            return f"{one_line(by, 80) or 'somebody'} asked it {_REQUESTS[action]}{message}"


def _describe_note(note: RunNote) -> str:
    words = sanitize(note.text).strip("\n") or one_line(note.kind, 80).replace("_", " ")
    role = one_line(note.role, 80)
    text = f"{role}: {words}" if role else words
    if note.kind in _NOTE_GLYPHS or not note.text:
        return text
    return f"{one_line(note.kind, 80)} · {text}"


def _turn_end_rows(end: TurnEnd, width: int, palette: Palette, fold: Fold) -> list[Row]:
    if end.reason == "rejoined":
        words = f"turn {end.number} was out of reach for a while, and went on"
        return wrap_with_glyph("·", words, palette.muted, width)
    glyph, words, style = {
        "completed": ("✓", "completed", palette.muted),
        "interrupted": ("■", "interrupted", palette.warning),
        "failed": ("✗", "failed", palette.error),
        "killed": ("†", "killed", palette.error),
        "lost": ("✗", "lost" if end.message else "lost: Codex stopped", palette.error),
    }.get(end.reason, ("?", one_line(end.reason), palette.warning))
    facts = [f"turn {end.number} {words}"]
    facts.extend([format_elapsed(end.seconds)] if end.seconds is not None else [])
    facts.extend([f"{format_tokens(end.tokens)} tokens"] if end.tokens is not None else [])
    rows = wrap_with_glyph(glyph, " · ".join(facts), style, width)
    if end.message:
        told = _sanitized_start(error_in_words(end.message), fold)
        message = wrap([Segment(told, style)], width - 2)
        rows.extend(indent(message, Segment("  ", palette.text)))
    return rows


def _approval_rows(request: ApprovalItem, width: int, palette: Palette, fold: Fold) -> list[Row]:
    asked = summarize_request(request.approval.asked)
    if request.outcome is None:
        text = _truncate(f"{Progress.WAITING}: {asked}", 2, width, fold)
        return wrap_with_glyph("?", text, palette.needs_input, width)
    words = _truncate(f"asked to {asked}", 1, width - 2, fold)
    rows = wrap_with_glyph("?", words, palette.muted, width)
    # A role's tool is approved for the run, not for a session of Codex.
    scope = (
        "the rest of this run" if isinstance(request.approval.asked, ToolAsked) else "this session"
    )
    glyph, words, style = _outcome(request.outcome, scope, palette)
    outcome = wrap_with_glyph(glyph, words, style, width - 2)
    if request.correction is not None:
        text = one_line(request.correction.description)
        outcome += wrap_with_glyph("!", text, palette.warning, width - 2)
    return rows + indent(outcome, Segment("  ", palette.text))


def _sanitized_start(text: str, fold: Fold) -> str:
    return sanitize(fold.clip_counted(text, MAX_MARK_LENGTH))


def _truncate(text: str, rows: int, width: int, fold: Fold) -> str:
    shown = truncate_paths(text, max(rows, fold.room) * width)
    fold.is_hiding |= shown != text
    return shown


def _outcome(outcome: ApprovalResolved, scope: str, palette: Palette) -> tuple[str, str, Style]:
    """Return the glyph, the words and the style of an outcome."""
    by = f" by {one_line(outcome.by)}" if outcome.by else ""
    waited = f", waited {format_elapsed(outcome.waited)}"
    message = f": {sanitize(outcome.message)}" if outcome.message else ""
    approvals = {
        "approved": "approved once",
        "approved_for_session": f"approved for {scope}",
        "approved_always": "approved always, as a rule",
        "answered": "answered",
    }
    if words := approvals.get(outcome.outcome):
        return "✓", f"{words}{by}{waited}", palette.success
    match outcome.outcome:
        case "denied":
            return "✗", f"declined{by}{waited}{message}", palette.error
        case "abort":
            return "■", f"declined and the turn stopped{by}{waited}{message}", palette.error
        case "withdrawn":
            return "·", f"withdrawn, nobody decided{waited}{message}", palette.warning
        case "answered_elsewhere":
            return "·", f"answered in another program{waited}", palette.warning
        case "left":
            return "·", "left to the other programs, nobody decided here", palette.warning
        case "lost":
            if by:
                return "·", f"decided{by}, but Codex did not get it{message}", palette.warning
            what = "lost" if message else "lost with the Codex process"
            return "·", f"{what}, nobody decided{message}", palette.warning
        case other:
            return "?", f"{one_line(other)}{by}{waited}{message}", palette.warning


def _run_mark_rows(mark: RunMark, width: int, palette: Palette, fold: Fold) -> list[Row]:
    glyph, style = _run_mark_look(mark, palette)
    text = describe_run_mark(mark)
    if not isinstance(mark, HandoffRefusal):
        text = fold.clip_counted(text, MAX_MARK_LENGTH)
    first, _, details = text.partition("\n")
    rows = wrap_with_glyph(glyph, first, style, width)
    if details:
        inner = wrap([Segment(details, palette.text)], width - 2)
        rows.extend(indent(inner, Segment("  ", palette.text)))
    if isinstance(mark, HandoffRefusal):
        return rows
    shown = fold.take(rows, MAX_NOTE_ROWS)
    if len(shown) == len(rows):
        return rows
    more = f"  … {more_lines(len(rows) - len(shown))}"
    return [*shown, *wrap([Segment(more, palette.muted)], width)]


def _run_mark_look(mark: RunMark, palette: Palette) -> tuple[str, Style]:
    match mark:
        case Handoff():
            return "→", palette.accent
        case HandoffRefusal():
            return "✗", palette.warning
        case RunNote(kind):
            style = palette.warning if kind == RunEventKind.SENT_BACK else palette.text
            return _NOTE_GLYPHS.get(kind, "·"), style
        case RoleRequest():
            return "»", palette.strong
