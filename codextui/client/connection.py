"""The connection of a client to the shared server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeAlias

from codextui.client.facts import Fact
from codextui.wire.decision import Decision
from codextui.wire.fields import JsonObject

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Both directions of a byte stream that carries JSON lines."""

Connect: TypeAlias = Callable[[], Awaitable[Streams]]
"""Opens the way to the server, for every attempt anew; raises OSError or ServerUnreachable.

`functools.partial(codextui.client.spawn.open_socket, path)` is one.
"""


class Connection:
    """A client of the shared server, for as long as the `async with` lasts.

    `on_fact` is called on the event loop, in the order of the wire, and must not block.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        name: str,
        on_fact: Callable[[Fact], None],
        supervise: bool = True,
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Connection:
        """Start connecting, and return at once: a `Connected` fact says when it is up."""
        raise NotImplementedError

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool of the server's and return its structured content.

        Raises the error of `codextui.errors` that the server names; ServerUnreachable where
        the connection is not up within a few seconds, or is lost before the answer came.
        """
        raise NotImplementedError

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone where somebody or something was faster."""
        raise NotImplementedError

    def retry_now(self) -> None:
        """Try to connect at once instead of after the pause."""
        raise NotImplementedError
