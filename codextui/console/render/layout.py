"""Lays out styled text and JSON in rows of terminal cells: wrapping, truncating, indenting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.palette import Palette
from codextui.jsonrpc.fields import Json
from codextui.text.sanitize import fold_blanks, format_json, reveal, to_json

Row: TypeAlias = list[Segment]
"""A row of a terminal: sanitized text without newlines."""

MAX_ROW_LENGTH = 200
"""Characters that a row is taken to hold where characters are limited by rows."""

WHOLE = 10**9
"""Rows of an item that is shown whole."""

_T = TypeVar("_T")
_TOKENS = re.compile(r"\s+|\S+")


class Fold:
    """How much of an item is shown.

    Attributes:
        room: rows that each part of the item may have, if that is more than its own limit.
        is_hiding: whether something is left out; set by what lays the item out.
    """

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.is_hiding = False

    def take(self, rows: list[_T], limit: int) -> list[_T]:
        """Return the first rows or lines, as many as are shown."""
        limit = max(limit, self.room)
        self.is_hiding |= len(rows) > limit
        return rows[:limit]

    def clip(self, text: str, limit: int) -> str:
        """Return the start of a text, as much as is shown, if `limit` characters fill the rows."""
        limit = max(limit, self.room * MAX_ROW_LENGTH)
        self.is_hiding |= len(text) > limit
        return text[:limit]


def wrap(segments: Iterable[Segment], width: int, *, keep_spaces: bool = False) -> list[Row]:
    """Wrap styled text, at spaces if possible.

    Args:
        segments: sanitized text; may contain newlines.
        width: in cells, at least 2.
        keep_spaces: keep every character, for commands, code and output; otherwise spaces at
            the end of a row are dropped.

    Returns:
        At least one row; none is wider than `width`.
    """
    return [row for line in split_lines(segments) for row in _wrap_line(line, width, keep_spaces)]


def wrap_with_glyph(glyph: str, text: str, style: Style, width: int) -> list[Row]:
    """Wrap sanitized text behind a glyph of one cell; further rows are indented."""
    return indent(wrap([Segment(text, style)], width - 2), Segment(f"{glyph} ", style))


def split_lines(segments: Iterable[Segment]) -> Iterator[Row]:
    """Split styled text at newlines; yields at least one line."""
    line: Row = []
    for text, style, _ in segments:
        first, *more = text.split("\n")
        if first:
            line.append(Segment(first, style))
        for part in more:
            yield line
            line = [Segment(part, style)] if part else []
    yield line


def indent(rows: Iterable[Row], first: Segment, rest: Segment | None = None) -> list[Row]:
    """Prefix the first row with `first` and the others with `rest`, by default spaces."""
    rest = Segment(" " * cell_len(first.text), first.style) if rest is None else rest
    return [[rest if index else first, *row] for index, row in enumerate(rows)]


def fill(row: Row, width: int, style: Style) -> Row:
    """Pad a row with spaces to `width` cells."""
    room = width - row_width(row)
    return [*row, Segment(" " * room, style)] if room > 0 else row


def fit_row(row: Sequence[Segment], width: int, style: Style) -> Strip:
    """Truncate a row with `…`, or pad it, to exactly `width` cells."""
    fitted: Row = []
    room = width
    for text, own, _ in row:
        part = truncate(text, room)
        fitted.append(Segment(part, own))
        room -= cell_len(part)
        if part != text:
            break
    return Strip(fill(fitted, width, style))


def row_width(row: Iterable[Segment]) -> int:
    """Return the width of a row in cells."""
    return sum(cell_len(segment.text) for segment in row)


def truncate(text: str, width: int) -> str:
    """Cut `text` to `width` cells, with `…` at its end."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return text[: _fitting_length(text, width - 1)] + "…"


def truncate_left(text: str, width: int) -> str:
    """Cut `text` to `width` cells, with `…` at its start."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    length = _fitting_length(text[::-1], width - 1)
    return "…" + (text[-length:] if length else "")


def to_strips(rows: Iterable[Row]) -> list[Strip]:
    """Convert rows to Textual strips."""
    return [Strip(row) for row in rows]


def update_strips(strips: list[Strip], old: Sequence[Row], new: Sequence[Row]) -> int:
    """Replace the rows `old`, at the end of `strips`, by `new`.

    The strips of common first rows are reused, because creating a strip is the costly part.

    Returns:
        Index of the first changed strip; the length of `strips` if none changed.
    """
    same = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        same += 1
    first = len(strips) - len(old) + same
    strips[first:] = to_strips(new[same:])
    return first


def value_rows(values: Mapping[str, Json], width: int, palette: Palette) -> list[Row]:
    """Lay out a JSON object in full: a row per key, nested values as indented JSON below."""
    rows: list[Row] = []
    for key, value in values.items():
        name = Segment(f"{reveal(str(key))}: ", palette.muted)
        if isinstance(value, dict | list) and value:
            rows.extend(wrap([name], width, keep_spaces=True))
            rows.extend(indent(json_rows(value, width - 2, palette), Segment("  ", palette.text)))
        else:
            text = value if isinstance(value, str) else to_json(value)
            segments = [name, Segment(reveal(text), palette.text)]
            rows.extend(wrap(segments, width, keep_spaces=True))
    return rows


def json_rows(value: Json, width: int, palette: Palette) -> list[Row]:
    """Lay out a value as indented, wrapped JSON."""
    text = fold_blanks(reveal(format_json(value)))
    return wrap([Segment(text, palette.text)], width, keep_spaces=True)


def _wrap_line(line: Row, width: int, keep_spaces: bool) -> list[Row]:
    text = "".join(segment.text for segment in line)
    if cell_len(text) <= width:
        return [line]
    return [_slice(line, start, end) for start, end in _break_line(text, width, keep_spaces)]


def _break_line(text: str, width: int, keep_spaces: bool) -> list[tuple[int, int]]:
    """Return the start and end of each row, as character offsets."""
    spans: list[tuple[int, int]] = []
    start = used = 0
    for token in _TOKENS.finditer(text):
        begin, end = token.span()
        size = cell_len(token[0])
        if used + size <= width:
            used += size
            continue
        if not keep_spaces and token[0].isspace():
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
    """Return where the rows of `text[start:end]` start if each is filled to its last cell."""
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


def _fitting_length(text: str, width: int) -> int:
    """Return how many characters of `text`, from its start, fit in `width` cells."""
    used = 0
    for count, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return count
    return len(text)
