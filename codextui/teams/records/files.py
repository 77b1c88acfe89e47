"""A file of JSON lines that only grows: what a run tells of itself, for later."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from codextui.errors import ConfigInvalid, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject

MOST_BYTES = 64 * 1024 * 1024
"""How large such a file may become; what would come after that is left out."""


class LineFile:
    """Appends JSON objects to a file that is its owner's alone (0600), a line each.

    What cannot be written never ends a run: it is told once, and nothing more is written.

    Args:
        path: the file, made at the first line.
        on_trouble: is told, in a sentence, why lines are missing from now on.
        most_bytes: how large the file may become.
    """

    def __init__(
        self,
        path: Path,
        on_trouble: Callable[[str], None] | None = None,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._path = path
        self._on_trouble = on_trouble
        self._most_bytes = most_bytes
        self._descriptor: int | None = None
        self._size = 0
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def append(self, value: JsonObject) -> None:
        """Write a line."""
        if self._closed:
            return
        line = f"{json.dumps(value, default=str)}\n".encode()
        try:
            descriptor = self._open()
            if self._size + len(line) > self._most_bytes:
                self._give_up(f"{self._path} is full ({self._most_bytes} bytes)")
                return
            written = os.write(descriptor, line)
            self._size += written
            if written < len(line):
                self._give_up(f"{self._path} cannot be written: the disk is full")
        except OSError as error:
            self._give_up(f"{self._path} cannot be written: {error.strerror}")

    def close(self) -> None:
        """Write nothing more."""
        self._closed = True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
            self._size = os.fstat(self._descriptor).st_size
            if self._size and os.pread(self._descriptor, 1, self._size - 1) != b"\n":
                # Its writer was killed in the middle of a line.
                self._size += os.write(self._descriptor, b"\n")
        return self._descriptor

    def _give_up(self, reason: str) -> None:
        self.close()
        if self._on_trouble is not None:
            self._on_trouble(reason)


def read_lines(path: Path) -> Iterator[JsonObject]:
    """The objects of such a file in their order; none where there is no file.

    A line that is none, as a killed writer leaves it, is passed over. Raises ConfigInvalid where
    the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    yield fields.as_object(json.loads(line), "line")
                except (ValueError, RecursionError, MessageInvalid):
                    continue
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror}") from error
