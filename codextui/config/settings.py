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

from codextui.config.schema import ApprovalsConfig, Config, UiConfig, load_config, save_settings
from codextui.config.tables import TableReader, keys_of
from codextui.errors import ConfigInvalid

SettingValue = str | float | bool | list[str] | None
"""A value as TOML has it; None for the default, which is not written."""

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
    """Return the value of a text, as TOML has it; None where no text is the default.

    Raises ConfigInvalid: what would be right.
    """
    section, _, name = key.partition(".")
    reader = keys_of(_SECTIONS[section])[name]
    value: SettingValue = text
    if not text and _is_absent_by_default(section, name, reader):
        return None
    if text.startswith("["):
        value = _read_list(text)
    elif text in ("true", "false") and _hint_of(section, name) is bool:
        value = text == "true"
    elif _NUMBER.fullmatch(text):
        value = float(text) if "." in text else int(text)
    if not isinstance(reader, TableReader):
        reader(value)
    return value


def save_texts(path: Path, changes: Mapping[str, str]) -> None:
    """Save settings, given as texts; those with their default are removed from the file.

    Everything else in the file stays, comments too.

    Raises:
        ConfigInvalid: a value is wrong, or the file cannot be read or written.
    """
    defaults = {setting.key: setting.default for setting in describe_settings(Config())}
    values: dict[str, SettingValue] = {}
    for key, text in changes.items():
        value = check_setting(key, text)
        values[key] = None if text == defaults[key] else value
    save_settings(path, values)


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


def _read_list(text: str) -> list[str]:
    """Return the list that a text is, as TOML writes it."""
    try:
        return list(tomllib.loads(f"list = {text}")["list"])
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ConfigInvalid(f'must be a list such as ["one", "two"]: {error}') from error


def _is_absent_by_default(section: str, name: str, reader: Any) -> bool:
    """Return whether the default is that the key is not in the file."""
    default = getattr(_SECTIONS[section](), name)
    return default is None and not _text_of(default, reader)


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
        case tuple():
            return json.dumps(value, ensure_ascii=False)
        case float() if value.is_integer():
            return str(int(value))
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
