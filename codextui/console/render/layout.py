"""Lays out styled text and JSON in rows of terminal cells: wrapping, truncating, indenting."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, TypeAlias, TypeVar

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.palette import Palette
from codextui.jsonrpc.fields import Json
from codextui.text.figures import format_count
from codextui.text.sanitize import fold_blanks, format_json, reveal, to_json

Row: TypeAlias = list[Segment]
"""A row of a terminal: sanitized text without newlines."""

MAX_ROW_LENGTH = 200
"""Characters that a row is taken to hold where characters are limited by rows."""

MAX_CLIPPED_LINES = 1_000
"""Lines of a long text that are laid out where characters are limited."""

WHOLE = 10**9
"""Rows of an item that is shown whole."""

_T = TypeVar("_T")
_TOKENS = re.compile(r"\s+|\S+")
_HANGING = re.compile(r" *(?:[-*+•] +|\d{1,3}[.)] +)?")
_MAX_HANG = 3  # a row's indent takes at most this part of the width


class LaidOut(Segment):
    """A segment that knows what the layout has to do with it; see `plain_text`.

    Attributes:
        is_filler: whether it is no part of the text.
        joint: what joins its row to the row before; None if it begins a line.
    """

    __slots__ = ()
    is_filler: ClassVar[bool] = False
    joint: ClassVar[str | None] = None


class Filler(LaidOut):
    """Cells that the layout adds: margins, gutters, indents."""

    __slots__ = ()
    is_filler = True


class Continued(LaidOut):
    """The first segment of a row that continues the row before, without a space between."""

    __slots__ = ()
    joint = ""


class ContinuedAfterSpace(LaidOut):
    """As `Continued`, where a space was dropped at the end of the row before."""

    __slots__ = ()
    joint = " "


class HangingIndent(Filler):
    """The indent of a row that continues the row before."""

    __slots__ = ()
    joint = ""


class HangingIndentAfterSpace(Filler):
    """As `HangingIndent`, where a space was dropped at the end of the row before."""

    __slots__ = ()
    joint = " "


class Shown(LaidOut):
    """Text that is shown by other characters, as a tab by an arrow.

    Attributes:
        source: the text.
    """

    source: str = ""


def shown_as(text: str, source: str, style: Style) -> Segment:
    """Return a segment that shows `source` as `text`."""
    if text == source:
        return Segment(text, style)
    segment = Shown(text, style)
    segment.source = source
    return segment


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

    def clip_counted(self, text: str, limit: int) -> str:
        """Return the start of a text as `clip` does, and the number of the other characters.

        No more than `MAX_CLIPPED_LINES` lines are taken, or as many as the fold has rows.
        """
        shown = self.clip(text, limit)
        lines = max(MAX_CLIPPED_LINES, self.room)
        if shown.count("\n") >= lines:
            shown = "\n".join(shown.split("\n", lines)[:lines])
            self.is_hiding = True
        rest = len(text) - len(shown)
        return f"{shown}… {format_count(rest)} more characters" if rest else shown


def wrap(
    segments: Iterable[Segment], width: int, *, keep_spaces: bool = False, hang: bool = True
) -> list[Row]:
    """Wrap styled text, at spaces if possible.

    `plain_text` gives back what was wrapped.

    Args:
        segments: sanitized text; may contain newlines.
        width: in cells, at least 2.
        keep_spaces: keep every character, for commands, code and output; otherwise spaces at
            the end of a row are dropped.
        hang: indent the further rows of a line as its first one: behind its blanks, and the marker
            of a list.

    Returns:
        At least one row; none is wider than `width`.
    """
    return [
        row
        for line in split_lines(segments)
        for row in _wrap_line(line, width, keep_spaces=keep_spaces, hang=hang)
    ]


def plain_text(rows: Iterable[Iterable[Segment]]) -> str:
    """Return the text of rows without what the layout has added: fillers and line breaks."""
    lines: list[str] = []
    for row in rows:
        text, joint = _unwrapped(row)
        if joint is None or not lines:
            lines.append(text)
        else:
            lines[-1] += joint + text
    return "\n".join(lines)


def clip_row(row: Iterable[Segment], start: int, end: int) -> Row:
    """Return the characters `start` to `end` (-1 for the end) of a row, as `plain_text` reads it.

    Segments keep their classes; a row that is cut at its start continues none.
    """
    clipped: Row = []
    position = 0
    for segment in row:
        first, last = position, position + len(segment.text)
        position = last
        low, high = max(first, start), last if end < 0 else min(last, end)
        if (low, high) == (first, last):
            clipped.append(segment)
        elif low < high:
            is_whole_start = low == first or isinstance(segment, Filler)
            kind = type(segment) if is_whole_start else Segment
            clipped.append(kind(segment.text[low - first : high - first], segment.style))
    return clipped


def wrap_with_glyph(glyph: str, text: str, style: Style, width: int) -> list[Row]:
    """Wrap sanitized text behind a glyph of one cell; further rows are indented."""
    return indent(wrap([Segment(text, style)], width - 2), Segment(f"{glyph} ", style))


def split_lines(segments: Iterable[Segment]) -> Iterator[Row]:
    """Split styled text at newlines; yields at least one line."""
    line: Row = []
    for segment in segments:
        text, style, _ = segment
        if text and "\n" not in text:
            line.append(segment)
            continue
        first, *more = text.split("\n")
        if first:
            line.append(Segment(first, style))
        for part in more:
            yield line
            line = [Segment(part, style)] if part else []
    yield line


def indent(
    rows: Iterable[Row], first: Segment, rest: Segment | None = None, *, is_text: bool = False
) -> list[Row]:
    """Prefix the first row with `first` and the others with `rest`, by default spaces.

    With `is_text`, the first prefix is a part of the text, as the marker of a list.
    """
    rest = Segment(" " * cell_len(first.text), first.style) if rest is None else rest
    first, rest = first if is_text else Filler(*first), Filler(*rest)
    return [[rest if index else first, *row] for index, row in enumerate(rows)]


def fill(row: Row, width: int, style: Style) -> Row:
    """Pad a row with spaces to `width` cells."""
    room = width - row_width(row)
    return [*row, Filler(" " * room, style)] if room > 0 else row


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


MIN_MIDDLE_WIDTH = 10
"""Cells below which a text is cut at its end, as what is left of both ends would say nothing."""


def truncate_middle(text: str, width: int) -> str:
    """Cut `text` to `width` cells, with `…` inside of it, so that its end stays in sight."""
    if cell_len(text) <= width or width < MIN_MIDDLE_WIDTH:
        return truncate(text, width)
    tail = text[-_fitting_length(text[::-1], (width - 1) // 3) :]
    return text[: _fitting_length(text, width - 1 - cell_len(tail))] + "…" + tail


def truncate_paths(text: str, width: int) -> str:
    """Cut `text` to `width` cells, first where its long paths begin: their ends tell the most.

    An address is not cut there, because it would no longer say whom it reaches.
    """
    words = text.split(" ") if cell_len(text) > width else []
    choices = {i: found for i, word in enumerate(words) if (found := _shorter_paths(word))}
    while choices and cell_len(" ".join(words)) > width:
        longest = max(choices, key=lambda i: len(words[i]))
        words[longest] = choices[longest].pop(0)
        if not choices[longest]:
            del choices[longest]
    short = truncate(" ".join(words) if words else text, width)
    return short.removesuffix("…") if short.endswith("……") else short


def _shorter_paths(word: str) -> list[str]:
    """Return a path with its last three, two and one parts, if it has more than those."""
    before, slash, path = word.partition("/")
    if not slash or "://" in word:
        return []
    is_option = before[-1:] in ("=", ":", "'", '"', "(", "<", ">")
    parts = path.rstrip("/").split("/")
    start = f"{before if is_option else ''}…/"
    return [start + "/".join(parts[-count:]) for count in (3, 2, 1) if len(parts) > count + 1]


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


def _wrap_line(line: Row, width: int, *, keep_spaces: bool, hang: bool) -> list[Row]:
    text = "".join(segment.text for segment in line)
    if cell_len(text) <= width:
        return [line]
    indented = _hanging_width(text, width) if hang else 0
    spans = _break_line(text, width, indented, keep_spaces=keep_spaces)
    rows = [_slice(line, start, end) for start, end in spans]
    for at in range(1, len(rows)):
        is_cut = spans[at - 1][1] < spans[at][0]
        rows[at] = _continue(rows[at], indented, after_space=is_cut)
    return rows


def _hanging_width(text: str, width: int) -> int:
    match = _HANGING.match(text)
    indented = 0 if match is None else match.end()
    return indented if indented <= width // _MAX_HANG else 0


def _continue(row: Row, indented: int, *, after_space: bool) -> Row:
    """Mark a row as continuing the one before, and indent it."""
    if not row:
        return row
    if indented:
        blanks = Segment(" " * indented, row[0].style)
        return [HangingIndentAfterSpace(*blanks) if after_space else HangingIndent(*blanks), *row]
    if isinstance(row[0], Shown):
        row = [Segment("", row[0].style), *row]
    return [ContinuedAfterSpace(*row[0]) if after_space else Continued(*row[0]), *row[1:]]


def _unwrapped(row: Iterable[Segment]) -> tuple[str, str | None]:
    """Return a row's own text, and what joins it to the row before; None for a new line."""
    joint: str | None = None
    parts: list[str] = []
    for segment in row:
        if isinstance(segment, LaidOut):
            joint = segment.joint if joint is None and not parts else joint
            if segment.is_filler:
                continue
        parts.append(segment.source if isinstance(segment, Shown) else segment.text)
    return "".join(parts), joint


