"""Readers of single values of a configuration file.

A reader converts a value of TOML. It raises `ConfigInvalid` with a text that follows the key's
name and says what would be right: `must be …`. Functions such as `number_between` return readers.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from codextui.config.address import HttpAddress, parse_http_address
from codextui.config.attach import Attach, parse_attach
from codextui.config.terminal import TerminalChoice, parse_terminal
from codextui.errors import ConfigInvalid

Reader: TypeAlias = Callable[[object], Any]

_T = TypeVar("_T")
_Word = TypeVar("_Word", bound=str)

_QUOTE_LIMIT = 80


def read_string(value: object) -> str:
    """Read a string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid(f"must be a text that is not empty, not {quote(value)}")
    return value


def read_command(value: object) -> str:
    """Read a command line, which no shell reads."""
    command = read_string(value)
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigInvalid(f"is no command: {error} in {quote(value)}") from None
    if not words:
        raise ConfigInvalid(f"must be a command, not {quote(value)}")
    return command


def read_bool(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ConfigInvalid(f"must be true or false, not {quote(value)}")
    return value


def read_path(value: object) -> Path:
    """Read an absolute path; a leading `~/` is the home folder."""
    try:
        path = Path(read_string(value)).expanduser()
    except RuntimeError as error:
        raise ConfigInvalid(f"has no such home folder: {quote(value)}") from error
    if not path.is_absolute() or "\0" in str(path):
        raise ConfigInvalid(f"must be an absolute path (or start with ~/), not {quote(value)}")
    return path


def read_http_address(value: object) -> HttpAddress:
    """Read `HOST:PORT`."""
    return parse_http_address(read_string(value))


def read_attach(value: object) -> Attach:
    """Read which Codex the shared server uses."""
    return parse_attach(read_string(value))


def read_terminal(value: object) -> TerminalChoice:
    """Read where Codex's own TUI is opened."""
    return parse_terminal(read_string(value))


def read_url(value: object) -> str:
    """Read an http or https URL."""
    url = read_string(value)
    if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
        raise ConfigInvalid(f"must be an http:// or https:// address, not {quote(value)}")
    return url


def read_binding_keys(value: object) -> str:
    """Read keys as Textual names them, separated by commas."""
    if not isinstance(value, str):
        raise ConfigInvalid(f'must be a key as a text, such as "ctrl+t", not {quote(value)}')
    return value


def number_between(low: float, high: float, unit: str = "") -> Callable[[object], float]:
    """Return a reader of numbers from `low` to `high`, of a unit that messages name."""

    def read(value: object) -> float:
        return _read_number(value, low, high, "a number", unit)

    return read


def number_or_never(low: float, high: float, unit: str = "") -> Callable[[object], float | None]:
    """Return a reader of numbers, as `number_between`, and of `"never"`, which becomes None."""

    def read(value: object) -> float | None:
        if value == "never":
            return None
        return _read_number(value, low, high, '"never" or a number', unit)

    return read


def integer_or_auto(low: int, high: int) -> Callable[[object], int | None]:
    """Return a reader of integers from `low` to `high` and of `"auto"`, which becomes None."""

    def read(value: object) -> int | None:
        if value == "auto":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            expected = f'"auto" or a whole number {_range(low, high)}'
            raise ConfigInvalid(f"must be {expected}, not {quote(value)}")
        return value

    return read


def integer_between(low: int, high: int) -> Callable[[object], int]:
    """Return a reader of integers from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            expected = f"a whole number {_range(low, high)}"
            raise ConfigInvalid(f"must be {expected}, not {quote(value)}")
        return value

    return read


def one_of(words: Iterable[_Word]) -> Callable[[object], _Word]:
    """Return a reader of one of some strings, which may be the members of a `StrEnum`."""
    by_value = {str(word): word for word in words}

    def read(value: object) -> _Word:
        if not isinstance(value, str) or value not in by_value:
            raise ConfigInvalid(f"must be one of {', '.join(by_value)}, not {quote(value)}")
        return by_value[value]

    return read


def list_of(read_item: Callable[[object], _T]) -> Callable[[object], tuple[_T, ...]]:
    """Return a reader of lists."""

    def read(value: object) -> tuple[_T, ...]:
        if not isinstance(value, list):
            example = f": [{quote(value)}]" if isinstance(value, str) else ""
            raise ConfigInvalid(f"must be a list{example}, not {quote(value)}")
        return tuple(read_item(item) for item in value)

    return read


def suggest(word: str, known: Sequence[str], form: str = "{}") -> str:
    """Return the ending of a message about an unknown word: the closest known one, or all.

    Args:
        word: what the user wrote.
        known: the allowed words.
        form: a format for known words, such as `[{}]`.
    """
    return suggest_close(word, known, form) or "; there are " + ", ".join(map(form.format, known))


def suggest_close(word: str, known: Sequence[str], form: str = "{}") -> str:
    """Return as `suggest` the closest known word; an empty string if none is close."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for a mistake

    close = get_close_matches(word, known, n=1)
    return f"; did you mean {form.format(close[0])}?" if close else ""


def quote(value: object) -> str:
    """Return a wrong value for a message, much as TOML has it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        pairs = ", ".join(f"{name} = {quote(inner)}" for name, inner in value.items())
        return f"{{ {pairs} }}" if len(pairs) < _QUOTE_LIMIT else "a table"
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return text if len(text) <= _QUOTE_LIMIT else f"{text[: _QUOTE_LIMIT - 1]}…"


def _read_number(value: object, low: float, high: float, expected: str, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        expected = f"{expected} {_range(low, high)}{f' {unit}' if unit else ''}"
        raise ConfigInvalid(f"must be {expected}, not {quote(value)}")
    return float(value)


def _range(low: float, high: float) -> str:
    """Return `from 0 to 1,000,000`."""
    return f"from {low:,} to {high:,}".replace(".0 ", " ").removesuffix(".0")
