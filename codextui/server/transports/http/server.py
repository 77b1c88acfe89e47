"""HTTP/1.1 by uvicorn, within bounds, and as a part of a server that is not uvicorn's."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from codextui.config.address import HttpAddress
from codextui.errors import ServerUnreachable

MAX_CONNECTIONS = 1_024
"""Connections that may be open, at most half of the files that this process may open."""

FIRST_REQUEST_S = 15.0
"""Seconds in which somebody who connected must have sent the headers of a request."""

_GOODBYE_S = 2


class HttpProtocol(H11Protocol):
    """One connection; there are never too many, and none that is silent from the start."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or hang up at once."""
        super().connection_made(transport)
        if len(self.connections) > max_connections():
            transport.abort()
        else:
            self.loop.call_later(FIRST_REQUEST_S, self._hang_up_on_silence)

    def _hang_up_on_silence(self) -> None:
        if cast("object | None", self.cycle) is None and not self.transport.is_closing():
            self.transport.abort()


class HttpServer(uvicorn.Server):
    """A server within ours, which has the signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield

    def hang_up(self, client: object) -> None:
        """Close the connection from that address at once, without sending what waits."""
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, HttpProtocol) and connection.client == client:
                connection.transport.abort()


def http_server(app: ASGIApp) -> HttpServer:
    """A server for `app`; what it is to listen on it is given when it serves."""
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.CRITICAL,  # what goes wrong is told by the exchanges
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GOODBYE_S,
    )
    return HttpServer(config)


def max_connections() -> int:
    """Connections that may be open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft // 2)


def bind(address: HttpAddress) -> socket.socket:
    """Listen on the address. Raises ServerUnreachable."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        # At once: two sockets that do not listen yet could have the same address.
        listening.listen(128)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        taken = error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else error.strerror or str(error)
        raise ServerUnreachable(f"http://{address} cannot be listened on: {why}") from error
    return listening
