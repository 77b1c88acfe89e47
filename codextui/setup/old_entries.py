"""Finds entries in the files of known clients that start `codex mcp-server`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import ConfigInvalid
from codextui.setup import claude_code, codex, cursor, json_file, toml_file, vscode
from codextui.setup.launch import Launch
from codextui.setup.recipe import ConfigScope, EntryLocation, Format, obsolete_servers

MAX_FILE_SIZE = 16 * 1024 * 1024
"""Bytes of a file that is read; larger ones are passed over."""

_CLIENTS = {
    "codex": ("Codex", codex),
    "claude-code": ("Claude Code", claude_code),
    "cursor": ("Cursor", cursor),
    "vscode": ("VS Code", vscode),
}


@dataclass(frozen=True, slots=True)
class OldEntries:
    """Entries of one file that start `codex mcp-server`, which Codex has removed.

    Attributes:
        client: the client's name.
        setup: the client's name for `codextui setup`.
        path: the file.
        names: the servers' names.
    """

    client: str
    setup: str
    path: Path
    names: tuple[str, ...]


def find_old_entries() -> tuple[OldEntries, ...]:
    """Look at the files of the user and of the current folder; what cannot be read is left out."""
    found: dict[Path, OldEntries] = {}
    for setup, client, location in _locations():
        names = _old_names(location)
        if names:
            found.setdefault(location.path, OldEntries(client, setup, location.path, names))
    return tuple(found.values())


def _locations() -> Iterator[tuple[str, str, EntryLocation]]:
    launch = Launch("codextui", ("mcp-server",))
    for setup, (client, module) in _CLIENTS.items():
        for scope in (ConfigScope.USER, ConfigScope.PROJECT):
            try:
                location = module.stdio_recipe(launch, "codextui", scope).location
            except ConfigInvalid:  # the client has no file of this scope
                continue
            if location is not None:
                yield setup, client, location
    own = EntryLocation(Path.home() / ".claude.json", Format.JSON, "mcpServers", "codextui")
    yield "claude-code", "Claude Code", own


def _old_names(location: EntryLocation) -> tuple[str, ...]:
    file_format = toml_file if location.format is Format.TOML else json_file
    try:
        if location.path.stat().st_size > MAX_FILE_SIZE:
            return ()
        text = location.path.read_text(encoding="utf-8")
        return obsolete_servers(file_format.read_servers(text, location))
    except (OSError, UnicodeDecodeError, ConfigInvalid):
        return ()
