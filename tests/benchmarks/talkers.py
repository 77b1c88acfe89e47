"""Processes that speak JSON lines, and how fast what a turn says comes out of them.

All are read in the same way, and by as little as it takes: while a turn runs its bytes are only
kept, and looked through for its first delta and its end. They are parsed when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from codextui.codex.binary import find_codex
from codextui.codex.websocket_frames import FrameSplitter
from codextui.demo import codex_environment
from codextui.demo.workspace import Workspace
from codextui.protocol.extensions import EVENTS

TAKES_EVENTS = {"experimental": {EVENTS: {"send": True}}}
CHUNK = 2**18
LIMIT = 2**26
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Flood:
    """A turn: seconds from its first delta to its end, and the text that it said."""

    seconds: float
    text: str


class Talker:
    """A process, with JSON messages both ways: lines, where nothing else is said.

    Attributes:
        DELTA: what is in every line that has a delta.
        END: what is in the line that ends a turn.
    """

    DELTA = END = b""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cwd: Path
    ) -> None:
        self.reader, self.writer = reader, writer
        self.cwd = str(cwd)
        self._last_id = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, cwd: Path, *command: object, **environ: str) -> AsyncIterator[Self]:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LIMIT,
            env=environ or None,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        talker = cls(process.stdout, process.stdin, cwd)
        try:
            yield talker
        finally:
            talker.writer.close()
            await process.communicate()

    def send(self, **message: Any) -> None:
        self.writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def next(self) -> dict[str, Any]:
        return dict(json.loads(await self.reader.readline()))

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request; what comes before it is passed over."""
        self._last_id += 1
        self.send(id=self._last_id, method=method, params=params)
        while (message := await self.next()).get("id") != self._last_id:
            pass
        return message

    async def begin_turn(self) -> None:
        """Has Codex say all of its words, on a thread of its own."""
        raise NotImplementedError

    def delta(self, message: dict[str, Any]) -> str:
        """The text in a line that has a delta."""
        raise NotImplementedError

    async def flood(self) -> Flood:
        await self.begin_turn()
        began, chunks, seen = 0.0, [], b""
        while self.END not in seen:
            chunk = await self.reader.read(CHUNK)
            assert chunk, "it has ended"
            chunks.append(chunk)
            # What is looked for may have come in two pieces.
            seen = seen[-100:] + chunk
            if not began and self.DELTA in seen:
                began = time.perf_counter()
        seconds = time.perf_counter() - began
        messages = await self.split(b"".join(chunks))
        deltas = [self.delta(json.loads(one)) for one in messages if self.DELTA in one]
        return Flood(seconds, "".join(deltas))

    async def split(self, data: bytes) -> list[bytes]:
        """The messages in `data`; the rest of the last one is read."""
        if not data.endswith(b"\n"):
            data += await self.reader.readline()
        return data.splitlines()


class RawCodex(Talker):
    """`codex app-server` itself."""

    DELTA, END = b'"item/agentMessage/delta"', b'{"method":"turn/completed"'

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, workspace: Workspace) -> AsyncIterator[Self]:
        environ = codex_environment(workspace.codex_home)
        command = find_codex().path, "app-server"
        async with cls.start(workspace.project, *command, **environ) as talker:
            await talker.introduce()
            yield talker

    async def introduce(self) -> None:
        about = {"name": "benchmark", "title": "benchmark", "version": "1"}
        await self.ask("initialize", clientInfo=about, capabilities={"experimentalApi": True})
        self.send(method="initialized")

    async def begin_turn(self) -> None:
        started = await self.ask("thread/start", cwd=self.cwd)
        prompt = [{"type": "text", "text": "count"}]
        thread_id = started["result"]["thread"]["id"]
        self._last_id += 1
        params = {"threadId": thread_id, "input": prompt}
        self.send(id=self._last_id, method="turn/start", params=params)

    def delta(self, message: dict[str, Any]) -> str:
        return str(message["params"]["delta"])


class ListeningCodex(RawCodex):
    """`codex app-server` on a unix socket: a WebSocket, one message a frame.

    What it sends is split by the codec that codextui uses, after the turn is over.
    """

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, workspace: Workspace) -> AsyncIterator[Self]:
        listen = workspace.root / "codex.sock"
        process = await asyncio.create_subprocess_exec(
            *(find_codex().path, "app-server", "--listen", f"unix://{listen}"),
            stderr=asyncio.subprocess.DEVNULL,
            env=codex_environment(workspace.codex_home),
        )
        try:
            while not listen.exists():  # noqa: ASYNC110 - nobody sets an event for it
                await asyncio.sleep(0.02)
            reader, writer = await asyncio.open_unix_connection(listen.resolve(), limit=LIMIT)
            talker = cls(reader, writer, workspace.project)
            writer.write(HANDSHAKE)
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            await talker.introduce()
            yield talker
            writer.close()
        finally:
            process.kill()
            await process.wait()

    def send(self, **message: Any) -> None:
        data = json.dumps(message).encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0xFE, len(data))
        self.writer.write(b"\x81" + size + bytes(4) + data)

    async def next(self) -> dict[str, Any]:
        messages = await self.split(await self.reader.readexactly(2))
        return dict(json.loads(messages[-1]))

    async def split(self, data: bytes) -> list[bytes]:
        frames = FrameSplitter(LIMIT)
        messages = [one for one in frames.feed(data) if isinstance(one, bytes)]
        while frames._size:
            rest = await self.reader.readexactly(frames._needed - frames._size)
            messages += [one for one in frames.feed(rest) if isinstance(one, bytes)]
        return messages


class McpServer(Talker):
    """`codextui mcp-server`, as a client starts it."""

    DELTA, END = b'"agent_message_content_delta"', b'"structuredContent"'

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, workspace: Workspace, *options: str, capabilities: dict[str, Any] | None = None
    ) -> AsyncIterator[Self]:
        environ = codex_environment(workspace.codex_home)
        command = sys.executable, "-m", "codextui", "mcp-server", *options
        async with cls.start(workspace.project, *command, **environ) as talker:
            await talker.ask(
                "initialize",
                protocolVersion="2025-11-25",
                capabilities={**TAKES_EVENTS, **(capabilities or {})},
                clientInfo={"name": "benchmark", "version": "1"},
            )
            talker.send(method="notifications/initialized")
            yield talker

    async def begin_turn(self) -> None:
        arguments = {"prompt": "count", "cwd": self.cwd}
        self._last_id += 1
        params = {"name": "codex", "arguments": arguments}
        self.send(id=self._last_id, method="tools/call", params=params)

    def delta(self, message: dict[str, Any]) -> str:
        return str(message["params"]["msg"]["delta"])
