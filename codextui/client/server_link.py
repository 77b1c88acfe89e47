"""A relay's connection to one server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine

from codextui.client.line_blocks import LineBlocks
from codextui.client.lines import Streams
from codextui.client.open_requests import id_key
from codextui.errors import ServerUnreachable
from codextui.wire.fields import JsonObject


class ServerLink:
    """Takes lines for the server, and may ask it one thing of its own.

    Attributes:
        blocks: what the server says.
        lost: why it is lost; empty while it is there.
    """

    def __init__(self, streams: Streams) -> None:
        reader, self._writer = streams
        self.blocks = LineBlocks(reader)
        self.lost = ""
        self._pump: asyncio.Task[None] | None = None
        self._asked: tuple[str | None, asyncio.Future[JsonObject]] | None = None

    def start(self, pump: Coroutine[None, None, None]) -> None:
        """Begin to pass on what the server says."""
        self._pump = asyncio.create_task(pump)

    async def send(self, line: bytes) -> None:
        """Send a line and wait while too much waits before it. A loss shows in `blocks`."""
        with contextlib.suppress(OSError):
            self._writer.write(line + b"\n")
            await self._writer.drain()

    async def ask(self, line: bytes, key: str | None) -> JsonObject:
        """Send a request, and return its answer, which `takes` finds.

        Args:
            line: the request.
            key: its id, as `open_requests.id_key` has it.

        Raises:
            ServerUnreachable: the server was lost before it answered.
        """
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._asked = key, answer
        await self.send(line)
        if self.lost:
            raise ServerUnreachable(self.lost)
        return await answer

    def takes(self, frame: JsonObject) -> bool:
        """Take the frame where it is the answer to `ask`."""
        if self._asked is None or "method" in frame:
            return False
        key, answer = self._asked
        if answer.done() or id_key(frame.get("id")) != key:
            return False
        self._asked = None
        answer.set_result(frame)
        return True

    def lose(self, reason: str) -> None:
        """Note that the server is lost."""
        self.lost = reason
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_exception(ServerUnreachable(reason))
        self._writer.close()

    async def finish(self) -> None:
        """Tell the server that no more comes, and wait for its last words."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()
        if self._pump is not None:
            await self._pump

    async def close(self) -> None:
        """Hang up."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        self._writer.close()
