"""Renders file changes and unified diffs."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.command import MAX_HIGHLIGHTED_LENGTH, highlight, language_of
from codextui.console.render.layout import (
    WHOLE,
    Fold,
    Row,
    fill,
    indent,
    shown_as,
    split_lines,
    to_strips,
    wrap,
)
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
_TABS = re.compile(r"\t+")
_TRAILING = re.compile(r"[ \t]+$")


def render_unified_diff(diff: str, width: int, palette: Palette) -> list[Strip]:
    """Render a unified diff of several files, as in `turn/diff/updated`."""
    return to_strips(line_rows(parse_unified(diff), width, palette))


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
        rows.extend(line_rows(shown, width, palette, path=change.move_path or change.path))
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


def line_rows(
    lines: Sequence[DiffLine], width: int, palette: Palette, *, path: str = ""
) -> list[Row]:
    """Lay out lines of a diff, with what differs in two of them underlined.

    Args:
        lines: the lines.
        width: in cells.
        palette: the styles.
        path: the file's, for the colours of its syntax; empty for none.
    """
    styles = {"+": palette.added, "-": palette.removed, " ": palette.text, "@": palette.hunk}
    spans = changed_spans(lines)
    tokens = _tokens(lines, path, palette)
    rows: list[Row] = []
    for index, count in fold_blank_lines(lines):
        sign, text = lines[index]
        style = styles.get(sign, palette.muted)
        if count > 1:
            segments = [Segment(f"⋯ {format_count(count)} blank lines ⋯", style)]
        else:
            span = spans.get(index, (0, 0))
            own = tokens.get(index, ())
            segments = _line_segments(sign, text, style, span, own)
        glyph = sign if sign in "+-" else " "
        wrapped = wrap(segments, width - 2, keep_spaces=True)
        marked = indent(wrapped, Segment(f"{glyph} ", style), is_text=True)
        rows += [fill(row, width, style) for row in marked]
    return rows


def _tokens(lines: Sequence[DiffLine], path: str, palette: Palette) -> dict[int, Row]:
    """Return the syntax of lines by their index, as styled parts; none where it is not known.

    The new side and the old one are each highlighted as one text. Lines with other characters
    than ASCII are left out, as their parts may not be looked at alone.
    """
    language = language_of(path) if path else ""
    if not language or sum(len(text) for _, text in lines) > MAX_HIGHLIGHTED_LENGTH:
        return {}
    tokens: dict[int, Row] = {}
    for signs in ("- ", "+ "):
        at = [index for index, (sign, _) in enumerate(lines) if sign and sign in signs]
        code = "\n".join(lines[index][1] for index in at)
        tokens |= zip(at, split_lines(highlight(code, language, palette)), strict=False)
    return {
        index: [Segment(text, _foreground(style, palette.code_block)) for text, style, _ in row]
        for index, row in tokens.items()
        if lines[index][1].isascii()
    }


def _line_segments(
    sign: str, text: str, style: Style, span: tuple[int, int], tokens: Sequence[Segment]
) -> list[Segment]:
    """Show a line with its blanks visible, its syntax, and with a part of it marked as changed."""
    tail = _TRAILING.search(text) if sign in ("+", "-") else None
    end = len(text) if tail is None else tail.start()
    ends = [*accumulate(len(token.text) for token in tokens)]
    within = {min(span[0], len(text)), min(span[1], len(text)), *(e for e in ends if e < len(text))}
    tabs = (edge for tab in _TABS.finditer(text) for edge in tab.span())
    cuts = sorted({0, end, len(text), *within, *tabs})
    segments: list[Segment] = []
    column = 0
    for first, last in pairwise(cuts):
        part = text[first:last].replace(" ", "·") if first >= end else text[first:last]
        shown = fold_blanks(show_tabs(part, column))
        column += len(shown)
        own = style
        if (at := bisect_right(ends, first)) < len(tokens):
            own += tokens[at].style or Style()
        is_changed = span[0] <= first < span[1]
        look = own + _CHANGED if is_changed else own
        segments.append(shown_as(shown, text[first:last], look))
    return segments or [Segment("", style)]


@lru_cache(maxsize=64)
def _foreground(style: Style | None, plain: Style) -> Style:
    """Return the colour and weight of a token, without its background; none for plain text."""
    if style is None or style == plain:
        return Style()
    return Style(color=style.color, bold=style.bold, italic=style.italic)
