"""The connection that a command uses."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from codextui.client.connection import Connection
from codextui.client.facts import Fact
from codextui.client.spawn import ensure_server, find_server, open_socket
from codextui.wire.fields import JsonObject

CLIENT_NAME = "codextui command"
"""How the command line introduces itself: the name in the journal."""


async def find_socket(options: argparse.Namespace, *, start: bool) -> Path:
    """The socket of the server that the options name. Raises ServerUnreachable."""
    if start:
        return await ensure_server(options.server, config=options.config)
    return await find_server(options.server)


def open_link(path: Path, on_fact: Callable[[Fact], None], *, supervise: bool) -> Connection:
    """A connection to the server on this socket; to be entered."""
    return Connection(
        partial(open_socket, path), name=CLIENT_NAME, on_fact=on_fact, supervise=supervise
    )


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
        CodextuiError: as `Connection.call`, `ensure_server` and `find_server`.
    """

    async def call() -> JsonObject:
        path = await find_socket(options, start=start)
        async with open_link(path, lambda _: None, supervise=False) as connection:
            return await connection.call(tool, arguments)

    return asyncio.run(call())
