"""Setting a server's entry in a JSON configuration; everything else stays, character by character.

Comments and trailing commas (JSONC) are allowed where the client allows them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from codextui.errors import ConfigInvalid
from codextui.setup.entries import merge_entry
from codextui.setup.recipe import Entry, EntryLocation, Format, json_snippet

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

MAX_DEPTH: Final = 100
"""Levels of nested objects and lists."""

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_INDENT = re.compile(r"\n([ \t]+)[^\s]")


def set_entry(text: str, location: EntryLocation, entry: Entry) -> str:
    """Return the text of the file with the entry; the same text if it has it already.

    Other settings of the server, such as `env`, stay.

    Raises:
        ConfigInvalid: the file is broken, or a comment in it would be lost.
    """
    if not text.strip():
        return f"{json_snippet(location, entry)}\n"
    document = _read(text, location)
    section = document.root.members.get(location.section)
    known = _members(document, location, section, location.section) if section else {}
    before = known.get(location.name)
    settings = merge_entry(_settings(document, location, before), entry)
    if before is not None and settings == before.value:
        return text
    if before is not None:
        _refuse_to_lose_comments(document, location, before)
        written = _replace(document, before, settings)
    elif section is not None:
        written = _insert(document, section, location.name, settings)
    else:
        written = _insert(document, document.root, location.section, {location.name: settings})
    _check(document, location, written, settings)
    return written


def read_servers(text: str, location: EntryLocation) -> object:
    """Return the section of the servers in the file; None if there is none.

    Raises:
        ConfigInvalid: the file is broken.
    """
    if not text.strip():
        return None
    section = _read(text, location).root.members.get(location.section)
    return section.value if section else None


def _read(text: str, location: EntryLocation) -> Document:
    try:
        document = parse(text)
    except JsonError as error:
        raise _broken(text, location, error.position, str(error)) from error
    if location.format is Format.JSON and document.comments:
        raise _broken(text, location, document.comments[0][0], "comments are no JSON")
    if location.format is Format.JSON and document.trailing_comma >= 0:
        raise _broken(text, location, document.trailing_comma, "nothing follows this comma")
    _members(document, location, document.root, "the file")
    return document


def _members(document: Document, location: EntryLocation, node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise _broken(document.text, location, node.start, f"{what} must be an object")
    return node.members


def _settings(
    document: Document, location: EntryLocation, node: Node | None
) -> dict[str, JsonValue]:
    if node is None:
        return {}
    members = _members(document, location, node, f"{location.section}.{location.name}")
    return {key: member.value for key, member in members.items()}


def _refuse_to_lose_comments(document: Document, location: EntryLocation, node: Node) -> None:
    for start, end in document.comments:
        if node.start < start and end < node.end:
            raise ConfigInvalid(
                f"{location.path}:{_line(document.text, start)}: the comment in {location.section}."
                f"{location.name} would be lost: change that by hand"
            )


def _replace(document: Document, node: Node, settings: Entry) -> str:
    text = document.text
    indent = _line_indent(text, node.start)
    return text[: node.start] + _dump(settings, indent, _unit(text)) + text[node.end :]


def _insert(document: Document, parent: Node, key: str, value: Entry) -> str:
    """Insert a member after the last one of an object and the comments that follow it."""
    text = document.text
    outer = _line_indent(text, parent.start)
    unit = _unit(text)
    member = f"{json.dumps(key, ensure_ascii=False)}: {_dump(value, outer + unit, unit)}"
    body = text[: parent.end - 1].rstrip()
    if parent.members and not parent.has_trailing_comma:
        body = body[: parent.members_end] + "," + body[parent.members_end :]
    return f"{body}\n{outer}{unit}{member}\n{outer}{text[parent.end - 1 :]}"


def _dump(value: Entry, indent: str, unit: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")


def _unit(text: str) -> str:
    """Return one level of the indentation that the text uses."""
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _check(document: Document, location: EntryLocation, written: str, settings: Entry) -> None:
    """Raise ConfigInvalid if anything but the server has changed."""
    before = document.root.value
    expected = dict(before) if isinstance(before, dict) else {}
    section = expected.get(location.section)
    servers = dict(section) if isinstance(section, dict) else {}
    after = parse(written)
    if after.root.value != {**expected, location.section: {**servers, location.name: settings}}:
        raise ConfigInvalid(f"{location.path} cannot be changed safely: change it by hand")


def _broken(text: str, location: EntryLocation, position: int, problem: str) -> ConfigInvalid:
    return ConfigInvalid(f"{location.path}:{_line(text, position)}: {problem}")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


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
        members: the values of an object by key; the last one of a repeated key.
        members_end: the offset after the last value of an object; 0 if it is empty.
        has_trailing_comma: whether a comma follows the last value of an object.
    """

    value: JsonValue
    start: int
    end: int
    members: dict[str, Node] = field(default_factory=dict)
    members_end: int = 0
    has_trailing_comma: bool = False


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
    start = parser.skip(1 if text.startswith("\ufeff") else 0)
    root = parser.value(start, 0)
    end = parser.skip(root.end)
    if end < len(text):
        raise JsonError("nothing may follow the value", end)
    return Document(text, root, parser.comments, parser.trailing_comma)


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
            member = self.value(self.skip(position), depth + 1)
            node.members[str(key.value)] = member
            node.members_end = member.end
            position, node.has_trailing_comma = self._next(member.end, "}")
        node.value = {key: member.value for key, member in node.members.items()}
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

    def _next(self, position: int, end: str) -> tuple[int, bool]:
        """Return the offset of the next member or the end, and whether a comma precedes the end."""
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
            raise JsonError(f'"{character}" is missing', position)
        return position + 1
