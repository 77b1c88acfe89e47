"""A socket that is read in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from codextui.codex.socket_reader import SocketReader

FLOOD = bytes(range(256)) * 16_384  # 4 MiB: far more than the system buffers
PATIENCE_S = 60


class Reading:
    """A reader at one end, and what it has handed over."""

    def __init__(self, limit: int) -> None:
        self.peer, end = socket.socketpair()
        end.setblocking(False)
        self.data = b""
        self.is_handling = False
        self.is_full = asyncio.Event()
        self.limit = limit
        self.ended = asyncio.Event()
        self.sent = threading.Event()
        loop = asyncio.get_running_loop()
        self.reader = SocketReader(end, loop, self.take, self.ended.set, limit)

    def take(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > self.limit:
            self.is_full.set()
        if self.is_handling:
            self.reader.note_handled(len(data))

    def flood(self) -> None:
        self.peer.sendall(FLOOD)
        self.sent.set()
        self.peer.close()


@contextmanager
def reading(limit: int = 64 * 1024 * 1024) -> Iterator[Reading]:
    one = Reading(limit)
    sender = threading.Thread(target=one.flood)
    one.reader.start()
    sender.start()
    try:
        yield one
    finally:
        one.reader.stop()
        sender.join(PATIENCE_S)


async def test_a_flood_is_read_while_the_event_loop_is_busy() -> None:
    with reading() as one:
        assert one.sent.wait(PATIENCE_S)  # the event loop does nothing else meanwhile
        async with asyncio.timeout(PATIENCE_S):
            await one.ended.wait()
    assert one.data == FLOOD


async def test_no_more_is_read_than_may_be_unhandled() -> None:
    with reading(limit=1024 * 1024) as one:
        async with asyncio.timeout(PATIENCE_S):
            await one.is_full.wait()
            assert not one.sent.is_set()
            one.is_handling = True
            one.reader.note_handled(len(one.data))
            await one.ended.wait()
    assert one.data == FLOOD
