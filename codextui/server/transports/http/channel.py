"""The channel to a client whose request came by HTTP, and the bytes that wait for such clients."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Any

import mcp_types as types
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from pydantic import RootModel

from codextui.jsonrpc.fields import JsonObject
from codextui.server.clients import ClientGone, ClientRefused
from codextui.server.events.legacy import merge_legacy_deltas
from codextui.server.options import DEFAULT_LIMITS, HttpLimits
from codextui.server.transports.http.body import unwrap_result
from codextui.server.transports.http.exchange import Exchange

_MESSAGE_OVERHEAD = 1_024
"""Bytes that a waiting message takes beside its text, roughly."""

_MAX_ERROR = 300

logger = logging.getLogger(__name__)


class _Notification(types.Notification[dict[str, Any], str]):
    method: str
    params: dict[str, Any]


class _Request(types.Request[dict[str, Any], str]):
    method: str
    params: dict[str, Any]


class _AnyResult(RootModel[dict[str, Any]]):
    """A result with every member that it came with."""


class HttpChannel:
    """A `clients.Channel` for one request: everything is sent on the stream of its response.

    Its class attributes are those of a client without a relay.

    Args:
        session: mcp's session of the request.
        exchange: the request.
        backlog: counts what waits for all requests.
    """

    cwd = ""
    config: JsonObject = {}  # noqa: RUF012 - a JsonObject is read-only
    all_tools = False
    legacy_events: bool | None = None

    def __init__(self, session: ServerSession, exchange: Exchange, backlog: HttpBacklog) -> None:
        self._session = session
        self._exchange = exchange
        self._limits = backlog.limits
        self._queue: deque[tuple[str, JsonObject, int]] = deque()
        self._waiting = WaitingBytes(backlog, self.client_key, self.abort)
        self._closed = False
        self._sending = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None

    @property
    def client_key(self) -> Hashable:
        """The session; in the modern era, which has no sessions, the request."""
        return self._exchange.session_id or self._exchange

    @property
    def cancelled(self) -> Collection[types.RequestId]:
        """The request, where the client has cancelled it."""
        request_id = self._exchange.request_id
        return () if request_id is None or not self._exchange.cancelled else (request_id,)

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send one notification per item of `params`.

        Raises:
            ClientGone: the client has disconnected.
        """
        await self.flush()
        async with self._sending:
            for param in params:
                await self._send(method, param)

    def notify_soon(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Queue a notification, before anything that is sent later. Never waits."""
        del for_call
        if self._exchange.ended or self._closed:
            return
        if not self._merge(method, params):
            size = len(json.dumps(params)) + _MESSAGE_OVERHEAD
            self._queue.append((method, params, size))
            self._waiting.add(size)
        if self._queue and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush_quietly())

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Make a request of the client and return its result with every member.

        Cancelling this withdraws the request.

        Raises:
            ClientRefused: the client answered with an error.
            ClientGone: the client has disconnected.
        """
        del for_call
        await self.flush()
        related = ServerMessageMetadata(related_request_id=self._exchange.request_id)
        message = _Request(method=method, params=dict(params))
        try:
            # mcp's types name its own requests only.
            result = await self._session.send_request(message, _AnyResult, metadata=related)  # type: ignore[arg-type]
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                raise ClientGone from error
            raise ClientRefused(str(error)[:_MAX_ERROR]) from error
        return unwrap_result(result.root)

    def on_late_cancel(self, callback: Callable[[], None]) -> None:
        """Call back if the client, which has disconnected, still cancels this request."""
        self._exchange.on_late_cancel = callback

    def abort(self) -> None:
        """Disconnect at once, without sending what waits."""
        self._clear()
        self._exchange.abort()
        self._exchange.end()

    def close(self) -> None:
        """Close the channel, because the request has ended."""
        self._closed = True
        self._clear()

    async def flush(self) -> None:
        """Wait until everything that is queued has been sent.

        Raises:
            ClientGone: the client has disconnected.
        """
        async with self._sending:
            while self._queue:
                method, params, size = self._queue.popleft()
                self._waiting.remove(size)
                await self._send(method, params)

    def _merge(self, method: str, params: JsonObject) -> bool:
        """Merge a delta with the last one in the queue, where the client lags and it can be."""
        if len(self._queue) <= self._limits.merge_above:
            return False
        last_method, last, size = self._queue[-1]
        if last_method != method:
            return False
        merged = merge_legacy_deltas(last, params, self._limits.merged_chars)
        if merged is None:
            return False
        both, more = merged
        self._queue[-1] = method, both, size + more
        self._waiting.add(more)
        return True

    def _clear(self) -> None:
        self._queue.clear()
        self._waiting.clear()

    async def _send(self, method: str, params: JsonObject) -> None:
        if self._exchange.ended:
            raise ClientGone
        message = _Notification(method=method, params=dict(params))
        await self._session.send_notification(
            message,  # type: ignore[arg-type] # mcp's types name its own notifications only
            related_request_id=self._exchange.request_id,
        )

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except ClientGone:
            self._clear()


class WaitingBytes:
    """Counts the bytes that wait for one request.

    Attributes:
        client_key: identifies the client whose request it is.
        disconnect: disconnects the request's client.
        size: the bytes that wait.
    """

    def __init__(
        self, backlog: HttpBacklog, client_key: Hashable, disconnect: Callable[[], None]
    ) -> None:
        self.client_key = client_key
        self.disconnect = disconnect
        self.size = 0
        self._backlog = backlog

    def add(self, size: int) -> None:
        """Count more; disconnects a client, maybe another one, where too much waits."""
        self.size += size
        self._backlog.add(self, size)

    def remove(self, size: int) -> None:
        """Count less, because it is being sent."""
        self.size -= size
        self._backlog.remove(self, size)

    def clear(self) -> None:
        """Count nothing any more."""
        self.remove(self.size)


class HttpBacklog:
    """Counts the bytes that wait for all open requests, and holds them within limits.

    A client that does not read costs the others nothing: where too much waits for all, the
    largest request of the client for which most waits is disconnected.
    """

    def __init__(self, limits: HttpLimits = DEFAULT_LIMITS.http) -> None:
        self.limits = limits
        self._total = 0
        self._clients: dict[Hashable, int] = {}
        self._waiting: dict[WaitingBytes, None] = {}

    def add(self, waiting: WaitingBytes, size: int) -> None:
        """Count bytes of a request, and disconnect one where a limit is exceeded."""
        self._total += size
        client = waiting.client_key
        self._clients[client] = self._clients.get(client, 0) + size
        self._waiting[waiting] = None
        if waiting.size > self.limits.request_backlog:
            self._disconnect(waiting)
        elif self._clients[client] > self.limits.client_backlog:
            self._disconnect(self._largest(client))
        elif self._total > self.limits.total_backlog:
            self._disconnect(self._largest(max(self._clients, key=self._clients.__getitem__)))

    def remove(self, waiting: WaitingBytes, size: int) -> None:
        """Count bytes of a request as sent."""
        left = self._clients.get(waiting.client_key, 0) - size
        self._total -= size
        if left > 0:
            self._clients[waiting.client_key] = left
        else:
            self._clients.pop(waiting.client_key, None)
        if waiting.size <= 0:
            self._waiting.pop(waiting, None)

    def _largest(self, client_key: Hashable) -> WaitingBytes:
        own = (one for one in self._waiting if one.client_key == client_key)
        return max(own, key=lambda one: one.size)

    def _disconnect(self, waiting: WaitingBytes) -> None:
        logger.warning("an HTTP client is cut off: %s bytes wait for it unread", waiting.size)
        waiting.clear()
        waiting.disconnect()
