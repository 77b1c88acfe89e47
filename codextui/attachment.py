"""The console's attachment to the shared server: late imports, and a server that may be started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codextui.client import facts
from codextui.errors import ServerUnreachable
from codextui.operations import ServerCalls
from codextui.wire.decision import Decision
from codextui.wire.fields import JsonObject

if TYPE_CHECKING:
    from codextui.client.connection import Connection
    from codextui.client.lines import Streams


_START_AGAIN = "connect now starts it again"
"""As the footer names the key (`codextui.screens.key_hints`)."""


class Link(ServerCalls, Protocol):
    """What the console needs of an attachment."""

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""

    def retry(self) -> None:
        """A person wants it to connect now, and to start the server where none runs."""


class Attachment:
    """A connection that starts the server at first, and later only when a person asks for it.

    A server that somebody has ended on purpose is not started again by a console that was left
    open.
    """

    def __init__(
        self, name: str, config: Path | None, on_fact: Callable[[facts.Fact], None]
    ) -> None:
        """Take the server's name, its configuration, and who hears what happens."""
        self._name = name
        self._config = config
        self._on_fact = on_fact
        self._may_start = True
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""
        # The protocol's library takes most of a second to import: the screen is there before.
        connection_module = await asyncio.to_thread(_import_connection)
        connection = connection_module(self._open, name="codextui", on_fact=self._on_fact)
        async with connection:
            self._connection = connection
            try:
                await asyncio.Event().wait()
            finally:
                self._connection = None

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool. Raises the errors of `codextui.errors`."""
        return await self._connected().call(tool, arguments)

    async def answer(self, approval_id: str, decision: Decision) -> None:
        """Decide an approval. Raises ApprovalGone."""
        await self._connected().answer(approval_id, decision)

    def retry(self) -> None:
        """Connect now, and start the server where none runs."""
        self._may_start = True
        if self._connection is not None:
            self._connection.retry_now()

    async def _open(self) -> Streams:
        from codextui.client import spawn  # noqa: PLC0415 - not before the first frame

        if self._may_start:
            path = await spawn.ensure_server(self._name, config=self._config)
        else:
            path = await spawn.find_server(self._name, way_out=_START_AGAIN)
        streams = await spawn.open_socket(path)
        self._may_start = False
        return streams

    def _connected(self) -> Connection:
        if self._connection is None:
            raise ServerUnreachable("the connection to the server is not up yet")
        return self._connection


def _import_connection() -> type[Connection]:
    from codextui.client.connection import Connection  # noqa: PLC0415 - the reason of this module

    return Connection
