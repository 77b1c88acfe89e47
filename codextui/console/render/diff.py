"""Renders file changes and unified diffs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.layout import WHOLE, Fold, Row, fill, indent, to_strips, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.approvals import FileChange
from codextui.protocol.changes import (
    DiffLine,
    change_lines,
    changed_spans,
    count_lines,
    fold_blank_lines,
    parse_unified,
)
from codextui.text.figures import format_count, more_lines
from codextui.text.sanitize import fold_blanks, reveal, show_tabs

_LETTERS = {"add": "A", "delete": "D", "update": "M"}
_WORDS = {"add": "new file", "delete": "deleted", "update": "changed"}
_CHANGED = Style(bold=True, underline=True)
_TRAILING = re.compile(r"[ \t]+$")


def render_unified_diff(diff: str, width: int, palette: Palette) -> list[Strip]:
    """Render a unified diff of several files, as in `turn/diff/updated`."""
    return to_strips(_line_rows(parse_unified(diff), width, palette))


def change_rows(
    changes: Sequence[FileChange],
    width: int,
    palette: Palette,
    *,
    max_lines: int = WHOLE,
    fold: Fold | None = None,
) -> list[Row]:
    """Lay out each file's header and diff, shortened to `max_lines` lines per file.

    Tabs are shown as `→`, blanks at the end of changed lines as `·`, and what differs in two lines
    that look alike is underlined. With `fold`, they are shortened to its room if that is more.
    """
    fold = fold or Fold()
    rows: list[Row] = []
    for change in changes:
        lines = change_lines(change)
        rows.extend(change_header_rows(change, width, palette))
        shown = fold.take(lines, max_lines)
        rows.extend(_line_rows(shown, width, palette))
        if len(shown) < len(lines):
            more = f"  … {more_lines(len(lines) - len(shown))}"
            rows.extend(wrap([Segment(more, palette.muted)], width))
    return rows


def change_header_rows(change: FileChange, width: int, palette: Palette) -> list[Row]:
    """Lay out the path of a changed file, and how many lines are added and removed."""
    added, removed = count_lines(change_lines(change))
    path = reveal(change.path)
    if change.move_path:
        path = f"{path} → {reveal(change.move_path)}"
    letter = _LETTERS.get(change.kind, "?")
    word = _WORDS.get(change.kind, reveal(change.kind))
    facts = f"  {word}, +{format_count(added)} -{format_count(removed)}"
    segments = [Segment(path, palette.path), Segment(facts, palette.muted)]
    return indent(wrap(segments, width - 2), Segment(f"{letter} ", palette.path))


def _line_rows(lines: Sequence[DiffLine], width: int, palette: Palette) -> list[Row]:
    styles = {"+": palette.added, "-": palette.removed, " ": palette.text, "@": palette.hunk}
    spans = changed_spans(lines)
    rows: list[Row] = []
    for index, count in fold_blank_lines(lines):
        sign, text = lines[index]
        style = styles.get(sign, palette.muted)
        if count > 1:
            segments = [Segment(f"⋯ {format_count(count)} blank lines ⋯", style)]
        else:
            segments = _line_segments(sign, text, style, spans.get(index, (0, 0)))
        glyph = sign if sign in "+-" else " "
        wrapped = wrap(segments, width - 2, keep_spaces=True)
        marked = indent(wrapped, Segment(f"{glyph} ", style), is_text=True)
        rows += [fill(row, width, style) for row in marked]
    return rows


def _line_segments(sign: str, text: str, style: Style, span: tuple[int, int]) -> list[Segment]:
    """Show a line with its blanks visible, and with a part of it marked as changed."""
    tail = _TRAILING.search(text) if sign in ("+", "-") else None
    end = len(text) if tail is None else tail.start()
    cuts = sorted({0, min(span[0], len(text)), min(span[1], len(text)), end, len(text)})
    segments: list[Segment] = []
    column = 0
    for first, last in pairwise(cuts):
        part = text[first:last].replace(" ", "·") if first >= end else text[first:last]
        shown = fold_blanks(show_tabs(part, column))
        column += len(shown)
        is_changed = span[0] <= first < span[1]
        segments.append(Segment(shown, style + _CHANGED if is_changed else style))
    return segments or [Segment("", style)]
