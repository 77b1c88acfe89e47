"""A client on a byte stream: JSON lines in both directions, over a socket or stdio.

mcp's session reads and writes through a StreamChannel, as if it were mcp's pair of streams. Beside
it, and in wire order, the channel sends events without building a model of each, and makes
requests whose results arrive as the client sent them: mcp's own requests would lose the fields
that its models do not have.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Self

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from codextui.errors import ConnectionClosed, ErrorResponse, MessageInvalid
from codextui.jsonrpc.endpoint import PendingCalls
from codextui.jsonrpc.fields import Json, JsonObject, as_object
from codextui.jsonrpc.frames import decode_json, encode_frame
from codextui.jsonrpc.lines import LineReader
from codextui.jsonrpc.tap import Wire
from codextui.protocol import extensions
from codextui.server.clients import ClientGone, ClientRefused
from codextui.server.mcp.validation import check_response, parse_error, validate_message

MAX_LINE = 16 * 1024 * 1024
"""Default limit of a client's line in bytes: sixteen prompts of the longest kind."""

MAX_UNREAD = 64 * 1024 * 1024
"""Default limit of the bytes that a client leaves unread before it is disconnected."""

_ID_PREFIX = "codextui-"
_KEPT_CANCELLED = 1_000
_LOG = logging.getLogger(__name__)


