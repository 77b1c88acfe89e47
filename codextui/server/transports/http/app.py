"""The HTTP that clients come to, beside the unix socket: MCP's Streamable HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from codextui.config.address import HttpAddress
from codextui.errors import ConfigInvalid, ServerUnreachable
from codextui.protocol.events import Warned
from codextui.protocol.tools import SUBSCRIBE_METHOD
from codextui.server.core import Host
from codextui.server.mcp.app import build_app
from codextui.server.mcp.channel import PeerGone
from codextui.server.mcp.session import Session
from codextui.server.transports.http.body import MAX_BODY
from codextui.server.transports.http.channel import HttpBacklog, HttpChannel
from codextui.server.transports.http.exchange import HttpExchanges, exchange_of
from codextui.server.transports.http.guard import PATH, HttpGuard
from codextui.server.transports.http.server import bind, http_server, max_connections
from codextui.server.transports.http.token import TokenFile

logger = logging.getLogger(__name__)

MAX_STAYING = 0.75
"""The part of all connections that calls which stay open may have; the rest is for answers."""

_TURNS = ("codex", "codex-reply")


class SessionPerRequest:
    """Gives every request a Session whose channel is the request's own stream.

    What is done for a request ends with its client, as on the socket: mcp would go on.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._staying = 0
        self._backlog = HttpBacklog()

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Handle a message as mcp's middleware does."""
        if ctx.request_id is None or ctx.request is None:
            return await call_next(ctx)
        exchange = exchange_of(ctx.request.scope)
        exchange.request_id = ctx.request_id
        channel = HttpChannel(ctx.session, exchange, self._backlog)
        with self._room(ctx), self._present(Session(channel, stays=False)) as session:
            try:
                with exchange.held():
                    result = await call_next(replace(ctx, lifespan_context=session))
                    await channel.flush()
                    return result
            except PeerGone:
                pass
            finally:
                channel.close()
        raise MCPError(types.CONNECTION_CLOSED, "the client hung up, or the server ends")

    @contextmanager
    def _present(self, session: Session) -> Iterator[Session]:
        self._host.sessions.add(session)
        self._host.stirred.set()
        try:
            yield session
        finally:
            self._host.sessions.discard(session)
            self._host.stirred.set()

    @contextmanager
    def _room(self, ctx: ServerRequestContext[Any, Any]) -> Iterator[None]:
        """Keep room for who answers or decides something. Raises MCPError.

        An HTTP error would make mcp's client give up all that it does.
        """
        stays = int(_stays(ctx))
        if stays and self._staying >= int(max_connections() * MAX_STAYING):
            busy = f"{self._staying} calls are open already, which is as many as may be"
            raise MCPError(types.INTERNAL_ERROR, busy)
        self._staying += stays
        try:
            yield
        finally:
            self._staying -= stays


def _stays(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the answer to a request may take long."""
    if ctx.method == "tools/call":
        return (ctx.params or {}).get("name") in _TURNS
    return ctx.method == SUBSCRIBE_METHOD


MAX_SESSIONS = 1_000
"""Sessions of the handshake era that may be kept; one ends after half an hour without requests."""

_ANSWERS_S = 0.2
"""Seconds in which answers that are on their way get out, such as that to the shutdown."""


@asynccontextmanager
async def serving_http(host: Host) -> AsyncIterator[None]:
    """Serve HTTP meanwhile, where the options say so.

    Raises ServerUnreachable, or ConfigInvalid for the token, where it cannot be and must be;
    where it need not be everybody is warned.
    """
    address, path = host.options.http, host.options.token
    if address is None or path is None:
        yield
        return
    token = TokenFile(path)
    try:
        token.read()
        listening = bind(address)
    except (ConfigInvalid, ServerUnreachable) as error:
        if host.options.http_required:
            raise
        logger.warning("%s", error)
        host.core.hub.publish("", "", Warned(str(error)))
        yield
        return
    listener = HttpListener(host, listening, token)
    listener.open()
    try:
        yield
    finally:
        await listener.close()


class HttpListener:
    """Takes HTTP clients in.

    The sessions of different clients share nothing but the threads: there is no store of
    events by which one could be told what was meant for another. `codex/subscribe` has the
    past.
    """

    def __init__(self, host: Host, listening: socket.socket, token: TokenFile) -> None:
        app: Server[Any] = build_app(host)
        app.middleware.append(SessionPerRequest(host))
        self._host = host
        self._listening = listening
        self._task: asyncio.Task[None] | None = None
        self._manager = StreamableHTTPSessionManager(
            # mcp is given bodies that were read already, and written anew.
            app,
            max_request_body_size=2 * MAX_BODY,
            max_sessions=MAX_SESSIONS,
        )
        self._exchanges = HttpExchanges(self._manager.handle_request, self._hang_up)
        address = HttpAddress(*listening.getsockname()[:2])
        self.url = f"http://{address}{PATH}"
        self._server = http_server(HttpGuard(self._exchanges, address, token))

    def open(self) -> None:
        """Begin to take clients in."""
        self._task = asyncio.create_task(self._serve())
        self._host.endpoints.append(self.url)
        logger.info("it listens on %s", self.url)

    async def close(self) -> None:
        """Stop listening; what is open is answered, or cut off soon."""
        self._host.endpoints.remove(self.url)
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_ANSWERS_S)
            self._exchanges.end_all()
            await asyncio.wait({self._task})

    async def _serve(self) -> None:
        try:
            async with self._manager.run():
                await self._server.serve([self._listening])
        except Exception:  # the socket's clients go on
            logger.exception("HTTP has ended")
            self._host.core.hub.publish("", "", Warned(f"{self.url} has ended: see the log"))
        finally:
            self._listening.close()

    def _hang_up(self, client: object) -> None:
        self._server.hang_up(client)
