"""JSON lines from a byte stream, as many at once as there are: for who only passes them on."""

from __future__ import annotations

import asyncio

from codextui.client.lines import MAX_LINE
from codextui.errors import WireInvalid

_CHUNK = 256 * 1024


class LineBlocks:
    """Takes whole lines from a stream; what has no end yet waits for it."""

    def __init__(self, stream: asyncio.StreamReader, max_line: int = MAX_LINE) -> None:
        self._stream = stream
        self._max_line = max_line
        self._open_line: list[bytes] = []
        self._open_size = 0

    async def next(self) -> bytes | None:
        """Return the next lines with their ends; None at the stream's end, without half a line.

        Raises WireInvalid where a line is too long, OSError where the stream breaks.
        """
        while chunk := await self._stream.read(_CHUNK):
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
            raise WireInvalid(f"a line of more than {self._max_line} bytes arrived")
        if piece:
            self._open_line.append(piece)
