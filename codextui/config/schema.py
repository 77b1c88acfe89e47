"""`config.toml`: what it can say, and what it says.

`config.example.toml` documents every key. Here a file becomes frozen dataclasses, or one
`ConfigInvalid` that lists every mistake in it with its line and what would be right.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from codextui.config import readers as config_values
from codextui.config.address import HttpAddress
from codextui.config.prices import Price, Prices
from codextui.errors import ConfigInvalid


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
        keys: `[ui.keys]`, binding id → keys, as they stand in the file; `codextui.console.bindings`
            checks them.
    """

    theme: str = "harbour"
    layout: int = 4
    bell: bool = True
    keys: Mapping[str, str] = field(default_factory=dict)


class Export(StrEnum):
    """Where the traces of teams go beside the run's own folder."""

    NONE = "none"
    OPENAI = "openai"
    OTLP = "otlp"


@dataclass(frozen=True, slots=True)
class TracesConfig:
    """`[traces]`.

    Attributes:
        export: where the traces of teams are sent.
        endpoint: the URL that takes OpenTelemetry's traces; None leaves it to the environment.
        include_data: whether what is asked, answered and called is part of them.
    """

    export: Export = Export.NONE
    endpoint: str | None = None
    include_data: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """All of `config.toml`."""

    codex: CodexConfig = CodexConfig()
    server: ServerConfig = ServerConfig()
    approvals: ApprovalsConfig = ApprovalsConfig()
    ui: UiConfig = UiConfig()
    traces: TracesConfig = TracesConfig()
    prices: Prices = field(default_factory=Prices)


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
    models = {name: Price(**price) for name, price in values["prices"].pop("models", {}).items()}
    return Config(
        codex=CodexConfig(**values["codex"]),
        server=ServerConfig(**values["server"]),
        approvals=ApprovalsConfig(**values["approvals"]),
        ui=UiConfig(**values["ui"]),
        traces=TracesConfig(**values["traces"]),
        prices=Prices(models=models, **values["prices"]),
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
            elif section == "prices" and isinstance(value, dict):
                yield (section, name), value  # whether it is whole
                yield from (((section, name, key), price) for key, price in value.items())
            else:
                yield (section, name), value


def _store(values: dict[str, dict[str, Any]], key: tuple[str, ...], value: object) -> None:
    match key:
        case ("ui", "keys", binding):
            values["ui"].setdefault("keys", {})[binding] = config_values.read_key(value)
        case ("prices", model) if model != "currency":
            config_values.check_price(model, value)
        case ("prices", model, part):
            price = values["prices"].setdefault("models", {}).setdefault(model, {})
            price[part] = config_values.read_price(part, value)
        case (section, name):
            values[section][name] = _reader(section, name)(value)
        case _:
            raise ConfigInvalid(
                f"must be a table; write its keys under [{key[0]}]"
                if key[0] in _SECTIONS
                else "is no section" + config_values.suggest(key[0], list(_SECTIONS), "[{}]")
            )


def _reader(section: str, name: str) -> Callable[[object], object]:
    reader = _READERS.get(f"{section}.{name}")
    if reader is None:
        names = [known.split(".")[1] for known in _READERS if known.startswith(f"{section}.")]
        raise ConfigInvalid(f"is no key of [{section}]" + config_values.suggest(name, names))
    return reader


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    """`thread.kill = "X"` is a table in a table to TOML, and a binding id to people."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


_SECTIONS = ("codex", "server", "approvals", "ui", "traces", "prices")

_READERS: dict[str, Callable[[object], object]] = {
    "codex.binary": config_values.read_path,
    "codex.home": config_values.read_path,
    "server.idle_timeout": config_values.number_between(0, 31_536_000),
    "server.http": config_values.read_http_address,
    "server.http_anywhere": config_values.read_flag,
    "approvals.quiet": config_values.number_between(0, 10),
    "approvals.unattended_timeout": config_values.number_or_never(0, 31_536_000),
    "ui.theme": config_values.read_text,
    "ui.layout": config_values.integer_between(1, 9),
    "ui.bell": config_values.read_flag,
    "ui.keys": config_values.read_no_table,
    "traces.export": config_values.one_of(Export),
    "traces.endpoint": config_values.read_url,
    "traces.include_data": config_values.read_flag,
    "prices.currency": config_values.read_text,
}
