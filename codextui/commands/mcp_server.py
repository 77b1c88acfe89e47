"""`codextui mcp-server`: an MCP server on stdio that relays to the shared server."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from codextui.client.relay import Relay
from codextui.client.spawn import ensure_server, open_socket
from codextui.client.stdio import standard_streams
from codextui.codex.configuration import parse_settings
from codextui.errors import ConfigInvalid
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import Streams


def relay(options: argparse.Namespace) -> int:
    """Relay between stdio and the shared server until the client disconnects.

    With `--private` a server for this client alone runs in this process.
    """
    if options.config is not None and not options.config.is_file():
        raise ConfigInvalid(f"{options.config} is no file; a setting of Codex's is -c KEY=VALUE")
    if os.isatty(0):
        _print_note(
            "a program is to speak MCP here; `codextui setup` says how it is told. Ctrl-D ends."
        )
    asyncio.run(_serve_private(options) if options.private else _relay(options))
    return 0


async def _relay(options: argparse.Namespace) -> None:
    async def connect() -> Streams:
        return await open_socket(await ensure_server(options.server, config=options.config))

    async with standard_streams() as client:
        await Relay(connect, client, about=_client_details(options), on_trouble=_print_note).run()


async def _serve_private(options: argparse.Namespace) -> None:
    from codextui.config import paths  # noqa: PLC0415
    from codextui.config.schema import load_config  # noqa: PLC0415 - a relay needs no server
    from codextui.server.run import (  # noqa: PLC0415
        PrivateOptions,
        serve_private,
        tune_garbage_collection,
    )

    codex = load_config(options.config or paths.config_path()).codex
    tune_garbage_collection()
    private = PrivateOptions(codex.binary, codex.home, _client_details(options))
    async with standard_streams() as (reader, writer):
        await serve_private(private, reader, writer)


def _client_details(options: argparse.Namespace) -> JsonObject:
    events: JsonObject = {} if options.events is None else {"events": options.events == "on"}
    return {
        "cwd": _cwd(),
        "config": parse_settings([*options.leading_settings, *options.settings]),
        "tools": options.tools,
        **events,
        "parent": os.getppid(),
    }


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # the folder was removed
        return ""


def _print_note(text: str) -> None:
    from codextui.text.sanitize import sanitize  # noqa: PLC0415 - seldom needed

    print(f"codextui: {sanitize(text)}", file=sys.stderr, flush=True)  # noqa: T201
