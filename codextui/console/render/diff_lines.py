"""Renders a line of a diff: what differs from the line it replaces, its syntax and its blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from rich.segment import Segment
from rich.style import Style

from codextui.console.model.diff_words import Piece, compare_words, pair_lines
from codextui.console.render.diff_syntax import SyntaxSpan
from codextui.console.render.layout import Row, shown_as
from codextui.console.render.palette import Palette
from codextui.protocol.diff import Line
from codextui.text.sanitize import fold_blanks, show_tabs

CHANGED: Final = Style(bold=True, underline=True)
"""The style of words that differ, over that of their line."""

TRAILING: Final = Style(reverse=True)
"""The style of blanks at the end of a changed line, over that of the line."""

Span: TypeAlias = tuple[int, int]
"""Start and end of a part of a line."""

_TABS = re.compile(r"\t+")


def line_style(line: Line, palette: Palette) -> Style:
    """Return the style of a line by its sign."""
    styles = {"+": palette.added, "-": palette.removed, "@": palette.hunk}
    return styles.get(line.sign, palette.muted if line.is_note else palette.text)


def line_segments(
    line: Line,
    style: Style,
    words: Sequence[Span] = (),
    syntax: Sequence[SyntaxSpan] = (),
    *,
    shows_blanks: bool = False,
    folds_blanks: bool = False,
) -> Row:
    """Style a line without its sign; every character is revealed.

    Tabs are shown as `→`, blanks at the end of a changed line as `·`.

    Args:
        line: the line.
        style: its style.
        words: the parts that differ from the line it replaces.
        syntax: its tokens. They are left out where the line has other characters than ASCII, whose
            looks are judged by their neighbours, and where the style has no background, as the
            colour is then all that tells a changed line.
        shows_blanks: show every blank.
        folds_blanks: count long runs of blanks.
    """
    text = line.text
    is_changed = line.sign in ("+", "-")
    end = len(text.rstrip(" \t")) if is_changed else len(text)
    if not text.isascii() or (is_changed and style.bgcolor is None):
        syntax = ()
    segments: Row = []
    column = 0
    for first, last in pairwise(_cuts(text, end, words, syntax)):
        part, own = text[first:last], style + _token_style(first, syntax)
        if any(start <= first < stop for start, stop in words):
            own += CHANGED
        if first >= end:
            own += TRAILING
        shown = part.replace(" ", "·") if first >= end or shows_blanks else part
        shown = show_tabs(shown, column)
        shown = fold_blanks(shown) if folds_blanks else shown
        column += len(shown)
        segments.append(shown_as(shown, part, own))
    return segments or [Segment("", style)]


def _cuts(text: str, end: int, words: Sequence[Span], syntax: Sequence[SyntaxSpan]) -> list[int]:
    """Return where the parts of a line begin and end that differ in style or in how they show."""
    edges = {0, end, len(text)}
    for start, stop in (*words, *((start, stop) for start, stop, _ in syntax)):
        edges.update((min(start, len(text)), min(stop, len(text))))
    if "\t" in text:
        edges.update(edge for tabs in _TABS.finditer(text) for edge in tabs.span())
    return sorted(edges)


def _token_style(at: int, syntax: Sequence[SyntaxSpan]) -> Style:
    for start, stop, style in syntax:
        if start <= at < stop:
            return _foreground(style)
    return Style.null()


@lru_cache(maxsize=64)
def _foreground(style: Style) -> Style:
    return Style(color=style.color, bold=style.bold, italic=style.italic)


# Words.


def pair_changed(lines: Sequence[Line]) -> dict[int, int]:
    """Return which line replaces which, both ways."""
    pairs: dict[int, int] = {}
    for old, new in pair_lines(lines):
        if old is not None and new is not None and old != new:
            pairs[old], pairs[new] = new, old
    return pairs


def changed_words(lines: Sequence[Line], index: int, pairs: dict[int, int]) -> list[Span]:
    """Return the parts of a line that differ from the one that it replaces or is replaced by."""
    partner = pairs.get(index)
    if partner is None:
        return []
    one, other = lines[index].text, lines[partner].text
    is_old = lines[index].sign == "-"
    pieces = compare_words(*((one, other) if is_old else (other, one)))
    return [] if pieces is None else _changed_spans(pieces[0 if is_old else 1])


def _changed_spans(pieces: Iterable[Piece]) -> list[Span]:
    spans: list[Span] = []
    column = 0
    for piece in pieces:
        if piece.changed:
            spans.append((column, column + len(piece.text)))
        column += len(piece.text)
    return spans
