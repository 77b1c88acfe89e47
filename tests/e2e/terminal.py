"""A program in a terminal: a pty, a terminal emulator on the other side, and keys."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

KEY_PAUSE_S = 0.04
"""Seconds between two keys of somebody who types very fast."""

KEYS = {
    "backspace": b"\x7f",
    "ctrl+c": b"\x03",
    "ctrl+f": b"\x06",
    "ctrl+p": b"\x10",
    "ctrl+q": b"\x11",
    "ctrl+s": b"\x13",
    "ctrl+x": b"\x18",
    "down": b"\x1b[B",
    "end": b"\x1b[F",
    "enter": b"\r",
    "esc": b"\x1b",
    "home": b"\x1b[H",
    "left": b"\x1b[D",
    "pagedown": b"\x1b[6~",
    "pageup": b"\x1b[5~",
    "right": b"\x1b[C",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "tab": b"\t",
    "up": b"\x1b[A",
}

PRIVATE_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
ASKED_FOR_FRAMES = b"\x1b[?2026$p"
HAS_FRAMES = b"\x1b[?2026;2$y"
FRAME_BEGINS, FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
"""Synchronized output: what comes between is shown at once, as terminals of today do."""

ON_BY_DEFAULT = {7, 25}
"""Private modes that a terminal starts with: wrapping and the cursor."""


class Screen(pyte.Screen):
    """pyte's screen with an alternate buffer, and deaf to what pyte would choke on."""

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__(columns, lines)
        self._primary: tuple[Any, Any] | None = None

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        super().set_mode(*modes, **kwargs)
        if kwargs.get("private") and 1049 in modes and self._primary is None:
            self._primary = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        super().reset_mode(*modes, **kwargs)
        if kwargs.get("private") and 1049 in modes and self._primary is not None:
            self.buffer, self.cursor = self._primary
            self._primary = None

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        if not kwargs:
            super().select_graphic_rendition(*attrs)

    def report_device_attributes(self, mode: int = 0, **kwargs: Any) -> None:
        pass

    def report_device_status(self, mode: int = 0, **kwargs: Any) -> None:
        pass


class Terminal:
    """Runs a program in a terminal of a given size.

    Every wait is for output of the program, ends with it, and fails after `timeout` seconds
    with the screen in the message.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 160,
        lines: int = 45,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self.screen = Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment |= {"COLUMNS": "", "LINES": "", **(env or {})}
        environment = {key: value for key, value in environment.items() if value}
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def hang_up(self) -> None:
        """Closes the terminal under the program."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Ends the program if it still runs, and the terminal."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self._master >= 0:
            self.hang_up()

    @property
    def rows(self) -> list[str]:
        """The screen's rows, without trailing blanks."""
        return [row.rstrip() for row in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.rows)

    def press(self, *keys: str) -> None:
        """Press keys one after the other: a name of `KEYS`, or text that arrives at once.

        What arrives together is taken for pasted text, so there is the pause of a hand between.
        """
        for key in keys:
            os.write(self._master, KEYS.get(key) or key.encode())
            pressed = time.monotonic()
            while (left := pressed + KEY_PAUSE_S - time.monotonic()) > 0:
                self._read(timeout=left)

    def paste(self, text: str, *, brackets: bool = True, piece: int = 0) -> None:
        """Paste text, in brackets unless told otherwise, in pieces of a size where one is given."""
        data = (f"\x1b[200~{text}\x1b[201~" if brackets else text).encode()
        size = piece or len(data)
        for start in range(0, len(data), size):
            os.write(self._master, data[start : start + size])

    def resize(self, columns: int, lines: int) -> None:
        """Gives the terminal another size, as a person does with the mouse."""
        self.screen.resize(lines, columns)
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def click(self, column: int, row: int) -> None:
        """Clicks at a cell, counted from 0."""
        for action in "Mm":
            self.press(f"\x1b[<0;{column + 1};{row + 1}{action}")

    def click_on(self, text: str) -> None:
        """Clicks at the first cell where the screen shows `text`."""
        row = next(row for row, line in enumerate(self.rows) if text in line)
        self.click(self.rows[row].index(text), row)

    def wait_for(self, text: str, *, timeout: float = 60) -> None:
        """Waits until the screen shows `text`."""
        self.wait_until(lambda: text in self.text, f"{text!r} on the screen", timeout=timeout)

    def wait_gone(self, text: str, *, timeout: float = 60) -> None:
        """Waits until the screen no longer shows `text`."""
        self.wait_until(lambda: text not in self.text, f"{text!r} to go", timeout=timeout)

    def wait_until(self, done: Callable[[], bool], what: str, *, timeout: float = 60) -> None:
        """Waits until `done` holds; it is looked at after every piece of output."""
        deadline = time.monotonic() + timeout
        while not done():
            left = deadline - time.monotonic()
            assert left > 0, f"waited {timeout} s for {what}, but saw:\n{self.text}"
            assert self._read(left) or done(), f"it ended without {what}:\n{self.text}"

    def wait_quiet(self, *, quiet: float = 0.3, timeout: float = 60) -> None:
        """Waits until nothing has been drawn for `quiet` seconds."""
        deadline = time.monotonic() + timeout
        while self._ready(quiet) and self._read(quiet):
            assert time.monotonic() < deadline, f"still drawing after {timeout} s:\n{self.text}"

    def wait_exit(self, *, timeout: float = 60) -> int:
        """Waits until the program has ended, and returns its exit code."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            assert time.monotonic() < deadline, f"still running after {timeout} s:\n{self.text}"
        return self.process.wait(max(1.0, deadline - time.monotonic()))

    def modes_left(self) -> dict[int, str]:
        """The private modes (mouse, paste, alternate screen …) left other than they were."""
        last: dict[int, str] = {}
        for modes, switch in PRIVATE_MODE.findall(bytes(self.raw)):
            for mode in modes.split(b";"):
                last[int(mode)] = switch.decode()
        return {m: s for m, s in last.items() if s != ("h" if m in ON_BY_DEFAULT else "l")}

    def _ready(self, timeout: float) -> bool:
        return bool(select.select([self._master], [], [], max(0.0, timeout))[0])

    def _read(self, timeout: float) -> bool:
        """Reads what is there, waiting for it if need be; False at the end of the output."""
        if not self._ready(timeout):
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # Linux says so when the last process has closed its side.
            return False
        self.raw += data
        if ASKED_FOR_FRAMES in data:
            os.write(self._master, HAS_FRAMES)
        self._show(self._held + data)
        return bool(data)

    def _show(self, data: bytes) -> None:
        """Shows whole frames; one that has only begun would show some rows twice."""
        begins = data.rfind(FRAME_BEGINS)
        whole = begins if begins > data.rfind(FRAME_ENDS) else len(data)
        cut = data.rfind(b"\x1b", max(0, len(data) - len(FRAME_BEGINS)))
        if cut >= 0 and FRAME_BEGINS.startswith(data[cut:]):
            whole = min(whole, cut)
        self._held = data[whole:]
        self._stream.feed(data[:whole])
