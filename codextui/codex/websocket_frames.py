"""The frames of a WebSocket: whole text messages, and those that are for the library.

Nearly all frames are whole text messages. To cut them out of the bytes here takes a tenth of the
library's time, and one above the limit is skipped where the library would have to hang up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codextui.jsonrpc.lines import LineTooLong


@dataclass(frozen=True, slots=True)
class OtherFrame:
    """A frame that is for the library: a control frame, a fragment, or an invalid one."""

    data: bytes


class FrameSplitter:
    """Splits bytes into whole text messages and other frames, in linear time.

    Args:
        limit: bytes a message may have.

    Attributes:
        in_message: whether a fragmented message has begun and not ended.
    """

    def __init__(self, limit: int) -> None:
        """Start at the beginning of a frame."""
        self.in_message = False
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self._needed = _SHORTEST
        self._to_skip = 0

    def feed(self, data: bytes) -> Iterator[bytes | LineTooLong | OtherFrame]:
        """Yield what `data` completes: messages, those that were dropped, and other frames."""
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        self._chunks.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return
        data = data if len(self._chunks) == 1 else b"".join(self._chunks)
        yield from self._split(data)

    def _split(self, data: bytes) -> Iterator[bytes | LineTooLong | OtherFrame]:
        at, end = 0, len(data)
        while True:
            header = _header_size(data, at)
            start = at + header
            if start > end:
                needed = header
                break
            length = data[at + 1] if header == _SHORTEST else int.from_bytes(data[at + 2 : start])
            stop = start + length
            is_text = data[at] == _WHOLE_TEXT and not self.in_message
            if length > self._limit and not is_text:
                yield OtherFrame(data[at:start])  # the library refuses it
                at = end
            elif length > self._limit:
                head = min(_HEAD, length)
                if start + head > end:
                    needed = header + head
                    break
                yield LineTooLong(self._limit, data[start : start + head])
                self._to_skip = max(0, stop - end)
                at = min(stop, end)
            elif stop > end:
                needed = header + length
                break
            else:
                yield data[start:stop] if is_text else OtherFrame(data[at:stop])
                at = stop
        self._chunks, self._size, self._needed = [data[at:]], end - at, needed


def _header_size(data: bytes, at: int) -> int:
    """Return the size of the header of the frame at `at`, as far as its length is known."""
    marker = data[at + 1] & 0x7F if at + 1 < len(data) else 0
    return _SHORTEST if marker < 126 else _LONG if marker == 126 else _LONGEST


_HEAD = 200
_WHOLE_TEXT = 0x81
_SHORTEST, _LONG, _LONGEST = 2, 4, 10
