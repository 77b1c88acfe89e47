"""The MCP servers of the user's configuration that are codextui itself.

`codextui setup codex` makes an entry for other Codex programs. The Codex that runs our threads
reads the same file: each of its threads would start a relay to the server that it belongs to,
which would then never be without clients, and its agents could start agents without end.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.errors import ConfigInvalid
from codextui.jsonrpc.fields import Json, JsonObject

_MAX_FILE = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def own_servers_off(home: Path, cwd: str | None) -> dict[str, Json]:
    """The settings of a thread by which it does without codextui's own servers.

    Args:
        home: CODEX_HOME.
        cwd: the thread's folder, whose project may have a configuration, too; None where it is
            not known.

    A file that cannot be read is Codex's to complain of. A name that no dotted key can have is
    left as it is.
    """
    found: dict[str, Json] = {}
    known = _servers(home / "config.toml")
    for name in _own(known):
        found[f"mcp_servers.{name}.enabled"] = False
    for folder in _folders(cwd):
        servers = _servers(folder / ".codex" / "config.toml")
        for name in _own(servers):
            found[f"mcp_servers.{name}.enabled"] = False
            if name not in known:
                # Codex does not read it in a project that it does not trust; then the entry is
                # ours alone, and no entry can be without a way to its server.
                way = "url" if "url" in servers[name] else "command"
                found[f"mcp_servers.{name}.{way}"] = servers[name][way]
    return found


def _own(servers: Mapping[str, Mapping[str, Json]]) -> list[str]:
    return [name for name, server in servers.items() if _NAME.fullmatch(name) and _is_own(server)]


def _is_own(server: Mapping[str, Json]) -> bool:
    if "url" in server:
        is_ours = server.get("bearer_token_env_var") == TOKEN_VARIABLE
        return is_ours and isinstance(server["url"], str)
    command, arguments = server.get("command"), server.get("args")
    if not isinstance(command, str):
        return False  # Codex cannot start it.
    parts = [command, *(arguments if isinstance(arguments, list) else ())]
    # A shell may have the whole line as one of its arguments.
    words = [word.strip("'\"") for part in parts for word in str(part).split()]
    return "mcp-server" in words and any(Path(word).name == "codextui" for word in words)


def _servers(path: Path) -> dict[str, dict[str, Json]]:
    try:
        if not path.is_file():
            return {}  # A pipe, which an agent can put there, would be read for ever.
        with path.open("rb") as file:
            servers = tomllib.loads(file.read(_MAX_FILE).decode()).get("mcp_servers")
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(servers, dict):
        return {}
    return {name: server for name, server in servers.items() if isinstance(server, dict)}


def _folders(cwd: str | None) -> Iterator[Path]:
    if cwd is not None:
        yield from (Path(cwd), *Path(cwd).parents)


def read_profile(home: Path, name: str) -> JsonObject:
    """Return the settings of a profile: those of `NAME.config.toml` in CODEX_HOME.

    `codex --profile NAME` reads the same file; app-server takes no profile for a thread.
    Raises ConfigInvalid.
    """
    path = home / f"{name}.config.toml"
    if Path(name).name != name:
        raise ConfigInvalid(f"A profile's name cannot be {name!r}: it names a file in {home}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigInvalid(f"There is no profile {name!r}: {path} does not exist.") from error
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"The profile {name!r} cannot be used: {path}: {error}") from error
