"""The MCP Inspector.

From its repository (modelcontextprotocol/inspector 2.12, docs/mcp-server-configuration.md):

* Its web, terminal and command-line clients share a catalogue: `~/.mcp-inspector/mcp.json` or
  MCP_CATALOG_PATH.
* A server's `connectionTimeout` and `requestTimeout` are in milliseconds; without the latter, the
  SDK's default of 60 seconds applies. Versions before 2 have environment variables instead
  (MCP_SERVER_REQUEST_TIMEOUT, MCP_REQUEST_MAX_TOTAL_TIMEOUT).
* It needs Node 22.19, and starts servers with few variables.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from codextui.setup.entries import conceal_values, merge_entry
from codextui.setup.files import read_scope
from codextui.setup.launch import CALL_TIMEOUT_S, START_TIMEOUT_S, HttpEndpoint, Launch
from codextui.setup.recipe import ConfigScope, Recipe, json_snippet
from codextui.setup.scopes import Scope

TITLE: Final = "the Inspector"
DEFAULT_SCOPE: Final = ConfigScope.USER
INHERITED: Final = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""The variables that it passes on to a server beside its `env`."""

_PROGRAM = "npx @modelcontextprotocol/inspector"


def read_scopes() -> tuple[Scope, ...]:
    """Return the catalogue, of which every user has one."""
    path = os.environ.get("MCP_CATALOG_PATH") or Path.home() / ".mcp-inspector" / "mcp.json"
    return (read_scope(Scope("the catalogue", Path(path), ConfigScope.USER)),)


def stdio_recipe(launch: Launch, name: str, scope: Scope) -> Recipe:
    """Return the recipe for the Inspector."""
    location = scope.location(name)
    entry: dict[str, object] = {
        "type": "stdio",
        "command": launch.command,
        "args": list(launch.args),
        "connectionTimeout": START_TIMEOUT_S * 1000,
        "requestTimeout": CALL_TIMEOUT_S * 1000,
    }
    if launch.env:
        entry["env"] = dict(launch.env)
    merged = merge_entry(scope.entry(name), entry)
    snippet = json_snippet(location, conceal_values(merged, entry))
    return Recipe(f"In {location.path}", snippet, _notes(name), location, merged)


def http_recipe(endpoint: HttpEndpoint, name: str, scope: Scope) -> Recipe:  # noqa: ARG001 - nothing is written
    """Return the recipe for the Inspector with a server that it reaches by HTTP.

    It is set up on the command line, because its catalogue would contain the token itself.
    """
    url = endpoint.url
    command = (
        f"{_PROGRAM} --cli --transport http --server-url {url} "
        f'--header "Authorization: Bearer $({endpoint.token_command})" --method tools/list'
    )
    refusal = f"the Inspector's catalogue would hold the token itself: type instead\n{command}"
    header = f"the header Authorization with `Bearer ` and what `{endpoint.token_command}` prints"
    notes = (
        "It waits 60 seconds for a call; in the browser every server has its own time-out.",
        f"In the browser ({_PROGRAM}): the transport Streamable HTTP, {url}, and {header}.",
        endpoint.keep_running_note,
    )
    return Recipe("Type", command, notes, refusal=refusal)


def _notes(name: str) -> tuple[str, ...]:
    limit = CALL_TIMEOUT_S * 1000
    return (
        (
            f"requestTimeout is in milliseconds ({CALL_TIMEOUT_S // 3600} hours). An Inspector "
            f"before 2 takes it from the environment: MCP_SERVER_REQUEST_TIMEOUT={limit} "
            f"MCP_REQUEST_MAX_TOTAL_TIMEOUT={limit} MCP_REQUEST_TIMEOUT_RESET_ON_PROGRESS=true"
        ),
        f"Then, in the browser: {_PROGRAM}",
        f"Or on the command line: {_PROGRAM} --cli --server {name} --method tools/list",
    )
