"""Cursor.

From its documentation (cursor.com/docs/mcp, autumn 2026):

* Servers are in `mcpServers` of `~/.cursor/mcp.json`, or of `.cursor/mcp.json` in a project, which
  has precedence.
* A server has `type`, `command`, `args`, `env` and `envFile`, or `url` and `headers`, in which
  `${env:NAME}` is replaced from the environment.
* No setting for the time-out of a call is documented.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.entries import conceal_values, merge_entry
from codextui.setup.files import read_scope
from codextui.setup.launch import HttpEndpoint, Launch
from codextui.setup.project import find_workspace
from codextui.setup.recipe import ConfigScope, Entry, Format, Recipe, json_snippet
from codextui.setup.scopes import Scope

TITLE: Final = "Cursor"
DEFAULT_SCOPE: Final = ConfigScope.USER
INHERITED: Final = None

_NOTES = (
    (
        "Cursor documents no time-out setting for calls. codextui reports progress while a turn "
        "runs, and the thread is in the console, whatever Cursor does."
    ),
)


def read_scopes() -> tuple[Scope, ...]:
    """Return Cursor's scopes in their order of precedence."""
    return tuple(
        read_scope(Scope(title, folder / ".cursor" / "mcp.json", kind, Format.JSONC))
        for title, folder, kind in (
            ("the project's file", find_workspace(Path.cwd(), ".cursor"), ConfigScope.PROJECT),
            ("the user's file", Path.home(), ConfigScope.USER),
        )
    )


def stdio_recipe(launch: Launch, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Cursor."""
    entry: Entry = {"type": "stdio", "command": launch.command, "args": list(launch.args)}
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:
    """Return the recipe for Cursor with a server that it reaches by HTTP."""
    entry: Entry = {
        "url": endpoint.url,
        "headers": {"Authorization": f"Bearer ${{env:{TOKEN_VARIABLE}}}"},
    }
    return _recipe(entry, name, scope, (*_NOTES, *endpoint.notes("Cursor")))


def _recipe(entry: Entry, name: str, scope: Scope, notes: tuple[str, ...]) -> Recipe:
    location, merged = scope.location(name), merge_entry(scope.entry(name), entry)
    snippet = json_snippet(location, conceal_values(merged, entry))
    return Recipe(f"In {location.path}", snippet, notes, location, merged)
