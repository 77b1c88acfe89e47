"""Recipes: what to put where so that an MCP client uses codextui."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

Entry: TypeAlias = Mapping[str, object]
"""The settings of one server in a client's configuration."""


class ConfigScope(StrEnum):
    """Which of a client's configurations is meant."""

    USER = "user"
    PROJECT = "project"


class Format(StrEnum):
    """The format of a configuration file."""

    JSON = "json"
    JSONC = "json with comments"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class EntryLocation:
    """The location of a server's settings.

    Attributes:
        path: the configuration file.
        format: its format.
        section: the key of the servers in it.
        name: the server's key in the section.
    """

    path: Path
    format: Format
    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """Instructions for one client.

    Attributes:
        title: where the snippet goes, as the beginning of a sentence.
        snippet: what to put there.
        notes: further advice, first about the client's time-outs.
        location: where `entry` can be written; None if the client has no such file.
        entry: the settings to write.
        refusal: if there is no location, why nothing can be written and what to do.
    """

    title: str
    snippet: str
    notes: tuple[str, ...]
    location: EntryLocation | None = None
    entry: Entry | None = None
    refusal: str = ""


def json_snippet(location: EntryLocation, entry: Entry) -> str:
    """Return the text of a JSON file that contains nothing but the entry."""
    return json.dumps({location.section: {location.name: entry}}, indent=2, ensure_ascii=False)


def merge_entry(before: Entry, entry: Entry) -> dict[str, object]:
    """Return a server's settings after an update; other settings of the user stay.

    That includes variables in `env` and options of `codex mcp-server`. Settings of the other
    transport (stdio or HTTP) are removed.
    """
    removed = _STDIO_KEYS if "url" in entry else _HTTP_KEYS
    before = {key: value for key, value in before.items() if key not in removed}
    merged = {**before, **entry}
    arguments = entry.get("args")
    if isinstance(arguments, list):
        merged["args"] = [*arguments, *_codex_options(before)]
    ours, theirs = entry.get("env"), before.get("env")
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        merged["env"] = {**ours, **theirs}
    return merged


def obsolete_servers(servers: object) -> tuple[str, ...]:
    """Return the names of servers that start `codex mcp-server`, which Codex has removed."""
    if not isinstance(servers, Mapping):
        return ()
    return tuple(str(name) for name, server in servers.items() if _is_obsolete(server))


def _is_obsolete(server: object) -> bool:
    match server:
        case {"command": str(command), "args": list(arguments)}:
            return Path(command).name in ("codex", "codex.exe") and "mcp-server" in arguments
        case _:
            return False


def _codex_options(server: Entry) -> list[str]:
    """Return the options of `codex mcp-server` in a server's arguments; ours has them too."""
    arguments = server.get("args")
    if not isinstance(arguments, list) or "mcp-server" not in arguments:
        return []
    flags = _CODEX_FLAGS
    if _is_obsolete(server):
        flags = {**_CODEX_FLAGS, "--config": "-c"}
    else:  # earlier arguments may be another program's, such as `python -m codextui`
        arguments = arguments[arguments.index("mcp-server") :]
    return [
        word
        for flag, value in pairwise(map(str, arguments))
        if flag in flags
        for word in (flags[flag], value)
    ]


_STDIO_KEYS = ("command", "args", "env", "env_vars", "envFile", "cwd", "type")
_HTTP_KEYS = ("url", "headers", "headersHelper", "http_headers", "bearer_token_env_var", "type")
_CODEX_FLAGS = {flag: flag for flag in ("-c", "-m", "--model", "--enable", "--disable")}
