"""A server for one client alone, in its process: as `codex mcp-server` was."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mcp.server.runner import serve_dual_era_loop

from codextui.server.foreground import logging_to_file, stopping_on_signals
from codextui.server.host import Host
from codextui.server.hosting import hosting
from codextui.server.mcp_app import build_app
from codextui.server.options import ServeOptions
from codextui.server.peer import Peer
from codextui.server.session import Session
from codextui.wire.fields import JsonObject


@dataclass(frozen=True, slots=True)
class Alone:
    """How a server for one client is to run.

    Attributes:
        codex_binary: see ServeOptions.
        codex_home: see ServeOptions.
        about: what there is to know of the client: see `wire.tools.RELAYED_METHOD`.
    """

    codex_binary: Path | None
    codex_home: Path | None
    about: JsonObject


async def serve_alone(
    alone: Alone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve the client until it closes its end; its turns end with it.

    Nobody else can come, so what the client cannot answer is declined at once. Nothing is kept
    but what Codex itself keeps: a later `codex-reply` finds the threads in its history.
    """
    with tempfile.TemporaryDirectory(prefix="codextui-") as folder:
        options = _options(alone, Path(folder))
        with logging_to_file(options):
            async with hosting(options) as host:
                host.background.start(host.core.worker.run(host.core))
                peer = Peer(reader, writer)
                peer.introduce(alone.about)
                with stopping_on_signals(host):
                    await _serve(host, peer)


async def _serve(host: Host, peer: Peer) -> None:
    """Serve until the client's end, or until the server is told to stop."""
    session = Session(peer)
    host.sessions.add(session)
    app = build_app(host)
    serving = host.background.start(
        serve_dual_era_loop(
            app,
            peer,
            peer,
            lifespan_state=session,
            init_options=app.create_initialization_options(),
        )
    )
    stopping = asyncio.create_task(host.stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.sleep(0)  # lets the answer to a shutdown out


def _options(alone: Alone, folder: Path) -> ServeOptions:
    return ServeOptions(
        name="",
        socket=folder / "none.sock",
        lock=folder / "none.lock",
        journal=folder / "journal.sqlite",
        codex_binary=alone.codex_binary,
        codex_home=alone.codex_home,
        unattended_timeout_s=0.0,
    )
