"""One diff of two that follow each other, as exactly as both tell of the files. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby

import msgspec
from msgspec import structs

from codextui.protocol.diff import FileDiff, FileKind, Hunk, Line, hunk_ranges

MAX_MATCHED = 500
"""Lines of a block above which what was changed back is not looked for."""

_Text = tuple[str, bool]
"""A line, and whether no newline follows it."""

_KINDS = {
    (FileKind.ADDED, FileKind.CHANGED): FileKind.ADDED,
    (FileKind.CHANGED, FileKind.CHANGED): FileKind.CHANGED,
    (FileKind.CHANGED, FileKind.DELETED): FileKind.DELETED,
    (FileKind.ADDED, FileKind.DELETED): FileKind.DELETED,
    (FileKind.DELETED, FileKind.ADDED): FileKind.CHANGED,
}
"""What happens to a file of which two things happen."""


class _Conflict(Exception):
    """The second diff does not begin where the first one ends."""


class _Side(msgspec.Struct):
    """What a diff tells of the version in the middle.

    Attributes:
        lines: position → text and whether the line is in the other version, too.
        others: position → the lines of the other version only that stand before it.
        hunks: the first position of each hunk, and by how many lines it moves what follows.
        places: the first position of each hunk → what its header says of the place.
    """

    lines: dict[int, tuple[_Text, bool]]
    others: dict[int, list[_Text]]
    hunks: list[tuple[int, int]]
    places: dict[int, str]

    def moved(self, at: int) -> int:
        """Return by how many lines a position is moved in the other version."""
        return sum(by for start, by in self.hunks if start < at)


def compose_files(first: FileDiff, second: FileDiff) -> FileDiff | None:
    """Return one diff of a file for two that follow each other.

    Returns:
        The diff, with no hunks if all was changed back; None if that cannot be said: what moves,
        modes, binary files, patches without numbers, and a file that changed in between.
    """
    kind = _KINDS.get((first.kind, second.kind))
    files = (first, second)
    if kind is None or any(f.is_binary or f.modes or f.path != first.path for f in files):
        return None
    try:
        hunks = tuple(_compose(_side(first, is_new=True), _side(second, is_new=False)))
    except _Conflict:
        return None
    signs = [line.sign for hunk in hunks for line in hunk.lines]
    header = (f"--- a/{first.path}", f"+++ b/{first.path}")
    return structs.replace(
        first,
        kind=kind,
        header=header,
        hunks=hunks,
        added=signs.count("+"),
        removed=signs.count("-"),
    )


def _compose(first: _Side, second: _Side) -> Iterator[Hunk]:
    for positions in _runs(first, second):
        edits = [edit for at in positions for edit in _edits(at, first, second)]
        hunk = _build_hunk(positions, _tidy(edits), first, second)
        if any(line.sign in ("+", "-") for line in hunk.lines):
            yield hunk


def _runs(first: _Side, second: _Side) -> list[list[int]]:
    """Return the positions between which no line is unknown."""
    runs: list[list[int]] = []
    lines = first.lines.keys() | second.lines.keys()
    for at in sorted(lines | first.others.keys() | second.others.keys()):
        if runs and runs[-1][-1] == at - 1 and at - 1 in lines:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _edits(at: int, first: _Side, second: _Side) -> Iterator[tuple[str, _Text]]:
    """Yield the lines at a position of the version in the middle, those before it first."""
    yield from (("-", text) for text in first.others.get(at, ()))
    yield from (("+", text) for text in second.others.get(at, ()))
    one, two = first.lines.get(at), second.lines.get(at)
    if one is not None and two is not None and one[0] != two[0]:
        raise _Conflict
    told = one or two
    if told is None:
        return
    was_there = one is None or one[1]
    stays = two is None or two[1]
    sign = {(True, True): " ", (True, False): "-", (False, True): "+"}.get((was_there, stays))
    if sign is not None:
        yield sign, told[0]


def _tidy(edits: Iterable[tuple[str, _Text]]) -> Iterator[tuple[str, _Text]]:
    """Yield removed lines before added ones, and those that were changed back as context."""
    for is_context, group in groupby(edits, key=lambda edit: edit[0] == " "):
        block = list(group)
        if is_context:
            yield from block
            continue
        old = [text for sign, text in block if sign == "-"]
        new = [text for sign, text in block if sign == "+"]
        if max(len(old), len(new)) > MAX_MATCHED:
            yield from (("-", text) for text in old)
            yield from (("+", text) for text in new)
            continue
        for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag == "equal":
                yield from ((" ", text) for text in old[a:b])
            else:
                yield from (("-", text) for text in old[a:b])
                yield from (("+", text) for text in new[c:d])


def _build_hunk(
    positions: Sequence[int], edits: Iterable[tuple[str, _Text]], first: _Side, second: _Side
) -> Hunk:
    """Number the lines of a hunk."""
    old_start = old = positions[0] + first.moved(positions[0])
    new_start = new = positions[0] + second.moved(positions[0])
    lines: list[Line] = []
    for sign, (text, ends) in edits:
        lines.append(Line(sign, text, None if sign == "+" else old, None if sign == "-" else new))
        old, new = old + (sign != "+"), new + (sign != "-")
        if ends:
            lines.append(Line("\\", " No newline at end of file"))
    ranges = [
        f"{start if end > start else start - 1},{end - start}"
        for start, end in ((old_start, old), (new_start, new))
    ]
    places = {**first.places, **second.places}
    place = next((places[at] for at in positions if places.get(at)), "")
    header = f"@@ -{ranges[0]} +{ranges[1]} @@ {place}".rstrip()
    return Hunk(header, place, tuple(lines))


def _side(file: FileDiff, *, is_new: bool) -> _Side:
    """Read a diff for its new version, or for its old one."""
    side = _Side({}, defaultdict(list), [], {})
    foreign = "-" if is_new else "+"
    for hunk in file.hunks:
        ranges = hunk_ranges(hunk.header)
        if ranges is None:
            raise _Conflict
        (own, other) = (ranges[1], ranges[0]) if is_new else ranges
        at = own[0] if own[1] else own[0] + 1
        side.hunks.append((at, other[1] - own[1]))
        side.places[at] = hunk.place
        for sign, text in _texts(hunk):
            if sign == foreign:
                side.others[at].append(text)
            else:
                side.lines[at] = text, sign == " "
                at += 1
    return side


def _texts(hunk: Hunk) -> Iterator[tuple[str, _Text]]:
    """Yield the signs and texts of a hunk's lines."""
    lines = hunk.lines
    for index, line in enumerate(lines):
        if line.sign == "\\":
            continue
        if line.is_note:
            raise _Conflict  # it was cut off
        ends = index + 1 < len(lines) and lines[index + 1].sign == "\\"
        yield line.sign or " ", (line.text, ends)
