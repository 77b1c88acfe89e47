"""What a client must be told, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

Entry: TypeAlias = Mapping[str, object]
"""A server's settings, as they stand in a client's configuration."""


_OF_STDIO = ("command", "args", "env", "env_vars", "envFile", "cwd", "type")
_OF_HTTP = ("url", "headers", "headersHelper", "http_headers", "bearer_token_env_var", "type")
_SETTINGS = {flag: flag for flag in ("-c", "-m", "--model", "--enable", "--disable")}


class Scope(StrEnum):
    """Whose configuration is meant."""

    USER = "user"
    PROJECT = "project"


class Format(StrEnum):
    """How a configuration file is written."""

    JSON = "json"
    JSONC = "json with comments"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server's settings go.

    Attributes:
        path: the file.
        format: how it is written.
        section: the key under which it has its servers.
        name: the server's name there.
    """

    path: Path
    format: Format
    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do for one client.

    Attributes:
        title: where the snippet goes, as a sentence's beginning.
        snippet: what to put there.
        notes: what else is worth knowing, its time-outs first.
        place: where it can be written; None where the client has no such file.
        entry: what is written there.
        refusal: where there is no place, why nothing can be written, and what to do.
    """

    title: str
    snippet: str
    notes: tuple[str, ...]
    place: Place | None = None
    entry: Entry | None = None
    refusal: str = ""


def json_snippet(place: Place, entry: Entry) -> str:
    """The whole file as it would be with nothing else in it."""
    return json.dumps({place.section: {place.name: entry}}, indent=2, ensure_ascii=False)


def merge(before: Entry, entry: Entry) -> dict[str, object]:
    """A server's settings after a change: what else the user has set stays.

    So do variables in `env`, and the options that `codex mcp-server` had, too. Only what belongs
    to the other way to reach a server goes.
    """
    gone = _OF_STDIO if "url" in entry else _OF_HTTP
    before = {key: value for key, value in before.items() if key not in gone}
    merged = {**before, **entry}
    arguments = entry.get("args")
    if isinstance(arguments, list):
        merged["args"] = [*arguments, *_settings(before)]
    ours, theirs = entry.get("env"), before.get("env")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        merged["env"] = {**ours, **theirs}
    return merged


def old_servers(servers: object) -> tuple[str, ...]:
    """The names of the servers that start `codex mcp-server`, which Codex has no longer."""
    if not isinstance(servers, Mapping):
        return ()
    return tuple(str(name) for name, server in servers.items() if _is_old(server))


def _is_old(server: object) -> bool:
    match server:
        case {"command": str(command), "args": list(arguments)}:
            return Path(command).name in ("codex", "codex.exe") and "mcp-server" in arguments
        case _:
            return False


def _settings(server: Entry) -> list[str]:
    """The options of `codex mcp-server` among its arguments, which codextui's has, too."""
    arguments = server.get("args")
    if not isinstance(arguments, list) or "mcp-server" not in arguments:
        return []
    flags = _SETTINGS
    if _is_old(server):
        flags = {**_SETTINGS, "--config": "-c"}
    else:  # what stands before may be another program's, such as `python -m codextui`
        arguments = arguments[arguments.index("mcp-server") :]
    return [
        word
        for flag, value in pairwise(map(str, arguments))
        if flag in flags
        for word in (flags[flag], value)
    ]
