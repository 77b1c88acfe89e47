"""`codextui mcp-server`: the shared server for a client that talks on stdio."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from codextui.client.lines import Streams
from codextui.client.relay import Relay
from codextui.client.spawn import ensure_server, open_socket
from codextui.client.standard_streams import standard_streams


def relay(options: argparse.Namespace) -> int:
    """Relay between standard input and output and the server until the client ends it."""
    asyncio.run(_relay(options))
    return 0


async def _relay(options: argparse.Namespace) -> None:
    async def connect() -> Streams:
        return await open_socket(await ensure_server(options.server, config=options.config))

    async with standard_streams() as client:
        await Relay(connect, client, cwd=_cwd(), on_trouble=_complain).run()


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was removed
        return ""


def _complain(trouble: str) -> None:
    from codextui.render.sanitize import sanitize  # noqa: PLC0415 - only where something failed

    print(f"codextui: {sanitize(trouble)}", file=sys.stderr, flush=True)  # noqa: T201
