"""The lines of file changes, and their counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codextui.protocol.approvals import FileChange
from codextui.protocol.diff import Line, parse_patch, split_lines
from codextui.text.figures import format_count

MIN_FOLDED_LINES = 6
"""Blank lines of a diff in a row that are counted instead of shown."""


def summarize_changes(changes: Sequence[FileChange]) -> str:
    """Count files and lines: `2 files, +12 -3`."""
    counts = [count_lines(change_lines(change)) for change in changes]
    added, removed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    files = "1 file" if len(changes) == 1 else f"{format_count(len(changes))} files"
    return f"{files}, +{format_count(added)} -{format_count(removed)}"


def change_lines(change: FileChange) -> list[Line]:
    """Return the lines of a change; for an added or deleted file those of its content."""
    match change.kind:
        case "add":
            lines = split_lines(change.diff)
            return [Line("+", line, None, number) for number, line in enumerate(lines, 1)]
        case "delete":
            lines = split_lines(change.diff)
            return [Line("-", line, number, None) for number, line in enumerate(lines, 1)]
        case _:
            return list(parse_patch(change.diff))


def count_lines(lines: Iterable[Line]) -> tuple[int, int]:
    """Return the numbers of added and removed lines."""
    signs = [line.sign for line in lines]
    return signs.count("+"), signs.count("-")


def fold_blank_lines(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Yield the index of each line to show and, for a long run of blank ones, their number."""
    start = 0
    while start < len(lines):
        sign, end = lines[start].sign, start
        while end < len(lines) and lines[end].sign == sign and not lines[end].text.strip():
            end += 1
        if end - start >= MIN_FOLDED_LINES:
            yield start, end - start
        else:
            end = max(end, start + 1)
            yield from ((index, 1) for index in range(start, end))
        start = end
