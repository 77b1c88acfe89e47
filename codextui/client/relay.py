"""`codextui mcp-server`: bytes between a client on stdio and the shared server on its socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias

from codextui.client.lines import LineReader, Streams
from codextui.client.open_requests import (
    CONNECTION_CLOSED,
    OpenRequests,
    id_key,
    is_request,
    refusal,
)
from codextui.client.server_link import ServerLink
from codextui.errors import CodextuiError, ServerUnreachable, WireInvalid
from codextui.wire.fields import JsonObject
from codextui.wire.tools import RELAYED_METHOD

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
        self._link: ServerLink | None = None
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
            while (line := await lines.next()) is not None:
                await self._take(line)
        except WireInvalid as error:
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
            link = ServerLink(await self._connect())
            link.start(self._pump(link))
            await link.send(self._about)
            if introduce and self._initialize is not None:
                await self._introduce(link, *self._initialize)
            if link.lost:
                raise ServerUnreachable(link.lost)
            self._link = link
        except (OSError, CodextuiError) as error:
            await self._give_up(f"the codextui server cannot be reached: {error}")

    async def _introduce(self, link: ServerLink, initialize: bytes, key: str | None) -> None:
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

    async def _pump(self, link: ServerLink) -> None:
        """Pass on what the server says until it is lost, or the client is."""
        reason = "it has ended"
        try:
            while (block := await link.blocks.next()) is not None:
                block = self._look_through(link, block)
                if not await self._deliver(block):
                    return
        except (OSError, WireInvalid) as error:
            reason = str(error)
        link.lose(reason)
        self._heard.set()
        if self._link is link:
            self._link = None
            await self._give_up(
                f"the codextui server is lost: {reason}. What its agents did is not undone; "
                "threads go on by codex-reply"
            )

    def _look_through(self, link: ServerLink, block: bytes) -> bytes:
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
