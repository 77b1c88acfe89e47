"""A JSON value as lines that fold, as the inspector shows a frame."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import TypeAlias

import msgspec

from codextui.jsonrpc.fields import Json

JsonPath: TypeAlias = tuple[str | int, ...]
"""The keys and indexes from the outermost value to one within it."""

MAX_LINES = 5_000
"""Lines of a value that are shown."""

MAX_DEPTH = 60
"""Levels that are shown; what is deeper stays folded."""

FOLD_ABOVE = 60
"""Lines of a part within a member above which it is folded at first."""


class JsonKind(StrEnum):
    """What the value of a line is, for its colour."""

    OPEN = "open"
    CLOSE = "close"
    TEXT = "text"
    NUMBER = "number"
    WORD = "word"
    FOLDED = "folded"
    MORE = "more"


class JsonLine(msgspec.Struct, frozen=True):
    """A line.

    Attributes:
        path: the value's place.
        depth: its level.
        key: its key with quotation marks; empty in an array.
        text: the value, or its beginning, as JSON.
        kind: what it is.
        end: a comma, or nothing.
    """

    path: JsonPath
    depth: int
    key: str
    text: str
    kind: JsonKind
    end: str = ""


def json_lines(
    value: Json, folded: Collection[JsonPath] = (), limit: int = MAX_LINES
) -> list[JsonLine]:
    """Return the lines of a value, those at the paths in `folded` as one line each."""
    lines: list[JsonLine] = []
    for line in _lines(value, (), "", "", folded):
        if len(lines) >= limit:
            lines.append(JsonLine((), 0, "", "… and more", JsonKind.MORE))
            break
        lines.append(line)
    return lines


def long_parts(value: Json) -> set[JsonPath]:
    """Return the paths of members that are folded at first, because they have many lines."""
    return {
        path for path, part in _containers(value, ()) if len(path) > 1 and _count(part) > FOLD_ABOVE
    }


def all_parts(value: Json) -> set[JsonPath]:
    """Return the paths of all members that can be folded."""
    return {path for path, _ in _containers(value, ()) if path}


def value_at(value: Json, path: JsonPath) -> Json:
    """Return the part at a path; None where there is none."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _lines(
    value: Json, path: JsonPath, key: str, end: str, folded: Collection[JsonPath]
) -> Iterator[JsonLine]:
    depth = len(path)
    if not isinstance(value, dict | list) or not value:
        yield JsonLine(path, depth, key, _dump(value), _kind(value), end)
        return
    is_object = isinstance(value, dict)
    opening, closing = "{}" if is_object else "[]"
    if path in folded or depth >= MAX_DEPTH:
        text = f"{opening} {_describe(value)} {closing}"
        yield JsonLine(path, depth, key, text, JsonKind.FOLDED, end)
        return
    yield JsonLine(path, depth, key, opening, JsonKind.OPEN)
    members: Sequence[tuple[str | int, Json]]
    members = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for index, (name, part) in enumerate(members):
        comma = "," if index + 1 < len(members) else ""
        shown = _dump(name) if is_object else ""
        yield from _lines(part, (*path, name), shown, comma, folded)
    yield JsonLine(path, depth, "", closing, JsonKind.CLOSE, end)


def _describe(value: dict[str, Json] | list[Json]) -> str:
    if isinstance(value, list):
        return f"{len(value):,} {'value' if len(value) == 1 else 'values'}"
    names = ", ".join(list(value)[:4])
    return names if len(value) <= 4 else f"{names}, {len(value) - 4:,} more"


def _containers(value: Json, path: JsonPath) -> Iterator[tuple[JsonPath, Json]]:
    if len(path) >= MAX_DEPTH or not isinstance(value, dict | list) or not value:
        return
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in members:
        yield from _containers(part, (*path, name))


def _count(value: Json) -> int:
    """Return the lines that a value has when nothing is folded."""
    pending, count = [value], 0
    for part in pending:
        if isinstance(part, dict) and part:
            count += 2
            pending.extend(part.values())
        elif isinstance(part, list) and part:
            count += 2
            pending.extend(part)
        else:
            count += 1
    return count


def _kind(value: Json) -> JsonKind:
    match value:
        case bool() | None:
            return JsonKind.WORD
        case int() | float():
            return JsonKind.NUMBER
        case _:
            return JsonKind.TEXT


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
