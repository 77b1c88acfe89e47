"""The unix socket that clients come to."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from mcp.server import Server
from mcp.server.runner import serve_dual_era_loop

from codextui.errors import ServerUnreachable
from codextui.jsonrpc.lines import READ_AHEAD
from codextui.server.core import Host
from codextui.server.mcp.app import build_app
from codextui.server.mcp.session import Session
from codextui.server.transports.stream import StreamChannel

logger = logging.getLogger(__name__)


class SocketListener:
    """Takes connections in, each with an MCP session of its own.

    The socket is for its user alone (0600). One that a killed server left behind is removed:
    who listens holds the server's lock, so nobody else can be behind it.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._path = host.options.socket
        self._app: Server[Session] = build_app(host)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen. Raises ServerUnreachable."""
        try:
            listening = _bind(self._path)
            self._server = await asyncio.start_unix_server(
                self._take_in, sock=listening, limit=READ_AHEAD
            )
        except OSError as error:
            raise ServerUnreachable(
                f"the socket {self._path} cannot be made: {error.strerror or error}"
            ) from error

    async def close(self) -> None:
        """Stop listening, and hang up on everybody."""
        if self._server is None:
            return
        self._server.close()
        with suppress(OSError):
            self._path.unlink()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _take_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        channel = StreamChannel(reader, writer)
        session = Session(channel)
        channel.on_introduced = lambda: self._look_at(session, channel)
        self._connections.add(task)
        self._host.sessions.add(session)
        self._host.stirred.set()
        try:
            await self._serve(session, channel)
        except asyncio.CancelledError:
            pass  # The server ends; there is nobody to tell but the client, who sees it.
        except Exception:  # the boundary of one client: the others go on
            logger.exception("the connection of %s failed", session.client or "a client")
        finally:
            self._connections.discard(task)
            self._host.drop(session)
            writer.close()

    def _look_at(self, session: Session, channel: StreamChannel) -> None:
        """A relay that our own Codex has started is nobody's: its agents are served already."""
        if channel.parent and channel.parent == self._host.core.worker.pid:
            session.is_own_agent = True
            logger.info("an agent of this server's own asks for its tools, and is shown none")
            self._host.drop(session)

    async def _serve(self, session: Session, channel: StreamChannel) -> None:
        await serve_dual_era_loop(
            self._app,
            channel,
            channel,
            lifespan_state=session,
            init_options=self._app.create_initialization_options(),
        )


def _bind(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Nobody can connect before the mode is right: it does not listen yet.
        listening.bind(os.fspath(path))
        path.chmod(0o600)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
