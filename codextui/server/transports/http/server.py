"""Runs uvicorn within limits, as a part of this server rather than as a process of its own.

It relies on internals of uvicorn: the attributes of its h11 protocol, and `capture_signals`. Hence
the upper bound in pyproject.toml; these tests show whether a newer uvicorn fits:
tests/server/transports/http/test_app.py.
"""

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
from codextui.server.options import DEFAULT_LIMITS, HttpLimits

_SHUTDOWN_S = 2
_KEEP_ALIVE_S = 30


class _Config(uvicorn.Config):
    """uvicorn's configuration, with the limits of the connections."""

    limits: HttpLimits = DEFAULT_LIMITS.http


class HttpProtocol(H11Protocol):
    """One connection, which is closed where there are too many, or where it sends no request."""

    config: _Config

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, or close it at once."""
        super().connection_made(transport)
        limits = self.config.limits
        if len(self.connections) > max_connections(limits):
            transport.abort()
        else:
            self.loop.call_later(limits.first_request_s, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if cast("object | None", self.cycle) is None and not self.transport.is_closing():
            self.transport.abort()


class HttpServer(uvicorn.Server):
    """uvicorn's server without its signal handlers."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to `codextui.server.run`."""
        yield

    def disconnect(self, client: object) -> None:
        """Close the connection from a client's address at once, without sending what waits."""
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, HttpProtocol) and connection.client == client:
                connection.transport.abort()


def create_http_server(app: ASGIApp, limits: HttpLimits = DEFAULT_LIMITS.http) -> HttpServer:
    """Return a server for `app`; `serve` is given the socket to listen on."""
    config = _Config(
        app,
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.CRITICAL,  # failures are logged by the exchanges
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    config.limits = limits
    return HttpServer(config)


def max_connections(limits: HttpLimits) -> int:
    """Return how many connections may be open: at most half of the files that may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limits.connections
    return min(limits.connections, soft // 2)


def bind(address: HttpAddress) -> socket.socket:
    """Return a socket that listens on the address.

    Raises:
        ServerUnreachable: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        # At once: another socket could bind the same address until one of them listens.
        listening.listen(128)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "another program listens there" if taken else error.strerror or str(error)
        raise ServerUnreachable(f"http://{address} cannot be listened on: {reason}") from error
    return listening
