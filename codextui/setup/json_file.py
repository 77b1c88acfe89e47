"""Putting a server into a JSON configuration, with everything else left as it stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from codextui.errors import ConfigInvalid
from codextui.setup.recipe import Entry, Format, Place, merge

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


_INDENT = re.compile(r"\n([ \t]+)[^\s]")


def with_entry(text: str, place: Place, entry: Entry) -> str:
    """The text of the file with the server in it; the same text where it is there already.

    Settings of the server that codextui does not know, such as `env`, stay.

    Raises:
        ConfigInvalid: the file is broken, or something in it cannot be kept.
    """
    if not text.strip():
        return json.dumps({place.section: {place.name: entry}}, indent=2, ensure_ascii=False) + "\n"
    document = _read(text, place)
    section = document.root.members.get(place.section)
    known = _members(document, place, section, place.section) if section else {}
    before = known.get(place.name)
    settings = merge(_settings(document, place, before), entry)
    if before is not None and settings == before.value:
        return text
    if before is not None:
        _refuse_to_lose_comments(document, place, before)
        written = _replace(document, before, settings)
    elif section is not None:
        written = _insert(document, section, place.name, settings)
    else:
        written = _insert(document, document.root, place.section, {place.name: settings})
    _check(document, place, written, settings)
    return written


def servers_in(text: str, place: Place) -> object:
    """What the file has in its section. Raises ConfigInvalid."""
    if not text.strip():
        return None
    section = _read(text, place).root.members.get(place.section)
    return section.value if section else None


def _read(text: str, place: Place) -> Document:
    try:
        document = parse(text)
    except NotJson as error:
        raise _broken(text, place, error.position, str(error)) from error
    if place.format is Format.JSON and document.comments:
        raise _broken(text, place, document.comments[0][0], "comments are no JSON")
    if place.format is Format.JSON and document.trailing_comma >= 0:
        raise _broken(text, place, document.trailing_comma, "nothing follows this comma")
    _members(document, place, document.root, "the file")
    return document


def _members(document: Document, place: Place, node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise _broken(document.text, place, node.start, f"{what} must be an object")
    return node.members


def _settings(document: Document, place: Place, node: Node | None) -> dict[str, Value]:
    if node is None:
        return {}
    members = _members(document, place, node, f"{place.section}.{place.name}")
    return {key: member.value for key, member in members.items()}


def _refuse_to_lose_comments(document: Document, place: Place, node: Node) -> None:
    for start, end in document.comments:
        if node.start < start and end < node.end:
            raise ConfigInvalid(
                f"{place.path}:{_line(document.text, start)}: the comment in {place.section}."
                f"{place.name} would be lost: change that by hand"
            )


def _replace(document: Document, node: Node, settings: Entry) -> str:
    text = document.text
    indent = _line_indent(text, node.start)
    return text[: node.start] + _dump(settings, indent, _unit(text)) + text[node.end :]


def _insert(document: Document, parent: Node, key: str, value: Entry) -> str:
    """Put a member behind the last one of an object, and behind the comments that follow it."""
    text = document.text
    outer = _line_indent(text, parent.start)
    unit = _unit(text)
    member = f"{json.dumps(key, ensure_ascii=False)}: {_dump(value, outer + unit, unit)}"
    body = text[: parent.end - 1].rstrip()
    if parent.members and not parent.trailing_comma:
        body = body[: parent.after_last] + "," + body[parent.after_last :]
    return f"{body}\n{outer}{unit}{member}\n{outer}{text[parent.end - 1 :]}"


def _dump(value: Entry, indent: str, unit: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")


def _unit(text: str) -> str:
    """One step of indentation, as the file has it."""
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _line_indent(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _check(document: Document, place: Place, written: str, settings: Entry) -> None:
    """Make sure that nothing but the server has changed."""
    before = document.root.value
    expected = dict(before) if isinstance(before, dict) else {}
    section = expected.get(place.section)
    servers = dict(section) if isinstance(section, dict) else {}
    after = parse(written)
    if after.root.value != {**expected, place.section: {**servers, place.name: settings}}:
        raise ConfigInvalid(f"{place.path} cannot be changed safely: change it by hand")


def _broken(text: str, place: Place, position: int, problem: str) -> ConfigInvalid:
    return ConfigInvalid(f"{place.path}:{_line(text, position)}: {problem}")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
