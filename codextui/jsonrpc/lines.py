"""Lines of JSON in byte streams: split from chunks, read from asyncio streams."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from codextui.errors import MessageInvalid

MAX_LINE = 256 * 1024 * 1024
"""Default limit of a line in bytes: app-server sends whole outputs and images in one line."""

READ_AHEAD = 1024 * 1024
"""Bytes of a stream to buffer unread: the `limit` of asyncio's streams."""

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""Both directions of a connection that carries JSON lines."""


class LineReader:
    """Reads lines from a stream, in order, without their ends; empty lines are left out.

    A last line without an end is dropped: its sender died while writing it. While lines keep
    coming, `read_line` yields to the event loop every `turn_s` seconds.

    Args:
        stream: the stream to read.
        limit: bytes a line may have.
        turn_s: seconds that a reader may go on before other tasks get their turn.
    """

    def __init__(
        self, stream: asyncio.StreamReader, limit: int = MAX_LINE, *, turn_s: float = 0.008
    ) -> None:
        self._stream = stream
        self._splitter = LineSplitter(limit)
        self._lines: deque[bytes] = deque()
        self._turn_s = turn_s
        self._turn_ends = 0.0

    async def read_line(self) -> bytes | None:
        """Return the next line, or None at the end of the stream.

        Raises MessageInvalid where a line is too long, OSError where the stream breaks.
        """
        if not self._lines:
            self._lines.extend(await self.read_lines())
            if not self._lines:
                return None
        if time.perf_counter() >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.perf_counter() + self._turn_s
        return self._lines.popleft()

    async def read_lines(self) -> list[bytes]:
        """Return all lines of the next chunk that completes any; empty at the end of the stream.

        Raises as `read_line` does. Use either one or the other.
        """
        while chunk := await self._stream.read(_CHUNK):
            if lines := self._split(chunk):
                return lines
        return []

    def _split(self, chunk: bytes) -> list[bytes]:
        lines: list[bytes] = []
        for line in self._splitter.feed(chunk):
            if isinstance(line, LineTooLong):
                raise MessageInvalid(f"a line of more than {line.limit} bytes arrived")
            lines.append(line)
        return lines


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """Stands for a line above the limit, which was dropped.

    Attributes:
        limit: the limit in bytes.
        head: the first bytes of the line.
    """

    limit: int
    head: bytes


class LineSplitter:
    """Splits chunks of bytes at newlines in linear time.

    Args:
        limit: bytes a line may have.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> list[bytes | LineTooLong]:
        r"""Return the lines that `chunk` completes, without `\n` or `\r\n`.

        Blank lines are left out. A line above the limit is reported as soon as it is too long,
        and dropped up to its end.
        """
        found: list[bytes | LineTooLong] = []
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n")
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            if self._parts or self._dropping or len(end) > self._limit:
                self._append(end, found)
                self._finish_line(found)
            elif end and not end.isspace():  # most lines are whole
                found.append(end)
        self._append(rest, found)
        return found

    def _append(self, part: bytes, found: list[bytes | LineTooLong]) -> None:
        if self._dropping or not part:
            return
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            found.append(LineTooLong(self._limit, b"".join(self._parts[:_HEAD])[:_HEAD]))
            self._clear()
            self._dropping = True

    def _finish_line(self, found: list[bytes | LineTooLong]) -> None:
        line = b"".join(self._parts).removesuffix(b"\r")
        self._clear()
        self._dropping = False
        if line and not line.isspace():
            found.append(line)

    def _clear(self) -> None:
        self._parts = []
        self._size = 0


_CHUNK = 256 * 1024
_HEAD = 200
