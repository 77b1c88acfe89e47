"""JSON with comments and trailing commas (JSONC), parsed with the position of everything."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

MAX_DEPTH: Final = 100
"""Levels of nested objects and lists."""

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


class JsonError(Exception):
    """The text is not JSON.

    Attributes:
        position: the offset of the error in the text.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(slots=True)
class Node:
    """A value and its position: `text[start:end]`.

    Attributes:
        value: the value.
        start: the offset of its first character.
        end: the offset after its last character.
        members: the members of an object, in order; a key may be repeated.
    """

    value: JsonValue
    start: int
    end: int
    members: list[Member] = field(default_factory=list)

    def member(self, key: str) -> Member | None:
        """Return the member of an object that counts: the last one of that key."""
        return next((one for one in reversed(self.members) if one.key == key), None)


@dataclass(slots=True)
class Member:
    """A member of an object.

    Attributes:
        key: its key.
        start: the offset of its key.
        node: its value.
        comma: the offset of the comma that follows; -1 if none does.
    """

    key: str
    start: int
    node: Node
    comma: int = -1


@dataclass(slots=True)
class Document:
    """A parsed text.

    Attributes:
        text: the text.
        root: its value.
        comments: the start and end of each comment.
        trailing_comma: the offset of the first trailing comma; -1 if there is none.
    """

    text: str
    root: Node
    comments: list[tuple[int, int]]
    trailing_comma: int = -1


def parse(text: str) -> Document:
    """Parse JSON with comments and trailing commas. Raises JsonError."""
    parser = _Parser(text)
    start = parser.skip(_start(text))
    root = parser.value(start, 0)
    end = parser.skip(root.end)
    if end < len(text):
        raise JsonError("nothing may follow the value", end)
    return Document(text, root, parser.comments, parser.trailing_comma)


def has_no_value(text: str) -> bool:
    """Return whether a text is empty but for white space and comments."""
    return _Parser(text).skip(_start(text)) == len(text)


def _start(text: str) -> int:
    return int(text.startswith("\ufeff"))  # the byte order mark of Windows


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.comments: list[tuple[int, int]] = []
        self.trailing_comma = -1

    def skip(self, position: int) -> int:
        """Return the offset after white space and comments."""
        while True:
            space = _SPACE.match(self.text, position)
            position = space.end() if space else position
            comment = _COMMENT.match(self.text, position)
            if comment is None:
                return position
            self.comments.append(comment.span())
            position = comment.end()

    def value(self, start: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise JsonError("it is nested too deep", start)
        match self.text[start : start + 1]:
            case "{":
                return self._object(start, depth)
            case "[":
                return self._list(start, depth)
            case '"':
                return self._string(start)
            case "":
                raise JsonError("a value is missing", start)
            case _:
                return self._scalar(_WORD.match(self.text, start), start)

    def _string(self, start: int) -> Node:
        return self._scalar(_STRING.match(self.text, start), start)

    def _scalar(self, found: re.Match[str] | None, start: int) -> Node:
        if found is None:
            raise JsonError("this is no value", start)
        try:
            return Node(json.loads(found[0]), start, found.end())
        except ValueError as error:
            raise JsonError("this is no value", start) from error

    def _object(self, start: int, depth: int) -> Node:
        node = Node(None, start, start)
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "}":
            if self.text[position : position + 1] != '"':
                raise JsonError('a key in double quotes or "}" is missing', position)
            key = self._string(position)
            position = self._expect(":", self.skip(key.end))
            member = Member(str(key.value), key.start, self.value(self.skip(position), depth + 1))
            node.members.append(member)
            position, member.comma = self._next(member.node.end, "}")
        node.value = {member.key: member.node.value for member in node.members}
        node.end = position + 1
        return node

    def _list(self, start: int, depth: int) -> Node:
        values: list[JsonValue] = []
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "]":
            item = self.value(position, depth + 1)
            values.append(item.value)
            position, _ = self._next(item.end, "]")
        return Node(values, start, position + 1)

    def _next(self, position: int, end: str) -> tuple[int, int]:
        """Return the offset of the next member or the end, and that of the comma before it."""
        position = self.skip(position)
        if self.text[position : position + 1] == end:
            return position, -1
        comma = position
        position = self.skip(self._expect(",", position))
        if self.text[position : position + 1] == end and self.trailing_comma < 0:
            self.trailing_comma = comma
        return position, comma

    def _expect(self, character: str, position: int) -> int:
        if self.text[position : position + 1] != character:
            raise JsonError(f'"{character}" is missing', position)
        return position + 1
