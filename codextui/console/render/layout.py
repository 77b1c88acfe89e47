"""Styled text in rows of cells: wrapping, cutting, indenting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Row: TypeAlias = list[Segment]
"""One row of a terminal. Its text has been made safe, and holds no line end."""

MIN_WIDTH = 10
"""Cells below which nothing is laid out."""

_TOKENS = re.compile(r"\s+|\S+")


def wrap(runs: Iterable[Segment], width: int, *, exact: bool = False) -> list[Row]:
    """Break styled text into rows, at spaces where that is possible.

    Args:
        runs: the text, made safe; may hold line ends.
        width: in cells, 2 or more.
        exact: keep every character (commands, code, output); else spaces at a break vanish.

    Returns:
        A row or more; none is wider than `width`.
    """
    return [row for line in split_lines(runs) for row in _wrap_line(line, width, exact)]


def split_lines(runs: Iterable[Segment]) -> Iterator[Row]:
    """The lines of styled text, one or more, without their ends."""
    line: Row = []
    for text, style, _ in runs:
        first, *more = text.split("\n")
        if first:
            line.append(Segment(first, style))
        for part in more:
            yield line
            line = [Segment(part, style)] if part else []
    yield line


def _wrap_line(line: Row, width: int, exact: bool) -> list[Row]:
    text = "".join(segment.text for segment in line)
    if cell_len(text) <= width:
        return [line]
    return [_slice(line, start, end) for start, end in break_text(text, width, exact=exact)]


def break_text(text: str, width: int, *, exact: bool = False) -> list[tuple[int, int]]:
    """Where the rows of a line begin and end, as character offsets."""
    spans: list[tuple[int, int]] = []
    start = used = 0
    for token in _TOKENS.finditer(text):
        begin, end = token.span()
        size = cell_len(token[0])
        if used + size <= width:
            used += size
            continue
        if not exact and token[0].isspace():
            if used:
                spans.append((start, begin))
            start, used = end, 0
            continue
        if used and size <= width:
            spans.append((start, begin))
            start, used = begin, size
            continue
        *full, start = _chop(text, start, end, width)
        spans.extend(zip(full, [*full[1:], start], strict=True))
        used = cell_len(text[start:end])
    if start < len(text) or not spans:
        spans.append((start, len(text)))
    return spans


def _chop(text: str, start: int, end: int, width: int) -> list[int]:
    """Where rows begin in `text[start:end]` when it is cut at the last cell that fits."""
    part = text[start:end]
    if part.isascii():
        return list(range(start, end, width))
    starts, used = [start], 0
    for offset, character in enumerate(part, start):
        size = get_character_cell_size(character)
        if used + size > width:
            starts.append(offset)
            used = 0
        used += size
    return starts


def _slice(line: Row, start: int, end: int) -> Row:
    row: Row = []
    position = 0
    for text, style, _ in line:
        left, right = max(start - position, 0), end - position
        position += len(text)
        if right <= 0:
            break
        if left < len(text):
            row.append(Segment(text[left:right], style))
    return row


def indent(rows: Iterable[Row], first: Segment, rest: Segment | None = None) -> list[Row]:
    """Put `first` before the first row and `rest` (spaces as wide, by default) before others."""
    rest = Segment(" " * cell_len(first.text), first.style) if rest is None else rest
    return [[rest if index else first, *row] for index, row in enumerate(rows)]


def fill(row: Row, width: int, style: Style) -> Row:
    """The row with spaces in `style` up to `width`."""
    room = width - row_length(row)
    return [*row, Segment(" " * room, style)] if room > 0 else row


def row_length(row: Iterable[Segment]) -> int:
    """Its cells."""
    return sum(cell_len(segment.text) for segment in row)


def to_strips(rows: Iterable[Row]) -> list[Strip]:
    """Rows as Textual wants them."""
    return [Strip(row) for row in rows]


def redraw(strips: list[Strip], old: Sequence[Row], new: Sequence[Row]) -> int:
    """Put the rows `new` in the place of `old` at the end of `strips`.

    Strips of the rows that both begin with stay as they are: making one is what costs most.

    Returns:
        The first index in `strips` that changed; its length where none did.
    """
    same = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        same += 1
    first = len(strips) - len(old) + same
    strips[first:] = to_strips(new[same:])
    return first


def cut(text: str, width: int) -> str:
    """At most `width` cells of `text`; what is missing at the end becomes `…`."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return text[: _fitting(text, width - 1)] + "…"


def cut_left(text: str, width: int) -> str:
    """At most `width` cells of `text`; what is missing at its start becomes `…`."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    count = _fitting(text[::-1], width - 1)
    return "…" + (text[-count:] if count else "")


def _fitting(text: str, width: int) -> int:
    """How many characters from the start fit."""
    used = 0
    for count, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return count
    return len(text)


def fit(row: Sequence[Segment], width: int, style: Style) -> Strip:
    """One row of exactly `width` cells: cut with `…`, or filled with spaces in `style`."""
    fitted: Row = []
    room = width
    for text, own, _ in row:
        part = cut(text, room)
        fitted.append(Segment(part, own))
        room -= cell_len(part)
        if part != text:
            break
    return Strip(fill(fitted, width, style))
