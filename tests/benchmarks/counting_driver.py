"""A Textual driver that counts what it writes to the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

from textual import events
from textual.driver import Driver
from textual.geometry import Size

MIN_KEYS = 10
"""Keys that a figure needs."""


class CountingDriver(Driver):
    """Writes to the standard output, and reads no input.

    Attributes:
        frames: how many frames were written.
        written: characters written.
        first_frame: seconds of a core from the start of the process to the first frame.
        has_first_frame: set by the first frame; whoever clears it makes the next one the first.
        expected: when a key was pressed, by the text that must come of it.
        seen_after: seconds from each key to the frame that shows its text.
        has_keys: set when there are `MIN_KEYS` of them.
    """

    columns, lines = 160, 45

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.frames = 0
        self.written = 0
        self.expected: dict[str, float] = {}
        self.seen_after: list[float] = []
        self._frame: list[str] = []
        self.has_keys = asyncio.Event()
        self.first_frame = 0.0
        self.has_first_frame = asyncio.Event()

    @property
    def is_headless(self) -> bool:
        return False

    @property
    def can_suspend(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written += len(data)
        self._frame.append(data)

    def flush(self) -> None:
        frame = "".join(self._frame)
        self._frame.clear()
        if not frame:
            return
        data = frame.encode()
        while data:
            data = data[os.write(sys.__stdout__.fileno(), data) :]
        self.frames += 1
        if not self.has_first_frame.is_set():
            self.first_frame = time.process_time()
            self.has_first_frame.set()
        now = time.perf_counter()
        for text in [text for text in self.expected if text in frame]:
            self.seen_after.append(now - self.expected.pop(text))
        if len(self.seen_after) >= MIN_KEYS:
            self.has_keys.set()

    def forget_keys(self) -> None:
        """Begin to measure keys."""
        self.seen_after.clear()
        self.has_keys.clear()

    def press(self, key: str, expected: str) -> None:
        """Presses a key, and notes when a frame shows the text that must come of it, if any."""
        if expected:
            self.expected[expected] = time.perf_counter()
        self.send_message(events.Key(key, key if len(key) == 1 else None))

    def start_application_mode(self) -> None:
        size = Size(self.columns, self.lines)
        self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        pass

    def stop_application_mode(self) -> None:
        pass
