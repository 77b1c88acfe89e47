"""Renders the entries of a diff document: headings, files, hunks, lines, words and comments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Final

import msgspec
from msgspec import structs
from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from codextui.console.model.diff_comments import Comment
from codextui.console.model.diff_document import Document, Entry, EntryKind
from codextui.console.render.diff_lines import (
    Span,
    changed_words,
    line_segments,
    line_style,
    pair_changed,
)
from codextui.console.render.diff_syntax import SyntaxSpan
from codextui.console.render.layout import Row, fill, indent, truncate, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.diff import FileDiff, FileKind, Hunk, Line
from codextui.text.figures import format_count
from codextui.text.sanitize import TAB, one_revealed_line, reveal

MAX_LINE_LENGTH: Final = 4_000
"""Characters shown of a line."""

MIN_SPLIT_WIDTH: Final = 100
"""Cells below which the diff is not shown side by side."""

MIN_NUMBERS_WIDTH: Final = 60
"""Cells below which a line has one number: that in the new file, if it is there."""

FILE_LETTERS: Final = {
    FileKind.ADDED: "A",
    FileKind.DELETED: "D",
    FileKind.RENAMED: "R",
    FileKind.COPIED: "C",
    FileKind.CHANGED: "M",
}
"""The letter of what happens to a file, as git says it."""

_MAX_PAIRINGS = 16

SyntaxOf = Callable[[int, int, int], Sequence[SyntaxSpan]]
"""Returns the coloured tokens of a line: index of the file, of the hunk, of the line in it."""


class DiffLook(msgspec.Struct, frozen=True):
    """How a diff is drawn.

    Attributes:
        width: in cells.
        palette: the styles.
        side_by_side: whether old and new lines stand beside each other.
        shows_blanks: whether every blank is shown.
        digits: cells of a line number.
    """

    width: int
    palette: Palette
    side_by_side: bool = False
    shows_blanks: bool = False
    digits: int = 4

    @property
    def side_width(self) -> int:
        """Cells of a side, with its number and sign."""
        return (self.width - 1) // 2 if self.side_by_side else self.width

    @property
    def text_width(self) -> int:
        """Cells of the text of a line."""
        numbers = (self.digits + 1) * (2 if self.has_both_numbers else 1)
        return max(4, self.side_width - 1 - numbers - 2)

    @property
    def has_both_numbers(self) -> bool:
        """Whether a line has its number in both files before it."""
        return not self.side_by_side and self.width >= MIN_NUMBERS_WIDTH


def digits_of(document: Document) -> int:
    """Return the cells that the line numbers of a document need, at least 3."""
    last = 0
    for shown in document.files:
        for hunk in shown.file.hunks:
            for line in hunk.lines[-1:]:
                last = max(last, line.old or 0, line.new or 0)
    return max(3, len(str(last)))


class EntryRenderer:
    """Renders the entries of a document for one look; what it has computed is kept in bounds."""

    def __init__(self, document: Document, look: DiffLook, syntax: SyntaxOf) -> None:
        """Render `document`; `syntax` may return nothing, for lines that are not coloured yet."""
        self._document = document
        self.look = look
        self._syntax = syntax
        self._pairings: OrderedDict[int, dict[int, int]] = OrderedDict()

    def height(self, entry: Entry) -> int:
        """Return the rows of an entry, without rendering it where that is easy to say."""
        if entry.kind is EntryKind.LINE:
            old, new = self._document.lines_of(entry)
            width = self.look.text_width
            if old is None or old is new or new is None:
                line = new if old is None else old
                return 1 if line is None else self._line_height(line, width)
            return max(self._line_height(old, width), self._line_height(new, width))
        return 1 if entry.kind is EntryKind.HUNK else len(self.rows(entry))

    def rows(self, entry: Entry, *, is_current: bool = False, is_left: bool = False) -> list[Row]:
        """Render an entry.

        Args:
            entry: an entry of the document.
            is_current: whether the cursor is on it.
            is_left: whether the cursor is at the left of two sides.
        """
        palette, width = self.look.palette, self.look.width
        match entry.kind:
            case EntryKind.LINE:
                return self._line_rows(entry, is_current=is_current, is_left=is_left)
            case EntryKind.SECTION:
                text = f"━━ {one_revealed_line(entry.text, 400)} "
                rows = wrap([Segment(text, palette.strong)], width - 1)
                rows[-1] = fill_with(rows[-1], width - 1, "━", palette.faint)
            case EntryKind.NOTE:
                note = one_revealed_line(entry.text, 1_000)
                rows = indent(wrap([Segment(note, palette.muted)], width - 5), _blank(4, palette))
            case EntryKind.FILE:
                file = self._document.files[entry.file].file
                rows = [fill(row, width - 1, palette.code_block) for row in self._file_rows(file)]
            case EntryKind.HUNK:
                hunk = self._document.hunk_of(entry)
                rows = [self._hunk_row(hunk)] if hunk is not None else [[]]
            case EntryKind.COMMENT:
                rows = self._comment_rows(entry)
        mark = _mark(palette, is_current=is_current)
        return [fill([mark, *row], width, palette.text) for row in rows]

    # Files, hunks and comments.

    def _file_rows(self, file: FileDiff) -> list[Row]:
        palette = self.look.palette
        background = Style(bgcolor=palette.code_block.bgcolor)
        path = reveal(file.path or "a file without a name").replace("\n", "␊")
        if file.old_path:
            path = f"{reveal(file.old_path)} → {path}".replace("\n", "␊")
        facts = "".join(f"  {fact}" for fact in (file.kind.value, format_counts(file)) if fact)
        segments = [
            Segment(f"{FILE_LETTERS[file.kind]} {path}", palette.path + background),
            Segment(facts, palette.muted + background),
        ]
        return wrap(segments, self.look.width - 2)

    def _hunk_row(self, hunk: Hunk) -> Row:
        numbers = hunk.header.partition("@@")[2].partition("@@")[0].strip()
        place = one_revealed_line(hunk.place, 300)
        text = f"@@ {one_revealed_line(numbers, 60)} @@ {place}".rstrip()
        return [Segment(truncate(text, self.look.width - 2), self.look.palette.hunk)]

    def _comment_rows(self, entry: Entry) -> list[Row]:
        palette = self.look.palette
        _, comment = self._document.comments[entry.comment]
        head = "✎ draft, not sent yet" if comment.is_draft else "✎ comment"
        if entry.file < 0:
            head += f" on a line that is not in this diff, {_describe_place(comment)}"
        left = min(2 * self.look.digits + 3, self.look.width // 3)
        width = max(8, self.look.width - left - 4)
        style = palette.warning if comment.is_draft else palette.accent
        rows = wrap([Segment(head, style)], width)
        text = reveal(comment.text, keep_tabs=False)
        rows += wrap([Segment(text, palette.text)], width, keep_spaces=True)
        bar = Segment(" " * left + "┃ ", style)
        return indent(rows, bar, bar)

    # Lines.

    def _line_height(self, line: Line, width: int) -> int:
        text = line.text
        if text.isascii() and len(text) <= MAX_LINE_LENGTH:
            plain = text.expandtabs(TAB) if "\t" in text else text
            if plain.isprintable():
                return max(1, -(-len(plain) // width))
        return len(chop([Segment(self._shown(line), None)], width))

    def _shown(self, line: Line) -> str:
        """Return the text of a line as it is shown, without styles."""
        return "".join(text for text, _, _ in self._segments(line, (), (), Style()))

    def _line_rows(self, entry: Entry, *, is_current: bool, is_left: bool) -> list[Row]:
        old, new = self._document.lines_of(entry)
        if not self.look.side_by_side:
            line = new if old is None else old
            if line is None:
                return [[]]
            index = entry.new if old is None else entry.old
            shown = (line.old, line.new) if self.look.has_both_numbers else (line.new or line.old,)
            numbers = _numbers(shown, self.look.digits)
            return self._side_rows(entry, line, index, numbers, is_current=is_current)
        left = self._half(entry, old, entry.old, is_old=True, is_current=is_current and is_left)
        right = self._half(
            entry, new, entry.new, is_old=False, is_current=is_current and not is_left
        )
        return self._join_sides(left, right)

    def _half(
        self, entry: Entry, line: Line | None, index: int, *, is_old: bool, is_current: bool
    ) -> list[Row]:
        if line is None:
            palette = self.look.palette
            gap = Segment(" " * (self.look.side_width - 1), palette.code_block)
            return [[_mark(palette, is_current=is_current), gap]]
        numbers = _numbers((line.old if is_old else line.new,), self.look.digits)
        return self._side_rows(entry, line, index, numbers, is_current=is_current)

    def _join_sides(self, left: list[Row], right: list[Row]) -> list[Row]:
        palette = self.look.palette
        separator = Segment("│", palette.faint)
        rows: list[Row] = []
        for first, second in zip_longest(left, right):
            row = [*(first or self._below(left)), separator, *(second or self._below(right))]
            rows.append(fill(row, self.look.width, palette.text))
        return rows

    def _below(self, side: list[Row]) -> Row:
        """Continue a side below its last row: with the background of where it begins."""
        return [
            Segment(" ", self.look.palette.text),
            Segment(" " * (self.look.side_width - 1), side[-1][-1].style),
        ]

    def _side_rows(
        self, entry: Entry, line: Line, index: int, numbers: str, *, is_current: bool
    ) -> list[Row]:
        palette, look = self.look.palette, self.look
        style = line_style(line, palette)
        words = self._changed_words(entry, index)
        syntax = self._syntax(entry.file, entry.hunk, index)
        segments = self._segments(line, words, syntax, style)
        gutter = palette.strong if is_current else palette.muted
        rest = Segment(" " * (len(numbers)), palette.muted)
        rows: list[Row] = []
        for number, row in enumerate(chop(segments, look.text_width)):
            sign = " " if number else line.sign or " "
            shown = [Segment(f"{sign} ", style), *row]
            rows.append(
                [
                    _mark(palette, is_current=is_current),
                    rest if number else Segment(numbers, gutter),
                    *fill(shown, look.text_width + 2, style),
                ]
            )
        return [fill(row, look.side_width, palette.text) for row in rows]

    def _segments(
        self, line: Line, words: Sequence[Span], syntax: Sequence[SyntaxSpan], style: Style
    ) -> Row:
        """Style the beginning of a line, and say how much of it is left out."""
        rest = len(line.text) - MAX_LINE_LENGTH
        shown = structs.replace(line, text=line.text[:MAX_LINE_LENGTH]) if rest > 0 else line
        blanks = self.look.shows_blanks
        segments = line_segments(shown, style, words, syntax, shows_blanks=blanks)
        if rest > 0:
            more = f"… {format_count(rest)} more characters"
            segments.append(Segment(more, self.look.palette.muted))
        return segments

    def _changed_words(self, entry: Entry, index: int) -> list[Span]:
        hunk = self._document.hunk_of(entry)
        return [] if hunk is None else changed_words(hunk.lines, index, self._pairing(hunk))

    def _pairing(self, hunk: Hunk) -> dict[int, int]:
        """Return which line of a hunk replaces which, both ways."""
        pairing = self._pairings.get(id(hunk))
        if pairing is None:
            pairing = self._pairings[id(hunk)] = pair_changed(hunk.lines)
            while len(self._pairings) > _MAX_PAIRINGS:
                self._pairings.popitem(last=False)
        return pairing


def format_counts(file: FileDiff) -> str:
    """Return how many lines a file's diff adds and removes: `+12 -3`; empty for none."""
    counts = (("+", file.added), ("-", file.removed))
    return " ".join(f"{sign}{format_count(count)}" for sign, count in counts if count)


