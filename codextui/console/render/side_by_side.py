"""Renders threads beside each other: a band of rows for each turn, a column for each thread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.diff_document import EntryKind, Section, build_document
from codextui.console.model.side_by_side import Column, ComparedTurn
from codextui.console.render.diff_entries import DiffLook, EntryRenderer, digits_of
from codextui.console.render.layout import Row, fill, fit_row, indent, wrap
from codextui.console.render.markdown import markdown_rows
from codextui.console.render.palette import Palette
from codextui.protocol.diff import Diff, sum_counts
from codextui.text.figures import format_count, format_elapsed, format_tokens, more_lines
from codextui.text.sanitize import one_line, sanitize

MAX_PROMPT_ROWS: Final = 12
"""Rows shown of a prompt."""

MAX_ANSWER_ROWS: Final = 60
"""Rows shown of an answer."""

MAX_ANSWER_LENGTH: Final = 20_000
"""Characters shown of an answer."""

MAX_DIFF_LINES: Final = 60
"""Entries shown of the diff of a turn."""

MIN_COLUMN_WIDTH: Final = 20
"""Cells that a column needs."""

_NO_DIFF = "changed no files"


def column_width(count: int, width: int) -> int:
    """Return the cells of each of `count` columns in `width`, with a line between them."""
    return (width - (count - 1) * 3) // max(1, count)


def render_columns(
    columns: Sequence[Column], selected: int, width: int, palette: Palette
) -> list[Strip]:
    """Render all columns; rows that belong together start at the same height.

    Args:
        columns: the threads.
        selected: the index of the selected one.
        width: in cells.
        palette: the styles.
    """
    size = column_width(len(columns), width)
    if size < MIN_COLUMN_WIDTH:
        need = len(columns) * MIN_COLUMN_WIDTH + (len(columns) - 1) * 3
        words = f"{len(columns)} threads need {need} columns here: s takes one out."
        return [Strip(row) for row in wrap([Segment(words, palette.warning)], width)]
    heads = [
        _head(column, at, size, palette, is_selected=at == selected)
        for at, column in enumerate(columns)
    ]
    bands: list[list[list[Row]]] = [heads]
    count = max((len(column.turns) for column in columns), default=0)
    for at in range(count):
        turns = [column.turns[at] if at < len(column.turns) else None for column in columns]
        bands.append([_turn_title(turn, size, palette) for turn in turns])
        bands.append([_prompt(turn, size, palette) for turn in turns])
        bands.append([_answer(turn, size, palette) for turn in turns])
        bands.append([_changes(turn, size, palette) for turn in turns])
    return [row for band in bands for row in _join(band, size, width, palette)]


def _join(band: Sequence[list[Row]], size: int, width: int, palette: Palette) -> list[Strip]:
    """Put the columns of a band beside each other."""
    strips: list[Strip] = []
    for cells in zip_longest(*band):
        row: Row = []
        for at, cell in enumerate(cells):
            row.extend([Segment(" │ ", palette.faint)] if at else [])
            strip = fit_row(cell or [], size, palette.text)
            row.extend(strip)
        strips.append(Strip(fill(row, width, palette.text)))
    return strips


def _head(column: Column, at: int, size: int, palette: Palette, *, is_selected: bool) -> list[Row]:
    mark = "▌" if is_selected else " "
    title = f"{at + 1} {one_line(column.handle, 60)}"
    facts = [
        column.state,
        one_line(column.model, 40),
        f"{format_tokens(column.tokens)} tokens" if column.tokens else "",
        one_line(column.cost, 20),
        f"{format_elapsed(column.seconds)} at work" if column.seconds else "",
    ]
    style = palette.accent if is_selected else palette.strong
    rows: list[Row] = [[Segment(mark, palette.accent), Segment(title, style)]]
    rows += _text(" · ".join(fact for fact in facts if fact), size, palette.muted)
    origin = f"fork of {one_line(column.started_from, 40)}" if column.started_from else ""
    shared = f"{column.shared} turns before are the same" if column.shared > 1 else ""
    shared = "the turn before is the same" if column.shared == 1 else shared
    left_out = f"{column.left_out} older turns are left out" if column.left_out else ""
    if words := " · ".join(part for part in (origin, shared, left_out) if part):
        rows += _text(words, size, palette.muted)
    if not column.turns:
        rows += _text("no turn of its own yet", size, palette.muted)
    return rows


def _turn_title(turn: ComparedTurn | None, size: int, palette: Palette) -> list[Row]:
    rule = Segment("─" * size, palette.faint)
    if turn is None:
        return [[rule]]
    facts = [f"turn {turn.number} {turn.state}"]
    facts += [format_elapsed(turn.seconds)] if turn.seconds is not None else []
    facts += [f"{format_tokens(turn.tokens)} tokens"] if turn.tokens else []
    return [[rule], *_text(" · ".join(facts), size, palette.strong)]


def _prompt(turn: ComparedTurn | None, size: int, palette: Palette) -> list[Row]:
    if turn is None:
        return []
    rows = _text(sanitize(turn.prompt.strip()) or "(no prompt)", size - 2, palette.accent)
    rows = _limited(rows, MAX_PROMPT_ROWS, size - 2, palette)
    return indent(rows, Segment("> ", palette.accent))


def _answer(turn: ComparedTurn | None, size: int, palette: Palette) -> list[Row]:
    if turn is None or not turn.answer.strip():
        return []
    rows = markdown_rows(sanitize(turn.answer[:MAX_ANSWER_LENGTH]), size, palette)
    return [[], *_limited(rows, MAX_ANSWER_ROWS, size, palette)]


def _changes(turn: ComparedTurn | None, size: int, palette: Palette) -> list[Row]:
    if turn is None:
        return []
    if turn.diff is None or not turn.diff.files:
        return [[], *_text(_NO_DIFF, size, palette.muted)]
    added, removed = sum_counts(turn.diff.files)
    count = len(turn.diff.files)
    files = "1 file" if count == 1 else f"{format_count(count)} files"
    words = f"{files}, +{format_count(added)} -{format_count(removed)}"
    return [[], *_text(words, size, palette.strong), *_diff_rows(turn.diff, size, palette)]


def _diff_rows(diff: Diff, size: int, palette: Palette) -> list[Row]:
    document = build_document([Section("", "", diff)], lambda _: ())
    look = DiffLook(size, palette, digits=digits_of(document))
    renderer = EntryRenderer(document, look, lambda *_: ())
    rows: list[Row] = []
    for entry in document.entries[:MAX_DIFF_LINES]:
        rows.extend(renderer.rows(entry))
    left = document.entries[MAX_DIFF_LINES:]
    hidden = sum(entry.kind is EntryKind.LINE for entry in left)
    if left:
        rows += _text(f"… {more_lines(max(1, hidden))}: d shows all", size, palette.muted)
    return rows


def _text(text: str, size: int, style: Style) -> list[Row]:
    return wrap([Segment(text, style)], max(2, size))


def _limited(rows: list[Row], limit: int, size: int, palette: Palette) -> list[Row]:
    if len(rows) <= limit:
        return rows
    return [*rows[:limit], *_text(f"… {more_lines(len(rows) - limit)}", size, palette.muted)]
