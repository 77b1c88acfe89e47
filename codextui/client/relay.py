"""`codextui mcp-server`: relays lines between a client on stdio and the shared server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Final

from codextui.client.session import CONNECTION_CLOSED, Connect
from codextui.errors import CodextuiError, MessageInvalid, ServerUnreachable
from codextui.jsonrpc.endpoint import INVALID_REQUEST, RequestId
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_frame, encode_frame, encode_json
from codextui.jsonrpc.lines import LineReader, Streams
from codextui.protocol.extensions import RELAYED_METHOD

MAX_REQUEST: Final = 16 * 1024 * 1024 - 1
"""Bytes of a client's line that the server reads. It disconnects clients that send more."""

MAX_LINE: Final = 64 * 1024 * 1024
"""Bytes of a client's line that the relay reads, so that it can refuse the request by its id."""


class Relay:
    """Serves one client until it closes its end.

    Connects to the server when the client first requests something. When the server is lost, every
    open request is answered with an error, and the server's own requests are withdrawn. The next
    request connects again, which starts a server where none runs, and repeats the client's own
    `initialize`.

    Args:
        connect: opens a connection to the server.
        client: the client's end.
        about: what the server is told about the client (`protocol.extensions.RELAYED_METHOD`).
        on_trouble: handles what went wrong, in a sentence.
    """

    def __init__(
        self,
        connect: Connect,
        client: Streams,
        *,
        about: JsonObject,
        on_trouble: Callable[[str], None],
    ) -> None:
        self._connect = connect
        self._reader, self._writer = client
        self._about = encode_frame({"jsonrpc": "2.0", "method": RELAYED_METHOD, "params": about})
        self._on_trouble = on_trouble
        self._open = OpenRequests()
        self._initialize: tuple[bytes, RequestId | None] | None = None
        self._initialized: bytes | None = None
        self._upstream: RelayUpstream | None = None
        self._server_sent = asyncio.Event()

    async def run(self) -> None:
        """Relay until the client has closed its end, and wait shortly for its last answers.

        Raises MessageInvalid where the client sends a line that is too long to read.
        """
        reading = asyncio.create_task(self._read_client())
        # Cancelling `wait_closed` itself would take it from those who close the writer.
        leaving = asyncio.shield(self._writer.wait_closed())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                await reading
                await self._finish()
        finally:
            reading.cancel()
            leaving.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)
            if self._upstream is not None:
                await self._upstream.close()

    async def _read_client(self) -> None:
        lines = LineReader(self._reader, MAX_LINE)
        try:
            while (line := await lines.read_line()) is not None:
                await self._handle(line)
        except MessageInvalid as error:
            await self._fail_open_requests(f"the connection is given up: {error}")
            raise
        except OSError:
            pass  # The client has gone, which ends the relay as well.

    async def _handle(self, line: bytes) -> None:
        frame = _decode(line)
        if len(line) > MAX_REQUEST:
            why = f"the message has {len(line)} bytes; the server reads {MAX_REQUEST}"
            await self._send_frames([_refusal(frame.get("id"), INVALID_REQUEST, why)])
            return
        self._remember_handshake(frame, line)
        if self._upstream is None and frame and not _is_request(frame):
            return  # An answer or a notification concerns the server that was lost.
        self._open.client_sent(frame)
        if self._upstream is None:
            await self._attach(introduce=frame.get("method") != "initialize")
        if self._upstream is not None:
            await self._upstream.send(line)
        elif not frame or (_is_request(frame) and _request_id(frame["id"]) is None):
            # No server refuses it, and it was not among the open requests.
            why = "the codextui server cannot be reached"
            await self._send_frames([_refusal(frame.get("id"), CONNECTION_CLOSED, why)])

    def _remember_handshake(self, frame: JsonObject, line: bytes) -> None:
        match frame.get("method"):
            case "initialize":
                self._initialize = line, _request_id(frame.get("id"))
                self._initialized = None
            case "notifications/initialized":
                self._initialized = line

    async def _attach(self, *, introduce: bool) -> None:
        try:
            self._upstream = await self._connect_upstream(introduce=introduce)
        except (OSError, CodextuiError) as error:
            await self._fail_open_requests(f"the codextui server cannot be reached: {error}")

    async def _connect_upstream(self, *, introduce: bool) -> RelayUpstream:
        """Return a new connection. Raises OSError, ServerUnreachable.

        A server that is just ending may still accept a connection, which is lost at once: then
        another one is made.
        """
        for _ in range(_MAX_LOST_CONNECTIONS):
            upstream = RelayUpstream(await self._connect())
            upstream.start(self._read_server(upstream))
            await upstream.send(self._about.rstrip(b"\n"))
            try:
                if introduce and self._initialize is not None:
                    await self._introduce(upstream, *self._initialize)
            except ServerUnreachable:
                if not upstream.lost:
                    raise
            if not upstream.lost:
                return upstream
        raise ServerUnreachable(upstream.lost)

    async def _introduce(
        self, upstream: RelayUpstream, initialize: bytes, request_id: RequestId | None
    ) -> None:
        """Repeat the handshake of the client with a new server. Raises ServerUnreachable."""
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                answer = await upstream.request(initialize, request_id)
        except TimeoutError:
            answer = {"error": f"no answer within {_HANDSHAKE_S:g} seconds"}
        if "error" in answer:
            await upstream.close()
            why = encode_json(answer["error"]).decode()[:300]
            raise ServerUnreachable(f"it does not take the client up again: {why}")
        if self._initialized is not None:
            await upstream.send(self._initialized)

    async def _read_server(self, upstream: RelayUpstream) -> None:
        """Pass on what the server sends until it or the client is lost."""
        reason = "it has ended"
        try:
            while lines := await upstream.lines.read_lines():
                if not await self._send_lines(self._follow(upstream, lines)):
                    return
        except (OSError, MessageInvalid) as error:
            reason = str(error)
        upstream.lose(reason)
        self._server_sent.set()
        if self._upstream is upstream:
            self._upstream = None
            await self._fail_open_requests(
                f"the codextui server is lost: {reason}. What its agents did is not undone; "
                "threads go on by codex-reply"
            )

    def _follow(self, upstream: RelayUpstream, lines: Sequence[bytes]) -> list[bytes]:
        """Note which requests are answered; leave out the answer to our own request."""
        passed_on = []
        for line in lines:
            if not line.startswith(_NOTIFICATION_HEAD):
                frame = _decode(line)
                if upstream.take_answer(frame):
                    continue
                self._open.server_sent(frame)
            passed_on.append(line)
        self._server_sent.set()
        return passed_on

    async def _send_lines(self, lines: Sequence[bytes]) -> bool:
        """Send lines to the client, waiting while it does not read. False where it has gone."""
        try:
            self._writer.write(b"".join(line + b"\n" for line in lines))
            await self._writer.drain()
        except OSError:
            return False
        return True

    async def _send_frames(self, frames: Iterable[JsonObject]) -> None:
        await self._send_lines([encode_json({"jsonrpc": "2.0", **frame}) for frame in frames])

    async def _fail_open_requests(self, reason: str) -> None:
        self._on_trouble(reason)
        await self._send_frames(self._open.fail(reason))

    async def _finish(self) -> None:
        """Wait shortly for open answers: a script may close its end before it reads them."""
        upstream = self._upstream
        if upstream is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while self._open.client_waits and self._upstream is upstream:
                    self._server_sent.clear()
                    await self._server_sent.wait()
        self._upstream = None
        try:
            async with asyncio.timeout(_LINGER_S):
                await upstream.finish()
        except TimeoutError:
            await upstream.close()


