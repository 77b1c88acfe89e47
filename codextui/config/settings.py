"""The settings of `[ui]` and `[approvals]` as fields of a form, with the checks of the file."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from codextui.config.readers import quote
from codextui.config.schema import (
    ApprovalsConfig,
    Config,
    SettingValue,
    UiConfig,
    load_config,
    save_settings,
)
from codextui.config.tables import TableReader, keys_of
from codextui.errors import ConfigInvalid

_SECTIONS: dict[str, type] = {"ui": UiConfig, "approvals": ApprovalsConfig}
_WORDS_FOR_NONE = ("auto", "never")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_OPTIONS = {"ui.layout": ("auto", "1", "2", "3", "4", "6", "9")}


class Setting(msgspec.Struct, frozen=True):
    """A setting.

    Attributes:
        key: its dotted key, such as `ui.theme`.
        value: its value, as text.
        default: its default, as text.
        options: the values to choose from; empty if it is any text.
        about: what it does, in a sentence.
    """

    key: str
    value: str
    default: str
    options: tuple[str, ...] = ()
    about: str = ""

    @property
    def section(self) -> str:
        """The table of the file that has it."""
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """Its key in the table."""
        return self.key.partition(".")[2]


class SettingsFile(msgspec.Struct, frozen=True):
    """A configuration file as a form shows it.

    Attributes:
        path: the file.
        exists: whether there is one.
        config: what it says; the defaults if there is no file, or one with mistakes.
        problem: what is wrong in it, a line for every mistake; empty if nothing.
    """

    path: Path
    exists: bool
    config: Config
    problem: str = ""


def read_settings_file(path: Path) -> SettingsFile:
    """Read a configuration file. Never raises: mistakes are in `problem`."""
    try:
        return SettingsFile(path, path.exists(), load_config(path))
    except ConfigInvalid as error:
        return SettingsFile(path, exists=True, config=Config(), problem=str(error))


def describe_settings(config: Config) -> tuple[Setting, ...]:
    """Describe every setting of `[ui]` and `[approvals]`, but for the keys."""
    return tuple(
        setting
        for section, kind in _SECTIONS.items()
        for setting in _describe_section(section, kind, getattr(config, section))
    )


def check_setting(key: str, text: str) -> SettingValue:
    """Return the value of a text, as TOML has it; None if it is the default.

    Raises:
        ConfigInvalid: what would be right.
    """
    section, _, name = key.partition(".")
    reader = keys_of(_SECTIONS[section])[name]
    value = _parse(text, is_bool=_hint_of(section, name) is bool)
    if text == next(one.default for one in describe_settings(Config()) if one.key == key):
        return None
    if not isinstance(reader, TableReader):
        reader(value)
    return value


def _parse(text: str, *, is_bool: bool) -> SettingValue:
    if text in ("true", "false") and is_bool:
        return text == "true"
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if not text.startswith("["):
        return text
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError) as error:
        problem = f'must be a list in brackets, such as ["one", "two"], not {quote(text)}'
        raise ConfigInvalid(problem) from error
    return value if isinstance(value, list) else text


def save_texts(path: Path, changes: Mapping[str, str]) -> None:
    """Save settings, given as texts; those with their default are removed from the file.

    Everything else in the file stays, comments too.

    Raises:
        ConfigInvalid: a value is wrong, or the file cannot be read or written.
    """
    save_settings(path, {key: check_setting(key, text) for key, text in changes.items()})


def save_binding_keys(path: Path, binding_id: str, keys: str | None) -> Config:
    """Save the keys of a binding in `[ui.keys]`; None removes them from the file.

    Everything else in the file stays, comments too.

    Returns:
        the configuration as it is now.

    Raises:
        ConfigInvalid: the file cannot be read or written.
    """
    changes: dict[tuple[str, ...], SettingValue] = {("ui", "keys", binding_id): keys}
    save_settings(path, changes)
    return load_config(path)


def _describe_section(section: str, kind: type, current: object) -> Iterator[Setting]:
    abouts = _attributes(kind.__doc__ or "")
    for name, reader in keys_of(kind).items():
        if isinstance(reader, TableReader):
            continue
        key = f"{section}.{name}"
        yield Setting(
            key,
            _text_of(getattr(current, name), reader),
            _text_of(getattr(kind(), name), reader),
            _OPTIONS.get(key) or _options_of(_hint_of(section, name)),
            abouts.get(name, ""),
        )


def _hint_of(section: str, name: str) -> Any:
    return get_type_hints(_SECTIONS[section])[name]


def _options_of(hint: Any) -> tuple[str, ...]:
    if hint is bool:
        return ("true", "false")
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return tuple(word.value for word in hint)
    return ()


def _text_of(value: object, reader: Any) -> str:
    match value:
        case None:
            return next((word for word in _WORDS_FOR_NONE if _reads_as_none(reader, word)), "")
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case list() | tuple():
            return json.dumps([str(item) for item in value], ensure_ascii=False)
        case _:
            return str(value)


def _reads_as_none(reader: Any, word: str) -> bool:
    with contextlib.suppress(ConfigInvalid):
        return reader(word) is None
    return False


def _attributes(docstring: str) -> dict[str, str]:
    """Return what a docstring says of each attribute, by name."""
    found: dict[str, str] = {}
    name = ""
    for line in docstring.partition("Attributes:")[2].splitlines():
        indent = len(line) - len(line.lstrip())
        first, colon, rest = line.strip().partition(": ")
        if colon and indent <= 8 and first.isidentifier():
            name = first
            found[name] = rest
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return {name: f"{text[:1].upper()}{text[1:]}".replace("`", "") for name, text in found.items()}
