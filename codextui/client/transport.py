"""An mcp transport over a byte stream of JSON lines, which takes out what must not go through mcp.

mcp's client validates every message with pydantic, drops the extra fields of elicitations and
keeps at most 256 notifications before it drops them in silence. So whatever the `Intercept`
wants is handed to it as it was on the wire, synchronously and in order; all else goes on to
mcp's session.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias, cast

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import RequestId, jsonrpc_message_adapter
from pydantic import ValidationError
from pydantic_core import from_json

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import LineReader, Streams

Direction: TypeAlias = Literal["in", "out"]

Tap: TypeAlias = Callable[[Direction, bytes], None]
"""Sees every frame, without its line end, before anybody else does: the protocol inspector."""

_WRITE_LIMIT_S = 30.0


class Intercept(Protocol):
    """Looks at every message first. Called on the event loop; must neither block nor raise."""

    def take_notification(self, method: str, params: JsonObject) -> bool:
        """Return whether the notification is dealt with, and must not go on to mcp."""
        ...

    def take_request(self, request_id: RequestId, method: str, params: JsonObject) -> bool:
        """Return whether the server's request will be answered with `respond` or `refuse`."""
        ...

    def malformed(self, reason: str) -> None:
        """A frame that is no JSON-RPC message was left out."""
        ...


class InterceptTransport:
    """One connection: an async context manager that yields mcp's read and write stream.

    Attributes:
        ended: resolves to the reason once nothing more can arrive.
        frames_in: how many frames have arrived.
    """

    def __init__(self, streams: Streams, intercept: Intercept, tap: Tap | None = None) -> None:
        self._reader, self._writer = streams
        self._lines = LineReader(self._reader)
        self._intercept = intercept
        self._tap = tap
        self.frames_in = 0
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> tuple[FrameReader, FrameWriter]:
        return FrameReader(self), FrameWriter(self)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end("the connection was closed")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def end(self, reason: str) -> None:
        """Say that nothing more arrives; the first reason stays."""
        if not self.ended.done():
            self.ended.set_result(reason)

    def respond(self, request_id: RequestId, result: JsonObject) -> None:
        """Answer a request that the intercept took."""
        self._put({"jsonrpc": "2.0", "id": request_id, "result": result})

    def refuse(self, request_id: RequestId, code: int, message: str) -> None:
        """Answer a request that the intercept took with an error."""
        error = {"code": code, "message": message}
        self._put({"jsonrpc": "2.0", "id": request_id, "error": error})

    async def receive(self) -> SessionMessage | None:
        """Return the next message that nobody took; None when there are no more."""
        while not self.ended.done():
            try:
                line = await self._lines.read_line()
            except (MessageInvalid, OSError) as error:
                self.end(f"the connection broke: {error}")
                break
            if line is None:
                self.end("the server closed the connection")
                break
            message = self._sort(line)
            if message is not None:
                return message
        return None

    async def send(self, message: SessionMessage) -> None:
        """Write a message of mcp's. Raises anyio's BrokenResourceError where the way is closed."""
        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
        self._write(text.encode())
        try:
            async with asyncio.timeout(_WRITE_LIMIT_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            self.end(f"the server takes nothing any more: {error}")
            raise anyio.BrokenResourceError from error

    def _sort(self, line: bytes) -> SessionMessage | None:
        self.frames_in += 1
        if self._tap is not None:
            self._tap("in", line)
        try:
            frame = _read(line)
        except (ValueError, RecursionError) as error:
            self._leave_out(error)
            return None
        if self._taken(frame):
            return None
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_python(frame))
        except ValidationError as error:
            self._leave_out(error)
            return None

    def _leave_out(self, error: Exception) -> None:
        why = str(error).partition("\n")[0][:200]
        self._intercept.malformed(f"a frame was no JSON-RPC message, and was left out: {why}")

    def _taken(self, frame: object) -> bool:
        if not isinstance(frame, dict):
            return False
        method = frame.get("method")
        if not isinstance(method, str):
            return False
        params = frame.get("params")
        source = cast("JsonObject", params) if isinstance(params, dict) else {}
        if "id" not in frame:
            return self._intercept.take_notification(method, source)
        request_id = frame["id"]
        if isinstance(request_id, bool) or not isinstance(request_id, int | str):
            return False
        return self._intercept.take_request(request_id, method, source)

    def _put(self, frame: JsonObject) -> None:
        self._write(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode())

    def _write(self, line: bytes) -> None:
        if self._tap is not None:
            self._tap("out", line)
        if not self._writer.is_closing():
            self._writer.write(line + b"\n")


class _Stream:
    """What both of mcp's streams must be able to do."""

    def __init__(self, transport: InterceptTransport) -> None:
        self._transport = transport

    async def aclose(self) -> None:
        """Nothing: the transport closes the stream when it is left."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class FrameReader(_Stream):
    """mcp's read stream: what the intercept left."""

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message. Raises anyio's EndOfStream."""
        message = await self._transport.receive()
        if message is None:
            raise anyio.EndOfStream
        return message

    def __aiter__(self) -> FrameReader:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        message = await self._transport.receive()
        if message is None:
            raise StopAsyncIteration
        return message


class FrameWriter(_Stream):
    """mcp's write stream."""

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message. Raises anyio's BrokenResourceError where the way is closed."""
        await self._transport.send(item)


def _read(line: bytes) -> Any:
    """The value in a line. Raises ValueError, RecursionError."""
    try:
        return from_json(line)
    except ValueError:  # half a character of UTF-16, which json takes; it is four times slower
        return json.loads(line)