class RelayUpstream:
    """The connection of a relay to the server, with at most one request of the relay's own.

    Attributes:
        lines: what the server sends.
        lost: why the server is lost; empty while it is there.
    """

    def __init__(self, streams: Streams) -> None:
        reader, self._writer = streams
        self.lines = LineReader(reader)
        self.lost = ""
        self._reading: asyncio.Task[None] | None = None
        self._request: tuple[RequestId | None, asyncio.Future[JsonObject]] | None = None

    def start(self, reading: Coroutine[None, None, None]) -> None:
        """Start to read what the server sends."""
        self._reading = asyncio.create_task(reading)

    async def send(self, line: bytes) -> None:
        """Send a line, waiting while too much is unsent. Its reader notices a loss."""
        with contextlib.suppress(OSError):
            self._writer.write(line + b"\n")
            await self._writer.drain()

    async def request(self, line: bytes, request_id: RequestId | None) -> JsonObject:
        """Send a request, and return the answer that `take_answer` finds.

        Raises ServerUnreachable where the server is lost before it answers.
        """
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._request = request_id, answer
        await self.send(line)
        if self.lost:
            raise ServerUnreachable(self.lost)
        return await answer

    def take_answer(self, frame: JsonObject) -> bool:
        """Take a frame that answers `request`. False for every other frame."""
        if self._request is None or "method" in frame:
            return False
        request_id, answer = self._request
        if answer.done() or _request_id(frame.get("id")) != request_id:
            return False
        self._request = None
        answer.set_result(frame)
        return True

    def lose(self, reason: str) -> None:
        """Note that the server is lost."""
        self.lost = reason
        if self._request is not None and not self._request[1].done():
            self._request[1].set_exception(ServerUnreachable(reason))
        self._writer.close()

    async def finish(self) -> None:
        """Close the writing side, and read the rest of what the server sends."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()
        if self._reading is not None:
            await self._reading

    async def close(self) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()


class OpenRequests:
    """Follows the open requests of both sides of a relay.

    Args:
        most: requests of each side that are remembered; those beyond are not failed.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._of_client: dict[RequestId, None] = {}
        self._of_server: dict[RequestId, None] = {}

    @property
    def client_waits(self) -> bool:
        """True while the client waits for an answer."""
        return bool(self._of_client)

    def client_sent(self, frame: JsonObject) -> None:
        """Note a frame of the client."""
        self._note(frame, own=self._of_client, others=self._of_server)

    def server_sent(self, frame: JsonObject) -> None:
        """Note a frame of the server."""
        self._note(frame, own=self._of_server, others=self._of_client)

    def fail(self, reason: str) -> Iterator[JsonObject]:
        """Forget all requests, and yield what the client must be sent as the server is lost.

        That is an error for each of its requests, and the withdrawal of each of the server's.
        """
        of_client, self._of_client = self._of_client, {}
        of_server, self._of_server = self._of_server, {}
        for request_id in of_client:
            yield _refusal(request_id, CONNECTION_CLOSED, reason)
        for request_id in of_server:
            params = {"requestId": request_id, "reason": reason}
            yield {"method": "notifications/cancelled", "params": params}

    def _note(
        self, frame: JsonObject, own: dict[RequestId, None], others: dict[RequestId, None]
    ) -> None:
        match frame:
            case {"method": "notifications/cancelled", "params": {"requestId": request_id}}:
                _remove(own, request_id)
            case {"method": _, "id": request_id}:
                known = _request_id(request_id)
                if known is not None and len(own) < self._most:
                    own[known] = None
            case {"method": _}:
                pass
            case {"id": request_id}:
                _remove(others, request_id)


