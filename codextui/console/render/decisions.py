"""Renders the history of decisions: a row for each, and one in full."""

from __future__ import annotations

import time

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.decisions import PastDecision
from codextui.console.render.approval import render_approval
from codextui.console.render.history import format_age
from codextui.console.render.layout import Row, fit_row, indent, to_strips, truncate_paths, wrap
from codextui.console.render.lazy_rows import JoinedRows
from codextui.console.render.palette import Palette
from codextui.protocol.approvals import Approval
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line, reveal, sanitize

MIN_SUBJECT_WIDTH = 24
"""Cells of what was asked for which anything else is left out first."""

_COLUMNS = {"outcome": 13, "who": 14, "by": 22, "waited": 7, "age": 4}
_WEIGHT = ("outcome", "who", "age", "by", "waited")
_GAP = 2
_LABEL = 11

_OUTCOMES = {
    "approved": ("✓", "approved"),
    "approved_for_session": ("✓", "for session"),
    "approved_always": ("✓", "always"),
    "answered": ("✓", "answered"),
    "denied": ("✗", "declined"),
    "abort": ("■", "stopped"),
    "answered_elsewhere": ("·", "elsewhere"),
    "withdrawn": ("·", "withdrawn"),
    "lost": ("·", "lost"),
    "left": ("·", "left open"),
}

_WHERE = {
    "console": "in a console of codextui, or on its command line",
    "client": "in an MCP client",
    "timeout": "by the time-out, as nobody was there",
    "elsewhere": "in another program on the same Codex",
    "nobody": "nobody decided",
}


def render_past_decision(
    decision: PastDecision, width: int, palette: Palette, *, now: float, selected: bool = False
) -> Strip:
    """Render a decision as one row of exactly `width` cells.

    From left to right: outcome, who asked, what, who decided, how long it waited, how long ago it
    was. Where there is no room, the waiting time is left out first, and the outcome last.
    """
    columns = _fitting_columns(width)
    texts = {
        "outcome": _outcome_text(decision),
        "who": one_line(decision.handle or decision.origin, 60),
        "by": _by_text(decision),
        "waited": format_running(decision.waited),
        "age": format_age(now - decision.resolved_at),
    }
    room = width - sum(_COLUMNS[column] + _GAP for column in columns)
    row: Row = []
    for column in ("outcome", "who"):
        if column in columns:
            style = outcome_style(decision, palette) if column == "outcome" else palette.strong
            row += [Segment(_cell(texts[column], _COLUMNS[column]), style), _space(palette)]
    row.append(Segment(_cell(one_line(decision.subject, 500), room), palette.text))
    for column in ("by", "waited", "age"):
        if column in columns:
            cell = _cell(texts[column], _COLUMNS[column], right=column != "by")
            row += [_space(palette), Segment(cell, palette.muted)]
    if selected:
        row = [Segment(segment.text, palette.selected) for segment in row]
    return fit_row(row, width, palette.text)


def render_decision_details(
    decision: PastDecision, approval: Approval | None, width: int, palette: Palette
) -> JoinedRows:
    """Render everything about a decision: what became of it, and what was asked, in full.

    Args:
        decision: the row.
        approval: what was asked; None while it is not loaded.
        width: in cells.
        palette: the styles.
    """
    glyph, word = _OUTCOMES.get(decision.outcome, ("?", one_line(decision.outcome, 40)))
    scope = {"for session": "approved for the session", "always": "approved for good"}
    outcome = f"{glyph} {scope.get(word, word)}"
    facts = [("outcome", outcome + (", but it reached nobody" if decision.lost else ""))]
    carried_out = one_line(decision.carried_out, 60)
    facts += [("carried out", f"{carried_out}, as another answer was first")] if carried_out else []
    where = _WHERE.get(decision.where, one_line(decision.where, 40))
    facts += [("by", one_line(decision.by, 80))] if decision.by else []
    facts += [("where", where), ("message", sanitize(decision.message)), ("rule", decision.rule)]
    facts += [("waited", format_running(decision.waited))]
    facts += [("asked", _moment(decision.asked_at)), ("ended", _moment(decision.resolved_at))]
    origin = f" ({one_line(decision.origin, 40)})" if decision.origin else ""
    facts += [("thread", f"{one_line(decision.handle, 60)} {decision.thread_id}{origin}")]
    rows: list[Row] = []
    for name, text in facts:
        style = outcome_style(decision, palette) if name == "outcome" else palette.text
        rows += _fact(name, text, width, palette, style) if text else []
    asked = [] if approval is None else render_approval(approval, width, palette)
    return JoinedRows([to_strips([*rows, []]), asked], (decision, approval, width))


def outcome_style(decision: PastDecision, palette: Palette) -> Style:
    """Return the style of a decision's outcome; a glyph and a word say the same."""
    if decision.outcome in ("denied", "abort"):
        return palette.error
    if decision.outcome in ("approved", "approved_for_session", "approved_always", "answered"):
        return palette.warning if decision.lost or decision.carried_out else palette.success
    return palette.warning


def _outcome_text(decision: PastDecision) -> str:
    glyph, word = _OUTCOMES.get(decision.outcome, ("?", one_line(decision.outcome, 40)))
    return f"{glyph} {word}{' !' if decision.lost or decision.carried_out else ''}"


def _by_text(decision: PastDecision) -> str:
    match decision.where:
        case "console" | "client":
            return f"{one_line(decision.by, 40)} · {decision.where}"
        case "elsewhere":
            return "another program"
        case _:
            return one_line(decision.where, 40)


def _fact(name: str, text: str, width: int, palette: Palette, style: Style) -> list[Row]:
    label = Segment(f"{name:<{_LABEL}} ", palette.muted)
    room = max(4, width - len(label.text))
    return indent(wrap([Segment(reveal(text), style)], room), label)


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def _fitting_columns(width: int) -> set[str]:
    fitting: set[str] = set()
    left = width - MIN_SUBJECT_WIDTH
    for column in _WEIGHT:
        if _COLUMNS[column] + _GAP > left:
            break
        left -= _COLUMNS[column] + _GAP
        fitting.add(column)
    return fitting


def _space(palette: Palette) -> Segment:
    return Segment(" " * _GAP, palette.text)


def _cell(text: str, width: int, *, right: bool = False) -> str:
    text = truncate_paths(text, max(0, width))
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
