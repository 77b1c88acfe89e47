"""The schema of `config.toml`: its sections as dataclasses, loading, and saving a setting.

`config.example.toml` documents every key. A new key is a line here, annotated with the reader of
its value (see `codextui.config.tables`), and its documentation there, which tests require.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

from codextui.config.address import HttpAddress
from codextui.config.attach import AUTO, Attach
from codextui.config.files import replace_file
from codextui.config.notices import ALWAYS, Notice, parse_notify_command, parse_popup
from codextui.config.prices import Prices, read_prices
from codextui.config.readers import (
    integer_between,
    integer_or_auto,
    list_of,
    number_between,
    number_or_never,
    one_of,
    read_attach,
    read_binding_keys,
    read_bool,
    read_command,
    read_http_address,
    read_path,
    read_string,
    read_terminal,
    read_url,
)
from codextui.config.tables import ConfigFile, Table, TableReader, read_text
from codextui.config.terminal import AUTO_TERMINAL, TerminalChoice
from codextui.errors import ConfigInvalid
from codextui.protocol.approvals import Deciders, Others

SettingValue = str | float | bool | Sequence[str] | None
"""A value as TOML has it; None for the default, which is not written."""

_YEAR_S = 31_536_000
_YEAR_H = 8760
_SECONDS = "seconds (a year)"


@dataclass(frozen=True, slots=True)
class CodexConfig:
    """`[codex]`.

    Attributes:
        binary: the Codex binary; None is the newest that is found.
        home: its CODEX_HOME; None leaves that to Codex.
        attach: which app-server the shared server uses.
        token_env: the environment variable with the token of the app-server at an address; None
            for none.
    """

    binary: Annotated[Path | None, read_path] = None
    home: Annotated[Path | None, read_path] = None
    attach: Annotated[Attach, read_attach] = AUTO
    token_env: Annotated[str | None, read_string] = None


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`[server]`.

    Attributes:
        idle_timeout: seconds without clients and running turns until the shared server ends;
            0 is never.
        http: the address on which the server `default` listens for HTTP; None is none.
        http_anywhere: whether `http` may be an address that other machines can reach.
    """

    idle_timeout: Annotated[float, number_between(0, _YEAR_S, _SECONDS)] = 1800.0
    http: Annotated[HttpAddress | None, read_http_address] = None
    http_anywhere: Annotated[bool, read_bool] = False


@dataclass(frozen=True, slots=True)
class ApprovalsConfig:
    """`[approvals]`.

    Attributes:
        quiet: seconds without a keystroke until the decision keys of a dialog work.
        clients: who is asked where a client's call has started the turn: the consoles, the
            client, or both.
        unattended_timeout: seconds without anyone who can decide until an approval is declined;
            0 is at once, `"never"` is never.
        others: whether `clients` and `unattended_timeout` also apply to the threads of other
            programs on the same Codex.
        popup: for which approvals the dialog opens by itself: `always`, `never`, or conditions
            of which one has to hold (`codextui.config.notices`).
    """

    quiet: Annotated[float, number_between(0, 10, "seconds")] = 0.6
    clients: Annotated[Deciders, one_of(Deciders)] = Deciders.BOTH
    unattended_timeout: Annotated[float | None, number_or_never(0, _YEAR_S, _SECONDS)] = 1800.0
    others: Annotated[Others, one_of(Others)] = Others.SHOW
    popup: Annotated[str | tuple[str, ...], parse_popup] = ALWAYS


def _read_bindings(table: Table) -> dict[str, str]:
    """Read `[ui.keys]`. TOML takes `thread.kill = "X"`, without quotes, for nested tables."""
    bindings = Table(table.file, table.key, dict(_flatten(table.values, "")))
    return bindings.read_entries(lambda _, keys: read_binding_keys(keys))


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


_BINDINGS = TableReader(
    _read_bindings, problem="must be a table of binding ids and keys, not {value}"
)


