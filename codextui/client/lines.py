"""JSON lines from a byte stream: bounded, linear in their length, fair to the event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TypeAlias

from codextui.errors import WireInvalid

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Both directions of a byte stream that carries JSON lines."""

MAX_LINE = 256 * 1024 * 1024
"""Bytes that a line may have. A peer that sends more is not one of ours."""

_CHUNK = 256 * 1024
_TURN_S = 0.008


class LineReader:
    """Takes a stream apart into lines, in order.

    While lines keep coming it hands the event loop to others every few milliseconds.
    """

    def __init__(self, stream: asyncio.StreamReader, max_line: int = MAX_LINE) -> None:
        self._stream = stream
        self._max_line = max_line
        self._lines: deque[bytes] = deque()
        self._open_line: list[bytes] = []
        self._open_size = 0
        self._turn_ends = 0.0

    async def next(self) -> bytes | None:
        """Return the next line that is not empty, without its end; None at the stream's end.

        Raises WireInvalid where a line is too long, OSError where the stream breaks.
        """
        while True:
            if self._lines:
                await self._be_fair()
                return self._lines.popleft()
            chunk = await self._stream.read(_CHUNK)
            if not chunk:
                return None
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            line = b"".join(self._open_line).strip()
            self._open_line.clear()
            self._open_size = 0
            if line:
                self._lines.append(line)
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        self._open_size += len(piece)
        if self._open_size > self._max_line:
            raise WireInvalid(f"a line of more than {self._max_line} bytes arrived")
        if piece:
            self._open_line.append(piece)

    async def _be_fair(self) -> None:
        now = time.perf_counter()
        if now >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.perf_counter() + _TURN_S
