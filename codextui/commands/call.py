"""Calls tools of the shared server for a command."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from codextui.client import session
from codextui.client.spawn import ensure_server, find_server
from codextui.commands.output import print_note
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import one_line

CLIENT_NAME = "codextui command"
"""The name of the command line as an MCP client, which the journal records."""

PAGE_SIZE = 200
"""Rows of a page."""

MAX_PAGES = 10_000
"""Pages that are asked for."""


async def find_socket(options: argparse.Namespace, *, start: bool) -> Path:
    """Return the socket of the server that the options name.

    Args:
        options: names the server.
        start: whether a server is started if none runs.

    Raises:
        ServerUnreachable: no server runs, or none could be started.
    """
    if start:
        return await ensure_server(options.server, config=options.config)
    return await find_server(options.server)


def call_tool(
    options: argparse.Namespace, tool: str, arguments: JsonObject, *, start: bool = False
) -> JsonObject:
    """Call a tool of the server and return its structured content.

    What is wrong with the server itself is printed as a note.

    Args:
        options: names the server.
        tool: the tool's name.
        arguments: the tool's arguments.
        start: whether a server is started if none runs.

    Raises:
        CodextuiError: see `session.call_once`, `ensure_server` and `find_server`.
    """

    async def call() -> JsonObject:
        path = await find_socket(options, start=start)
        return await session.call_once(path, CLIENT_NAME, tool, arguments)

    content = dict(asyncio.run(call()))
    warning = content.pop("warning", "")
    if isinstance(warning, str) and warning:
        print_note(f"warning: {one_line(warning)}")
    return content


def call_pages(
    options: argparse.Namespace,
    tool: str,
    arguments: JsonObject,
    *,
    rows: str,
    id_name: str,
    start: bool = False,
) -> list[JsonObject]:
    """Call a tool that answers by the page, and return up to `options.limit` rows.

    Args:
        options: names the server.
        tool: the tool's name.
        arguments: the tool's arguments, besides `limit` and `cursor`.
        rows: the field of a page that holds its rows.
        id_name: the field of a row by which each is taken once; empty takes all.
        start: whether a server is started if none runs.

    Raises:
        CodextuiError: see `call_tool`.
    """
    found: dict[object, JsonObject] = {}
    asked = {**arguments, "limit": min(PAGE_SIZE, options.limit)}
    for _ in range(MAX_PAGES):
        page = call_tool(options, tool, asked, start=start)
        for row in fields.objects(page, rows):
            found[fields.text(row, id_name) if id_name else len(found)] = row
        cursor = fields.text_or(page, "cursor")
        if not cursor or len(found) >= options.limit:
            break
        asked["cursor"] = cursor
    return list(found.values())[: options.limit]
