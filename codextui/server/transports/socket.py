"""The unix socket that clients connect to."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from mcp.server import Server

from codextui.errors import ServerUnreachable
from codextui.jsonrpc.lines import READ_AHEAD
from codextui.protocol.frames import MCP
from codextui.server.clients import Session
from codextui.server.mcp.app import build_app, serve_session
from codextui.server.state import ServerState
from codextui.server.transports.stream import StreamChannel

logger = logging.getLogger(__name__)


class SocketListener:
    """Accepts connections, each with an MCP session of its own.

    The socket is private to its user (0600). One that is there already is removed: this process
    holds the server's lock, so a server that was killed has left it behind.
    """

    def __init__(self, server: ServerState) -> None:
        self._server = server
        self._path = server.options.socket
        self._app: Server[Session] = build_app(server)
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen.

        Raises:
            ServerUnreachable: the socket cannot be made.
        """
        try:
            listening = _bind(self._path)
            self._listener = await asyncio.start_unix_server(
                self._accept, sock=listening, limit=READ_AHEAD
            )
        except OSError as error:
            raise ServerUnreachable(
                f"the socket {self._path} cannot be made: {error.strerror or error}"
            ) from error

    async def close(self) -> None:
        """Stop listening, and disconnect all clients."""
        if self._listener is None:
            return
        self._listener.close()
        with suppress(OSError):
            self._path.unlink()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        channel = StreamChannel(reader, writer)
        session = Session(channel)
        channel.wire = self._server.frames.tap.wire(MCP, lambda: session.name)
        channel.on_relayed = lambda: self._check_parent(session, channel)
        self._connections.add(task)
        self._server.add_session(session)
        try:
            await serve_session(self._app, session, channel)
        except asyncio.CancelledError:
            pass  # the server ends
        except Exception:  # a failure of one client must not end the others
            logger.exception("the connection of %s failed", session.client_name or "a client")
        finally:
            self._connections.discard(task)
            self._server.disconnect(session)
            writer.close()

    def _check_parent(self, session: Session, channel: StreamChannel) -> None:
        """Hide the tools from a relay that our own Codex has started for one of its agents."""
        if channel.parent and channel.parent == self._server.worker.own_pid:
            session.is_own_agent = True
            logger.info("an agent of this server's own asks for its tools, and is shown none")
            self._server.disconnect(session)


def _bind(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Nobody can connect before the mode is set, because it does not listen yet.
        listening.bind(os.fspath(path))
        path.chmod(0o600)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
