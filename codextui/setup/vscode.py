"""Visual Studio Code.

From its documentation (code.visualstudio.com/docs/agents/reference/mcp-configuration, autumn
2026):

* Servers are in `servers` of `.vscode/mcp.json` in a project, or of `mcp.json` in the user's
  profile. Of two with the same name the project's is started (mcpWorkbenchService.ts).
* Copilot sessions have servers of their own in `mcpServers` of `~/.copilot/mcp-config.json`.
* A server has `type`, `command`, `args` and `env`, or `url` and `headers`.
* Calls have no time-out, and there is no setting for one (microsoft/vscode#311595, open).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.entries import conceal_values, merge_entry
from codextui.setup.files import read_scope
from codextui.setup.launch import HttpEndpoint, Launch
from codextui.setup.project import find_workspace
from codextui.setup.recipe import ConfigScope, Entry, Format, Recipe, json_snippet
from codextui.setup.scopes import Scope

TITLE: Final = "VS Code"
DEFAULT_SCOPE: Final = ConfigScope.PROJECT
INHERITED: Final = None

_RELATIVES: Final = ("Code - Insiders", "VSCodium")
"""Builds of VS Code that have a folder of their own."""

_NOTES = ("VS Code does not limit how long a call may take, so there is no time-out to set.",)
_INPUT = (
    "If your VS Code does not replace ${env:…} in headers (microsoft/vscode#336232), let it ask: "
    'put {"type": "promptString", "id": "codextui", "description": "codextui token", '
    '"password": true} into "inputs" beside "servers", and ${input:codextui} in its place.'
)


def read_scopes() -> tuple[Scope, ...]:
    """Return VS Code's scopes in their order of precedence, then those of its relatives."""
    here = find_workspace(Path.cwd(), ".vscode") / ".vscode" / "mcp.json"
    user = _profiles() / "Code" / "User"
    return tuple(
        read_scope(scope)
        for scope in (
            Scope("the project's file", here, ConfigScope.PROJECT, Format.JSONC, "servers"),
            Scope("the user's file", user / "mcp.json", ConfigScope.USER, Format.JSONC, "servers"),
            *_other_scopes(),
        )
    )


def _other_scopes() -> Iterator[Scope]:
    base = _profiles()
    for name in ("Code", *_RELATIVES):
        user = base / name / "User"
        if name in _RELATIVES:
            path = user / "mcp.json"
            yield Scope("the user's file", path, None, Format.JSONC, "servers", only=f"in {name}")
        for path in sorted(user.glob("profiles/*/mcp.json")):
            only = f"in another profile of {name}"
            yield Scope("the user's file", path, None, Format.JSONC, "servers", only=only)
    folder = Path(os.environ.get("COPILOT_HOME") or Path.home() / ".copilot")
    path = folder / "mcp-config.json"
    yield Scope("Copilot's file", path, None, Format.JSONC, only="in Copilot sessions")


def stdio_recipe(launch: Launch, name: str, scope: Scope) -> Recipe:
    """Return the recipe for VS Code."""
    entry: Entry = {"type": "stdio", "command": launch.command, "args": list(launch.args)}
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:
    """Return the recipe for VS Code with a server that it reaches by HTTP."""
    entry: Entry = {
        "type": "http",
        "url": endpoint.url,
        "headers": {"Authorization": f"Bearer ${{env:{TOKEN_VARIABLE}}}"},
    }
    return _recipe(entry, name, scope, (*_NOTES, *endpoint.notes("VS Code"), _INPUT))


def _recipe(entry: Entry, name: str, scope: Scope, notes: tuple[str, ...]) -> Recipe:
    location, merged = scope.location(name), merge_entry(scope.entry(name), entry)
    snippet = json_snippet(location, conceal_values(merged, entry))
    return Recipe(f"In {location.path}", snippet, notes, location, merged)


def _profiles() -> Path:
    """Return the folder of the folders that VS Code and its relatives keep their profiles in."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