def _remove(requests: dict[RequestId, None], request_id: Json) -> None:
    known = _request_id(request_id)
    if known is not None:
        requests.pop(known, None)


def _request_id(value: Json) -> RequestId | None:
    """Return a request's id; None for what is none, or is too long to be remembered."""
    match value:
        case bool():
            return None
        case int():
            return value if value.bit_length() <= 3 * _MAX_ID else None
        case str():
            return value if len(value) <= _MAX_ID else None
        case _:
            return None


def _is_request(frame: JsonObject) -> bool:
    return "method" in frame and "id" in frame


def _refusal(request_id: Json, code: int, message: str) -> JsonObject:
    """Return the members of an error response; an id that no response can have becomes null."""
    can_be = isinstance(request_id, str | int | float) and not isinstance(request_id, bool)
    return {"id": request_id if can_be else None, "error": {"code": code, "message": message}}


def _decode(line: bytes) -> JsonObject:
    """Return the frame in a line; an empty one where it has none, which the server refuses."""
    try:
        return decode_frame(line)
    except MessageInvalid:
        return {}


_MAX_ID = 1_000
_MAX_LOST_CONNECTIONS = 3
_HANDSHAKE_S = 30.0
_LINGER_S = 1.0
# How the server begins its notifications, which are most of what it sends, and no answers.
_NOTIFICATION_HEAD = b'{"jsonrpc":"2.0","method":'
