"""The console's terminal driver: Textual's, with pastes taken out before keys are parsed."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, TextIO

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from codextui.console.input import InputSplitter, Keys, Part, Pasted
from codextui.console.terminal_notices import SAVE_TITLE, restore_sequence, title_sequence
from codextui.text.sanitize import clean_paste

_BELL = "\a"
_MODES_OF_OTHERS_OFF = "\x1b[?1002l\x1b[?1007l"
"""Modes of the mouse that Textual does not use, for a program that was killed while it did."""

_CHUNK = 64 * 1024
_TOGETHER_S = 0.005
_LONGEST_TOGETHER_S = 0.05
_POLL_S = 0.1
_SHORT_POLL_S = 0.02


class KeyParser(XTermParser):
    """Textual's parser, which can be told that nothing follows an escape."""

    def complete(self) -> Iterator[Message]:
        """Return what was held back in the hope of a longer sequence."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
        yield from self.tick()


class ConsoleDriver(LinuxDriver):
    """Reads the terminal's input with an `InputSplitter` before Textual's parser.

    It draws on stdout if stderr is no terminal (`codextui 2>log`); Textual always uses stderr.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Create a driver; see `LinuxDriver`."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._is_aside = False
        self._title = ""
        self._is_in_use = False
        if not _is_terminal(sys.__stderr__) and _is_terminal(sys.__stdout__):
            self._file = sys.__stdout__

    def set_title(self, title: str) -> None:
        """Set the terminal's title; its own is restored when the app leaves the terminal."""
        if title == self._title:
            return
        is_first, self._title = not self._title, title
        if self._is_in_use:
            self.write((SAVE_TITLE if is_first else "") + title_sequence(title, os.environ))

    def start_application_mode(self) -> None:
        """Take the terminal, and show the title in it, if there is one."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._is_in_use = True
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminate)
        if self._title:
            self.write(SAVE_TITLE + title_sequence(self._title, os.environ))

    def stop_application_mode(self) -> None:
        """Leave the terminal with the title that it had."""
        if self._title and self._is_in_use:
            self.write(restore_sequence(os.environ))
        self._is_in_use = False
        with suppress(RuntimeError):  # the loop has ended
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        super().stop_application_mode()

    def _terminate(self) -> None:
        """End the app, so that the terminal is restored; a second signal ends it at once."""
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        self._app.exit(return_code=128 + signal.SIGTERM)

    def suspend_application_mode(self) -> None:
        """Leave the terminal to another program; what is drawn from now on is dropped."""
        super().suspend_application_mode()
        self._is_aside = True

    def resume_application_mode(self) -> None:
        """Take the terminal back, in whatever state the other program has left it."""
        if self.attrs_before is not None:
            # Also drops keys that were meant for the other program.
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSAFLUSH, self.attrs_before)
        self._is_aside = False
        super().resume_application_mode()
        self.write(_MODES_OF_OTHERS_OFF)

    def write(self, data: str) -> None:
        """Write to the terminal; to that of another program only the bell."""
        if not self._is_aside:
            super().write(data)
        elif data == _BELL and self._file is not None:
            self._file.write(data)
            self._file.flush()

    def run_input_thread(self) -> None:
        """Read input and dispatch it as events until the app exits."""
        parser, splitter = KeyParser(self._debug), InputSplitter()
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_SHORT_POLL_S if splitter.is_waiting else _POLL_S):
                    data = _read_together(self.fileno, selector)
                    if not data:  # the terminal hung up
                        self.exit_event.wait(_POLL_S)
                    parts = splitter.feed(decode(data), time.monotonic())
                else:
                    parts = splitter.tick(time.monotonic())
                for event in (*_events(parts, parser), *parser.tick()):
                    self.process_message(event)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _read_together(fileno: int, selector: selectors.BaseSelector) -> bytes:
    """Read what arrives in one go: a paste without brackets comes in many small pieces."""
    data = os.read(fileno, _CHUNK)
    last = time.monotonic() + _LONGEST_TOGETHER_S
    # Sequences of the mouse and of function keys are whole, and need not wait.
    while data and data[-1:] != b"~" and data[:1] != b"\x1b" and time.monotonic() < last:
        if not selector.select(_TOGETHER_S):
            break
        more = os.read(fileno, _CHUNK)
        if not more:
            break
        data += more
    return data


def _events(parts: Iterable[Part], parser: KeyParser) -> Iterator[Message]:
    for part in parts:
        match part:
            case Pasted(text):
                yield events.Paste(clean_paste(text))
            case Keys(text, complete):
                yield from parser.feed(text)
                if complete:
                    yield from parser.complete()
