"""Reading JSON with comments so that it can be changed in place.

Where every member of an object stands in the text is kept, so that an edit touches nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"

MAX_DEPTH: Final = 100
"""Objects and lists within each other."""

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


class NotJson(Exception):
    """The text is no JSON.

    Attributes:
        position: where that shows.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


@dataclass(slots=True)
class Node:
    """A value and where it stands: `text[start:end]`.

    Attributes:
        value: what it is.
        start: its first character.
        end: after its last character.
        members: of an object, its values by key; of two with one key, the last.
        after_last: of an object, where its last value ends; 0 where it is empty.
        trailing_comma: of an object, whether a comma follows its last value.
    """

    value: Value
    start: int
    end: int
    members: dict[str, Node] = field(default_factory=dict)
    after_last: int = 0
    trailing_comma: bool = False


@dataclass(slots=True)
class Document:
    """A text that was read.

    Attributes:
        text: all of it.
        root: its value.
        comments: where the comments stand.
        trailing_comma: where the first comma stands that strict JSON has not; -1 is nowhere.
    """

    text: str
    root: Node
    comments: list[tuple[int, int]]
    trailing_comma: int = -1


def parse(text: str) -> Document:
    """Read JSON; comments and commas after the last member are allowed. Raises NotJson."""
    parser = _Parser(text)
    start = parser.skip(1 if text.startswith("\ufeff") else 0)
    root = parser.value(start, 0)
    end = parser.skip(root.end)
    if end < len(text):
        raise NotJson("nothing may follow the value", end)
    return Document(text, root, parser.comments, parser.trailing_comma)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.comments: list[tuple[int, int]] = []
        self.trailing_comma = -1

    def skip(self, position: int) -> int:
        """Pass over white space and comments."""
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
            raise NotJson("it is nested too deep", start)
        match self.text[start : start + 1]:
            case "{":
                return self._object(start, depth)
            case "[":
                return self._list(start, depth)
            case '"':
                return self._string(start)
            case "":
                raise NotJson("a value is missing", start)
            case _:
                return self._scalar(_WORD.match(self.text, start), start)

    def _string(self, start: int) -> Node:
        return self._scalar(_STRING.match(self.text, start), start)

    def _scalar(self, found: re.Match[str] | None, start: int) -> Node:
        if found is None:
            raise NotJson("this is no value", start)
        try:
            return Node(json.loads(found[0]), start, found.end())
        except ValueError as error:
            raise NotJson("this is no value", start) from error

    def _object(self, start: int, depth: int) -> Node:
        node = Node(None, start, start)
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "}":
            if self.text[position : position + 1] != '"':
                raise NotJson('a key in double quotes or "}" is missing', position)
            key = self._string(position)
            position = self._expect(":", self.skip(key.end))
            member = self.value(self.skip(position), depth + 1)
            node.members[str(key.value)] = member
            node.after_last = member.end
            position, node.trailing_comma = self._next(member.end, "}")
        node.value = {key: member.value for key, member in node.members.items()}
        node.end = position + 1
        return node

    def _list(self, start: int, depth: int) -> Node:
        values: list[Value] = []
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "]":
            item = self.value(position, depth + 1)
            values.append(item.value)
            position, _ = self._next(item.end, "]")
        return Node(values, start, position + 1)

    def _next(self, position: int, end: str) -> tuple[int, bool]:
        """Go to the next member or the end; whether a comma stands before that end."""
        position = self.skip(position)
        if self.text[position : position + 1] == end:
            return position, False
        comma = position
        position = self.skip(self._expect(",", position))
        trailing = self.text[position : position + 1] == end
        if trailing and self.trailing_comma < 0:
            self.trailing_comma = comma
        return position, trailing

    def _expect(self, character: str, position: int) -> int:
        if self.text[position : position + 1] != character:
            raise NotJson(f'"{character}" is missing', position)
        return position + 1
