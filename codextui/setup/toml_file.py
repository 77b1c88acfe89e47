"""Setting a server's entry in a TOML configuration; everything else stays, byte by byte.

The text is changed in one place after the other, and read again in between.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping

from codextui.errors import ConfigInvalid
from codextui.setup.entries import merge_entry
from codextui.setup.recipe import Entry, EntryLocation
from codextui.setup.text_lines import cut, indent_at, line_end_at, line_of
from codextui.setup.toml_document import (
    KeyPath,
    Statement,
    Value,
    comment_spans,
    read_comments,
    read_statements,
)

_MARK = "\ufeff"
"""The byte order mark, which Windows puts before a file's text."""

_MAX_CHANGES = 1_000
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def set_entry(text: str, location: EntryLocation, entry: Entry) -> str:
    """Return the text of the file with the entry; the same text if it has it already.

    Other settings of the server, such as `env`, stay, and so do comments between its settings.

    Raises:
        ConfigInvalid: the file is broken, or a comment in it would be lost.
    """
    mark, text = text[: text.startswith(_MARK)], text.removeprefix(_MARK)
    before = _parse(text, location)
    servers = _table(before, location.section, location)
    settings = merge_entry(_table(servers, location.name, location), entry)
    try:
        changed = _change_until(text, location, settings)
        is_safe = _others(tomllib.loads(changed), location) == _others(before, location)
    except (ValueError, RecursionError):
        is_safe = False
    if not is_safe:
        raise ConfigInvalid(f"{location.path} cannot be changed safely: change it by hand")
    _refuse_to_lose_comments(text, changed, location)
    return mark + changed


def read_servers(text: str, location: EntryLocation) -> object:
    """Return the section of the servers in the file; None if there is none.

    Raises:
        ConfigInvalid: the file is broken.
    """
    return _parse(text, location).get(location.section)


def _change_until(text: str, location: EntryLocation, settings: Entry) -> str:
    """Return the text with the settings. Raises ValueError if it cannot be changed to that."""
    section, name = location.section, location.name
    for _ in range(_MAX_CHANGES):
        document = tomllib.loads(text)
        servers = document.get(section, {})
        mine = {name: servers[name]} if name in servers else {}
        before = {section: mine} if section in document else {}
        changed = _change(text, (), before, {section: {name: settings}})
        if changed is None:
            return text
        text = changed
    raise ValueError("it does not come to an end")


def _others(document: Mapping[str, object], location: EntryLocation) -> str:
    """Return all but the entry, to be compared: nan, which may be a value, equals nothing."""
    section = document.get(location.section)
    servers = dict(section) if isinstance(section, Mapping) else {}
    servers.pop(location.name, None)
    rest = {key: value for key, value in document.items() if key != location.section}
    return repr((rest, servers))


def _change(
    text: str, path: KeyPath, before: Mapping[str, object], wanted: Mapping[str, object]
) -> str | None:
    """Return the text after the first change by which a table becomes what is wanted."""
    for key, value in wanted.items():
        old = before.get(key)
        if key not in before:
            return _insert(text, path, key, value)
        if old == value:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            return _change(text, (*path, key), old, value)
        return _replace(text, (*path, key), value)
    surplus = next((key for key in before if key not in wanted), None)
    return None if surplus is None else _remove(text, (*path, surplus))


def _replace(text: str, path: KeyPath, value: object) -> str:
    for one in _all_statements(text):
        if one.path == path and one.value is not None:
            return text[: one.value.start] + _dump(value) + text[one.value.end :]
    return _remove(text, path)  # a table, in whose place the value comes


def _remove(text: str, path: KeyPath) -> str:
    """Remove the last statement of a value, which may have many, and not its comment."""
    found = [one for one in _all_statements(text) if one.path[: len(path)] == path]
    if not found:
        return text
    last = found[-1]
    holder = _inline_table_around(text, last)
    if holder is None:
        return cut(text, last.start, last.end)
    members = holder.members or ()
    index = members.index(last)
    if index + 1 < len(members):
        return text[: last.start] + text[members[index + 1].start :]
    start = members[index - 1].end if index else last.start
    return text[:start] + text[last.end :]


