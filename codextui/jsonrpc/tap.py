"""A place where the frames of connections can be watched, and costs one check while nobody does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TypeAlias

FrameHandler: TypeAlias = "Callable[[Wire, bool, bytes], None]"
"""Handles a frame: its connection, whether we have sent it, its bytes. Must be quick."""

EndHandler: TypeAlias = "Callable[[Wire, str], None]"
"""Handles the end of a connection: the connection, and the reason."""


class FrameTap:
    """Hands the frames of all its wires to a handler, if there is one.

    Attributes:
        on_frame: handles frames; None while nobody watches.
        on_end: handles the ends of connections; None while nobody watches.
    """

    __slots__ = ("_numbers", "on_end", "on_frame")

    def __init__(self) -> None:
        self.on_frame: FrameHandler | None = None
        self.on_end: EndHandler | None = None
        self._numbers = itertools.count(1)

    def wire(self, protocol: str, name: Callable[[], str]) -> Wire:
        """Return a new connection's wire.

        Args:
            protocol: what it speaks: `mcp` or `app-server`.
            name: returns the name of the other side.
        """
        return Wire(self, protocol, name, next(self._numbers))


class Wire:
    """One connection, as those who watch its frames know it.

    Attributes:
        tap: where its frames are watched.
        protocol: what it speaks: `mcp` or `app-server`.
        name: returns the name of the other side.
        number: its number among the connections of the tap.
    """

    __slots__ = ("name", "number", "protocol", "tap")

    def __init__(self, tap: FrameTap, protocol: str, name: Callable[[], str], number: int) -> None:
        self.tap = tap
        self.protocol = protocol
        self.name = name
        self.number = number

    def end(self, reason: str) -> None:
        """Report the end of the connection."""
        if self.tap.on_end is not None:
            self.tap.on_end(self, reason)
