"""Renders the changes of files as they stand in transcripts and approvals, from top to bottom.

A diff with a cursor, numbers and sides is rendered by `diff_entries`, of the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from codextui.console.render.diff_lines import (
    changed_words,
    line_segments,
    line_style,
    pair_changed,
)
from codextui.console.render.diff_syntax import CHUNK_LINES, SyntaxSpan, color_lines
from codextui.console.render.layout import WHOLE, Fold, Row, fill, indent, wrap
from codextui.console.render.lazy_rows import LazyRows
from codextui.console.render.palette import Palette
from codextui.protocol.approvals import FileChange
from codextui.protocol.changes import change_lines, count_lines, fold_blank_lines
from codextui.protocol.diff import Line
from codextui.text.figures import format_count, more_lines
from codextui.text.sanitize import MANY_SPACES, TAB, reveal

_LETTERS = {"add": "A", "delete": "D", "update": "M"}
_WORDS = {"add": "new file", "delete": "deleted", "update": "changed"}
_MAX_CHUNKS = 4


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


def line_rows(lines: Sequence[Line], width: int, palette: Palette, *, path: str = "") -> list[Row]:
    """Lay out lines of a diff.

    Args:
        lines: the lines.
        width: in cells.
        palette: the styles.
        path: the file's, for the colours of its syntax; empty for none.
    """
    layout = _LinesLayout(lines, width, palette, path)
    return [row for at in range(len(layout.groups)) for row in layout.rows(at)]


def lazy_line_rows(
    lines: Sequence[Line], width: int, palette: Palette, *, path: str = ""
) -> LazyRows:
    """Lay out lines of a diff as `line_rows` does, each when it is looked at."""
    layout = _LinesLayout(lines, width, palette, path)
    return LazyRows([layout.height(at) for at in range(len(layout.groups))], layout.rows)


class _LinesLayout:
    """Lays out lines of a diff one by one; a long run of blank lines is a group of its own.

    Attributes:
        groups: the index of each line that is shown, and how many lines it stands for.
    """

    def __init__(self, lines: Sequence[Line], width: int, palette: Palette, path: str) -> None:
        self.groups = list(fold_blank_lines(lines))
        self._lines = lines
        self._room = width - 2
        self._width = width
        self._palette = palette
        self._path = path
        self._pairs: dict[int, int] | None = None
        self._colors: dict[int, dict[int, tuple[SyntaxSpan, ...]]] = {}

    def height(self, at: int) -> int:
        """Return the rows of a group, without laying it out where it is plain and short."""
        index, count = self.groups[at]
        line = self._lines[index]
        if count == 1 and line.text.isascii() and line.sign != "\\":
            plain = line.text.expandtabs(TAB) if "\t" in line.text else line.text
            if plain.isprintable() and MANY_SPACES not in plain:
                if len(plain) <= self._room:
                    return 1
                if plain is line.text and not plain.endswith(" "):
                    return len(wrap([Segment(plain)], self._room, keep_spaces=True))
        return len(self.rows(at))

    def rows(self, at: int) -> list[Row]:
        """Lay out a group."""
        index, count = self.groups[at]
        line = self._lines[index]
        style = line_style(line, self._palette)
        if count > 1:
            segments = [Segment(f"⋯ {format_count(count)} blank lines ⋯", style)]
        else:
            words = self._words(index)
            syntax = self._syntax(index) if line.text.isascii() else ()
            segments = line_segments(line, style, words, syntax, folds_blanks=True)
            segments = [Segment("\\", style), *segments] if line.sign == "\\" else segments
        glyph = line.sign if line.sign in ("+", "-") else " "
        wrapped = wrap(segments, self._room, keep_spaces=True)
        marked = indent(wrapped, Segment(f"{glyph} ", style), is_text=True)
        return [fill(row, self._width, style) for row in marked]

    def _words(self, index: int) -> Sequence[tuple[int, int]]:
        if self._pairs is None:
            self._pairs = pair_changed(self._lines)
        return changed_words(self._lines, index, self._pairs)

    def _syntax(self, index: int) -> Sequence[SyntaxSpan]:
        """Return the tokens of a line, coloured together with those around it."""
        chunk, at = divmod(index, CHUNK_LINES)
        if not self._path:
            return ()
        if chunk not in self._colors:
            if len(self._colors) >= _MAX_CHUNKS:
                del self._colors[next(iter(self._colors))]
            lines = self._lines[chunk * CHUNK_LINES : (chunk + 1) * CHUNK_LINES]
            self._colors[chunk] = color_lines(self._path, lines, self._palette)
        return self._colors[chunk].get(at, ())