def _break_line(
    text: str, width: int, indented: int, *, keep_spaces: bool
) -> list[tuple[int, int]]:
    """Return the start and end of each row, as character offsets; further ones are indented."""
    spans: list[tuple[int, int]] = []
    start = used = 0
    room = width
    for token in _TOKENS.finditer(text):
        begin, end = token.span()
        size = cell_len(token[0])
        if used + size <= room:
            used += size
            continue
        if not keep_spaces and token[0].isspace():
            if used:
                spans.append((start, begin))
                room = width - indented
            start, used = end, 0
            continue
        if used and size <= width - indented:
            spans.append((start, begin))
            start, used, room = begin, size, width - indented
            continue
        *full, start = _chop(text, start, end, room, width - indented)
        spans.extend(zip(full, [*full[1:], start], strict=True))
        room = width - indented if spans else width
        used = cell_len(text[start:end])
    if start < len(text) or not spans:
        spans.append((start, len(text)))
    return spans


def _chop(text: str, start: int, end: int, first: int, width: int) -> list[int]:
    """Return where the rows of `text[start:end]` start if each is filled to its last cell.

    The first row has `first` cells, the others have `width`.
    """
    part = text[start:end]
    if part.isascii():
        return [start, *range(start + first, end, width)]
    starts, used, room = [start], 0, first
    for offset, character in enumerate(part, start):
        size = get_character_cell_size(character)
        if used + size > room:
            starts.append(offset)
            used, room = 0, width
        used += size
    return starts


def _slice(line: Row, start: int, end: int) -> Row:
    row: Row = []
    position = 0
    for segment in line:
        text, style, _ = segment
        left, right = max(start - position, 0), end - position
        position += len(text)
        if right <= 0:
            break
        if left == 0 and right >= len(text):
            row.append(segment)
        elif left < len(text):
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
