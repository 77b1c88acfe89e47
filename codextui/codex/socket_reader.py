"""Reads a socket in a thread of its own, however busy the event loop is."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class SocketReader:
    """Reads a socket in a thread, and hands the bytes to the event loop in order.

    Codex hangs up on a client that does not read for a moment, and there is no back pressure on
    its side. An event loop reads once in each of its rounds, which may take long in a flood.

    Args:
        end: a socket of its own, which it closes.
        loop: calls the handlers.
        on_data: handles bytes.
        on_end: handles the end of what comes.
        limit: bytes that may be unhandled before it reads no more.
    """

    def __init__(
        self,
        end: socket.socket,
        loop: asyncio.AbstractEventLoop,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
        limit: int,
    ) -> None:
        self._end = end
        self._loop = loop
        self._on_data = on_data
        self._on_end = on_end
        self._limit = limit
        self._inbox: deque[bytes] = deque()
        self._is_announced = False
        self._read = 0  # changed by the thread alone, as `_handled` is by the event loop
        self._handled = 0
        self._has_room = threading.Event()

    def start(self) -> None:
        """Start to read."""
        threading.Thread(target=self._run, name="codex-reader", daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        self._limit = sys.maxsize
        self._has_room.set()
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)

    def note_handled(self, size: int) -> None:
        """Note that so many bytes more were handled."""
        self._handled += size
        self._has_room.set()

    def _run(self) -> None:
        # A RuntimeError is the event loop's that was closed.
        with self._end, suppress(OSError, RuntimeError):
            readable = select.poll()
            readable.register(self._end, select.POLLIN)
            while self._wait(readable):
                pass
            self._loop.call_soon_threadsafe(self._finish)

    def _wait(self, readable: select.poll) -> bool:
        """Read what comes next; False at the end."""
        readable.poll()
        try:
            data = self._end.recv(_READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._read += len(data)
        self._inbox.append(data)
        if not self._is_announced:
            self._is_announced = True
            self._loop.call_soon_threadsafe(self._hand_over)
        while self._read - self._handled > self._limit:
            self._has_room.clear()
            if self._read - self._handled > self._limit:
                self._has_room.wait()
        return bool(data)

    def _hand_over(self) -> None:
        self._is_announced = False
        while self._inbox:
            self._on_data(self._inbox.popleft())

    def _finish(self) -> None:
        self._hand_over()
        self._on_end()


_READ_SIZE = 256 * 1024
