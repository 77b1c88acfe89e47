"""Lines out of the chunks that a pipe gives, of any length up to a limit."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from codextui.errors import MessageInvalid

MAX_LINE = 256 * 1024 * 1024
"""Bytes of the longest line that is read: app-server sends whole outputs and images in one."""

_HEAD = 200


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """A line above the limit was dropped.

    Attributes:
        limit: the limit in bytes.
        head: how the line began, for whoever has to find out what it was.
    """

    limit: int
    head: bytes


class LineBuffer:
    """Splits a stream of bytes at newlines, without ever looking at a byte twice."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes | LineTooLong]:
        """Return the lines that `data` completes, without their newlines; empty ones left out.

        A line above the limit is told of as soon as it is too long, and dropped to its end.
        """
        found: list[bytes | LineTooLong] = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            if self._parts or self._dropping or len(end) > self._limit:
                self._add(end, found)
                self._finish(found)
            elif end and not end.isspace():  # most lines are whole, and need not be put together
                found.append(end)
        self._add(rest, found)
        return found

    def _add(self, part: bytes, found: list[bytes | LineTooLong]) -> None:
        if self._dropping or not part:
            return
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            head = b"".join(self._parts[:_HEAD])[:_HEAD]
            found.append(LineTooLong(self._limit, head))
            self._clear()
            self._dropping = True

    def _finish(self, found: list[bytes | LineTooLong]) -> None:
        line = b"".join(self._parts)
        self._clear()
        self._dropping = False
        if line.strip():
            found.append(line)

    def _clear(self) -> None:
        self._parts = []
        self._size = 0


Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Both directions of a byte stream that carries JSON lines."""

LONGEST_LINE = 256 * 1024 * 1024
"""Bytes that a line may have. A peer that sends more is not one of ours."""

_CHUNK = 256 * 1024
_TURN_S = 0.008


class LineReader:
    """Takes a stream apart into lines, in order.

    While lines keep coming it hands the event loop to others every few milliseconds.
    """

    def __init__(self, stream: asyncio.StreamReader, max_line: int = LONGEST_LINE) -> None:
        self._stream = stream
        self._max_line = max_line
        self._lines: deque[bytes] = deque()
        self._open_line: list[bytes] = []
        self._open_size = 0
        self._turn_ends = 0.0

    async def read_line(self) -> bytes | None:
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
            raise MessageInvalid(f"a line of more than {self._max_line} bytes arrived")
        if piece:
            self._open_line.append(piece)

    async def _be_fair(self) -> None:
        now = time.perf_counter()
        if now >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.perf_counter() + _TURN_S


_BLOCK_CHUNK = 256 * 1024


class LineBlocks:
    """Takes whole lines from a stream; what has no end yet waits for it."""

    def __init__(self, stream: asyncio.StreamReader, max_line: int = LONGEST_LINE) -> None:
        self._stream = stream
        self._max_line = max_line
        self._open_line: list[bytes] = []
        self._open_size = 0

    async def next(self) -> bytes | None:
        """Return the next lines with their ends; None at the stream's end, without half a line.

        Raises WireInvalid where a line is too long, OSError where the stream breaks.
        """
        while chunk := await self._stream.read(_BLOCK_CHUNK):
            lines, end, rest = chunk.rpartition(b"\n")
            if end:
                block = b"".join((*self._open_line, lines, end))
                self._open_line = []
                self._open_size = 0
                self._keep(rest)
                return block
            self._keep(rest)
        return None

    def _keep(self, piece: bytes) -> None:
        self._open_size += len(piece)
        if self._open_size > self._max_line:
            raise MessageInvalid(f"a line of more than {self._max_line} bytes arrived")
        if piece:
            self._open_line.append(piece)
