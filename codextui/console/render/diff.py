"""Renders file changes and unified diffs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.layout import Row, fill, indent, to_strips, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.approvals import FileChange
from codextui.text.figures import format_count, more_lines
from codextui.text.sanitize import reveal

_Line: TypeAlias = tuple[str, str]
"""A line of a diff: its sign (`+`, `-`, a space, `@` for a hunk, empty for a header), its text."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))? @@", re.ASCII)
_UNBOUNDED = 10**9

_LETTERS = {"add": "A", "delete": "D", "update": "M"}
_WORDS = {"add": "new file", "delete": "deleted", "update": "changed"}


def render_unified_diff(diff: str, width: int, palette: Palette) -> list[Strip]:
    """Render a unified diff of several files, as in `turn/diff/updated`."""
    return to_strips(_line_rows(_parse_unified(diff), width, palette))


def change_rows(
    changes: Sequence[FileChange], width: int, palette: Palette, *, max_lines: int | None = None
) -> list[Row]:
    """Lay out each file's header and diff, shortened to `max_lines` lines per file."""
    rows: list[Row] = []
    for change in changes:
        lines = _change_lines(change)
        rows.extend(_header_rows(change, lines, width, palette))
        shown = lines if max_lines is None else lines[:max_lines]
        rows.extend(_line_rows(shown, width, palette))
        if len(shown) < len(lines):
            more = f"  … {more_lines(len(lines) - len(shown))}"
            rows.extend(wrap([Segment(more, palette.muted)], width))
    return rows


def summarize_changes(changes: Sequence[FileChange]) -> str:
    """Count files and lines: `2 files, +12 -3`."""
    counts = [_count_lines(_change_lines(change)) for change in changes]
    added, removed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    files = "1 file" if len(changes) == 1 else f"{format_count(len(changes))} files"
    return f"{files}, +{format_count(added)} -{format_count(removed)}"


def _change_lines(change: FileChange) -> list[_Line]:
    match change.kind:
        case "add":
            return [("+", line) for line in _split_lines(change.diff)]
        case "delete":
            return [("-", line) for line in _split_lines(change.diff)]
        case _:
            return _parse_unified(change.diff)


def _count_lines(lines: Iterable[_Line]) -> tuple[int, int]:
    """Return the numbers of added and removed lines."""
    signs = [sign for sign, _ in lines]
    return signs.count("+"), signs.count("-")


def _parse_unified(diff: str) -> list[_Line]:
    """Tell the lines of hunks from headers, by the lengths stated in the hunk headers.

    A removed line `-- x` looks like a file header, so that its sign alone is not enough.
    """
    lines: list[_Line] = []
    old = new = 0
    in_hunk = False
    for line in _split_lines(diff):
        if line.startswith("@@"):
            old, new = _hunk_lengths(line)
            in_hunk = True
            lines.append(("@", line))
        elif in_hunk and line[:1] in ("+", "-", " ", "\\", "") and not _is_header(line, old, new):
            sign = line[:1] if line[:1] in ("+", "-") else " "
            old -= sign != "+"
            new -= sign != "-"
            lines.append((sign, line if line[:1] == "\\" else line[1:]))
        else:
            in_hunk = False
            lines.append(("", line))
    return lines


def _is_header(line: str, old: int, new: int) -> bool:
    return old <= 0 and new <= 0 and line.startswith(("--- ", "+++ "))


def _hunk_lengths(line: str) -> tuple[int, int]:
    """Return the lengths in `@@ -1,3 +1,4 @@`; unbounded if it states none."""
    match = _HUNK.match(line)
    if match is None:
        return _UNBOUNDED, _UNBOUNDED
    return int(match[1] or 1), int(match[2] or 1)


def _split_lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _header_rows(
    change: FileChange, lines: Sequence[_Line], width: int, palette: Palette
) -> list[Row]:
    added, removed = _count_lines(lines)
    path = reveal(change.path)
    if change.move_path:
        path = f"{path} → {reveal(change.move_path)}"
    letter = _LETTERS.get(change.kind, "?")
    word = _WORDS.get(change.kind, reveal(change.kind))
    facts = f"  {word}, +{format_count(added)} -{format_count(removed)}"
    segments = [Segment(path, palette.path), Segment(facts, palette.muted)]
    return indent(wrap(segments, width - 2), Segment(f"{letter} ", palette.path))


def _line_rows(lines: Iterable[_Line], width: int, palette: Palette) -> list[Row]:
    styles = {"+": palette.added, "-": palette.removed, " ": palette.text, "@": palette.hunk}
    rows: list[Row] = []
    for sign, text in lines:
        style = styles.get(sign, palette.muted)
        rows.extend(_one_line_rows(sign if sign in "+-" else " ", text, style, width))
    return rows


def _one_line_rows(sign: str, text: str, style: Style, width: int) -> list[Row]:
    rows = wrap([Segment(reveal(text), style)], width - 2, keep_spaces=True)
    return [fill(row, width, style) for row in indent(rows, Segment(f"{sign} ", style))]
