"""The statements of a TOML text with their positions.

The text must be valid TOML (`tomllib`): this only finds where things are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str, ...]
"""A path of keys."""

_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_COMMENT = re.compile(r"#[^\r\n]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
"""What may stand between statements, and between the values of an array."""

_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


@dataclass(frozen=True, slots=True)
class Value:
    """A value, `text[start:end]`.

    Attributes:
        start: the offset of its first character.
        end: the offset after its last character.
        members: the members of an inline table, in order; None for any other value.
    """

    start: int
    end: int
    members: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A key with its value, or the header of a table: `text[start:end]`.

    Attributes:
        path: the path of its key, or of its table, from the root.
        scope: the path of the table, or of the inline table, in which it stands; () for a header.
        start: the offset of its first character.
        end: the offset after its last character; a comment is no part of it.
        value: the value; None for a header.
        is_array: whether it is the header of an array of tables.
    """

    path: KeyPath
    scope: KeyPath
    start: int
    end: int
    value: Value | None = None
    is_array: bool = False


def read_statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text, in order; those of inline tables are in their values."""
    scanner = _Scanner(text)
    found: list[Statement] = []
    scope: KeyPath = ()
    position = scanner.skip(0)
    while position < len(text):
        if text[position] == "[":
            statement = scanner.header(position)
            scope = statement.path
        else:
            statement = scanner.pair(position, scope)
        found.append(statement)
        position = scanner.skip(statement.end)
    return tuple(found)


def read_comments(text: str) -> tuple[str, ...]:
    """Return the comments of a text, without blanks at their ends."""
    return tuple(text[start:end].rstrip() for start, end in comment_spans(text))


def comment_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each comment."""
    position = 0
    while position < len(text):
        if found := _STRING.match(text, position):
            position = found.end()
        elif found := _COMMENT.match(text, position):
            yield found.span()
            position = found.end()
        else:
            position += 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, position: int) -> int:
        """Return the offset after white space and comments."""
        return self._end(_GAP, position)

    def header(self, start: int) -> Statement:
        is_array = self._text.startswith("[[", start)
        size = 2 if is_array else 1
        path, position = self._key(start + size)
        end = self._end(_SPACE, position) + size
        return Statement(path, (), start, end, is_array=is_array)

    def pair(self, start: int, scope: KeyPath) -> Statement:
        path, position = self._key(start)
        begin = self._end(_SPACE, self._end(_SPACE, position) + 1)  # after the "="
        value = self._value(begin, (*scope, *path))
        return Statement((*scope, *path), scope, start, value.end, value)

    def _key(self, position: int) -> tuple[KeyPath, int]:
        path: list[str] = []
        while True:
            position = self._end(_SPACE, position)
            end = self._end(_KEY, position)
            path.append(_name(self._text[position:end]))
            dot = self._end(_SPACE, end)
            if self._text[dot : dot + 1] != ".":
                return tuple(path), end
            position = dot + 1

    def _value(self, start: int, path: KeyPath) -> Value:
        if found := _STRING.match(self._text, start):
            return Value(start, found.end())
        match self._text[start : start + 1]:
            case "[":
                return Value(start, self._array_end(start, path))
            case "{":
                return self._inline_table(start, path)
            case _:
                end = self._end(_SCALAR, start)
                return Value(start, start + len(self._text[start:end].rstrip(" \t")))

    def _array_end(self, start: int, path: KeyPath) -> int:
        position = self.skip(start + 1)
        while self._text[position] != "]":
            position = self._after_comma(self._value(position, path).end)
        return position + 1

    def _inline_table(self, start: int, path: KeyPath) -> Value:
        members: list[Statement] = []
        position = self.skip(start + 1)
        while self._text[position] != "}":
            member = self.pair(position, path)
            members.append(member)
            position = self._after_comma(member.end)
        return Value(start, position + 1, tuple(members))

    def _after_comma(self, position: int) -> int:
        position = self.skip(position)
        return self.skip(position + 1) if self._text[position] == "," else position

    def _end(self, pattern: re.Pattern[str], position: int) -> int:
        found = pattern.match(self._text, position)
        return found.end() if found else position


def _name(key: str) -> str:
    """Return the name that a key is written for."""
    return str(tomllib.loads(f"name = {key}")["name"]) if key[:1] in "\"'" else key