@dataclass(frozen=True, slots=True)
class UiConfig:
    """`[ui]`.

    Attributes:
        theme: a theme's name.
        layout: the maximum of panes on the screen, 1 to 9; `"auto"` is as many as read well.
        bell: whether the terminal's bell rings when an agent needs a person.
        notify: how else a user who looks elsewhere is alerted.
        notify_command: the command that is run for that, and its arguments; empty for none.
        motion: whether anything on the screen moves smoothly or blinks.
        archive_after: hours after which the console puts a run that is over away; 0 for never.
        terminal: where a thread is opened in Codex's own TUI.
        copy_command: reads copied text from its standard input; without one the terminal's
            clipboard is used.
        keys: `[ui.keys]`: keys by binding id. `codextui.console.bindings` checks them.
    """

    theme: Annotated[str, read_string] = "harbour"
    layout: Annotated[int | None, integer_or_auto(1, 9)] = None
    bell: Annotated[bool, read_bool] = True
    notify: Annotated[tuple[Notice, ...], list_of(one_of(Notice))] = (Notice.TITLE, Notice.DESKTOP)
    notify_command: Annotated[tuple[str, ...], parse_notify_command] = ()
    motion: Annotated[bool, read_bool] = True
    archive_after: Annotated[int, integer_between(0, _YEAR_H)] = 12
    terminal: Annotated[TerminalChoice, read_terminal] = AUTO_TERMINAL
    copy_command: Annotated[str | None, read_command] = None
    keys: Annotated[Mapping[str, str], _BINDINGS] = field(default_factory=dict)


class Export(StrEnum):
    """Where the traces of teams are sent."""

    NONE = "none"
    OPENAI = "openai"
    OTLP = "otlp"


@dataclass(frozen=True, slots=True)
class TracesConfig:
    """`[traces]`.

    Attributes:
        export: where the traces of teams are sent, beside the run's own folder.
        endpoint: the URL of an OpenTelemetry collector; None leaves it to the environment.
        include_data: whether traces include prompts, answers and the arguments of tools.
    """

    export: Annotated[Export, one_of(Export)] = Export.NONE
    endpoint: Annotated[str | None, read_url] = None
    include_data: Annotated[bool, read_bool] = False


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, without `[teams]`, which `codextui.teams.config` reads."""

    codex: CodexConfig = CodexConfig()
    server: ServerConfig = ServerConfig()
    approvals: ApprovalsConfig = ApprovalsConfig()
    ui: UiConfig = UiConfig()
    traces: TracesConfig = TracesConfig()
    prices: Annotated[Prices, TableReader(read_prices)] = field(default_factory=Prices)


def load_config(path: Path | None) -> Config:
    """Load a configuration file; the defaults if `path` is None or there is no such file.

    Raises:
        ConfigInvalid: the file cannot be read, is not TOML, or contains mistakes. The message
            has a line for every mistake: `FILE:LINE: KEY …`.
    """
    return _checked(ConfigFile.load(path))


def read_config(file: ConfigFile) -> Config:
    """Return what a file says but for `[teams]`; mistakes are in the file's `problems`."""
    return file.root.build(Config, others=("teams",))


def parse_config(text: str, name: str = "config.toml") -> Config:
    """Parse the text of a configuration; `name` is its name in messages. Raises ConfigInvalid."""
    return _checked(ConfigFile(text, name))


def save_setting(path: Path, key: str, value: str | float | bool) -> None:
    """Save one setting, such as `ui.theme`. See `save_settings`."""
    save_settings(path, {key: value})


def save_settings(
    path: Path, changes: Mapping[str, SettingValue] | Mapping[tuple[str, ...], SettingValue]
) -> None:
    """Save settings; everything else in the file stays, comments too.

    The file and its folder are created if they are missing. The file is replaced atomically.

    Args:
        path: the configuration file.
        changes: values by dotted key, or by the names of the tables and of the key, which may
            have dots; None removes the key.

    Raises:
        ConfigInvalid: the file cannot be read or written, or would be wrong afterwards.
    """
    import tomlkit  # noqa: PLC0415 - slow to import, and seldom needed

    text = read_text(path) if path.exists() else ""
    parse_config(text, str(path))
    document = tomlkit.parse(text)
    for key, value in changes.items():
        *sections, name = key.split(".") if isinstance(key, str) else key
        table = cast("dict[str, object]", document)
        for section in sections:
            table = cast("dict[str, object]", table.setdefault(section, tomlkit.table()))
        _remove_nested(table, name.split("."))
        if value is not None:
            table[name] = value
        elif name in table:
            del table[name]
    changed = tomlkit.dumps(document)
    parse_config(changed, str(path))
    if path.exists() and not path.stat().st_mode & 0o222:
        raise ConfigInvalid(f"{path} is read-only: chmod u+w lets codextui change it")
    try:
        replace_file(path, changed.encode(), new_mode=0o600)
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error}") from error


def _remove_nested(table: dict[str, object], names: list[str]) -> None:
    """Remove the value of a dotted key that was written without quotes, as nested tables."""
    first, *rest = names
    inner = table.get(first)
    if not rest or not isinstance(inner, dict):
        return
    if len(rest) == 1:
        inner.pop(rest[0], None)
    else:
        _remove_nested(inner, rest)
    if not inner:
        del table[first]


def _checked(file: ConfigFile) -> Config:
    config = read_config(file)
    file.check()
    return config
