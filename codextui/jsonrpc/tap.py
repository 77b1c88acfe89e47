"""Taps the frames of connections for a viewer. Without one, a frame costs a single check.

Requests that wait for an answer are always recorded, so that a viewer sees them from the start.
"""

from __future__ import annotations

import itertools
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

MAX_OPEN = 200
"""Requests without an answer that a connection remembers."""

MAX_REMEMBERED = 32 * 1024
"""Bytes of each that are remembered."""

FrameHandler: TypeAlias = "Callable[[Wire, bool, bytes], None]"
"""Handles a frame: its connection, whether we have sent it, its bytes. Must be quick."""

EndHandler: TypeAlias = "Callable[[Wire, str], None]"
"""Handles the end of a connection: the connection, and the reason."""


class FrameTap:
    """Hands the frames of all its wires to a handler, if there is one.

    Attributes:
        on_frame: handles frames; None while nobody watches.
        on_end: handles the ends of connections; None while nobody watches.
        wires: the connections.
    """

    __slots__ = ("_numbers", "on_end", "on_frame", "wires")

    def __init__(self) -> None:
        self.on_frame: FrameHandler | None = None
        self.on_end: EndHandler | None = None
        self.wires: weakref.WeakSet[Wire] = weakref.WeakSet()
        self._numbers = itertools.count(1)

    def wire(self, protocol: str, name: Callable[[], str]) -> Wire:
        """Return a new connection's wire.

        Args:
            protocol: what it speaks: `mcp` or `app-server`.
            name: returns the name of the other side.
        """
        wire = Wire(self, protocol, name, next(self._numbers))
        self.wires.add(wire)
        return wire


class OpenRequest(NamedTuple):
    """A request that waits for its answer.

    Attributes:
        at: when it was sent, in unix seconds.
        sent: whether we have sent it.
        data: its frame, or the beginning of a long one.
        size: the bytes of the frame.
    """

    at: float
    sent: bool
    data: bytes
    size: int


class Wire:
    """One connection, as those who watch its frames know it.

    Attributes:
        tap: where its frames are watched.
        protocol: what it speaks: `mcp` or `app-server`.
        name: returns the name of the other side.
        number: its number among the connections of the tap.
        requests: the requests that wait for an answer, by their side and id.
    """

    __slots__ = ("__weakref__", "name", "number", "protocol", "requests", "tap")

    def __init__(self, tap: FrameTap, protocol: str, name: Callable[[], str], number: int) -> None:
        self.tap = tap
        self.protocol = protocol
        self.name = name
        self.number = number
        self.requests: dict[tuple[bool, int | float | str], OpenRequest] = {}

    def open(self, request_id: float | str, frame: bytes, *, sent: bool) -> None:
        """Remember a request until it is answered."""
        size = len(frame) - frame.endswith(b"\n")
        data = frame[: min(size, MAX_REMEMBERED)]
        self.requests[sent, request_id] = OpenRequest(time.time(), sent, data, size)
        if len(self.requests) > MAX_OPEN:
            del self.requests[next(iter(self.requests))]

    def close(self, request_id: float | str, *, sent: bool) -> None:
        """Forget a request, because it is answered or given up."""
        self.requests.pop((sent, request_id), None)

    def end(self, reason: str) -> None:
        """Report the end of the connection."""
        self.requests.clear()
        if self.tap.on_end is not None:
            self.tap.on_end(self, reason)
