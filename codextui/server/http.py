"""The HTTP that clients come to, beside the unix socket: MCP's Streamable HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from codextui.errors import ConfigInvalid, ServerUnreachable
from codextui.http_address import HttpAddress
from codextui.server.host import Host
from codextui.server.http_body import MAX_BODY
from codextui.server.http_exchange import HttpExchanges
from codextui.server.http_guard import PATH, HttpGuard
from codextui.server.http_server import bind, http_server
from codextui.server.http_session import SessionPerRequest
from codextui.server.mcp_app import build_app
from codextui.server.token import TokenFile
from codextui.wire.event import Warned

logger = logging.getLogger(__name__)

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
