"""Claude Code.

From its documentation (code.claude.com/docs/en/mcp and …/env-vars, autumn 2026): a project's
servers are in `.mcp.json`, `mcpServers`; a user's are in `~/.claude.json`, which Claude Code
rewrites while it runs, so `claude mcp add-json --scope user` puts them there. `timeout`
(milliseconds) of a server is a limit on the whole call, overrides MCP_TOOL_TIMEOUT, is not
prolonged by progress, and raises the idle limit (30 minutes for stdio) to at least itself.
MCP_TIMEOUT (milliseconds, 30,000) limits the start. `${NAME}` is replaced from the environment in
the `headers` of a server with a `url`, among others.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import CALL_LIMIT_S, START_LIMIT_S, Endpoint, Launch
from codextui.setup.recipe import Entry, Format, Place, Recipe, Scope, json_snippet

_NOTES = (
    (
        f"timeout is in milliseconds ({CALL_LIMIT_S // 3600} hours) and counts for this server; "
        "MCP_TOOL_TIMEOUT in Claude Code's environment counts for the others."
    ),
    (
        "On a slow machine start Claude Code with "
        f"MCP_TIMEOUT={START_LIMIT_S * 1000}: it waits 30 seconds for a server otherwise."
    ),
)


def recipe(launch: Launch, name: str, scope: Scope | None) -> Recipe:
    """What to do for Claude Code; for the project, if the scope is left open."""
    entry: Entry = {
        "type": "stdio",
        "command": launch.command,
        "args": list(launch.args),
        "timeout": CALL_LIMIT_S * 1000,
    }
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(reached: Endpoint, name: str, scope: Scope | None) -> Recipe:
    """What to do for Claude Code that comes by HTTP."""
    entry: Entry = {
        "type": "http",
        "url": reached.url,
        "headers": {"Authorization": f"Bearer ${{{TOKEN_VARIABLE}}}"},
        "timeout": CALL_LIMIT_S * 1000,
    }
    return _recipe(entry, name, scope, (_NOTES[0], *reached.notes("Claude Code")))


def _recipe(entry: Entry, name: str, scope: Scope | None, notes: tuple[str, ...]) -> Recipe:
    command = (
        f"claude mcp add-json --scope user {shlex.quote(name)} {shlex.quote(json.dumps(entry))}"
    )
    if scope is Scope.USER:
        refusal = f"~/.claude.json is Claude Code's own, and changes while it runs: type\n{command}"
        return Recipe("Type", command, notes, refusal=refusal)
    place = Place(Path.cwd() / ".mcp.json", Format.JSON, "mcpServers", name)
    return Recipe(
        f"In {place.path}",
        json_snippet(place, entry),
        (*notes, f"For all your projects instead: {command}"),
        place,
        entry,
    )
