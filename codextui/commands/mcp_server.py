"""`codextui mcp-server`: the shared server for a client that talks on stdio."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from codextui.client.relay import Relay
from codextui.client.spawn import ensure_server, open_socket
from codextui.client.stdio import standard_streams
from codextui.errors import ConfigInvalid
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import Streams


def relay(options: argparse.Namespace) -> int:
    """Relay between standard input and output and the server until the client ends it."""
    if options.config is not None and not options.config.is_file():
        raise ConfigInvalid(f"{options.config} is no file; a setting of Codex's is -c KEY=VALUE")
    if os.isatty(0):
        _say("a program is to speak MCP here; `codextui setup` says how it is told. Ctrl-D ends.")
    asyncio.run(_serve_private(options) if options.private else _relay(options))
    return 0


async def _relay(options: argparse.Namespace) -> None:
    async def connect() -> Streams:
        return await open_socket(await ensure_server(options.server, config=options.config))

    async with standard_streams() as client:
        await Relay(connect, client, about=_about(options), on_trouble=_say).run()


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
    private = PrivateOptions(codex.binary, codex.home, _about(options))
    async with standard_streams() as (reader, writer):
        await serve_private(private, reader, writer)


def _about(options: argparse.Namespace) -> JsonObject:
    return {
        "cwd": _cwd(),
        "config": codex_config([*options.settings_before, *options.settings]),
        "tools": options.tools,
        "events": not options.no_events,
        "parent": os.getppid(),
    }


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was removed
        return ""


def codex_config(settings: Iterable[tuple[str, str]]) -> JsonObject:
    """Codex's settings from its options `-c KEY=VALUE`.

    A value is TOML, or else the text itself without its quotes, as `codex -c` has it.
    """
    return {key: _value(text) for key, text in settings}


def _value(text: str) -> object:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip().strip("'\"")
    return value if isinstance(value, str | int | float | list | dict) else text


def _say(text: str) -> None:
    from codextui.text.sanitize import sanitize  # noqa: PLC0415 - only where something is said

    print(f"codextui: {sanitize(text)}", file=sys.stderr, flush=True)  # noqa: T201
