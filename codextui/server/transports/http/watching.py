"""The frames of HTTP clients, for those who inspect them."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator

from starlette.types import Message

from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.frames import encode_frame
from codextui.jsonrpc.tap import FrameTap, Wire
from codextui.protocol.frames import MCP

MAX_WIRES = 1_000
"""Sessions whose connections keep their numbers."""

_DATA = b"data: {"


class HttpWatch:
    """Reports what HTTP clients send and are sent, as one connection for each session.

    Args:
        tap: where the frames can be watched; None for nowhere.
    """

    def __init__(self, tap: FrameTap | None) -> None:
        self._tap = tap
        self._wires: OrderedDict[object, Wire] = OrderedDict()
        self._numbers = itertools.count(1)

    def request(self, session: object, message: JsonObject) -> None:
        """Report a message of a client.

        Args:
            session: identifies its session; a request that has none is one of its own.
            message: the body of a request.
        """
        if self._tap is not None and self._tap.on_frame is not None:
            self._tap.on_frame(self._wire(self._tap, session), False, encode_frame(message))

    def response(self, session: object, message: Message) -> None:
        """Report what a part of a response sends to a client."""
        if self._tap is None or (watch := self._tap.on_frame) is None:
            return
        for frame in _frames(message.get("body", b"")):
            watch(self._wire(self._tap, session), True, frame)

    def _wire(self, tap: FrameTap, session: object) -> Wire:
        wire = self._wires.get(session)
        if wire is None:
            name = f"HTTP client {next(self._numbers)}"
            wire = self._wires[session] = tap.wire(MCP, lambda: name)
            if len(self._wires) > MAX_WIRES:
                self._wires.popitem(last=False)
        return wire


def _frames(body: bytes) -> Iterator[bytes]:
    """Yield the messages in a part of a response: JSON, or events of a stream."""
    if body.startswith(b"{"):
        yield body
        return
    for line in body.splitlines():
        if line.startswith(_DATA):
            yield line.removeprefix(b"data: ")
