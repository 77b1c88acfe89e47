"""A unified diff as files, hunks and lines, without losing a line of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest

import msgspec

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.ASCII)
_GIT = re.compile(r'diff --git ("a/(?:[^"\\]|\\.)*"|a/.*?) ("b/(?:[^"\\]|\\.)*"|b/.*)')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_NO_FILE = "/dev/null"
_UNBOUNDED = 10**9


class FileKind(StrEnum):
    """What happens to a file, in the words that are shown."""

    ADDED = "new file"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"
    CHANGED = "changed"


class Line(msgspec.Struct, frozen=True, gc=False):
    r"""A line of a hunk.

    Attributes:
        sign: `+`, `-`, a space, `\` (no newline at the end); empty for an empty line of context
            whose space was lost, and for a line that belongs to no hunk; `@` for the header of a
            hunk among the lines of a patch.
        text: the line without its sign.
        old: its number in the old file, None if it is not in it.
        new: its number in the new file, None if it is not in it.
    """

    sign: str
    text: str
    old: int | None = None
    new: int | None = None

    @property
    def is_note(self) -> bool:
        """Whether it is a line of neither file."""
        return self.old is None and self.new is None


class Hunk(msgspec.Struct, frozen=True):
    """A hunk: its header as received, what the header says of the place, and its lines."""

    header: str
    place: str
    lines: tuple[Line, ...]


class FileDiff(msgspec.Struct, frozen=True):
    """The changes of a file.

    Attributes:
        path: its path, the new one if it was renamed.
        old_path: the path that it was renamed or copied from, otherwise empty.
        kind: what happens to it.
        header: the lines before its hunks, as received.
        hunks: its hunks, in order.
        is_binary: whether the diff says only that a binary file differs.
        modes: its old and its new mode if they differ, otherwise empty.
        added: the number of added lines.
        removed: the number of removed lines.
    """

    path: str
    old_path: str = ""
    kind: FileKind = FileKind.CHANGED
    header: tuple[str, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    is_binary: bool = False
    modes: tuple[str, str] | tuple[()] = ()
    added: int = 0
    removed: int = 0


class Diff(msgspec.Struct, frozen=True):
    """A parsed diff; `preamble` holds the lines before its first file."""

    files: tuple[FileDiff, ...] = ()
    preamble: tuple[str, ...] = ()


def parse_diff(text: str) -> Diff:
    """Parse a unified diff of any number of files.

    The lengths in the headers of hunks distinguish the lines of hunks from headers of files: a
    removed line `-- x` looks like one. What is neither is kept as a line without a sign.
    """
    return _parse(_Parser(), text)


@lru_cache(maxsize=4)
def parse_patch(text: str) -> tuple[Line, ...]:
    """Return the lines of the patch of a file, its headers among them.

    The header of a hunk has the sign `@`, what belongs to no hunk has none. Lines that are more
    than the header of their hunk says count by their sign, except for headers of files. The patch
    may begin with a hunk, and have several files.
    """
    diff = _parse(_Parser(header=[]), text)
    lines: list[Line] = []
    for file in diff.files:
        lines += [Line("", line) for line in file.header]
        for hunk in file.hunks:
            lines.append(Line("@", hunk.header))
            lines += map(_by_its_sign, hunk.lines)
    return tuple(lines)


def _by_its_sign(line: Line) -> Line:
    if line.sign or line.text.startswith(("--- ", "+++ ")):
        return line
    if not line.text:
        return Line(" ", "", line.old, line.new)
    sign = line.text[0]
    return Line(sign, line.text[1:]) if sign in ("+", "-", " ") else line


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, without an empty one behind the last newline."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _parse(parser: _Parser, text: str) -> Diff:
    lines = split_lines(text)
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        parser.feed(line, following)
    return parser.finish()


def diff_lines(diff: Diff) -> Iterator[str]:
    """Yield the lines of a diff as they were before it was parsed."""
    yield from diff.preamble
    for file in diff.files:
        yield from file.header
        for hunk in file.hunks:
            if hunk.header:
                yield hunk.header
            yield from (line.sign + line.text for line in hunk.lines)


def hunk_ranges(header: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return where a hunk starts and how long it is in the old and in the new file, if it says."""
    match = _HUNK.match(header)
    if match is None:
        return None
    old, new = (match[1], match[2]), (match[3], match[4])
    return (int(old[0]), int(old[1] or 1)), (int(new[0]), int(new[1] or 1))


def sum_counts(files: Iterable[FileDiff]) -> tuple[int, int]:
    """Return the numbers of added and removed lines of several files."""
    files = tuple(files)
    return sum(file.added for file in files), sum(file.removed for file in files)


class _Parser:
    """Builds the files of a diff from its lines; with a header, one has begun already."""

    def __init__(self, header: list[str] | None = None) -> None:
        self._preamble: list[str] = []
        self._files: list[FileDiff] = []
        self._header = header
        self._hunks: list[Hunk] = []
        self._hunk: tuple[str, str] | None = None
        self._lines: list[Line] = []
        self._old = self._new = 0
        self._old_left = self._new_left = 0

    def feed(self, line: str, following: str) -> None:
        """Take a line; `following` is the next one."""
        if self._hunk is not None and self._take_hunk_line(line):
            return
        if line.startswith("@@") and self._header is not None:
            self._end_hunk()
            self._start_hunk(line)
        elif self._starts_file(line, following):
            self._end_file()
            self._header = [line]
        elif self._hunk is not None:
            self._lines.append(Line("", line))
        elif self._header is None:
            self._preamble.append(line)
        else:
            self._header.append(line)

    def finish(self) -> Diff:
        """Return what was parsed."""
        self._end_file()
        return Diff(tuple(self._files), tuple(self._preamble))

    def _starts_file(self, line: str, following: str) -> bool:
        if line.startswith("diff --git "):
            return True
        is_pair = line.startswith("--- ") and following.startswith("+++ ")
        # The pair after `diff --git` belongs to its file.
        return is_pair and (self._header is None or self._hunk is not None or self._has_names())

    def _has_names(self) -> bool:
        return any(line.startswith("+++ ") for line in self._header or ())

    def _start_hunk(self, line: str) -> None:
        match = _HUNK.match(line)
        if match is None:  # a patch without numbers
            self._old = self._new = 1
            self._old_left = self._new_left = _UNBOUNDED
            self._hunk = line, line[2:].strip()
            return
        self._old, self._new = int(match[1]), int(match[3])
        self._old_left, self._new_left = int(match[2] or 1), int(match[4] or 1)
        self._hunk = line, match[5].strip()

    def _take_hunk_line(self, line: str) -> bool:
        """Take a line of the hunk; return false if it is none."""
        sign = line[:1]
        if sign == "\\":
            self._lines.append(Line(sign, line[1:]))
            return True
        if sign not in ("+", "-", " ", "") or (self._old_left <= 0 and self._new_left <= 0):
            return False
        if (sign == "+" and self._new_left <= 0) or (sign == "-" and self._old_left <= 0):
            return False
        old = None if sign == "+" else self._old
        new = None if sign == "-" else self._new
        self._lines.append(Line(sign, line[1:], old, new))
        self._old, self._old_left = self._old + (old is not None), self._old_left - (sign != "+")
        self._new, self._new_left = self._new + (new is not None), self._new_left - (sign != "-")
        return True

    def _end_hunk(self) -> None:
        if self._hunk is not None:
            self._hunks.append(Hunk(*self._hunk, tuple(self._lines)))
        self._hunk, self._lines = None, []

    def _end_file(self) -> None:
        self._end_hunk()
        if self._header or self._hunks:
            self._files.append(_build_file(tuple(self._header or ()), tuple(self._hunks)))
        self._header, self._hunks = None, []


def _build_file(header: tuple[str, ...], hunks: tuple[Hunk, ...]) -> FileDiff:
    facts = _header_facts(header)
    old, new = _paths(header[0] if header else "", facts)
    kind, moved_from = FileKind.CHANGED, ""
    if "new file mode" in facts or facts.get("---") == _NO_FILE:
        kind = FileKind.ADDED
    elif "deleted file mode" in facts or facts.get("+++") == _NO_FILE:
        kind = FileKind.DELETED
    elif "rename from" in facts or (old and new and old != new and "copy from" not in facts):
        kind, moved_from = FileKind.RENAMED, old
    elif "copy from" in facts:
        kind, moved_from = FileKind.COPIED, old
    modes = (facts["old mode"], facts["new mode"]) if {"old mode", "new mode"} <= set(facts) else ()
    signs = [line.sign for hunk in hunks for line in hunk.lines]
    return FileDiff(
        path=new or old,
        old_path=moved_from,
        kind=kind,
        header=header,
        hunks=hunks,
        is_binary=any(line.startswith(("Binary files ", "GIT binary patch")) for line in header),
        modes=modes,
        added=signs.count("+"),
        removed=signs.count("-"),
    )


_FACTS = (
    *("old mode", "new mode", "new file mode", "deleted file mode"),
    *("rename from", "rename to", "copy from", "copy to", "---", "+++"),
)


def _header_facts(header: Iterable[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in header:
        for name in _FACTS:
            if line.startswith(f"{name} "):
                facts.setdefault(name, line[len(name) + 1 :])
    return facts


def _paths(first: str, facts: dict[str, str]) -> tuple[str, str]:
    """Return the old and the new path; empty where the diff names none."""
    old = facts.get("rename from") or facts.get("copy from")
    new = facts.get("rename to") or facts.get("copy to")
    if old and new:
        return _unquote(old), _unquote(new)
    if "---" in facts and "+++" in facts:
        old, new = _file_name(facts["---"], "a/"), _file_name(facts["+++"], "b/")
        return old or new, new or old
    if first.startswith("diff --git "):
        return _git_paths(first)
    return "", ""


def _git_paths(line: str) -> tuple[str, str]:
    """Return the paths of `diff --git a/x b/x`, whose names may hold spaces."""
    names = line.removeprefix("diff --git ")
    half = len(names) // 2
    if names[:2] == "a/" and names[half:] == f" b/{names[2:half]}":
        return names[2:half], names[2:half]
    match = _GIT.fullmatch(line)
    if match is None:
        return names, names
    old, new = _unquote(match[1]), _unquote(match[2])
    return old.removeprefix("a/"), new.removeprefix("b/")


def _file_name(name: str, prefix: str) -> str:
    """Return the path after `---` or `+++`, without a time that follows it."""
    name = _unquote(name.partition("\t")[0])
    return "" if name == _NO_FILE else name.removeprefix(prefix)


def _unquote(name: str) -> str:
    """Return a path that git has quoted as it is."""
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':
        return name

    def unescape(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 8)) if len(code) > 1 else _ESCAPES.get(code, code)

    octets = _ESCAPE.sub(unescape, name[1:-1])
    try:
        return octets.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:  # it was not quoted by git
        return octets
