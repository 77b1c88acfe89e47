"""The way to a client whose request came by HTTP: the stream of the response to that request."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Any, Final

import mcp_types as types
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from pydantic import RootModel

from codextui.jsonrpc.fields import JsonObject
from codextui.server.mcp.channel import PeerGone, PeerRefused
from codextui.server.mcp.codex_events import merged
from codextui.server.transports.http.body import raw_result
from codextui.server.transports.http.exchange import Exchange

logger = logging.getLogger(__name__)

MAX_OF_REQUEST = 16 * 1024 * 1024
"""Bytes that may wait for one request; then it is cut off."""

MAX_OF_CLIENT: Final = 32 * 1024 * 1024
"""Bytes that may wait for all the requests of one client."""

MAX_OF_ALL: Final = 128 * 1024 * 1024
"""Bytes that may wait for everybody. It is who reads least that is cut off for it."""


class Waiting:
    """What waits for one request.

    Attributes:
        client: whose request it is.
        cut_off: hangs up on it.
        size: bytes that wait.
    """

    def __init__(self, backlog: HttpBacklog, client: Hashable, cut_off: Callable[[], None]) -> None:
        self.client = client
        self.cut_off = cut_off
        self.size = 0
        self._backlog = backlog

    def add(self, size: int) -> None:
        """More waits; who has too much waiting, this one or another, is cut off."""
        self.size += size
        self._backlog.added(self, size)

    def take(self, size: int) -> None:
        """Some of it is on its way."""
        self.size -= size
        self._backlog.taken(self, size)

    def clear(self) -> None:
        """Nothing waits any more."""
        self.take(self.size)


class HttpBacklog:
    """What waits for all the requests that are open.

    A client that does not read costs no other client anything: where there is too much for all,
    the request that has most waiting of the client that has most waiting is cut off.
    """

    def __init__(self, *, of_client: int = MAX_OF_CLIENT, of_all: int = MAX_OF_ALL) -> None:
        """Nothing waits yet.

        Args:
            of_client: bytes that may wait for one client.
            of_all: bytes that may wait for all.
        """
        self._of_client = of_client
        self._of_all = of_all
        self._total = 0
        self._clients: dict[Hashable, int] = {}
        self._waiting: dict[Waiting, None] = {}

    def added(self, waiting: Waiting, size: int) -> None:
        """More waits for a request."""
        self._total += size
        self._clients[waiting.client] = self._clients.get(waiting.client, 0) + size
        self._waiting[waiting] = None
        if waiting.size > MAX_OF_REQUEST:
            self._cut_off(waiting)
        elif self._clients[waiting.client] > self._of_client:
            self._cut_off(self._largest(waiting.client))
        elif self._total > self._of_all:
            self._cut_off(self._largest(max(self._clients, key=self._clients.__getitem__)))

    def taken(self, waiting: Waiting, size: int) -> None:
        """Less waits for a request."""
        left = self._clients.get(waiting.client, 0) - size
        self._total -= size
        if left > 0:
            self._clients[waiting.client] = left
        else:
            self._clients.pop(waiting.client, None)
        if waiting.size <= 0:
            self._waiting.pop(waiting, None)

    def _largest(self, client: Hashable) -> Waiting:
        own = (one for one in self._waiting if one.client == client)
        return max(own, key=lambda one: one.size)

    def _cut_off(self, waiting: Waiting) -> None:
        logger.warning("an HTTP client is cut off: %s bytes wait for it unread", waiting.size)
        waiting.clear()
        waiting.cut_off()


MERGE_ABOVE = 256
"""Messages waiting above which adjacent deltas of one item are merged."""

_OVERHEAD = 1_024
"""Bytes that a message takes beside its text, roughly."""


class _Notification(types.Notification[dict[str, Any], str]):
    method: str
    params: dict[str, Any]


class _Request(types.Request[dict[str, Any], str]):
    method: str
    params: dict[str, Any]


class _AnyResult(RootModel[dict[str, Any]]):
    """A result with every field that it came with."""


class HttpChannel:
    """A Channel for one request. What is sent belongs to that request, whatever `for_call` says.

    Attributes:
        cwd: empty: where an HTTP client works is not known.
        config: empty, as is what else a relay says of its client.
        all_tools: see Channel.
        events: see Channel.
    """

    def __init__(self, session: ServerSession, exchange: Exchange, backlog: HttpBacklog) -> None:
        self.cwd = ""
        self.config: JsonObject = {}
        self.all_tools = False
        self.events = True
        self._session = session
        self._exchange = exchange
        self._told: deque[tuple[str, JsonObject, int]] = deque()
        self._waiting = Waiting(backlog, self.client, self.abort)
        self._closed = False
        self._sending = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None

    @property
    def client(self) -> Hashable:
        """The session; in the modern era, which has none, the request."""
        return self._exchange.session_id or self._exchange

    @property
    def cancelled(self) -> Collection[types.RequestId]:
        """The request, where the client took it back."""
        request_id = self._exchange.request_id
        return () if request_id is None or not self._exchange.taken_back else (request_id,)

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send a notification for each of the parameters. Raises PeerGone."""
        await self.flush()
        async with self._sending:
            for param in params:
                await self._send(method, param)

    def tell(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Send a notification soon, before anything that is sent later. Never waits."""
        del for_call
        if self._exchange.ended or self._closed:
            return
        if not self._merge(method, params):
            size = len(json.dumps(params)) + _OVERHEAD
            self._told.append((method, params, size))
            self._waiting.add(size)
        if self._told and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush_quietly())

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Ask the client, and return its result, whatever is in it.

        Cancelling this takes the request back. Raises PeerRefused, PeerGone.
        """
        del for_call
        await self.flush()
        related = ServerMessageMetadata(related_request_id=self._exchange.request_id)
        message = _Request(method=method, params=dict(params))
        try:
            # The types of mcp name its own requests only.
            result = await self._session.send_request(message, _AnyResult, metadata=related)  # type: ignore[arg-type]
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                raise PeerGone from error
            raise PeerRefused(str(error)[:300]) from error
        return raw_result(result.root)

    def answer_late(self, request_id: types.RequestId, result: JsonObject) -> None:
        """Nothing: over HTTP a call that was taken back is answered at once."""

    def when_taken_back(self, call: Callable[[], None]) -> None:
        """Be called where the client, which has hung up, takes this request back after all."""
        self._exchange.on_taken_back = call

    def abort(self) -> None:
        """Hang up at once, without sending what waits."""
        self._forget()
        self._exchange.abort()
        self._exchange.end()

    def close(self) -> None:
        """The request is over: nothing more can be told by it."""
        self._closed = True
        self._forget()

    def _merge(self, method: str, params: JsonObject) -> bool:
        """Put a delta to the one that waits before it, where so much waits that it lags."""
        if len(self._told) <= MERGE_ABOVE:
            return False
        last_method, last, size = self._told[-1]
        together = merged(last, params) if last_method == method else None
        if together is None:
            return False
        one, more = together
        self._told[-1] = method, one, size + more
        self._waiting.add(more)
        return True

    def _forget(self) -> None:
        self._told.clear()
        self._waiting.clear()

    async def flush(self) -> None:
        """Wait until everything that was told before has been sent. Raises PeerGone."""
        async with self._sending:
            while self._told:
                method, params, size = self._told.popleft()
                self._waiting.take(size)
                await self._send(method, params)

    async def _send(self, method: str, params: JsonObject) -> None:
        if self._exchange.ended:
            raise PeerGone
        message = _Notification(method=method, params=dict(params))
        await self._session.send_notification(
            message,  # type: ignore[arg-type] # the types of mcp name its own notifications only
            related_request_id=self._exchange.request_id,
        )

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except PeerGone:
            self._forget()
