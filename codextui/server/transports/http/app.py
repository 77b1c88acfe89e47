"""Serves MCP's Streamable HTTP to clients, beside the unix socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from codextui.config.address import HttpAddress
from codextui.errors import ConfigInvalid
from codextui.protocol.events import Warned
from codextui.protocol.extensions import SUBSCRIBE_METHOD
from codextui.server.clients import ClientGone, Session
from codextui.server.mcp.app import build_app
from codextui.server.state import ServerState
from codextui.server.transports.http.channel import HttpBacklog, HttpChannel
from codextui.server.transports.http.exchange import HttpExchanges, exchange_of
from codextui.server.transports.http.guard import HttpGuard
from codextui.server.transports.http.server import bind, create_http_server, max_connections
from codextui.server.transports.http.token import TokenFile

_LAST_RESPONSES_S = 0.2
"""Seconds in which responses in progress get out, such as that to `codex-shutdown`."""

_TURN_TOOLS = ("codex", "codex-reply")

logger = logging.getLogger(__name__)


def open_listener(server: ServerState, address: HttpAddress) -> HttpListener:
    """Listen for HTTP clients on an address, until the listener is closed.

    Raises:
        ServerUnreachable: the address cannot be listened on.
        ConfigInvalid: the token cannot be used.
    """
    if server.options.token is None:
        raise ConfigInvalid("this server has no file for the token of its HTTP clients")
    token = TokenFile(server.options.token)
    token.read()
    listener = HttpListener(server, bind(address), token)
    listener.open()
    return listener


class HttpListener:
    """Accepts HTTP clients.

    There is no event store: mcp's own would send a client what was meant for another one. A
    client that missed events gets them by `codex/subscribe`.

    Args:
        server: the server.
        listening: the socket to listen on.
        token: the token that clients must present.

    Attributes:
        url: the URL that it listens on.
    """

    def __init__(self, server: ServerState, listening: socket.socket, token: TokenFile) -> None:
        limits = server.options.limits.http
        app: Server[Any] = build_app(server)
        app.middleware.append(SessionPerRequest(server))
        self._server = server
        self._listening = listening
        self._task: asyncio.Task[None] | None = None
        self._manager = StreamableHTTPSessionManager(
            app,
            # mcp gets bodies that have been read and were encoded again.
            max_request_body_size=2 * limits.body_bytes,
            max_sessions=limits.sessions,
        )
        self._exchanges = HttpExchanges(
            self._manager.handle_request, self._disconnect, limits, server.frames.tap
        )
        address = HttpAddress(*listening.getsockname()[:2])
        self.url = address.mcp_url
        guard = HttpGuard(self._exchanges, address, token)
        self._http = create_http_server(guard, limits)

    def open(self) -> None:
        """Start accepting clients."""
        self._task = asyncio.create_task(self._run())
        self._server.http.url = self.url
        logger.info("it listens on %s", self.url)

    async def close(self) -> None:
        """Stop listening. Requests in progress are answered, or soon disconnected."""
        self._http.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_LAST_RESPONSES_S)
            self._exchanges.end_all()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            async with self._manager.run():
                await self._http.serve([self._listening])
        except Exception:  # the clients of the socket are not affected
            logger.exception("HTTP has ended")
            self._server.hub.publish("", "", Warned(f"{self.url} has ended: see the log"))
        finally:
            self._server.http.url = ""
            self._listening.close()

    def _disconnect(self, client: object) -> None:
        self._http.disconnect(client)


class SessionPerRequest:
    """mcp middleware: gives every request a Session whose channel is its own response stream.

    The work for a request ends when its client disconnects; mcp would go on with it.
    """

    def __init__(self, server: ServerState) -> None:
        self._server = server
        self._limits = server.options.limits.http
        self._backlog = HttpBacklog(self._limits)
        self._long_calls = 0

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Handle a message."""
        if ctx.request_id is None or ctx.request is None:
            return await call_next(ctx)
        exchange = exchange_of(ctx.request.scope)
        exchange.request_id = ctx.request_id
        channel = HttpChannel(ctx.session, exchange, self._backlog)
        with self._room(ctx), self._connected(Session(channel, persistent=False)) as session:
            try:
                with exchange.work():
                    result = await call_next(replace(ctx, lifespan_context=session))
                    await channel.flush()
                    return result
            except ClientGone:
                pass
            finally:
                channel.close()
        raise MCPError(types.CONNECTION_CLOSED, "the client hung up, or the server ends")

    @contextmanager
    def _connected(self, session: Session) -> Iterator[Session]:
        self._server.add_session(session)
        try:
            yield session
        finally:
            self._server.remove_session(session)

    @contextmanager
    def _room(self, ctx: ServerRequestContext[Any, Any]) -> Iterator[None]:
        """Limit the long calls, to leave connections for answers and decisions.

        The error is MCP's: an HTTP error would make mcp's client end all of its calls.
        """
        long = int(_may_take_long(ctx))
        limit = int(max_connections(self._limits) * self._limits.long_calls_share)
        if long and self._long_calls >= limit:
            busy = f"{self._long_calls} calls are open already, which is as many as may be"
            raise MCPError(types.INTERNAL_ERROR, busy)
        self._long_calls += long
        try:
            yield
        finally:
            self._long_calls -= long


def _may_take_long(ctx: ServerRequestContext[Any, Any]) -> bool:
    if ctx.method == "tools/call":
        return (ctx.params or {}).get("name") in _TURN_TOOLS
    return ctx.method == SUBSCRIBE_METHOD
