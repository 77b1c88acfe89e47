"""A WebSocket connection to an app-server that listens: one JSON-RPC message a text frame.

The `websockets` library does the handshake, the masking, and every frame that is not a whole text
message. `FrameSplitter` cuts whole text messages out of the bytes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import WebSocketURI, parse_uri

from codextui.codex.socket_reader import SocketReader
from codextui.codex.websocket_frames import FrameSplitter, OtherFrame
from codextui.errors import CodexUnreachable
from codextui.jsonrpc.lines import MAX_LINE, LineTooLong

UNIX = "unix://"
"""What the address of a unix socket begins with; an absolute path follows."""


@dataclass(frozen=True, slots=True)
class WebSocketLimits:
    """Times and sizes of a connection.

    Attributes:
        connect_s: seconds until a connection without a WebSocket is given up.
        max_message: bytes of a message; longer ones are dropped.
        keepalive_s: seconds between two pings, and until the other side is given up where nothing
            comes; None for never. Unix sockets have none.
        turn_s: seconds that messages are handled before other tasks get their turn.
        max_unhandled: bytes that may wait to be handled before no more are read.
        fragment: bytes of a frame that is sent; longer messages are sent in several. Codex refuses
            frames above 16 MiB.
    """

    connect_s: float = 10.0
    max_message: int = MAX_LINE
    keepalive_s: float | None = 20.0
    turn_s: float = 0.008
    max_unhandled: int = 512 * 1024 * 1024
    fragment: int = 8 * 1024 * 1024


DEFAULT_LIMITS = WebSocketLimits()


class WebSocketConnection(asyncio.Protocol):
    """An open connection. It is a `codextui.jsonrpc.endpoint.Transport`.

    Args:
        uri: where to connect to, for the handshake.
        token: the bearer token to present; empty for none.
        on_message: handles each message, in order.
        on_too_long: handles a message above the limit, which was dropped.
        limits: see WebSocketLimits.

    Attributes:
        closed: resolves to the reason once the connection is closed.
        peer: the id of the process at the other end of a unix socket; 0 where it is unknown.
    """

    def __init__(
        self,
        uri: WebSocketURI,
        *,
        token: str = "",
        on_message: Callable[[bytes], None],
        on_too_long: Callable[[LineTooLong], None],
        limits: WebSocketLimits = DEFAULT_LIMITS,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = loop.create_future()
        self.peer = 0
        self._opened: asyncio.Future[None] = loop.create_future()
        self._protocol = ClientProtocol(uri, max_size=limits.max_message)
        self._token = token
        self._on_message = on_message
        self._on_too_long = on_too_long
        self._limits = limits
        self._frames = FrameSplitter(limits.max_message)
        self._fragments: list[bytes] | None = None
        self._head = b""
        self._transport: asyncio.Transport
        self._writable = asyncio.Event()
        self._writable.set()
        self._lost = asyncio.Event()
        self._end = ""
        self._unhandled: deque[bytes] = deque()
        self._received = self._split()
        self._is_handling = False
        self._is_pinged = False
        self._keepalive: asyncio.TimerHandle | None = None
        self._reader: SocketReader | None = None

    @classmethod
    async def connect(
        cls,
        address: str,
        *,
        token: str = "",
        on_message: Callable[[bytes], None],
        on_too_long: Callable[[LineTooLong], None],
        limits: WebSocketLimits = DEFAULT_LIMITS,
    ) -> WebSocketConnection:
        """Connect to `unix://PATH`, `ws://…` or `wss://…`.

        Raises:
            CodexUnreachable: nothing there takes the connection; the message says why.
        """
        try:
            uri = parse_uri("ws://localhost/" if address.startswith(UNIX) else address)
        except (InvalidURI, ValueError) as error:
            raise CodexUnreachable(f"{address} is no address of an app-server: {error}") from error

        def create() -> WebSocketConnection:
            return cls(
                uri, token=token, on_message=on_message, on_too_long=on_too_long, limits=limits
            )

        connection: WebSocketConnection | None = None
        try:
            async with asyncio.timeout(limits.connect_s):
                connection = await _open(address, uri, create)
                await connection._opened  # noqa: SLF001 - a constructor
        except CodexUnreachable as error:
            raise CodexUnreachable(f"{address} cannot be joined: {error}") from error
        except (OSError, ssl.SSLError) as error:  # a TimeoutError too
            if connection is not None:
                connection.abort("")
            raise _unreachable(address, error, limits.connect_s) from error
        except BaseException:
            if connection is not None:
                connection.abort("")
            raise
        if limits.keepalive_s is not None and not address.startswith(UNIX):
            connection._keep_alive(limits.keepalive_s)  # noqa: SLF001 - a constructor
        return connection

    @property
    def transport(self) -> asyncio.Transport:
        """The transport that asyncio has made."""
        return self._transport

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._opened.done() and not self.closed.done()

    def send(self, data: bytes) -> bool:
        """Send a message without waiting. False where the connection is closed."""
        if not self.is_open or self._transport.is_closing():
            return False
        message, size = data.removesuffix(b"\n"), self._limits.fragment
        self._protocol.send_text(message[:size], fin=len(message) <= size)
        for start in range(size, len(message), size):
            is_last = start + size >= len(message)
            self._protocol.send_continuation(message[start : start + size], fin=is_last)
        self._flush()
        return True

    async def drain(self) -> None:
        """Wait until the other side has read enough, or the connection is closed."""
        await self._writable.wait()

    async def close(self, linger_s: float = 1.0) -> None:
        """Close the connection, after what was sent has left, or after `linger_s` seconds."""
        if self.is_open:
            self._protocol.send_close(1000)
            self._flush()
        self._transport.close()
        self._lose("the connection was closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(linger_s):
                await self._lost.wait()
        self._transport.abort()

    def abort(self, reason: str) -> None:
        """Close the connection at once."""
        self._lose(reason)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake (asyncio)."""
        self._transport = cast("asyncio.Transport", transport)
        request = self._protocol.connect()
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take bytes (asyncio).

        They are handled in turns, so that reading goes on: Codex hangs up on those that lag.
        """
        self._is_pinged = False
        if self.closed.done():
            return
        if not self._opened.done():
            data = self._shake_hands(data)
        if data:
            self._unhandled.append(data)
            self._handle_soon()

    def eof_received(self) -> None:
        """Let asyncio close the transport, which `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is closed (asyncio)."""
        if self._reader is not None:
            self._reader.stop()
        self._end = str(exc) if exc is not None else "it has closed the connection"
        self._lost.set()
        self._handle_soon()

    def pause_writing(self) -> None:
        """Note that the other side does not read as fast as we write (asyncio)."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that it has caught up (asyncio)."""
        self._writable.set()

    def _keep_alive(self, seconds: float) -> None:
        """Ping the other side now and then; hang up where nothing has come since the last ping."""
        if self._is_pinged:
            self.abort(f"nothing came for {seconds:g} seconds, not even the answer to a ping")
            return
        self._is_pinged = True
        self._protocol.send_ping(b"")
        self._flush()
        loop = asyncio.get_running_loop()
        self._keepalive = loop.call_later(seconds, self._keep_alive, seconds)

    def _shake_hands(self, data: bytes) -> bytes:
        """Handle the answer to the handshake, and return the bytes after it."""
        self._head += data
        if not self._head.startswith(_STATUS[: len(self._head)]):
            self._refuse(f"it answers no WebSocket handshake, but {_quote(self._head)}")
            return b""
        head, separator, rest = self._head.partition(b"\r\n\r\n")
        if not separator:
            if len(head) > _MAX_HEAD:
                self._refuse("it answers the WebSocket handshake without an end")
            return b""
        status = head.partition(b"\r\n")[0]
        if status.split(b" ")[1:2] != [b"101"]:
            self._refuse(f"it refuses the WebSocket handshake: {_quote(status)}")
            return b""
        self._protocol.receive_data(head + separator)
        self._protocol.events_received()
        if self._protocol.state is not State.OPEN:
            self._refuse(f"it answers a wrong WebSocket handshake: {self._protocol.handshake_exc}")
            return b""
        self._head = b""
        self._opened.set_result(None)
        return rest

    def _handle_soon(self) -> None:
        if not self._is_handling:
            self._is_handling = True
            asyncio.get_running_loop().call_soon(self._handle_some)

    def _handle_some(self) -> None:
        """Handle what has come, for as long as a turn lasts."""
        self._is_handling = False
        turn_ends = time.perf_counter() + self._limits.turn_s
        for frame in self._received:
            if isinstance(frame, bytes):
                self._on_message(frame)
            elif isinstance(frame, LineTooLong):
                self._on_too_long(frame)
            else:
                self._receive_frame(frame.data)
            if self.closed.done():
                return
            if time.perf_counter() >= turn_ends:
                self._handle_soon()
                return
        # A generator that has ended once gives nothing more.
        self._received = self._split()
        if self._unhandled:
            self._handle_soon()
        elif self._end:
            self._lose(self._end)

    def _split(self) -> Iterator[bytes | LineTooLong | OtherFrame]:
        while self._unhandled:
            data = self._unhandled.popleft()
            yield from self._frames.feed(data)
            if self._reader is not None:
                self._reader.note_handled(len(data))

    def _read_in_thread(self) -> None:
        """Read in a thread from here on, however busy the event loop is."""
        if self._transport.is_closing():
            return
        self._transport.pause_reading()
        end = self._transport.get_extra_info("socket").dup()
        loop, limit = asyncio.get_running_loop(), self._limits.max_unhandled
        self._reader = SocketReader(end, loop, self.data_received, self._transport.close, limit)
        self._reader.start()

    def _receive_frame(self, data: bytes) -> None:
        """Let the library read a frame, and handle what it makes of it."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._handle(event)
        self._frames.in_message = self._fragments is not None
        self._flush()
        if self._protocol.parser_exc is not None and not self.closed.done():
            self._lose(f"what came is no WebSocket message: {self._protocol.parser_exc}")
            self._transport.close()

    def _handle(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY | Opcode.CONT:
                parts = self._fragments = [] if self._fragments is None else self._fragments
                parts.append(bytes(frame.data))
                if frame.fin:
                    self._fragments = None
                    self._on_message(b"".join(parts))
            case Opcode.CLOSE:
                received = self._protocol.close_rcvd
                self._flush()
                self._lose(f"it closed the connection: {_quote(str(received).encode())}")
                self._transport.close()
            case _:
                pass  # the library has answered a ping

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)

    def _refuse(self, why: str) -> None:
        self._opened.set_exception(CodexUnreachable(why))
        self.abort(why)

    def _lose(self, reason: str) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        self._writable.set()
        if self._keepalive is not None:
            self._keepalive.cancel()
        if not self._opened.done():
            self._opened.set_exception(CodexUnreachable(reason))


async def _open(
    address: str, uri: WebSocketURI, create: Callable[[], WebSocketConnection]
) -> WebSocketConnection:
    loop = asyncio.get_running_loop()
    if not address.startswith(UNIX):
        context = ssl.create_default_context() if uri.secure else None
        _, connection = await loop.create_connection(create, uri.host, uri.port, ssl=context)
        return connection
    path = await asyncio.to_thread(_own_socket, Path(address.removeprefix(UNIX)))
    _, connection = await loop.create_unix_connection(create, os.fspath(path))
    connection.peer = _peer(connection.transport)
    connection._read_in_thread()  # noqa: SLF001 - a constructor
    return connection


def _own_socket(path: Path) -> Path:
    """Return where a socket really is: Codex links long paths to a short one.

    Raises:
        OSError: it is not there.
        CodexUnreachable: it belongs to another user, who would read and decide all we do.
    """
    real = path.resolve()
    owner = real.stat().st_uid
    if owner != os.getuid():
        raise CodexUnreachable(
            f"the socket {path} belongs to another user (uid {owner}): codextui joins only an "
            "app-server of your own"
        )
    return real


def _peer(transport: asyncio.Transport) -> int:
    """Return the id of the process that listens on a unix socket; 0 where it is unknown."""
    if not hasattr(socket, "SO_PEERCRED"):
        return 0
    end = transport.get_extra_info("socket")
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _unreachable(address: str, error: OSError, timeout_s: float) -> CodexUnreachable:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            why, absent = "there is no socket", True
        case ConnectionRefusedError():
            why, absent = "nothing listens there", True
        case PermissionError():
            why, absent = "you may not open it", False
        case TimeoutError():
            why, absent = f"it has not answered for {timeout_s:g} seconds", False
        case _:
            why, absent = error.strerror or str(error), False
    return CodexUnreachable(f"{address} cannot be joined: {why}", absent=absent)


def _quote(data: bytes) -> str:
    return ascii(data[:_MAX_QUOTED].decode("utf-8", "replace"))


_STATUS = b"HTTP/1.1 "
_MAX_HEAD = 64 * 1024
_MAX_QUOTED = 120
