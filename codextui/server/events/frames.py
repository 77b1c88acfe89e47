"""The frames of all connections, for the supervisors that inspect them.

The tap has a handler only while somebody inspects. Each supervisor has a bounded ring: where it
reads too slowly the oldest frames are lost, and counted, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from codextui.jsonrpc.tap import FrameTap, Wire
from codextui.protocol.extensions import FRAMES_METHOD, INSPECT_METHOD, SUBSCRIBE_METHOD
from codextui.protocol.frames import (
    MAX_PARSED,
    MAX_SHOWN,
    Frame,
    FrameKind,
    read_content,
)
from codextui.text.secrets import Mask

_OWN_FRAMES = f'{{"jsonrpc":"2.0","method":"{FRAMES_METHOD}"'.encode()
"""The beginning of our notifications to inspectors, which would be inspected without end."""


_OPEN_METHODS = re.compile(f'"({SUBSCRIBE_METHOD}|{INSPECT_METHOD})"'.encode())
"""Requests that are never answered while all is well, which are no news."""

_HEAD = 200


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Limits of one inspector's ring.

    Attributes:
        frames: frames that wait for it.
        size: bytes that wait for it.
        batch: frames that it is sent at once.
        batch_chars: characters of their bodies above which a batch ends, so that what else is sent
            to the same client waits for little.
        busy_s: seconds of the event loop that reading a batch may take.
        rest_s: seconds between two batches.
    """

    frames: int = 5_000
    size: int = 8 * 1024 * 1024
    batch: int = 200
    batch_chars: int = 256 * 1024
    busy_s: float = 0.01
    rest_s: float = 0.02


DEFAULT_LIMITS = FrameLimits()


class RawFrame(NamedTuple):
    """A frame as it was seen.

    Attributes:
        number: see `protocol.frames.Frame`.
        at: unix seconds.
        wire: its connection.
        sent: whether we have sent it.
        data: the frame, or the beginning of a long one; the reason of the connection's end.
        size: its true size in bytes.
        is_end: whether the connection has ended instead.
    """

    number: int
    at: float
    wire: Wire
    sent: bool
    data: bytes
    size: int
    is_end: bool = False

    def read(self, mask: Mask) -> Frame:
        """Return it as a Frame, without secrets."""
        wire = self.wire
        about = (self.number, self.at, wire.number, wire.protocol, mask(wire.name()), self.sent)
        if self.is_end:
            reason = mask(self.data.decode("utf-8", "replace"))
            return Frame(*about, FrameKind.CLOSED, 0, body=reason)
        content = read_content(self.data, self.size, mask)
        return Frame(
            *about,
            content.kind,
            self.size,
            content.method,
            content.id,
            content.thread,
            content.tool,
            content.detail,
            content.cut,
            content.body,
        )


class FrameRing:
    """The frames that wait for one inspector."""

    def __init__(self, limits: FrameLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._frames: deque[RawFrame] = deque()
        self._size = 0
        self._lost = 0
        self._filled = asyncio.Event()

    def append(self, frame: RawFrame) -> None:
        """Add a frame; the oldest ones make room for it."""
        self._frames.append(frame)
        self._size += len(frame.data)
        while len(self._frames) > self.limits.frames or self._size > self.limits.size:
            self._size -= len(self._frames.popleft().data)
            self._lost += 1
        self._filled.set()

    async def next_batch(self, mask: Mask) -> tuple[list[Frame], int]:
        """Wait for frames; return some of them, and how many were lost before them."""
        await self._filled.wait()
        batch: list[Frame] = []
        lost, self._lost = self._lost, 0
        until, room = time.monotonic() + self.limits.busy_s, self.limits.batch_chars
        while self._frames and len(batch) < self.limits.batch and room > 0:
            raw = self._frames.popleft()
            self._size -= len(raw.data)
            batch.append(raw.read(mask))
            room -= len(batch[-1].body)
            if time.monotonic() > until:
                break
        if not self._frames:
            self._filled.clear()
        return batch, lost


class FrameHub:
    """Hands frames to the rings of inspectors.

    Attributes:
        tap: where the connections report their frames.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.tap = FrameTap()
        self._now = now
        self._rings: set[FrameRing] = set()
        self._seen: set[Wire] = set()
        self._numbers = itertools.count(1)

    def subscribe(self, limits: FrameLimits = DEFAULT_LIMITS) -> FrameRing:
        """Return a new ring, which gets the requests that wait, and every frame from now on."""
        ring = FrameRing(limits)
        for frame in self._open_requests():
            ring.append(frame)
        self._rings.add(ring)
        self.tap.on_frame, self.tap.on_end = self._add, self._add_end
        return ring

    def unsubscribe(self, ring: FrameRing) -> None:
        """Forget a ring; without any the tap has no handler."""
        self._rings.discard(ring)
        if not self._rings:
            self.tap.on_frame = self.tap.on_end = None
            self._seen.clear()

    def _open_requests(self) -> list[RawFrame]:
        waiting = [(r, wire) for wire in self.tap.wires for r in wire.requests.values()]
        waiting = [one for one in waiting if _OPEN_METHODS.search(one[0].data[:_HEAD]) is None]
        self._seen.update(wire for _, wire in waiting)
        return [
            RawFrame(0, r.at, wire, r.sent, r.data, r.size)
            for r, wire in sorted(waiting, key=lambda one: one[0].at)
        ]

    def _add(self, wire: Wire, sent: bool, data: bytes) -> None:
        self._seen.add(wire)
        for line in data.split(b"\n"):
            if line and not line.startswith(_OWN_FRAMES):
                size = len(line)
                kept = line if size <= MAX_PARSED else line[:MAX_SHOWN]
                self._publish(wire, sent, kept, size)

    def _add_end(self, wire: Wire, reason: str) -> None:
        if wire in self._seen:  # a connection that only checks for a server is no news
            self._seen.discard(wire)
            self._publish(wire, False, reason.encode()[:MAX_SHOWN], 0, is_end=True)

    def _publish(
        self, wire: Wire, sent: bool, data: bytes, size: int, *, is_end: bool = False
    ) -> None:
        frame = RawFrame(next(self._numbers), self._now(), wire, sent, data, size, is_end)
        for ring in self._rings:
            ring.append(frame)
