"""Visual Studio Code.

From its documentation (code.visualstudio.com/docs/agents/reference/mcp-configuration, autumn
2026):

* Servers are in `servers` of `.vscode/mcp.json` in a project, or of `mcp.json` in the user's
  profile.
* A server has `type`, `command`, `args` and `env`, or `url` and `headers`.
* Calls have no time-out, and there is no setting for one (microsoft/vscode#311595, open).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import HttpEndpoint, Launch
from codextui.setup.recipe import ConfigScope, Entry, EntryLocation, Format, Recipe, json_snippet

_NOTES = (
    "VS Code does not limit how long a call may take, so there is no time-out to set.",
    (
        "If VS Code does not find the command (started from the desktop it may have another PATH), "
        "name it whole: --command /path/to/codextui."
    ),
)
_INPUT = (
    "If your VS Code does not replace ${env:…} in headers (microsoft/vscode#336232), let it ask: "
    'put {"type": "promptString", "id": "codextui", "description": "codextui token", '
    '"password": true} into "inputs" beside "servers", and ${input:codextui} in its place.'
)


def stdio_recipe(launch: Launch, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for VS Code; for the project if `scope` is None."""
    entry: Entry = {"type": "stdio", "command": launch.command, "args": list(launch.args)}
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for VS Code with a server that it reaches by HTTP."""
    entry: Entry = {
        "type": "http",
        "url": endpoint.url,
        "headers": {"Authorization": f"Bearer ${{env:{TOKEN_VARIABLE}}}"},
    }
    return _recipe(entry, name, scope, (_NOTES[0], *endpoint.notes("VS Code"), _INPUT))


def _recipe(entry: Entry, name: str, scope: ConfigScope | None, notes: tuple[str, ...]) -> Recipe:
    folder = _profile() if scope is ConfigScope.USER else Path.cwd() / ".vscode"
    location = EntryLocation(folder / "mcp.json", Format.JSONC, "servers", name)
    return Recipe(f"In {location.path}", json_snippet(location, entry), notes, location, entry)


def _profile() -> Path:
    """Return the folder of the default profile."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Code" / "User"
    settings = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(settings) / "Code" / "User"
