"""What waits for HTTP clients that do not read: bounded for a request, a client, and all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Final

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
