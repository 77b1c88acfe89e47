"""The MCP Inspector.

From its repository (modelcontextprotocol/inspector 2.12, docs/mcp-server-configuration.md): the
catalogue that its web, terminal and command-line clients share is `~/.mcp-inspector/mcp.json` or
MCP_CATALOG_PATH; `connectionTimeout` and `requestTimeout` of a server are in milliseconds, and
without the second the SDK's 60 seconds hold. Versions before 2 have environment variables instead
(MCP_SERVER_REQUEST_TIMEOUT, MCP_REQUEST_MAX_TOTAL_TIMEOUT). It needs Node 22.19, and starts
servers with a few variables only.
"""

from __future__ import annotations

import os
from pathlib import Path

from codextui.setup.launch import CALL_LIMIT_S, START_LIMIT_S, Endpoint, Launch
from codextui.setup.recipe import Format, Place, Recipe, Scope, json_snippet

_PROGRAM = "npx @modelcontextprotocol/inspector"


def recipe(launch: Launch, name: str, scope: Scope | None) -> Recipe:
    """What to do for the Inspector, which has one catalogue for its user."""
    path = os.environ.get("MCP_CATALOG_PATH") or Path.home() / ".mcp-inspector" / "mcp.json"
    place = Place(Path(path), Format.JSON, "mcpServers", name)
    entry: dict[str, object] = {
        "type": "stdio",
        "command": launch.command,
        "args": list(launch.args),
        "connectionTimeout": START_LIMIT_S * 1000,
        "requestTimeout": CALL_LIMIT_S * 1000,
    }
    if launch.locations:
        entry["env"] = dict(launch.locations)
    snippet = json_snippet(place, entry)
    if scope is Scope.PROJECT:
        refusal = "the Inspector has one catalogue for its user: leave --project out"
        return Recipe(f"In {place.path}", snippet, _notes(name), refusal=refusal)
    return Recipe(f"In {place.path}", snippet, _notes(name), place, entry)


def http_recipe(reached: Endpoint, name: str, scope: Scope | None) -> Recipe:  # noqa: ARG001
    """What to do for the Inspector that comes by HTTP.

    Its catalogue would have the token itself in it, so it is given on the command line.
    """
    command = (
        f"{_PROGRAM} --cli --transport http --server-url {reached.url} "
        f'--header "Authorization: Bearer $({reached.token_command})" --method tools/list'
    )
    refusal = f"the Inspector's catalogue would hold the token itself: type instead\n{command}"
    header = f"the header Authorization with `Bearer ` and what `{reached.token_command}` prints"
    notes = (
        "It waits 60 seconds for a call; in the browser every server has its own time-out.",
        f"In the browser ({_PROGRAM}): the transport Streamable HTTP, {reached.url}, and {header}.",
        reached.must_run,
    )
    return Recipe("Type", command, notes, refusal=refusal)


def _notes(name: str) -> tuple[str, ...]:
    limit = CALL_LIMIT_S * 1000
    return (
        (
            f"requestTimeout is in milliseconds ({CALL_LIMIT_S // 3600} hours). An Inspector "
            f"before 2 takes it from the environment: MCP_SERVER_REQUEST_TIMEOUT={limit} "
            f"MCP_REQUEST_MAX_TOTAL_TIMEOUT={limit} MCP_REQUEST_TIMEOUT_RESET_ON_PROGRESS=true"
        ),
        f"Then, in the browser: {_PROGRAM}",
        f"Or on the command line: {_PROGRAM} --cli --server {name} --method tools/list",
    )
