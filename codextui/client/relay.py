"""`codextui mcp-server`: bytes between a client on stdio and the shared server on its socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Final, TypeAlias

from codextui.errors import CodextuiError, MessageInvalid, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import LineBlocks, LineReader, Streams
from codextui.protocol.tools import RELAYED_METHOD

CONNECTION_CLOSED: Final = -32000
"""The error code by which the MCP SDKs themselves say that a connection is lost."""

_CANCELLED = "notifications/cancelled"
_MOST = 10_000
_LONGEST_ID = 1_000


class OpenRequests:
    """Follows the frames of both sides.

    At most 10,000 requests a side are remembered: who has more open is not told of the rest.
    """

    def __init__(self) -> None:
        self._of_client: dict[str, object] = {}
        self._of_server: dict[str, object] = {}

    @property
    def client_waits(self) -> bool:
        """Whether the client still waits for an answer."""
        return bool(self._of_client)

    def client_said(self, frame: JsonObject) -> None:
        """Note what the client sent."""
        _note(frame, own=self._of_client, others=self._of_server)

    def server_said(self, frame: JsonObject) -> None:
        """Note what the server sent."""
        _note(frame, own=self._of_server, others=self._of_client)

    def give_up(self, reason: str) -> Iterator[JsonObject]:
        """Forget all, and return what the client must hear now that the server is lost.

        That is an error for each of its own requests, and the withdrawal of each of the server's.
        """
        of_client, self._of_client = self._of_client, {}
        of_server, self._of_server = self._of_server, {}
        for request_id in of_client.values():
            yield refusal(request_id, CONNECTION_CLOSED, reason)
        for request_id in of_server.values():
            params = {"requestId": request_id, "reason": reason}
            yield {"method": _CANCELLED, "params": params}


def refusal(request_id: object, code: int, message: str) -> JsonObject:
    """The members of an answer that is an error; an id that no answer can have is null."""
    can_be = isinstance(request_id, str | int | float) and not isinstance(request_id, bool)
    return {"id": request_id if can_be else None, "error": {"code": code, "message": message}}


def is_request(frame: JsonObject) -> bool:
    """Whether a frame asks for an answer."""
    return "method" in frame and "id" in frame


def id_key(request_id: object) -> str | None:
    """A request's id as text, with its JSON type; None for what can be no id."""
    if isinstance(request_id, bool) or not isinstance(request_id, str | int):
        return None
    try:
        key = json.dumps(request_id)
    except ValueError:  # an integer of thousands of digits
        return None
    return key if len(key) <= _LONGEST_ID else None


def _note(frame: JsonObject, own: dict[str, object], others: dict[str, object]) -> None:
    match frame:
        case {"method": "notifications/cancelled", "params": {"requestId": request_id}}:
            _forget(own, request_id)
        case {"method": _, "id": request_id}:
            key = id_key(request_id)
            if key is not None and len(own) < _MOST:
                own[key] = request_id
        case {"method": _}:
            pass
        case {"id": request_id}:
            _forget(others, request_id)


def _forget(requests: dict[str, object], request_id: object) -> None:
    key = id_key(request_id)
    if key is not None:
        requests.pop(key, None)


class RelayUpstream:
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


Connect: TypeAlias = Callable[[], Awaitable[Streams]]
"""Opens the way to the server, which is started where none runs; raises OSError, CodextuiError."""

LONGEST_REQUEST: Final = 16 * 1024 * 1024 - 1
"""Bytes of a client's line that the server reads. It hangs up on longer ones."""

LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of a client's line that are read here, so that it can be refused by its id."""

_INVALID_REQUEST = -32600
_HANDSHAKE_S = 30.0
_LINGER_S = 1.0
# How the server begins its notifications. They are most of what it says, and no answers.
_NOTIFICATION = b'{"jsonrpc":"2.0","method":'