class StreamChannel:
    """The channel to one client on a byte stream; mcp's read and write stream at once.

    It is a `codextui.server.clients.Channel`, whose attributes it has. All requests of the
    client share the one stream.

    Args:
        reader: what the client sends.
        writer: what it reads.
        max_line: bytes of a line; a client that sends a longer one is disconnected.
        max_unread: bytes that may be unread by the client before it is disconnected.

    Attributes:
        parent: process id of the parent of the relay through which the client comes; 0 without a
            relay.
        on_relayed: called when a relay has described its client.
        wire: where its frames can be watched; None for nowhere.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        max_line: int = MAX_LINE,
        max_unread: int = MAX_UNREAD,
    ) -> None:
        self.cancelled: deque[types.RequestId] = deque(maxlen=_KEPT_CANCELLED)
        self.cwd = ""
        self.config: JsonObject = {}
        self.all_tools = False
        self.legacy_events: bool | None = None
        self.parent = 0
        self.on_relayed: Callable[[], None] = lambda: None
        self.wire: Wire | None = None
        self._lines = LineReader(reader, max_line)
        self._writer = writer
        self._max_unread = max_unread
        # Random, as a relay may answer a request of one server to the next one.
        self._calls = PendingCalls(f"{_ID_PREFIX}{secrets.token_hex(4)}-")
        self._writing = asyncio.Lock()
        self._unsent: list[bytes] = []

    @property
    def client_key(self) -> Hashable:
        """The channel itself: no other client comes by it."""
        return self

    async def notify(self, method: str, *params: JsonObject) -> None:
        """Send a notification for each of the parameters, waiting while the client does not read.

        Raises ClientGone.
        """
        await self._write(b"".join(_notification(method, param) for param in params))

    def notify_soon(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> None:
        """Send a notification soon, before anything that is sent later. Never waits."""
        del for_call  # all calls share the stream
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(_notification(method, params))

    async def request(
        self, method: str, params: JsonObject, *, for_call: types.RequestId | None = None
    ) -> JsonObject:
        """Make a request, and return its result with all fields.

        Cancelling this withdraws the request (`notifications/cancelled`). Raises ClientRefused,
        ClientGone.
        """
        del for_call
        try:
            result = await self._call(method, params)
        except ErrorResponse as error:
            raise ClientRefused(str(error)) from error
        except ConnectionClosed as error:
            raise ClientGone from error
        if not isinstance(result, dict):
            raise ClientRefused("the result is not an object")
        return result

    def on_late_cancel(self, callback: Callable[[], None]) -> None:
        """Do nothing: a client that stops reading one answer stops reading all of them."""

    def set_relay_details(self, about: JsonObject) -> None:
        """Take over what a relay says about its client (`protocol.extensions.RELAYED_METHOD`)."""
        cwd, config = about.get("cwd"), about.get("config")
        self.cwd = cwd if isinstance(cwd, str) else ""
        self.config = config if isinstance(config, dict) else {}
        self.all_tools = about.get("tools") == "all"
        events = about.get("events")
        self.legacy_events = events if isinstance(events, bool) else None
        parent = about.get("parent")
        self.parent = parent if isinstance(parent, int) else 0
        self.on_relayed()

    def abort(self) -> None:
        """Disconnect at once, without sending what is unsent."""
        self._writer.transport.abort()

    # mcp's read stream

    async def receive(self) -> SessionMessage:
        """Return the next message for mcp's session. Raises anyio.EndOfStream."""
        while (line := await self._read_line()) is not None:
            self._watch(line, sent=False)
            message = self._parse(line)
            if message is not None:
                return message
        self._calls.close("the client has gone")
        if self.wire is not None:
            self.wire.end("the client has gone")
        self._writer.close()
        raise anyio.EndOfStream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    # mcp's write stream

    async def send(self, item: SessionMessage) -> None:
        """Send a message of mcp's session. Raises anyio.BrokenResourceError."""
        if self.wire is not None and (answered := _answered_id(item.message)) is not None:
            self.wire.close(answered, sent=False)
        try:
            await self._write(_encode_model(item.message))
        except ClientGone as error:
            raise anyio.BrokenResourceError from error

    # both of them

    async def aclose(self) -> None:
        """Do nothing: the stream is closed in both directions by its owner."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _call(self, method: str, params: JsonObject) -> Json:
        with self._calls.open() as (request_id, answer):
            message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
            frame = encode_frame(message)
            if self.wire is not None:
                self.wire.open(request_id, frame, sent=True)
            try:
                await self._write(frame)
                return await answer
            except asyncio.CancelledError:
                withdrawn = {"requestId": request_id, "reason": "there is nothing left to decide"}
                self._write_soon(_notification("notifications/cancelled", withdrawn))
                raise
            finally:
                if self.wire is not None:
                    self.wire.close(request_id, sent=True)

    async def _read_line(self) -> bytes | None:
        try:
            return await self._lines.read_line()
        except MessageInvalid as error:
            _LOG.warning("a client is disconnected: %s", error)
        except OSError:
            pass  # the client has gone
        return None

    def _parse(self, line: bytes) -> SessionMessage | None:
        """Return a message for mcp's session, or None where there is nothing for it."""
        try:
            message = decode_json(line)
            if isinstance(message, dict) and self._handle(message, line):
                return None
            rejection = validate_message(message, line)
            if rejection is None:
                parsed = types.jsonrpc_message_adapter.validate_python(message, by_name=False)
                if self.wire is not None and isinstance(parsed, types.JSONRPCRequest):
                    self.wire.open(parsed.id, line, sent=False)
                return SessionMessage(parsed)
        except (ValueError, RecursionError) as error:
            self._write_soon(encode_frame(parse_error(str(error))))
            return None
        if rejection.expected:
            self._write_soon(encode_frame(rejection.response))
        return None

    def _handle(self, message: JsonObject, line: bytes) -> bool:
        """Handle what concerns this channel. False where mcp's session must have it."""
        match message:
            case {"method": "notifications/cancelled", "params": {"requestId": str() | int() as i}}:
                self.cancelled.append(i)
                if self.wire is not None:
                    self.wire.close(i, sent=False)
                return False
            case {"method": extensions.RELAYED_METHOD, "params": dict() as about}:
                self.set_relay_details(as_object(about, "params"))
                return True
            case {"method": _}:
                return False
            case {"id": str(request_id)} if request_id.startswith(_ID_PREFIX):
                self._calls.settle(check_response(message, line))
                return True
            case _:
                return False

    async def _write(self, data: bytes) -> None:
        """Write, and wait while the client reads too slowly: its unread bytes stay bounded."""
        try:
            async with self._writing:
                self._flush()
                self._watch(data, sent=True)
                self._writer.write(data)
                await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise ClientGone from error

    def _write_soon(self, line: bytes) -> None:
        self._unsent.append(line)
        self._flush()

    def _flush(self) -> None:
        lines, self._unsent = self._unsent, []
        if not lines or self._writer.is_closing():
            return
        data = b"".join(lines)
        self._watch(data, sent=True)
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > self._max_unread:
            _LOG.warning("a client is disconnected: it does not read")
            self.abort()

    def _watch(self, data: bytes, *, sent: bool) -> None:
        if self.wire is not None and (watch := self.wire.tap.on_frame) is not None:
            watch(self.wire, sent, data)


def _notification(method: str, params: JsonObject) -> bytes:
    return encode_frame({"jsonrpc": "2.0", "method": method, "params": params})


def _answered_id(message: types.JSONRPCMessage) -> types.RequestId | None:
    match message:
        case types.JSONRPCResponse(id=request_id) | types.JSONRPCError(id=request_id):
            return request_id
        case _:
            return None


def _encode_model(message: types.JSONRPCMessage) -> bytes:
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
    except ValueError:  # a lone surrogate
        return encode_frame(message.model_dump(mode="json", by_alias=True, exclude_unset=True))
