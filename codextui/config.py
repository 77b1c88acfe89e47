"""`config.toml`: what it can say, and what it says.

`config.example.toml` documents every key. Here a file becomes frozen dataclasses, or one
`ConfigInvalid` that lists every mistake in it with its line and what would be right.
"""

from __future__ import annotations

import difflib
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codextui.errors import ConfigInvalid
from codextui.http_address import HttpAddress, parse_http_address


@dataclass(frozen=True, slots=True)
class CodexConfig:
    """`[codex]`.

    Attributes:
        binary: the Codex to run; None takes the newest that is found.
        home: its CODEX_HOME; None leaves that to Codex.
    """

    binary: Path | None = None
    home: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`[server]`.

    Attributes:
        idle_timeout: seconds without a client and without a running turn after which the shared
            server ends by itself; 0 is never.
        http: where the server `default` listens for HTTP; None does not.
        http_anywhere: whether that may be an address that other machines can reach.
    """

    idle_timeout: float = 1800.0
    http: HttpAddress | None = None
    http_anywhere: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalsConfig:
    """`[approvals]`.

    Attributes:
        quiet: seconds without a keystroke before the decision keys of a dialog work.
        unattended_timeout: seconds without anybody who could decide after which an approval is
            declined; 0 is at once, None (`"never"`) is never.
    """

    quiet: float = 0.6
    unattended_timeout: float | None = 1800.0


@dataclass(frozen=True, slots=True)
class UiConfig:
    """`[ui]`.

    Attributes:
        theme: a theme's name.
        layout: the most panes on the screen at once, 1 to 9.
        bell: whether the terminal rings when an agent needs a person.
        keys: `[ui.keys]`, binding id → keys, as they stand in the file; `codextui.keymap`
            checks them.
    """

    theme: str = "harbour"
    layout: int = 4
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """All of `config.toml`."""

    codex: CodexConfig = CodexConfig()
    server: ServerConfig = ServerConfig()
    approvals: ApprovalsConfig = ApprovalsConfig()
    ui: UiConfig = UiConfig()


def load(path: Path | None) -> Config:
    """Read the file; the defaults where there is none.

    Raises:
        ConfigInvalid: the file cannot be read, is no TOML, or says something that cannot be.
            The message has a line for every mistake: `FILE:LINE: KEY …`.
    """
    if path is None or not path.exists():
        return Config()
    return parse(_read(path), str(path))


def parse(text: str, where: str = "config.toml") -> Config:
    """Read the text of a configuration; `where` names it in messages. Raises ConfigInvalid."""
    document = _parse_toml(text, where)
    values: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    problems: list[str] = []
    for key, value in _settings(document):
        try:
            _store(values, key, value)
        except ConfigInvalid as error:
            problems.append(f"{where}:{line_of(text, '.'.join(key))}: {'.'.join(key)} {error}")
    if problems:
        raise ConfigInvalid("\n".join(problems))
    return Config(
        codex=CodexConfig(**values["codex"]),
        server=ServerConfig(**values["server"]),
        approvals=ApprovalsConfig(**values["approvals"]),
        ui=UiConfig(**values["ui"]),
    )


def save_setting(path: Path, key: str, value: str | float | bool) -> None:
    """Write one setting, such as `ui.theme`, and keep everything else with its comments.

    The file and its folder are made where there are none. It is replaced in one step, so that
    nobody reads half of it.

    Raises:
        ConfigInvalid: the file cannot be read or written, or would be wrong afterwards.
    """
    import tomlkit  # noqa: PLC0415  # only who saves pays for the writer

    text = _read(path) if path.exists() else ""
    parse(text, str(path))
    document = tomlkit.parse(text)
    table = cast("dict[str, object]", document)
    *sections, name = key.split(".")
    for section in sections:
        table = cast("dict[str, object]", table.setdefault(section, tomlkit.table()))
    table[name] = value
    written = tomlkit.dumps(document)
    parse(written, str(path))
    _replace(path, written)


def line_of(text: str, key: str) -> int:
    """The line, from 1, where a dotted key first appears in a TOML text.

    The text is read line by line further, until the key is there: its line is the first one
    after the last text that was whole without it.
    """
    lines = text.split("\n")
    start = 1
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except (ValueError, RecursionError):
            continue
        if key in _names(document, ""):
            return start
        start = end + 1
    return 1


def _names(table: Mapping[str, object], prefix: str) -> Iterator[str]:
    for name, value in table.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _names(value, f"{prefix}{name}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}") from error


def _replace(path: Path, text: str) -> None:
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary = Path(name)
        temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error}") from error


def _parse_toml(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigInvalid(f"{where}: {error}") from error


def _settings(document: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], object]]:
    for section, table in document.items():
        if section == "teams":
            continue  # codextui.teams.config_team reads it, where a team is run
        if section not in _SECTIONS or not isinstance(table, dict):
            yield (section,), table
            continue
        for name, value in table.items():
            if (section, name) == ("ui", "keys") and isinstance(value, dict):
                yield from ((("ui", "keys", binding), key) for binding, key in _flatten(value, ""))
            else:
                yield (section, name), value


def _store(values: dict[str, dict[str, Any]], key: tuple[str, ...], value: object) -> None:
    match key:
        case ("ui", "keys", binding):
            values["ui"].setdefault("keys", {})[binding] = _read_key(value)
        case (section, name):
            values[section][name] = _reader(section, name)(value)
        case _:
            raise ConfigInvalid(
                f"must be a table; write its keys under [{key[0]}]"
                if key[0] in _SECTIONS
                else "is no section" + _suggest(key[0], list(_SECTIONS), "[{}]")
            )


def _reader(section: str, name: str) -> Callable[[object], object]:
    reader = _READERS.get(f"{section}.{name}")
    if reader is None:
        names = [known.split(".")[1] for known in _READERS if known.startswith(f"{section}.")]
        raise ConfigInvalid(f"is no key of [{section}]" + _suggest(name, names, "{}"))
    return reader


def _suggest(word: str, known: list[str], form: str) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {form.format(close[0])}?"
    return "; there are " + ", ".join(form.format(name) for name in known)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "that"
    return text if len(text) <= 80 else f"{text[:79]}…"


def _read_path(value: object) -> Path:
    try:
        path = Path(_read_text(value)).expanduser()
    except RuntimeError as error:
        raise ConfigInvalid(f"has no such home folder: {_shown(value)}") from error
    if not path.is_absolute() or "\0" in str(path):
        raise ConfigInvalid(f"must be an absolute path (or start with ~/), not {_shown(value)}")
    return path


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid(f"must be a text that is not empty, not {_shown(value)}")
    return value


def _read_http_address(value: object) -> HttpAddress:
    return parse_http_address(_read_text(value))


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigInvalid(f"must be true or false, not {_shown(value)}")
    return value


def _number_between(low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= cast("float", value) <= high:
            raise ConfigInvalid(f"must be a number from {low:g} to {high:g}, not {_shown(value)}")
        return float(cast("float", value))

    return read


def _number_or_never(low: float, high: float) -> Callable[[object], float | None]:
    read_number = _number_between(low, high)

    def read(value: object) -> float | None:
        if value == "never":
            return None
        try:
            return read_number(value)
        except ConfigInvalid as error:
            told = str(error).replace("must be a number", 'must be "never" or a number')
            raise ConfigInvalid(told) from error

    return read


def _integer_between(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigInvalid(f"must be a whole number from {low} to {high}, not {_shown(value)}")
        return value

    return read


def _read_key(value: object) -> str:
    if not isinstance(value, str):
        raise ConfigInvalid(f'must be a key as a text, such as "ctrl+t", not {_shown(value)}')
    return value


def _read_no_table(value: object) -> Mapping[str, str]:
    raise ConfigInvalid(f"must be a table of binding ids and keys, not {_shown(value)}")


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    """`thread.kill = "X"` is a table in a table to TOML, and a binding id to people."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


_SECTIONS = ("codex", "server", "approvals", "ui")

_READERS: dict[str, Callable[[object], object]] = {
    "codex.binary": _read_path,
    "codex.home": _read_path,
    "server.idle_timeout": _number_between(0, 31_536_000),
    "server.http": _read_http_address,
    "server.http_anywhere": _read_flag,
    "approvals.quiet": _number_between(0, 10),
    "approvals.unattended_timeout": _number_or_never(0, 31_536_000),
    "ui.theme": _read_text,
    "ui.layout": _integer_between(1, 9),
    "ui.bell": _read_flag,
    "ui.keys": _read_no_table,
}
