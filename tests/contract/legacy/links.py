"""Links, which carry MCP frames between a test and a server, and the link to a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Frame = dict[str, Any]
"""A JSON-RPC message."""

LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """The command of an MCP server on stdio, the genuine one or ours.

    Attributes:
        argv: the program and its arguments.
        env: the whole environment.
    """

    argv: Sequence[str]
    env: Mapping[str, str]


class Link(Protocol):
    """Carries frames to a server and back."""

    async def start(self, on_frame: Callable[[Frame], None]) -> None:
        """Start the server; `on_frame` takes each frame, in order."""

    def send(self, frame: Frame) -> None:
        """Send a frame."""

    async def stop(self) -> None:
        """End the server and all that it started."""


class ProcessLink:
    """A link to a server in a process of its own."""

    def __init__(self, command: ServerCommand) -> None:
        self._command = command
        self._process: Any = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self, on_frame: Callable[[Frame], None]) -> None:
        self._process = await self.spawn(self._command)
        self._reader = asyncio.create_task(self._read(on_frame))

    async def spawn(self, command: ServerCommand) -> Any:
        """Start the process; the result has the pipes and methods of asyncio's Process."""
        return await asyncio.create_subprocess_exec(
            *command.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=command.env,
            limit=LONGEST_LINE,
        )

    async def _read(self, on_frame: Callable[[Frame], None]) -> None:
        async for line in self._process.stdout:
            on_frame(json.loads(line))

    def send(self, frame: Frame) -> None:
        self._process.stdin.write(json.dumps(frame).encode() + b"\n")

    async def stop(self) -> None:
        self._process.stdin.close()
        try:
            async with asyncio.timeout(60):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader
