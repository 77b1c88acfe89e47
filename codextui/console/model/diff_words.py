"""Which words of a line differ from the line that it replaces. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import islice, zip_longest

import msgspec

from codextui.protocol.diff import Line

MAX_WORDS = 300
"""Words of a line above which it is not compared."""

MIN_ALIKE = 0.4
"""Share of the characters of two lines that must be the same, so that the rest is marked."""

_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A part of a line, and whether it differs from the other line."""

    text: str
    changed: bool


def compare_words(old: str, new: str) -> tuple[list[Piece], list[Piece]] | None:
    """Return both lines in pieces by what differs; None if they are too long, or not alike."""
    if old == new:
        return [Piece(old, False)], [Piece(new, False)]
    left, right = _words(old), _words(new)
    if left is None or right is None:
        return None
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    alike = sum(len("".join(left[a:b])) for tag, a, b, _, _ in blocks if tag == "equal")
    if 2 * alike < MIN_ALIKE * (len(old) + len(new)) or not alike:
        return None
    olds = _join((left[a:b], tag != "equal") for tag, a, b, _, _ in blocks)
    news = _join((right[c:d], tag != "equal") for tag, _, _, c, d in blocks)
    return olds, news


def pair_lines(lines: Sequence[Line]) -> list[tuple[int | None, int | None]]:
    """Pair the lines of a hunk as they stand side by side.

    Removed and added lines that follow each other stand beside each other; a line of context
    stands beside itself.

    Returns:
        Pairs of indexes; None where a side has no line.
    """
    pairs: list[tuple[int | None, int | None]] = []
    start = 0
    while start < len(lines):
        middle = _end_of_run(lines, start, "-")
        end = _end_of_run(lines, middle, "+")
        if end == start:
            pairs.append((start, start))
            start += 1
            continue
        olds = [index for index in range(start, middle) if lines[index].sign == "-"]
        news = [index for index in range(middle, end) if lines[index].sign == "+"]
        notes = [index for index in range(start, end) if lines[index].sign == "\\"]
        pairs.extend(zip_longest(olds, news))
        pairs.extend((index, None) if index < middle else (None, index) for index in notes)
        start = end
    return pairs


def _end_of_run(lines: Sequence[Line], start: int, sign: str) -> int:
    end = start
    while end < len(lines) and (lines[end].sign == sign or (end > start and _is_eof(lines[end]))):
        end += 1
    return end


def _is_eof(line: Line) -> bool:
    return line.sign == "\\"


def _words(text: str) -> list[str] | None:
    words = [match[0] for match in islice(_WORD.finditer(text), MAX_WORDS + 1)]
    return words if len(words) <= MAX_WORDS else None


def _join(parts: Iterable[tuple[list[str], bool]]) -> list[Piece]:
    """Join words to pieces; what is alike in a blank only does not separate what differs."""
    joined = [("".join(words), changed) for words, changed in parts if words]
    pieces: list[Piece] = []
    for at, (text, changed) in enumerate(joined):
        is_inside = 0 < at < len(joined) - 1
        changed = changed or (is_inside and text.isspace())  # noqa: PLW2901 - widened
        if pieces and pieces[-1].changed == changed:
            pieces[-1] = Piece(pieces[-1].text + text, changed)
        else:
            pieces.append(Piece(text, changed))
    return pieces
