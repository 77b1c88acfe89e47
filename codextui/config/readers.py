"""Readers of single values of config.toml: a value of TOML in, ours out, or what would be right.

Each raises ConfigInvalid with words that follow the key's name: `must be …`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias, cast

from codextui.config.address import HttpAddress, parse_http_address
from codextui.errors import ConfigInvalid

Reader: TypeAlias = Callable[[object], object]

PRICE_PARTS = ("input", "cached_input", "output")
"""The keys of a model's price."""


def suggest(word: str, known: list[str], form: str = "{}") -> str:
    """What somebody may have meant, to be put behind a message."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {form.format(close[0])}?"
    return "; there are " + ", ".join(form.format(name) for name in known)


def shown(value: object) -> str:
    """A wrong value in a message."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return text if len(text) <= 80 else f"{text[:79]}…"


def read_path(value: object) -> Path:
    """An absolute path; `~/` is the home folder."""
    try:
        path = Path(read_text(value)).expanduser()
    except RuntimeError as error:
        raise ConfigInvalid(f"has no such home folder: {shown(value)}") from error
    if not path.is_absolute() or "\0" in str(path):
        raise ConfigInvalid(f"must be an absolute path (or start with ~/), not {shown(value)}")
    return path


def read_text(value: object) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid(f"must be a text that is not empty, not {shown(value)}")
    return value


def read_http_address(value: object) -> HttpAddress:
    """`HOST:PORT`."""
    return parse_http_address(read_text(value))


def read_flag(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ConfigInvalid(f"must be true or false, not {shown(value)}")
    return value


def number_between(low: float, high: float) -> Callable[[object], float]:
    """The reader of a number between two others."""

    def read(value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= cast("float", value) <= high:
            raise ConfigInvalid(f"must be a number from {low:g} to {high:g}, not {shown(value)}")
        return float(cast("float", value))

    return read


def number_or_never(low: float, high: float) -> Callable[[object], float | None]:
    """The reader of a number, or of `"never"`, which is None."""
    read_number = number_between(low, high)

    def read(value: object) -> float | None:
        if value == "never":
            return None
        try:
            return read_number(value)
        except ConfigInvalid as error:
            told = str(error).replace("must be a number", 'must be "never" or a number')
            raise ConfigInvalid(told) from error

    return read


def integer_between(low: int, high: int) -> Callable[[object], int]:
    """The reader of a whole number between two others."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigInvalid(f"must be a whole number from {low} to {high}, not {shown(value)}")
        return value

    return read


def read_key(value: object) -> str:
    """A key as Textual writes it."""
    if not isinstance(value, str):
        raise ConfigInvalid(f'must be a key as a text, such as "ctrl+t", not {shown(value)}')
    return value


def check_price(model: str, value: object) -> None:
    """Refuse what is no whole price of a model."""
    if not isinstance(value, dict):
        meant = suggest(model, ["currency"]) if model.startswith("cur") else ""
        raise ConfigInvalid(f"must be a table of prices, not {shown(value)}{meant}")
    if any(isinstance(part, dict) for part in value.values()):
        return  # read_price says what is wrong
    missing = [part for part in ("input", "output") if part not in value]
    if missing:
        raise ConfigInvalid(f"needs {' and '.join(missing)}: what a million tokens cost")


def read_price(part: str, value: object) -> float:
    """One part of the price of a model: money for a million tokens."""
    if isinstance(value, dict):
        raise ConfigInvalid('must be a number; a name with dots is quoted: [prices."gpt-5.2"]')
    if part not in PRICE_PARTS:
        raise ConfigInvalid("is no price" + suggest(part, list(PRICE_PARTS)))
    return number_between(0, 1_000_000)(value)


def one_of(words: type[StrEnum]) -> Callable[[object], StrEnum]:
    """The reader of one of some words."""

    def read(value: object) -> StrEnum:
        if value not in tuple(words):
            raise ConfigInvalid(f"must be one of {', '.join(words)}, not {shown(value)}")
        return words(str(value))

    return read


def read_url(value: object) -> str:
    """An http or https address."""
    url = read_text(value)
    if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
        raise ConfigInvalid(f"must be an http:// or https:// address, not {shown(value)}")
    return url


def read_no_table(value: object) -> Mapping[str, str]:
    """Refuse what should be a table."""
    raise ConfigInvalid(f"must be a table of binding ids and keys, not {shown(value)}")