class Relay:
    """Serves one client until it closes its end.

    The server is connected to when the client first asks for something. Where it is lost, every
    open request is answered with an error that says so, and open questions are withdrawn; the
    next request connects again, starts a server where none runs, and introduces the client with
    its own words of the first time.
    """

    def __init__(
        self,
        connect: Connect,
        client: Streams,
        *,
        about: JsonObject,
        on_trouble: Callable[[str], None],
    ) -> None:
        """Prepare a relay.

        Args:
            connect: opens the way to the server.
            client: the client's end.
            about: what the server is told of the client (`wire.tools.RELAYED_METHOD`).
            on_trouble: is told in a sentence what went wrong.
        """
        self._connect = connect
        self._reader, self._writer = client
        self._about = _frame(method=RELAYED_METHOD, params=about)
        self._on_trouble = on_trouble
        self._open = OpenRequests()
        self._initialize: tuple[bytes, str | None] | None = None
        self._initialized: bytes | None = None
        self._link: RelayUpstream | None = None
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Relay until the client has closed its end, and what is on its way has gone out.

        Raises WireInvalid where the client sends a line without an end.
        """
        listening = asyncio.create_task(self._listen())
        # Cancelling `wait_closed` itself would take the end away from whoever closes the writer.
        leaving = asyncio.shield(self._writer.wait_closed())
        try:
            await asyncio.wait({listening, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening
                await self._say_goodbye()
        finally:
            listening.cancel()
            leaving.cancel()
            await asyncio.gather(listening, leaving, return_exceptions=True)
            if self._link is not None:
                await self._link.close()

    async def _listen(self) -> None:
        lines = LineReader(self._reader, LONGEST_LINE)
        try:
            while (line := await lines.read_line()) is not None:
                await self._take(line)
        except MessageInvalid as error:
            await self._give_up(f"the connection is given up: {error}")
            raise
        except OSError:
            pass  # The client is gone, which ends it as well.

    async def _take(self, line: bytes) -> None:
        frame = _parse(line)
        if len(line) > LONGEST_REQUEST:
            said = f"the message has {len(line)} bytes; the server reads {LONGEST_REQUEST}"
            await self._answer([refusal(frame.get("id"), _INVALID_REQUEST, said)])
            return
        self._remember(frame, line)
        if self._link is None and frame and not is_request(frame):
            return  # An answer or a notification is about what was lost with the server.
        self._open.client_said(frame)
        if self._link is None:
            await self._attach(introduce=frame.get("method") != "initialize")
        if self._link is not None:
            await self._link.send(line)
        elif not frame or (is_request(frame) and id_key(frame["id"]) is None):
            # Nobody is there to judge it, and it was not among those that were answered.
            said = "the codextui server cannot be reached"
            await self._answer([refusal(frame.get("id"), CONNECTION_CLOSED, said)])

    def _remember(self, frame: JsonObject, line: bytes) -> None:
        match frame.get("method"):
            case "initialize":
                self._initialize = line, id_key(frame.get("id"))
                self._initialized = None
            case "notifications/initialized":
                self._initialized = line

    async def _attach(self, *, introduce: bool) -> None:
        try:
            link = RelayUpstream(await self._connect())
            link.start(self._pump(link))
            await link.send(self._about)
            if introduce and self._initialize is not None:
                await self._introduce(link, *self._initialize)
            if link.lost:
                raise ServerUnreachable(link.lost)
            self._link = link
        except (OSError, CodextuiError) as error:
            await self._give_up(f"the codextui server cannot be reached: {error}")

    async def _introduce(self, link: RelayUpstream, initialize: bytes, key: str | None) -> None:
        """Say for the client what it said to the server before. Raises ServerUnreachable."""
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                answer = await link.ask(initialize, key)
        except TimeoutError:
            answer = {"error": f"no answer within {_HANDSHAKE_S:g} seconds"}
        if "error" in answer:
            await link.close()
            said = json.dumps(answer["error"])[:300]
            raise ServerUnreachable(f"it does not take the client up again: {said}")
        if self._initialized is not None:
            await link.send(self._initialized)

    async def _pump(self, link: RelayUpstream) -> None:
        """Pass on what the server says until it is lost, or the client is."""
        reason = "it has ended"
        try:
            while (block := await link.blocks.next()) is not None:
                block = self._look_through(link, block)
                if not await self._deliver(block):
                    return
        except (OSError, MessageInvalid) as error:
            reason = str(error)
        link.lose(reason)
        self._heard.set()
        if self._link is link:
            self._link = None
            await self._give_up(
                f"the codextui server is lost: {reason}. What its agents did is not undone; "
                "threads go on by codex-reply"
            )

    def _look_through(self, link: RelayUpstream, block: bytes) -> bytes:
        """Note which requests are answered; take out what only answers our own introduction."""
        for line in block.split(b"\n"):
            if not line or line.startswith(_NOTIFICATION):
                continue
            frame = _parse(line)
            if link.takes(frame):
                block = block.replace(line + b"\n", b"", 1)
            else:
                self._open.server_said(frame)
        self._heard.set()
        return block

    async def _deliver(self, data: bytes) -> bool:
        """Send it to the client, and wait while that does not read; whether it is there."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            return False
        return True

    async def _give_up(self, reason: str) -> None:
        self._on_trouble(reason)
        await self._answer(self._open.give_up(reason))

    async def _answer(self, frames: Iterable[JsonObject]) -> None:
        await self._deliver(b"".join(_frame(**frame) + b"\n" for frame in frames))

    async def _say_goodbye(self) -> None:
        """Let out what is about to be answered: a script may have closed its end already."""
        link = self._link
        if link is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while self._open.client_waits and self._link is link:
                    self._heard.clear()
                    await self._heard.wait()
        self._link = None
        try:
            async with asyncio.timeout(_LINGER_S):
                await link.finish()
        except TimeoutError:
            await link.close()


def _parse(line: bytes) -> JsonObject:
    """The frame in a line; an empty one where there is none, which is for the others to judge."""
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _frame(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}, separators=(",", ":")).encode()
