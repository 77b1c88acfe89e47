"""A Textual driver that draws in earnest, and counts what it would write to a terminal."""

from __future__ import annotations

import time
from typing import Any

from textual import events
from textual.driver import Driver
from textual.geometry import Size


class CountingDriver(Driver):
    """Writes nowhere, but is no headless one: the app makes every byte of its output.

    Attributes:
        frames: how many frames were written.
        written: characters written.
    """

    columns, lines = 160, 45

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.frames = 0
        self.written = 0
        self.expected: dict[str, float] = {}
        self.seen_after: list[float] = []
        self._frame: list[str] = []

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
        self.frames += 1
        now = time.perf_counter()
        for text in [text for text in self.expected if text in frame]:
            self.seen_after.append(now - self.expected.pop(text))

    def press(self, key: str, expected: str) -> None:
        """Presses a key, and notes when a frame shows the text that must come of it."""
        self.expected[expected] = time.perf_counter()
        self.send_message(events.Key(key, key if len(key) == 1 else None))

    def start_application_mode(self) -> None:
        size = Size(self.columns, self.lines)
        self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        pass

    def stop_application_mode(self) -> None:
        pass