def _insert(text: str, path: KeyPath, key: str, value: object) -> str:
    """Insert a value where the table at a path has its others."""
    statements = tuple(_all_statements(text))
    for one in reversed(statements):
        if one.path == path and one.value is not None and one.value.members is not None:
            return _insert_inline(text, one.value, (key,), value)
    if isinstance(value, Mapping) and len(path) < _ENTRY_DEPTH:
        return _append_tables(text, (*path, key), value)
    for one in reversed(statements):
        if one.path == path and one.value is None and not one.is_array:
            return _insert_line(text, _last_of_table(text, one), (key,), value)
    for one in reversed(statements):
        is_dotted = len(one.scope) < len(path) < len(one.path)
        if one.value is not None and is_dotted and one.path[: len(path)] == path:
            name = (*path[len(one.scope) :], key)
            holder = _inline_table_around(text, one)
            if holder is not None:
                return _insert_inline(text, holder, name, value)
            return _insert_line(text, one, name, value)
    return _append(text, path, {key: value})


_ENTRY_DEPTH = 2
"""Keys of the path of a server's entry: its section and its name."""


def _append_tables(text: str, path: KeyPath, value: Mapping[str, object]) -> str:
    """Append the table of an entry, whose path may be that of its section."""
    while len(path) < _ENTRY_DEPTH:
        [(key, inner)] = value.items()
        path, value = (*path, key), inner if isinstance(inner, Mapping) else {}
    return _append(text, path, value)


def _append(text: str, path: KeyPath, table: Mapping[str, object]) -> str:
    """Append a table to the text, after an empty line."""
    line_end = line_end_at(text, len(text))
    lines = [f"[{_key(path)}]", *(f"{_key((key,))} = {_dump(one)}" for key, one in table.items())]
    gap = line_end if text.strip() and text.splitlines()[-1].strip() else ""
    if text and not text.endswith("\n"):
        text += line_end
    return text + gap + "".join(line + line_end for line in lines)


def _insert_line(text: str, after: Statement, name: KeyPath, value: object) -> str:
    """Insert a line after that of a statement."""
    line = f"{indent_at(text, after.start)}{_key(name)} = {_dump(value)}"
    stop = text.find("\n", after.end)
    line_end = line_end_at(text, len(text) if stop < 0 else stop + 1)
    if stop < 0:
        return f"{text}{line_end}{line}"
    return f"{text[: stop + 1]}{line}{line_end}{text[stop + 1 :]}"


def _insert_inline(text: str, table: Value, name: KeyPath, value: object) -> str:
    added = f"{_key(name)} = {_dump(value)}"
    if table.members:
        end = table.members[-1].end
        return f"{text[:end]}, {added}{text[end:]}"
    return f"{text[: table.start]}{{ {added} }}{text[table.end :]}"


def _all_statements(text: str) -> Iterator[Statement]:
    """Yield the statements, each before those of its inline table."""
    waiting = list(reversed(read_statements(text)))
    while waiting:
        one = waiting.pop()
        yield one
        if one.value is not None:
            waiting += reversed(one.value.members or ())


def _inline_table_around(text: str, statement: Statement) -> Value | None:
    values = (one.value for one in _all_statements(text) if one.value is not None)
    return next((one for one in values if statement in (one.members or ())), None)


def _last_of_table(text: str, header: Statement) -> Statement:
    """Return the last statement of the table that a header begins, or the header."""
    last = header
    for one in read_statements(text):
        if one.start > header.start:
            if one.value is None:
                break
            last = one
    return last


def _dump(value: object) -> str:
    """Return a value on one line."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_dump, value))}]"
        case Mapping():
            inner = ", ".join(f"{_key((key,))} = {_dump(one)}" for key, one in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            return json.dumps(value)


def _key(path: KeyPath) -> str:
    return ".".join(one if _BARE_KEY.fullmatch(one) else _dump(one) for one in path)


def _refuse_to_lose_comments(before: str, after: str, location: EntryLocation) -> None:
    lost = Counter(read_comments(before)) - Counter(read_comments(after))
    for start, end in comment_spans(before):
        if before[start:end].rstrip() in lost:
            raise ConfigInvalid(
                f"{location.path}:{line_of(before, start)}: the comment in {location.section}."
                f"{location.name} would be lost: change that by hand"
            )


def _parse(text: str, location: EntryLocation) -> dict[str, object]:
    try:
        return tomllib.loads(text.removeprefix(_MARK))
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{location.path}: {error}") from error


def _table(parent: Mapping[str, object], key: str, location: EntryLocation) -> Mapping[str, object]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise ConfigInvalid(f"{location.path}: {key} must be a table")
    return table
