"""Lines out of the chunks that a pipe gives, of any length up to a limit."""

from __future__ import annotations

from dataclasses import dataclass

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
