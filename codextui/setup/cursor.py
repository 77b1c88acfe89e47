"""Cursor.

From its documentation (cursor.com/docs/mcp, autumn 2026): `~/.cursor/mcp.json` for all projects
and `.cursor/mcp.json` in a project, which wins; `mcpServers` with `type`, `command`, `args`, `env`,
`envFile`, or `url` and `headers`, in which `${env:NAME}` is replaced from the environment. It
documents no setting for how long a call may take.
"""

from __future__ import annotations

from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import Endpoint, Launch
from codextui.setup.recipe import Entry, Format, Place, Recipe, Scope, json_snippet

_NOTES = (
    (
        "Cursor documents no time-out setting for calls. codextui reports progress while a turn "
        "runs, and the thread is in the console, whatever Cursor does."
    ),
    (
        "If Cursor does not find the command (started from the desktop it may have another PATH), "
        "name it whole: --command /path/to/codextui."
    ),
)


def recipe(launch: Launch, name: str, scope: Scope | None) -> Recipe:
    """What to do for Cursor; for the user, if the scope is left open."""
    entry: Entry = {"type": "stdio", "command": launch.command, "args": list(launch.args)}
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(reached: Endpoint, name: str, scope: Scope | None) -> Recipe:
    """What to do for Cursor that comes by HTTP."""
    entry: Entry = {
        "url": reached.url,
        "headers": {"Authorization": f"Bearer ${{env:{TOKEN_VARIABLE}}}"},
    }
    return _recipe(entry, name, scope, (_NOTES[0], *reached.notes("Cursor")))


def _recipe(entry: Entry, name: str, scope: Scope | None, notes: tuple[str, ...]) -> Recipe:
    folder = Path.cwd() if scope is Scope.PROJECT else Path.home()
    place = Place(folder / ".cursor" / "mcp.json", Format.JSONC, "mcpServers", name)
    return Recipe(f"In {place.path}", json_snippet(place, entry), notes, place, entry)
