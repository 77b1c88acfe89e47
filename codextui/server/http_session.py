"""A Session for every request that comes by HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from codextui.server.channel import PeerGone
from codextui.server.host import Host
from codextui.server.http_channel import HttpChannel
from codextui.server.http_exchange import exchange_of
from codextui.server.session import Session


class SessionPerRequest:
    """Gives every request a Session whose channel is the request's own stream.

    What is done for a request ends with its client, as on the socket: mcp would go on.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Handle a message as mcp's middleware does."""
        if ctx.request_id is None or ctx.request is None:
            return await call_next(ctx)
        exchange = exchange_of(ctx.request.scope)
        exchange.request_id = ctx.request_id
        channel = HttpChannel(ctx.session, exchange)
        session = Session(channel)
        self._host.sessions.add(session)
        self._host.stirred.set()
        try:
            with exchange.held():
                result = await call_next(replace(ctx, lifespan_context=session))
                await channel.flush()
                return result
        except PeerGone:
            pass
        finally:
            self._host.sessions.discard(session)
            self._host.stirred.set()
        raise MCPError(types.CONNECTION_CLOSED, "the client hung up, or the server ends")
