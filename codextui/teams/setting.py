"""Readers of single settings of a team: a value of TOML in, ours out, or what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from codextui.config_values import number_between, read_text, shown, suggest
from codextui.errors import ConfigInvalid
from codextui.teams.condition import Artifact, Check, Command, Condition, check_pattern
from codextui.teams.routing import Route
from codextui.teams.team import WEB_SEARCH

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""How a role, or a kind of work, may be called."""

_IMPORTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")

Reader: TypeAlias = Callable[[object], object]
Readers: TypeAlias = Mapping[str, Reader]

_CHECKS = tuple(Check)
_LONGEST_COMMAND_S = 3600.0


def reader(readers: Readers, name: str, tables: Sequence[str] = ()) -> Reader:
    """The reader of a key. Raises ConfigInvalid where there is no such key."""
    found = readers.get(name)
    if found is None:
        raise ConfigInvalid(f"is no key{suggest(name, [*readers, *tables])}")
    return found


def one_of(words: Sequence[str]) -> Reader:
    """The reader of one of some words."""

    def read(value: object) -> str:
        if value not in words:
            raise ConfigInvalid(f"must be one of {', '.join(words)}, not {shown(value)}")
        return str(value)

    return read


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(read_text(one) for one in _list(value))


def tools(value: object) -> tuple[str, ...]:
    """Read a list of tools: `web_search`, or where one is imported from."""
    read = texts(value)
    for tool in read:
        if tool != WEB_SEARCH and not _IMPORTED.fullmatch(tool):
            meant = suggest(tool, [WEB_SEARCH]) if ":" not in tool else ""
            raise ConfigInvalid(
                f'must name {WEB_SEARCH} or what is imported, as "package.module:name", '
                f"not {shown(tool)}{meant}"
            )
    return read


def approvals(value: object) -> tuple[str, ...] | None:
    """Read whose calls a person must approve: a list of names, or true for all of them."""
    match value:
        case True:
            return None
        case list():
            return texts(value)
        case _:
            raise ConfigInvalid(f"must be true, or a list of names, not {shown(value)}")


def route(work: str, value: object) -> Route:
    """Read the model of a kind of work: its name, or a table of `model` and `about`."""
    if not NAME.fullmatch(work):
        raise ConfigInvalid("must be named with small letters, digits, - and _")
    match value:
        case str():
            return Route(work, read_text(value))
        case {"model": model, **rest} if set(rest) <= {"about"}:
            about = read_text(rest["about"]) if rest else ""
            return Route(work, read_text(model), about)
        case _:
            told = f"must be a model's name, or {{ model = …, about = … }}, not {shown(value)}"
            raise ConfigInvalid(told)


def folder(value: object) -> str:
    """Read a folder in the project."""
    path = read_text(value)
    return path if path in (".", "./") else check_pattern(path)


def patterns(value: object) -> tuple[str, ...]:
    """Read a list of paths or globs in the project."""
    return tuple(check_pattern(read_text(one)) for one in _list(value))


def artifacts(value: object) -> tuple[Artifact, ...]:
    """Read a list of files: a path or glob each, or a table of `path` and `check`."""
    read = tuple(_condition(one) for one in _list(value))
    for one in read:
        if not isinstance(one, Artifact):
            raise ConfigInvalid(f"must name files; a command makes nothing: {one}")
    return cast("tuple[Artifact, ...]", read)


def conditions(value: object) -> tuple[Condition, ...]:
    """Read a list of conditions: as `artifacts`, or a table of `command` and `timeout`."""
    return tuple(_condition(one) for one in _list(value))


def _condition(value: object) -> Condition:
    match value:
        case str():
            return Artifact(check_pattern(value))
        case {"path": path, **rest} if set(rest) <= {"check"}:
            check = one_of(_CHECKS)(rest.get("check", Check.EXISTS))
            return Artifact(check_pattern(read_text(path)), Check(str(check)))
        case {"command": line, **rest} if set(rest) <= {"timeout"}:
            timeout = number_between(0, _LONGEST_COMMAND_S)(rest.get("timeout", 60))
            return Command(read_text(line), timeout)
        case _:
            raise ConfigInvalid(
                "must be a path, { path = …, check = … } or { command = …, timeout = … }, "
                f"not {shown(value)}"
            )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ConfigInvalid(f"must be a list, not {shown(value)}")
    return value
