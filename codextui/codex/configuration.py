"""Reads Codex's own configuration: settings, profiles, and the entries of codextui as MCP server.

`codextui setup codex` adds codextui to the MCP servers of Codex's configuration, for other
programs that run Codex. The Codex of our own server reads the same file. Without overrides each
of its threads would start a relay to the server that runs it: that server would never be without
clients, and its agents could start agents without end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.errors import ConfigInvalid
from codextui.jsonrpc.fields import Json, JsonObject

_MAX_BYTES = 1024 * 1024
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_profile(home: Path, name: str) -> JsonObject:
    """Return the settings of a profile: the file `NAME.config.toml` in CODEX_HOME.

    `codex --profile NAME` reads the same file; app-server takes no profile for a thread.

    Raises:
        ConfigInvalid: no such file, not TOML, or a name with folders in it.
    """
    path = home / f"{name}.config.toml"
    if Path(name).name != name:
        raise ConfigInvalid(f"A profile's name cannot be {name!r}: it names a file in {home}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigInvalid(f"There is no profile {name!r}: {path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"The profile {name!r} cannot be used: {path}: {error}") from error


def own_server_overrides(home: Path, cwd: str | None) -> dict[str, Json]:
    """Return the settings, by dotted key, that disable codextui's own MCP servers for a thread.

    Files that cannot be read give none: Codex reports them. Neither do servers whose names
    cannot be part of a dotted key.

    Args:
        home: CODEX_HOME.
        cwd: the thread's folder, whose project and parents may have a configuration of their
            own; None where it is unknown.
    """
    overrides: dict[str, Json] = {}
    user_servers = _mcp_servers(home / "config.toml")
    for name in _own_names(user_servers):
        overrides[f"mcp_servers.{name}.enabled"] = False
    for folder in _with_parents(cwd):
        servers = _mcp_servers(folder / ".codex" / "config.toml")
        for name in _own_names(servers):
            overrides[f"mcp_servers.{name}.enabled"] = False
            if name not in user_servers:
                # Codex does not read the file of a project that it does not trust. Our override
                # is then the whole entry, and an entry must have a command or a URL.
                key = "url" if "url" in servers[name] else "command"
                overrides[f"mcp_servers.{name}.{key}"] = servers[name][key]
    return overrides


def parse_settings(settings: Iterable[tuple[str, str]]) -> JsonObject:
    """Return Codex's settings from its options `-c KEY=VALUE`.

    A value is TOML, or a string without its quotes if it is not, as for `codex -c`.
    """
    return {key: _parse_value(text) for key, text in settings}


def _parse_value(text: str) -> Json:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip().strip("'\"")
    return value if isinstance(value, str | int | float | list | dict) else text


def configured_roots(home: Path, profile: JsonObject) -> tuple[str, ...]:
    """Return the folders that the user lets every `workspace-write` sandbox write to.

    They are those of a profile where it has some, else those of `config.toml`. A file that cannot
    be read gives none: Codex reports it.

    Args:
        home: CODEX_HOME.
        profile: the settings of the thread's profile.
    """
    for settings in (profile, _read_toml(home / "config.toml")):
        match settings:
            case {"sandbox_workspace_write": {"writable_roots": list(roots)}}:
                return tuple(root for root in roots if isinstance(root, str))
    return ()


def configured_model(home: Path) -> str:
    """Return the model that `config.toml` names; empty if it names none or cannot be read.

    Args:
        home: CODEX_HOME.
    """
    model = _read_toml(home / "config.toml").get("model")
    return model if isinstance(model, str) else ""


def _with_parents(cwd: str | None) -> Iterator[Path]:
    if cwd is not None:
        yield from (Path(cwd), *Path(cwd).parents)


def _read_toml(path: Path) -> JsonObject:
    try:
        if not path.is_file():
            return {}  # An agent can put a pipe there, which would block for ever.
        with path.open("rb") as file:
            return tomllib.loads(file.read(_MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}


def _mcp_servers(path: Path) -> dict[str, dict[str, Json]]:
    servers = _read_toml(path).get("mcp_servers")
    if not isinstance(servers, dict):
        return {}
    return {name: server for name, server in servers.items() if isinstance(server, dict)}


def _own_names(servers: Mapping[str, Mapping[str, Json]]) -> list[str]:
    return [
        name for name, server in servers.items() if _BARE_KEY.fullmatch(name) and _is_own(server)
    ]


def _is_own(server: Mapping[str, Json]) -> bool:
    if "url" in server:
        has_our_token = server.get("bearer_token_env_var") == TOKEN_VARIABLE
        return has_our_token and isinstance(server["url"], str)
    command, arguments = server.get("command"), server.get("args")
    if not isinstance(command, str):
        return False  # Codex cannot start it.
    parts = [command, *(arguments if isinstance(arguments, list) else ())]
    # The argument of `sh -c` is a whole command line.
    words = [word.strip("'\"") for part in parts for word in str(part).split()]
    return "mcp-server" in words and any(Path(word).name == "codextui" for word in words)
