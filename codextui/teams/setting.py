"""Readers of single settings of a team: a value of TOML in, ours out, or what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from codextui.errors import ConfigInvalid
from codextui.teams.condition import Artifact, Check, Command, Condition, check_pattern

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""How a role may be called."""

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


def suggest(word: str, known: Sequence[str]) -> str:
    """What somebody may have meant, to be put behind a message."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def text(value: object) -> str:
    """Read a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid(f"must be a text that is not empty, not {_shown(value)}")
    return value


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ConfigInvalid(f"must be true or false, not {_shown(value)}")
    return value


def one_of(words: Sequence[str]) -> Reader:
    """The reader of one of some words."""

    def read(value: object) -> str:
        if value not in words:
            raise ConfigInvalid(f"must be one of {', '.join(words)}, not {_shown(value)}")
        return str(value)

    return read


def whole_number(high: int) -> Reader:
    """The reader of a whole number from 0."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
            raise ConfigInvalid(f"must be a whole number from 0 to {high}, not {_shown(value)}")
        return value

    return read


def number(high: float) -> Reader:
    """The reader of a number from 0."""

    def read(value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= cast("float", value) <= high:
            raise ConfigInvalid(f"must be a number from 0 to {high:g}, not {_shown(value)}")
        return float(cast("float", value))

    return read


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(text(one) for one in _list(value))


def names_among(words: Sequence[str]) -> Reader:
    """The reader of a list of some of these words."""
    read = one_of(words)
    return lambda value: tuple(read(one) for one in _list(value))


def folder(value: object) -> str:
    """Read a folder in the project."""
    path = text(value)
    return path if path in (".", "./") else check_pattern(path)


def patterns(value: object) -> tuple[str, ...]:
    """Read a list of paths or globs in the project."""
    return tuple(check_pattern(text(one)) for one in _list(value))


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
            return Artifact(check_pattern(text(path)), Check(str(check)))
        case {"command": line, **rest} if set(rest) <= {"timeout"}:
            timeout = number(_LONGEST_COMMAND_S)(rest.get("timeout", 60))
            return Command(text(line), cast("float", timeout))
        case _:
            raise ConfigInvalid(
                "must be a path, { path = …, check = … } or { command = …, timeout = … }, "
                f"not {_shown(value)}"
            )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ConfigInvalid(f"must be a list, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
