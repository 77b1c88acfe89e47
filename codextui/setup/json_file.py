"""Putting a server into a JSON configuration, with everything else left as it stands."""

from __future__ import annotations

import json
import re

from codextui.errors import ConfigInvalid
from codextui.setup import jsonc
from codextui.setup.jsonc import Document, Node, NotJson
from codextui.setup.recipe import Entry, Format, Place, merge

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
        document = jsonc.parse(text)
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


def _settings(document: Document, place: Place, node: Node | None) -> dict[str, jsonc.Value]:
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
    after = jsonc.parse(written)
    if after.root.value != {**expected, place.section: {**servers, place.name: settings}}:
        raise ConfigInvalid(f"{place.path} cannot be changed safely: change it by hand")


def _broken(text: str, place: Place, position: int, problem: str) -> ConfigInvalid:
    return ConfigInvalid(f"{place.path}:{_line(text, position)}: {problem}")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
