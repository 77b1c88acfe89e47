"""Processes that speak JSON lines, and how fast what a turn says comes out of them.

All are read in the same way, and by as little as it takes: while a turn runs its bytes are only
kept, and looked through for its first delta and its end. They are parsed when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from codextui.codex.binary import find_codex
from codextui.demo import codex_environment
from codextui.demo.workspace import Workspace
from codextui.protocol.extensions import EVENTS

TAKES_EVENTS = {"experimental": {EVENTS: {"send": True}}}
CHUNK = 2**18
LIMIT = 2**26


@dataclass(frozen=True, slots=True)
class Flood:
    """A turn: seconds from its first delta to its end, and the text that it said."""

    seconds: float
    text: str


class Talker:
    """A process, with JSON lines both ways.

    Attributes:
        DELTA: what is in every line that has a delta.
        END: what is in the line that ends a turn.
    """

    DELTA = END = b""

    def __init__(self, process: asyncio.subprocess.Process, cwd: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.reader, self.writer = process.stdout, process.stdin
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
        talker = cls(process, cwd)
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
        if not seen.endswith(b"\n"):
            chunks.append(await self.reader.readline())
        lines = b"".join(chunks).splitlines()
        deltas = [self.delta(json.loads(line)) for line in lines if self.DELTA in line]
        return Flood(seconds, "".join(deltas))


class RawCodex(Talker):
    """`codex app-server` itself."""

    DELTA, END = b'"item/agentMessage/delta"', b'{"method":"turn/completed"'

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, workspace: Workspace) -> AsyncIterator[Self]:
        environ = codex_environment(workspace.codex_home)
        command = find_codex().path, "app-server"
        async with cls.start(workspace.project, *command, **environ) as talker:
            about = {"name": "benchmark", "title": "benchmark", "version": "1"}
            await talker.ask("initialize", clientInfo=about, capabilities={"experimentalApi": True})
            talker.send(method="initialized")
            yield talker

    async def begin_turn(self) -> None:
        started = await self.ask("thread/start", cwd=self.cwd)
        prompt = [{"type": "text", "text": "count"}]
        thread_id = started["result"]["thread"]["id"]
        self._last_id += 1
        params = {"threadId": thread_id, "input": prompt}
        self.send(id=self._last_id, method="turn/start", params=params)

    def delta(self, message: dict[str, Any]) -> str:
        return str(message["params"]["delta"])


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
