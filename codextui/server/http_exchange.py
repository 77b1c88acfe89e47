"""The HTTP requests that are being answered, and what became of whoever sent them.

mcp's transport of the handshake era goes on with a call whose client is gone, and waits for
answers that cannot come. So every exchange is watched here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_CANCELLED = "notifications/cancelled"
_MAX_NOTICE = 64 * 1024
_KEY = "codextui.exchange"


class Exchange:
    """One HTTP request, from its headers to the end of its response.

    Attributes:
        session_id: mcp's session of the handshake era; empty in the modern one.
        request_id: of the JSON-RPC request in it, once that is known.
        taken_back: whether the client said that it no longer wants the answer.
        has_no_end: whether it is a stream for notices, which belongs to no request.
    """

    def __init__(self, scope: Scope, abort: Callable[[], None]) -> None:
        headers = Headers(scope=scope)
        self.session_id = headers.get("mcp-session-id", "")
        self.request_id: str | int | None = None
        self.taken_back = False
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
            await self._app(scope, self._watch(exchange, receive), send)
        except Exception:  # the boundary of one client: the others go on
            logger.exception("an HTTP request failed")
            exchange.abort()
        finally:
            self._open.discard(exchange)
            exchange.end()

    def end_all(self) -> None:
        """The server ends: let go of everything that is done for somebody."""
        for exchange in self._open:
            exchange.end()
            if exchange.has_no_end:
                exchange.abort()

    def _watch(self, exchange: Exchange, receive: Receive) -> Receive:
        notice = bytearray()

        async def watched() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                exchange.leave()
            elif len(notice) < _MAX_NOTICE:
                notice.extend(message["body"])
                if not message["more_body"]:
                    self._note_cancellation(exchange.session_id, bytes(notice))
                    notice.clear()
            return message

        return watched

    def _note_cancellation(self, session_id: str, body: bytes) -> None:
        """Know that a call was taken back before mcp cancels what is done for it."""
        if len(body) > _MAX_NOTICE or _CANCELLED.encode() not in body or not session_id:
            return
        try:
            match json.loads(body):
                case {"method": method, "params": {"requestId": str() | int() as request_id}}:
                    taken_back = str(request_id) if method == _CANCELLED else None
                case _:
                    return
        except (ValueError, RecursionError):
            return  # mcp's transport says so to the client
        for exchange in self._open:
            if (exchange.session_id, str(exchange.request_id)) == (session_id, taken_back):
                exchange.taken_back = True

    def _end_session(self, session_id: str) -> None:
        for exchange in self._open:
            if session_id and exchange.session_id == session_id:
                exchange.end()
