"""A Session for every request that comes by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from codextui.server.channel import PeerGone
from codextui.server.host import Host
from codextui.server.http_backlog import HttpBacklog
from codextui.server.http_channel import HttpChannel
from codextui.server.http_exchange import exchange_of
from codextui.server.http_server import max_connections
from codextui.server.session import Session
from codextui.wire.tools import SUBSCRIBE_METHOD

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
