"""One client at the other end of a byte stream: JSON lines, both ways.

mcp's session reads and writes through a Peer. Beside it, and in the order of the wire, a Peer
sends events without building a model of each, and asks its own requests, whose results arrive
as the client sent them: mcp's own would lose the fields that it does not know.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
from collections import deque
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage
from pydantic_core import to_json

from codextui.jsonrpc.fields import JsonObject, as_object
from codextui.jsonrpc.frames import read_json
from codextui.protocol import tools
from codextui.server.mcp.channel import PeerGone, PeerRefused
from codextui.server.mcp.validation import object_to, unreadable

__all__ = ["MAX_LINE", "Peer", "PeerGone", "PeerRefused"]

logger = logging.getLogger(__name__)

MAX_LINE = 16 * 1024 * 1024
"""Bytes that a client's line may have: sixteen prompts of the longest kind."""

MAX_UNREAD = 64 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then it is cut off."""

_OWN_IDS = "codextui-"
_KEPT_CANCELLED = 1_000
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Peer:
    """A client's connection, as mcp's read stream and write stream at once.

    It is a Channel, whose attributes it has. All of its requests share the one stream.

    Attributes:
        parent: the process that started the relay through which the client comes; 0 where it
            comes by itself.
        on_introduced: what is done when a relay has said for whom it comes.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.cancelled: deque[types.RequestId] = deque(maxlen=_KEPT_CANCELLED)
        self.cwd = ""
        self.config: JsonObject = {}
        self.all_tools = False
        self.events = True
        self.parent = 0
        self.on_introduced: Callable[[], None] = lambda: None
        self._reader = reader
        self._writer = writer
        # A relay goes on with another server, which must not take an answer that is late for one.
        self._own_ids = f"{_OWN_IDS}{secrets.token_hex(4)}-"
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[JsonObject]] = {}
        self._writing = asyncio.Lock()
        self._told: list[bytes] = []
        self._gone = False

    @property
    def client(self) -> Hashable:
        """This connection: nobody else comes by it."""
        return self

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send a notification for each of the parameters; waits where the client does not read.

        Raises PeerGone.
        """
        lines = (_line({"jsonrpc": "2.0", "method": method, "params": param}) for param in params)
        await self._write(b"".join(lines))

    def tell(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Send a notification soon, before anything that is sent later. Never waits."""
        del for_call  # there is one stream for all
        if not self._told:
            asyncio.get_running_loop().call_soon(self._flush)
        self._told.append(_line({"jsonrpc": "2.0", "method": method, "params": params}))

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Ask the client, and return its result, whatever is in it.

        Cancelling this takes the request back (`notifications/cancelled`). Raises PeerRefused,
        PeerGone.
        """
        del for_call
        if self._gone:
            raise PeerGone
        request_id = f"{self._own_ids}{next(self._numbers)}"
        future: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        try:
            await self._write(_line(message))
            return await future
        except asyncio.CancelledError:
            reason = {"requestId": request_id, "reason": "there is nothing left to decide"}
            self._write_soon({"method": "notifications/cancelled", "params": reason})
            raise
        finally:
            del self._asked[request_id]

    def answer_late(self, request_id: types.RequestId, result: JsonObject) -> None:
        """Answer a request that the client has taken back, and that mcp leaves unanswered."""
        self._write_soon({"id": request_id, "result": result})

    def when_taken_back(self, call: Callable[[], None]) -> None:
        """Nothing: who hangs up on one answer hangs up on all, and can say no more."""

    def introduce(self, about: JsonObject) -> None:
        """Take in what a relay says of its client (`wire.tools.RELAYED_METHOD`)."""
        cwd, config = about.get("cwd"), about.get("config")
        self.cwd = cwd if isinstance(cwd, str) else ""
        self.config = config if isinstance(config, dict) else {}
        self.all_tools = about.get("tools") == "all"
        self.events = about.get("events") is not False
        parent = about.get("parent")
        self.parent = parent if isinstance(parent, int) else 0
        self.on_introduced()

    def abort(self) -> None:
        """Hang up at once, without sending what waits."""
        self._writer.transport.abort()

    def _write_soon(self, message: JsonObject) -> None:
        self._told.append(_line({"jsonrpc": "2.0", **message}))
        self._flush()

    def _flush(self) -> None:
        lines, self._told = self._told, []
        if not lines or self._writer.is_closing():
            return
        self._writer.write(b"".join(lines))
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            logger.warning("a client is cut off: it does not read")
            self.abort()

    async def _write(self, data: bytes) -> None:
        """Write when everything before has been taken, so that what waits stays bounded."""
        try:
            async with self._writing:
                self._flush()
                self._writer.write(data)
                await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise PeerGone from error

    def _hang_up(self) -> None:
        self._gone = True
        for future in self._asked.values():
            if not future.done():
                future.set_exception(PeerGone())
        self._writer.close()

    # mcp's read stream

    async def receive(self) -> SessionMessage:
        """The next message for mcp's session. Raises anyio.EndOfStream."""
        while True:
            try:
                line = await self._reader.readline()
            except ConnectionError:
                line = b""
            except ValueError:
                logger.warning("a client is cut off: it sent a line above %s bytes", MAX_LINE)
                line = b""
            if not line:
                self._hang_up()
                raise anyio.EndOfStream
            message = self._parse(line) if line.strip() else None
            if message is not None:
                return message
            await asyncio.sleep(0)  # there may be a million such lines, and others wait

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    def _parse(self, line: bytes) -> SessionMessage | None:
        """A message for mcp's session; None where there is nothing in it for that."""
        try:
            message = read_json(line)
            if isinstance(message, dict) and self._take(message):
                return None
            objection = object_to(message)
            if objection is None:
                parsed = types.jsonrpc_message_adapter.validate_python(message, by_name=False)
                return SessionMessage(parsed)
        except (ValueError, RecursionError) as error:
            self._write_soon(unreadable(str(error)))
            return None
        if objection.expected:
            self._write_soon(objection.answer)
        return None

    def _take(self, message: JsonObject) -> bool:
        """Take what is for us; note what is for mcp's session and for us."""
        match message:
            case {"method": "notifications/cancelled", "params": {"requestId": str() | int() as i}}:
                self.cancelled.append(i)
                return False
            case {"method": tools.RELAYED_METHOD, "params": dict() as about}:
                self.introduce(as_object(about, "params"))
                return True
            case {"method": _}:
                return False
            case {"id": str(request_id)} if request_id.startswith(_OWN_IDS):
                future = self._asked.get(request_id)
                if future is not None and not future.done():
                    _resolve(future, message)
                return True
            case _:
                return False

    # mcp's write stream

    async def send(self, item: SessionMessage) -> None:
        """Send a message of mcp's session. Raises anyio.BrokenResourceError."""
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await self._write(line.encode() + b"\n")
        except PeerGone as error:
            raise anyio.BrokenResourceError from error

    # both

    async def aclose(self) -> None:
        """Leave the stream to whoever opened it: it closes both directions at once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


def _resolve(future: asyncio.Future[JsonObject], message: JsonObject) -> None:
    result = message.get("result")
    if isinstance(result, dict):
        future.set_result(result)
    else:
        future.set_exception(PeerRefused(str(message.get("error"))[:300]))


def _line(message: JsonObject) -> bytes:
    try:
        return to_json(message) + b"\n"
    except ValueError:  # half a character of UTF-16, which UTF-8 cannot say and JSON can
        return _ENCODER.encode(message).encode() + b"\n"
