"""Watches HTTP requests in progress, and cancels their work when their clients disconnect.

mcp's transport of the handshake era continues a call whose client is gone, and waits for responses
that cannot come.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.tap import FrameTap
from codextui.server.clients import ClientGone
from codextui.server.options import DEFAULT_LIMITS, HttpLimits
from codextui.server.transports.http.body import (
    BodyReader,
    BodyRefused,
    replay,
    wrap_response,
)
from codextui.server.transports.http.guard import json_error
from codextui.server.transports.http.watching import HttpWatch

MAX_LEFT_CALLS = 1_000
"""Calls whose clients have disconnected that can still be cancelled."""

_CANCELLED_METHOD = "notifications/cancelled"
_SCOPE_KEY = "codextui.exchange"
_NOT_ALLOWED = json_error(
    405, "only a session has a stream of its own, and an end: begin one by POST", {"Allow": "POST"}
)

logger = logging.getLogger(__name__)


class Exchange:
    """One HTTP request, from its headers to the end of its response.

    Args:
        scope: the request as ASGI describes it.
        abort: closes its connection at once.

    Attributes:
        session_id: mcp's session id of the handshake era; empty in the modern one.
        request_id: the id of the JSON-RPC request in the body, once that is known.
        cancelled: whether the client has cancelled the request.
        on_late_cancel: called where the client cancels it after it has disconnected.
        abort: closes its connection at once.
        is_stream: whether it is a GET, whose stream belongs to no request and has no end.
    """

    def __init__(self, scope: Scope, abort: Callable[[], None]) -> None:
        headers = Headers(scope=scope)
        self.session_id = headers.get("mcp-session-id", "")
        self.request_id: str | int | None = None
        self.cancelled = False
        self.on_late_cancel: Callable[[], None] | None = None
        self.abort = abort
        self.is_stream = scope["method"] == "GET"
        self._modern = headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS
        self._ended = False
        self._scopes: set[anyio.CancelScope] = set()

    @property
    def ended(self) -> bool:
        """Whether nothing more can be sent by it."""
        return self._ended

    def disconnect(self) -> None:
        """End it because the client has disconnected, which cancels a request of the modern era."""
        self.cancelled = self.cancelled or (self._modern and not self._ended)
        self.end()

    def end(self) -> None:
        """Cancel the work that is still done for this request."""
        self._ended = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Cancel the body of this context, without an exception, when the exchange ends."""
        scope = anyio.CancelScope()
        if self._ended:
            scope.cancel()
        self._scopes.add(scope)
        try:
            with scope:
                yield
        finally:
            self._scopes.discard(scope)


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that a request belongs to."""
    exchange = scope[_SCOPE_KEY]
    assert isinstance(exchange, Exchange)  # noqa: S101 - nobody else writes under this key
    return exchange


class HttpExchanges:
    """Wraps mcp's transport: reads bodies, and ends the exchanges of clients that disconnect.

    Args:
        app: mcp's transport.
        abort: closes the connection from a client's address.
        limits: of the bodies.
        tap: where the messages can be watched; None for nowhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        abort: Callable[[object], None],
        limits: HttpLimits = DEFAULT_LIMITS.http,
        tap: FrameTap | None = None,
    ) -> None:
        self._app = app
        self._abort = abort
        self._open: set[Exchange] = set()
        self._left: OrderedDict[tuple[str, str], Exchange] = OrderedDict()
        self._bodies = BodyReader(limits)
        self._watch = HttpWatch(tap)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request as ASGI defines it."""
        exchange = Exchange(scope, lambda: self._abort(scope["client"]))
        scope[_SCOPE_KEY] = exchange
        # There is no store of events to replay from, and mcp would not answer at all.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"last-event-id"]
        self._open.add(exchange)
        if scope["method"] == "DELETE":
            self._end_session(exchange.session_id)
        try:
            await self._serve(exchange, scope, _watch(exchange, receive), send)
        except ClientGone:
            pass
        except Exception:  # a failure of one client must not end the others
            logger.exception("an HTTP request failed")
            exchange.abort()
        finally:
            self._open.discard(exchange)
            exchange.end()
            self._remember(exchange)

    def end_all(self) -> None:
        """End all exchanges, because the server ends."""
        for exchange in self._open:
            exchange.end()
            if exchange.is_stream:
                exchange.abort()

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            # Without a session mcp would begin one, and refuse the request all the same.
            send = self._silence(exchange, send)
            await (self._app if exchange.session_id else _NOT_ALLOWED)(scope, receive, send)
            return
        try:
            message = await self._bodies.read(receive)
        except BodyRefused as refused:
            await refused.response(scope, receive, send)
            return
        self._watch.request(exchange.session_id or exchange, message)
        self._mark_cancelled(exchange.session_id, message)
        send = self._silence(exchange, send)
        await self._app(scope, replay(wrap_response(message), receive), send)

    def _silence(self, exchange: Exchange, send: Send) -> Send:
        """Send nothing more once the request is cancelled: mcp answers it with an error."""

        async def silenced(message: Message) -> None:
            if message["type"] == "http.response.body":
                if exchange.cancelled:
                    message = {**message, "body": b""}
                self._watch.response(exchange.session_id or exchange, message)
            await send(message)

        return silenced

    def _mark_cancelled(self, session_id: str, message: JsonObject) -> None:
        """Mark the exchange that a message cancels, before mcp cancels its work."""
        match message:
            case {"method": method, "params": {"requestId": str() | int() as request_id}}:
                if method != _CANCELLED_METHOD or not session_id:
                    return
            case _:
                return
        key = session_id, str(request_id)
        for exchange in self._open:
            if (exchange.session_id, str(exchange.request_id)) == key:
                exchange.cancelled = True
        left = self._left.pop(key, None)
        if left is not None and left.on_late_cancel is not None:
            left.cancelled = True
            left.on_late_cancel()

    def _remember(self, exchange: Exchange) -> None:
        """Remember a call whose client has disconnected, and may still cancel it."""
        if exchange.on_late_cancel is None or not exchange.session_id:
            return
        self._left[exchange.session_id, str(exchange.request_id)] = exchange
        if len(self._left) > MAX_LEFT_CALLS:
            self._left.popitem(last=False)

    def _end_session(self, session_id: str) -> None:
        for exchange in self._open:
            if session_id and exchange.session_id == session_id:
                exchange.end()
        for key in [key for key in self._left if key[0] == session_id]:
            del self._left[key]


def _watch(exchange: Exchange, receive: Receive) -> Receive:
    async def watched() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect":
            exchange.disconnect()
        return message

    return watched
