"""Renders approvals: a title, one row for the strip, and everything that is asked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from codextui.console.model.labels import UNKNOWN_ASKER, Asker, who_asks
from codextui.console.render.command import prompt_rows
from codextui.console.render.diff import change_header_rows, lazy_line_rows
from codextui.console.render.layout import (
    Row,
    fit_row,
    indent,
    json_rows,
    row_width,
    to_strips,
    truncate,
    truncate_paths,
    wrap,
    wrap_with_glyph,
)
from codextui.console.render.lazy_rows import JoinedRows
from codextui.console.render.palette import Palette
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approval_parts import Asking, Caution, Data, Field, Files, Said, Script
from codextui.protocol.approval_text import (
    describe_subject,
    describe_title,
    request_parts,
    summarize_request,
)
from codextui.protocol.approvals import Approval, Asked, FileChange, PatchAsked, Question
from codextui.protocol.changes import change_lines, summarize_changes
from codextui.text.figures import format_running
from codextui.text.sanitize import fold_blanks, reveal

_BLANK = [Strip([])]


def approval_title(approval: Approval, asker: Asker = UNKNOWN_ASKER) -> str:
    """Return who asks for what kind of approval: `backend asks to run a command`. Sanitized."""
    return f"{who_asks(approval, asker)} {describe_title(approval.asked)}"


def render_approval_row(
    approval: Approval,
    width: int,
    palette: Palette,
    *,
    now: float,
    selected: bool = False,
    asker: Asker = UNKNOWN_ASKER,
) -> Strip:
    """Render an approval as one row of exactly `width` cells: who, since when, and what."""
    base = palette.selected if selected else palette.text
    accent = palette.selected if selected else palette.needs_input
    who = truncate(who_asks(approval, asker), min(40, max(10, width * 2 // 5)))
    age = format_running(now - approval.asked_at)
    row = [
        Segment("? ", accent),
        Segment(who, accent),
        Segment(f" {age} ", base if selected else palette.muted),
    ]
    what = truncate_paths(_summarize(approval.asked), width - row_width(row))
    return fit_row([*row, Segment(what, base)], width, base)


def _summarize(asked: Asked) -> str:
    """Return what is asked, files before the number of their changes."""
    if isinstance(asked, PatchAsked) and asked.changes:
        return f"change {describe_subject(asked)}: {summarize_changes(asked.changes)}"
    return summarize_request(asked)


def render_approval(approval: Approval, width: int, palette: Palette) -> JoinedRows:
    """Render everything that is asked; long lines are wrapped, nothing is cut.

    Scripts are highlighted, and patches of several files begin with a list of them. Control and
    invisible characters are made visible, long blanks are counted. The lines of patches are laid
    out when they are looked at.
    """
    layout = _RequestLayout(width, palette)
    parts: list[Sequence[Strip]] = []
    is_script = False
    for part in request_parts(approval.asked):
        was_script, is_script = is_script, isinstance(part, Script | Caution)
        parts += [_BLANK] if was_script and not is_script else []
        if isinstance(part, Files):
            parts += layout.files(part.changes)
        else:
            parts.append(to_strips(layout.rows(part)))
    return JoinedRows(parts, (approval.asked, width))


class _RequestLayout:
    """Lays out the parts of requests."""

    def __init__(self, width: int, palette: Palette) -> None:
        self._width = width
        self._palette = palette

    def rows(self, part: Script | Caution | Field | Said | Data | Asking) -> list[Row]:
        match part:
            case Script(prompt, text):
                return prompt_rows(text, self._width, self._palette, prompt=prompt)
            case Caution(text):
                return wrap_with_glyph("!", reveal(text), self._palette.warning, self._width)
            case Field(name, text):
                return self._field(name, text)
            case Said(text):
                return wrap([Segment(_show(text), self._palette.strong)], self._width)
            case Data(name, values):
                return self._object(name, values)
            case Asking(number, question):
                return self._question(number, question)

    def files(self, changes: Sequence[FileChange]) -> list[Sequence[Strip]]:
        """Lay out the headers of files, and each one's lines when they are looked at."""
        headers = [to_strips(change_header_rows(c, self._width, self._palette)) for c in changes]
        parts: list[Sequence[Strip]] = [
            to_strips(self._field("changes", summarize_changes(changes)))
        ]
        parts += headers if len(changes) > 1 else []
        for change, header in zip(changes, headers, strict=True):
            path = change.move_path or change.path
            lines = change_lines(change)
            rows = lazy_line_rows(lines, self._width, self._palette, path=path)
            parts += [_BLANK, header, rows]
        return parts

    def _question(self, number: int, question: Question) -> list[Row]:
        rows: list[Row] = [[]] if number > 1 else []
        title = f"{number}. {question.header}" if question.header else f"{number}."
        rows += wrap([Segment(reveal(title), self._palette.strong)], self._width)
        rows += wrap([Segment(_show(question.question), self._palette.text)], self._width)
        return rows + self._options(question)

    def _options(self, question: Question) -> list[Row]:
        palette = self._palette
        rows: list[Row] = []
        for label, description in question.options:
            segments = [Segment(reveal(label), palette.strong)]
            segments += [Segment(f": {_show(description)}", palette.text)] if description else []
            rows += indent(wrap(segments, self._width - 2), Segment("- ", palette.accent))
        notes = ["another answer is welcome"] if question.other else []
        notes += ["the answer stays hidden"] if question.secret else []
        return rows + (self._field("note", ", ".join(notes)) if notes else [])

    def _field(self, name: str, value: str) -> list[Row]:
        """Lay out a name and its value in two columns."""
        label = Segment(f"{name:<8} ", self._palette.muted)
        text = Segment(_show(value), self._palette.text)
        room = self._width - len(label.text)
        if room < len(label.text):
            return wrap([label, text], self._width, keep_spaces=True)
        return indent(wrap([text], room, keep_spaces=True), label)

    def _object(self, name: str, values: JsonObject) -> list[Row]:
        """Lay out a JSON object below its name, so that no text in it looks like a field."""
        if not values:
            return self._field(name, "none")
        rows = json_rows(values, self._width - 2, self._palette)
        rows = indent(rows, Segment("  ", self._palette.text))
        return [*wrap([Segment(name, self._palette.muted)], self._width), *rows]


def _show(text: str) -> str:
    return fold_blanks(reveal(text))
