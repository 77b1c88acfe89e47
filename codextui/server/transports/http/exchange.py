"""The HTTP requests that are being answered, and what became of whoever sent them.

mcp's transport of the handshake era goes on with a call whose client is gone, and waits for
answers that cannot come. So every exchange is watched here.
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
from codextui.server.transports.http.body import (
    BodyReader,
    BodyRefused,
    ClientLeft,
    for_mcp,
    replay,
)

logger = logging.getLogger(__name__)

MAX_LEFT = 1_000
"""Calls whose clients hung up that can still be taken back."""

_CANCELLED = "notifications/cancelled"
_KEY = "codextui.exchange"


class Exchange:
    """One HTTP request, from its headers to the end of its response.

    Attributes:
        session_id: mcp's session of the handshake era; empty in the modern one.
        request_id: of the JSON-RPC request in it, once that is known.
        taken_back: whether the client said that it no longer wants the answer.
        on_taken_back: what is done where it says so after it has hung up.
        has_no_end: whether it is a stream for notices, which belongs to no request.
    """

    def __init__(self, scope: Scope, abort: Callable[[], None]) -> None:
        headers = Headers(scope=scope)
        self.session_id = headers.get("mcp-session-id", "")
        self.request_id: str | int | None = None
        self.taken_back = False
        self.on_taken_back: Callable[[], None] | None = None
        self.has_no_end = scope["method"] == "GET"
        self.abort = abort
        self._modern = headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS
        self._ended = False
        self._scopes: set[anyio.CancelScope] = set()

    @property
    def ended(self) -> bool:
        """Whether nobody can be told anything through it any more."""
        return self._ended

    def leave(self) -> None:
        """The client closed the connection. In the modern era that takes its request back."""
        self.taken_back = self.taken_back or (self._modern and not self._ended)
        self.end()

    def end(self) -> None:
        """End what is still done for this request."""
        self._ended = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is done in here is cancelled, and leaves quietly, where the exchange ends."""
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
    """The exchange that a request belongs to."""
    exchange = scope[_KEY]
    assert isinstance(exchange, Exchange)  # noqa: S101 - nobody else writes under this key
    return exchange


class HttpExchanges:
    """Watches every exchange, on its way to mcp's transport."""

    def __init__(self, app: ASGIApp, abort: Callable[[object], None]) -> None:
        """Watch what goes to `app`; `abort` hangs up on a client by its address."""
        self._app = app
        self._abort = abort
        self._open: set[Exchange] = set()
        self._left: OrderedDict[tuple[str, str], Exchange] = OrderedDict()
        self._bodies = BodyReader()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as ASGI has it."""
        exchange = Exchange(scope, lambda: self._abort(scope["client"]))
        scope[_KEY] = exchange
        # There are no numbered events to be replayed; mcp would not answer at all.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"last-event-id"]
        self._open.add(exchange)
        if scope["method"] == "DELETE":
            self._end_session(exchange.session_id)
        try:
            await self._serve(exchange, scope, _watch(exchange, receive), send)
        except ClientLeft:
            pass
        except Exception:  # the boundary of one client: the others go on
            logger.exception("an HTTP request failed")
            exchange.abort()
        finally:
            self._open.discard(exchange)
            exchange.end()
            self._keep(exchange)

    def end_all(self) -> None:
        """The server ends: let go of everything that is done for somebody."""
        for exchange in self._open:
            exchange.end()
            if exchange.has_no_end:
                exchange.abort()

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            message = await self._bodies.read(receive)
        except BodyRefused as refused:
            await refused.response(scope, receive, send)
            return
        self._note_cancellation(exchange.session_id, message)
        await self._app(scope, replay(for_mcp(message), receive), send)

    def _note_cancellation(self, session_id: str, message: JsonObject) -> None:
        """Know that a call was taken back before mcp cancels what is done for it."""
        match message:
            case {"method": method, "params": {"requestId": str() | int() as request_id}}:
                if method != _CANCELLED or not session_id:
                    return
            case _:
                return
        key = session_id, str(request_id)
        for exchange in self._open:
            if (exchange.session_id, str(exchange.request_id)) == key:
                exchange.taken_back = True
        left = self._left.pop(key, None)
        if left is not None and left.on_taken_back is not None:
            left.taken_back = True
            left.on_taken_back()

    def _keep(self, exchange: Exchange) -> None:
        """Know a call whose client has hung up, for it may say still that it takes it back."""
        if exchange.on_taken_back is None or not exchange.session_id:
            return
        self._left[exchange.session_id, str(exchange.request_id)] = exchange
        if len(self._left) > MAX_LEFT:
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
            exchange.leave()
        return message

    return watched