def chop(segments: Iterable[Segment], width: int) -> list[Row]:
    """Break styled text without newlines into rows that are filled to the last cell."""
    rows: list[Row] = [[]]
    room = width
    for text, style, _ in segments:
        rest = text
        while rest:
            count = min(room, len(rest)) if rest.isascii() else _fitting(rest, room)
            if not count and room == width:
                count = 1  # wider than a row
            if count:
                part, rest = rest[:count], rest[count:]
                rows[-1].append(Segment(part, style))
                room -= cell_len(part)
            if rest:
                rows.append([])
                room = width
    return rows


def fill_with(row: Row, width: int, character: str, style: Style) -> Row:
    """Pad a row with a character of one cell."""
    used = sum(cell_len(segment.text) for segment in row)
    return [*row, Segment(character * max(0, width - used), style)]


def _fitting(text: str, room: int) -> int:
    for count, character in enumerate(text):
        room -= get_character_cell_size(character)
        if room < 0:
            return count
    return len(text)


def _numbers(numbers: Sequence[int | None], digits: int) -> str:
    return "".join(f"{'' if number is None else number:>{digits}} " for number in numbers)


def _mark(palette: Palette, *, is_current: bool) -> Segment:
    return Segment("▌", palette.accent) if is_current else Segment(" ", palette.text)


def _blank(cells: int, palette: Palette) -> Segment:
    return Segment(" " * cells, palette.text)


def _describe_place(comment: Comment) -> str:
    return f"{one_revealed_line(comment.path, 120)}:{comment.number}"
