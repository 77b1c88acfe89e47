"""How a command reaches the server."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from codextui.client import session
from codextui.client.spawn import ensure_server, find_server
from codextui.jsonrpc.fields import JsonObject

CLIENT_NAME = "codextui command"
"""How the command line introduces itself: the name in the journal."""


async def find_socket(options: argparse.Namespace, *, start: bool) -> Path:
    """The socket of the server that the options name. Raises ServerUnreachable."""
    if start:
        return await ensure_server(options.server, config=options.config)
    return await find_server(options.server)


def call_once(
    options: argparse.Namespace, tool: str, arguments: JsonObject, *, start: bool = False
) -> JsonObject:
    """Call one tool of the server and return its structured content.

    Args:
        options: says which server.
        tool: its name.
        arguments: its arguments.
        start: whether the server is started where none runs.

    Raises:
        CodextuiError: as `session.call_once`, `ensure_server` and `find_server`.
    """

    async def call() -> JsonObject:
        path = await find_socket(options, start=start)
        return await session.call_once(path, CLIENT_NAME, tool, arguments)

    return asyncio.run(call())
