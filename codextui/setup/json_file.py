"""Setting a server's entry in a JSON configuration; everything else stays, byte by byte.

Comments and trailing commas (JSONC) are allowed where the client allows them. The text is changed
in one place after the other, and parsed again in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from codextui.errors import ConfigInvalid
from codextui.setup.entries import merge_entry
from codextui.setup.json_document import Document, JsonError, Member, Node, has_no_value, parse
from codextui.setup.recipe import Entry, EntryLocation, Format, json_snippet
from codextui.setup.text_lines import cut, indent_at, is_first_on_line, line_end_at, line_of

_MAX_CHANGES = 1_000
_INDENT = re.compile(r"\n([ \t]+)[^\s]")


def set_entry(text: str, location: EntryLocation, entry: Entry) -> str:
    """Return the text of the file with the entry; the same text if it has it already.

    Other settings of the server, such as `env`, stay, and so do comments between its settings.

    Raises:
        ConfigInvalid: the file is broken, or a comment in it would be lost.
    """
    if has_no_value(text) and (location.format is Format.JSONC or not text.strip("\ufeff \t\r\n")):
        return _first_entry(text, location, entry)
    document = _read(text, location)
    servers = _settings(document, location, _member(document.root, location.section))
    before = _settings(document, location, _member(document.root, location.section, location.name))
    settings = merge_entry(before, entry)
    if settings == before:
        return text
    root = document.root.value if isinstance(document.root.value, dict) else {}
    expected = {**root, location.section: {**servers, location.name: settings}}
    for _ in range(_MAX_CHANGES):
        changed = _change(document, location, document.root, expected)
        if changed is None:
            return document.text
        document = _read(changed, location)
    raise ConfigInvalid(f"{location.path} cannot be changed safely: change it by hand")


def read_servers(text: str, location: EntryLocation) -> object:
    """Return the section of the servers in the file; None if there is none.

    Raises:
        ConfigInvalid: the file is broken.
    """
    if has_no_value(text):
        return None
    section = _member(_read(text, location).root, location.section)
    return section.value if section else None


def _first_entry(text: str, location: EntryLocation, entry: Entry) -> str:
    """Return a text that had no value, with the entry."""
    line_end = line_end_at(text, len(text))
    snippet = f"{json_snippet(location, entry)}\n".replace("\n", line_end)
    kept = text.rstrip(" \t\r\n")
    if kept in ("", "\ufeff"):
        return kept + snippet
    return kept + (text[len(kept) :] if text.endswith("\n") else line_end) + snippet


def _read(text: str, location: EntryLocation) -> Document:
    try:
        document = parse(text)
    except JsonError as error:
        raise _broken(text, location, error.position, str(error)) from error
    if location.format is Format.JSON and document.comments:
        raise _broken(text, location, document.comments[0][0], "comments are no JSON")
    if location.format is Format.JSON and document.trailing_comma >= 0:
        raise _broken(text, location, document.trailing_comma, "nothing follows this comma")
    if not isinstance(document.root.value, dict):
        raise _broken(text, location, document.root.start, "the file must be an object")
    return document


def _member(node: Node | None, *keys: str) -> Node | None:
    """Return the value at a path of keys; None if there is none."""
    for key in keys:
        member = node.member(key) if node else None
        node = member.node if member else None
    return node


def _settings(document: Document, location: EntryLocation, node: Node | None) -> Entry:
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        raise _broken(document.text, location, node.start, "this must be an object")
    return node.value


def _change(
    document: Document, location: EntryLocation, node: Node, wanted: Mapping[str, object]
) -> str | None:
    """Return the text after the first change by which an object becomes what is wanted."""
    for key, value in wanted.items():
        member = node.member(key)
        if member is None:
            return _insert(document, node, key, value)
        if member.node.value == value:
            continue
        if isinstance(value, Mapping) and isinstance(member.node.value, dict):
            return _change(document, location, member.node, value)
        _refuse_to_lose_comments(document, location, member.node.start, member.node.end)
        return _replace(document, member.node, value)
    surplus = next((one for one in reversed(node.members) if one.key not in wanted), None)
    if surplus is None:
        return None
    _refuse_to_lose_comments(document, location, surplus.start, surplus.node.end)
    return _remove(document, node, surplus)


def _refuse_to_lose_comments(
    document: Document, location: EntryLocation, start: int, end: int
) -> None:
    for comment in document.comments:
        if start < comment[0] < end:
            raise ConfigInvalid(
                f"{location.path}:{line_of(document.text, comment[0])}: the comment in "
                f"{location.section}.{location.name} would be lost: change that by hand"
            )


def _replace(document: Document, node: Node, value: object) -> str:
    text = document.text
    is_block = "\n" in text[node.start : node.end] or not isinstance(node.value, dict | list)
    on_one_line = not is_block or "\n" not in text[document.root.start : document.root.end]
    written = json.dumps(value, ensure_ascii=False)
    if not on_one_line:
        written = _dump(document, value, node.start, indent_at(text, node.start))
    return text[: node.start] + written + text[node.end :]


def _insert(document: Document, node: Node, key: str, value: object) -> str:
    """Insert a member after the last one of an object and the comments that follow it."""
    text, position = document.text, _content_end(document, node)
    name = json.dumps(key, ensure_ascii=False)
    last = node.members[-1] if node.members else None
    comma = "," if last is not None and last.comma >= 0 else ""  # as the file has it
    if _is_on_one_line(document, node):
        space = " " if last is not None else ""
        added = f"{space}{name}: {json.dumps(value, ensure_ascii=False)}{comma}"
    else:
        line_end, outer = line_end_at(text, position), indent_at(text, node.start)
        indent = outer + _unit(document, node)
        if last is not None and is_first_on_line(text, node.members[0].start):
            indent = indent_at(text, node.members[0].start)
        added = f"{line_end}{indent}{name}: {_dump(document, value, position, indent)}{comma}"
        if "\n" not in text[position : node.end]:
            added += line_end + outer
    with_member = text[:position] + added + text[position:]
    if last is None or last.comma >= 0:
        return with_member
    return with_member[: last.node.end] + "," + with_member[last.node.end :]


def _remove(document: Document, node: Node, member: Member) -> str:
    """Remove a member with its comma, and not the comments around it."""
    text, end = document.text, member.node.end
    index = node.members.index(member)
    if member.comma >= 0:
        if text[end : member.comma].strip():  # comments
            return cut(text[: member.comma] + text[member.comma + 1 :], member.start, end)
        return cut(text, member.start, member.comma + 1)
    without = cut(text, member.start, end)
    if index == 0:
        return without
    comma = node.members[index - 1].comma
    if not text[comma + 1 : member.start].strip() and not _has_comment_behind(document, end):
        return text[:comma] + text[end:]
    return without[:comma] + without[comma + 1 :]


def _has_comment_behind(document: Document, position: int) -> bool:
    """Return whether a comment follows an offset on its line."""
    return any(
        position <= start and not document.text[position:start].strip(" \t")
        for start, _ in document.comments
    )


def _content_end(document: Document, node: Node) -> int:
    """Return the offset after the last member of an object, its comma and the last comment."""
    last = node.members[-1] if node.members else None
    ends = [end for start, end in document.comments if node.start < start < node.end]
    after_last = max(last.node.end, last.comma + 1) if last is not None else node.start + 1
    return max((after_last, *ends))


def _is_on_one_line(document: Document, node: Node) -> bool:
    """Return whether new members of an object belong on the line on which it stands."""
    text, root = document.text, document.root
    if "\n" in text[node.start : node.end]:
        return False
    return bool(node.members) or (bool(root.members) and "\n" not in text[root.start : root.end])


def _dump(document: Document, value: object, position: int, indent: str) -> str:
    written = json.dumps(value, indent=_unit(document, document.root), ensure_ascii=False)
    return written.replace("\n", line_end_at(document.text, position) + indent)


def _unit(document: Document, node: Node) -> str:
    """Return one level of indentation, as an object, or else the text, has it."""
    text = document.text
    for one in (node, document.root):
        outer = indent_at(text, one.start)
        if one.members and is_first_on_line(text, one.members[0].start):
            inner = indent_at(text, one.members[0].start)
            if inner.startswith(outer) and inner != outer:
                return inner.removeprefix(outer)
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _broken(text: str, location: EntryLocation, position: int, problem: str) -> ConfigInvalid:
    return ConfigInvalid(f"{location.path}:{line_of(text, position)}: {problem}")
