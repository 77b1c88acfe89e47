"""Claude Code.

From its documentation (code.claude.com/docs/en/mcp and …/env-vars, autumn 2026):

* A project's servers are in `.mcp.json`, section `mcpServers`. A user's are in `~/.claude.json`,
  which Claude Code rewrites while it runs; `claude mcp add-json --scope user` adds them.
* A server's `timeout` (milliseconds) limits a whole call and overrides MCP_TOOL_TIMEOUT. Progress
  does not prolong it. It raises the idle limit (30 minutes for stdio) to at least itself.
* MCP_TIMEOUT (milliseconds, default 30,000) limits the start.
* `${NAME}` is replaced from the environment, for example in the `headers` of a server.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from codextui.config.address import TOKEN_VARIABLE
from codextui.setup.launch import CALL_TIMEOUT_S, START_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.recipe import ConfigScope, Entry, EntryLocation, Format, Recipe, json_snippet
from codextui.text.sanitize import dump_json

_NOTES = (
    (
        f"timeout is in milliseconds ({CALL_TIMEOUT_S // 3600} hours) and counts for this server; "
        "MCP_TOOL_TIMEOUT in Claude Code's environment counts for the others."
    ),
    (
        "On a slow machine start Claude Code with "
        f"MCP_TIMEOUT={START_TIMEOUT_S * 1000}: it waits 30 seconds for a server otherwise."
    ),
)


def stdio_recipe(launch: Launch, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for Claude Code; for the project if `scope` is None."""
    entry: Entry = {
        "type": "stdio",
        "command": launch.command,
        "args": list(launch.args),
        "timeout": CALL_TIMEOUT_S * 1000,
    }
    return _recipe(entry, name, scope, _NOTES)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: ConfigScope | None) -> Recipe:
    """Return the recipe for Claude Code with a server that it reaches by HTTP."""
    entry: Entry = {
        "type": "http",
        "url": endpoint.url,
        "headers": {"Authorization": f"Bearer ${{{TOKEN_VARIABLE}}}"},
        "timeout": CALL_TIMEOUT_S * 1000,
    }
    return _recipe(entry, name, scope, (_NOTES[0], *endpoint.notes("Claude Code")))


def _recipe(entry: Entry, name: str, scope: ConfigScope | None, notes: tuple[str, ...]) -> Recipe:
    command = (
        f"claude mcp add-json --scope user {shlex.quote(name)} {shlex.quote(dump_json(entry))}"
    )
    if scope is ConfigScope.USER:
        refusal = f"~/.claude.json is Claude Code's own, and changes while it runs: type\n{command}"
        return Recipe("Type", command, notes, refusal=refusal)
    location = EntryLocation(Path.cwd() / ".mcp.json", Format.JSON, "mcpServers", name)
    return Recipe(
        f"In {location.path}",
        json_snippet(location, entry),
        (*notes, f"For all your projects instead: {command}"),
        location,
        entry,
    )
