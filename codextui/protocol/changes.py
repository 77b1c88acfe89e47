"""The lines of file changes: parsed, counted and compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from codextui.protocol.approvals import FileChange
from codextui.text.figures import format_count

DiffLine: TypeAlias = tuple[str, str]
"""A line of a diff: its sign (`+`, `-`, a space, `@` for a hunk, empty for a header), its text."""

Span: TypeAlias = tuple[int, int]
"""Start and end of a part of a text."""

MAX_COMPARED = 2_000
"""Characters of a line above which it is not compared with another."""

MIN_FOLDED_LINES = 6
"""Blank lines of a diff in a row that are counted instead of shown."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))? @@", re.ASCII)
_UNBOUNDED = 10**9


def summarize_changes(changes: Sequence[FileChange]) -> str:
    """Count files and lines: `2 files, +12 -3`."""
    counts = [count_lines(change_lines(change)) for change in changes]
    added, removed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    files = "1 file" if len(changes) == 1 else f"{format_count(len(changes))} files"
    return f"{files}, +{format_count(added)} -{format_count(removed)}"


def change_lines(change: FileChange) -> list[DiffLine]:
    """Return the lines of a change; for an added or deleted file those of its content."""
    match change.kind:
        case "add":
            return [("+", line) for line in _split_lines(change.diff)]
        case "delete":
            return [("-", line) for line in _split_lines(change.diff)]
        case _:
            return parse_unified(change.diff)


def count_lines(lines: Iterable[DiffLine]) -> tuple[int, int]:
    """Return the numbers of added and removed lines."""
    signs = [sign for sign, _ in lines]
    return signs.count("+"), signs.count("-")


def parse_unified(diff: str) -> list[DiffLine]:
    """Parse a unified diff of any number of files.

    The lengths in the hunk headers distinguish lines of hunks from headers: a removed line `-- x`
    looks like a file header.
    """
    lines: list[DiffLine] = []
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


def changed_spans(lines: Sequence[DiffLine]) -> dict[int, Span]:
    """Return which part of a line differs, for lines that replace one which looks alike.

    The removed and the added lines of a block are compared in pairs.

    Returns:
        Index of a line → the part in which it differs from its pair; it may be empty.
    """
    spans: dict[int, Span] = {}
    start = 0
    while start < len(lines):
        middle = _end_of_run(lines, start, "-")
        end = _end_of_run(lines, middle, "+")
        for old, new in zip(range(start, middle), range(middle, end), strict=False):
            if pair := _compare(lines[old][1], lines[new][1]):
                spans[old], spans[new] = pair
        start = max(end, start + 1)
    return spans


def fold_blank_lines(lines: Sequence[DiffLine]) -> Iterator[tuple[int, int]]:
    """Yield the index of each line to show and, for a long run of blank ones, their number."""
    start = 0
    while start < len(lines):
        sign, end = lines[start][0], start
        while end < len(lines) and lines[end][0] == sign and not lines[end][1].strip():
            end += 1
        if end - start >= MIN_FOLDED_LINES:
            yield start, end - start
        else:
            end = max(end, start + 1)
            yield from ((index, 1) for index in range(start, end))
        start = end


def _end_of_run(lines: Sequence[DiffLine], start: int, sign: str) -> int:
    while start < len(lines) and lines[start][0] == sign:
        start += 1
    return start


def _compare(old: str, new: str) -> tuple[Span, Span] | None:
    """Return the parts in which two lines differ; None if most of them does."""
    longest, shortest = max(len(old), len(new)), min(len(old), len(new))
    if not shortest or longest > MAX_COMPARED or old == new:
        return None
    first = 0
    while first < shortest and old[first] == new[first]:
        first += 1
    last = 0
    while last < shortest - first and old[-1 - last] == new[-1 - last]:
        last += 1
    if 2 * (first + last) < longest:
        return None
    first, last = _widen(old, new, first, last)
    return (first, len(old) - last), (first, len(new) - last)


def _widen(old: str, new: str, first: int, last: int) -> tuple[int, int]:
    """Move the ends of what differs to the ends of words."""
    while first and _is_word(old[first - 1]) and _has_word_at(old, new, first):
        first -= 1
    while last and _is_word(old[-last]) and _has_word_at(old, new, -last - 1):
        last -= 1
    return first, last


def _has_word_at(old: str, new: str, index: int) -> bool:
    return any(-len(t) <= index < len(t) and _is_word(t[index]) for t in (old, new))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
