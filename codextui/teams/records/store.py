"""The folder of a run: parts that are replaced atomically, and JSON lines that are appended.

A run has a folder of its own (mode 0700), which holds everything that is needed to resume it
after a crash. All of its files have mode 0600.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from codextui.config import paths
from codextui.config.files import FileLock, is_held
from codextui.errors import ConfigInvalid, MessageInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.text.sanitize import dump_json

MAX_BYTES = 64 * 1024 * 1024
"""Default size limit of a file of JSON lines, in bytes."""

_SUGGESTED_RUNS = 5
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_TEAM = 60


class RunStore:
    """The folder of one run.

    A part is a JSON object in a file `PART.json`.

    Attributes:
        run_id: the run's id, which is also the name of the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.run_id = folder.name
        self._folder = folder

    @classmethod
    def create(cls, team: str, parent: Path | None = None) -> RunStore:
        """Create the folder of a new run.

        Args:
            team: the team's name, with which the run's id begins. What cannot be part of a
                folder's name, such as `/`, becomes `-`.
            parent: the folder of all runs; by default the user's.

        Raises:
            OSError: the folder cannot be created.
            ServerUnreachable: the user has no private state folder.
        """
        parent = paths.runs_dir() if parent is None else parent
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        name = _NOT_IN_IDS.sub("-", team).strip("-._")[:_MAX_TEAM] or "run"
        folder = parent / f"{name}-{stamp}-{secrets.token_hex(2)}"
        folder.mkdir(mode=0o700)
        return cls(folder)

    @classmethod
    def open(cls, run_id: str, parent: Path | None = None) -> RunStore:
        """Open the folder of an existing run. Raises ConfigInvalid if there is none."""
        parent = paths.runs_dir() if parent is None else parent
        folder = parent / run_id
        if not _RUN_ID.fullmatch(run_id) or not (folder / "run.json").is_file():
            known = ", ".join(list_runs(parent)[:_SUGGESTED_RUNS]) or "none at all"
            raise ConfigInvalid(f"there is no run {run_id!r}; the last ones are: {known}")
        return cls(folder)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._folder

    @property
    def log_path(self) -> Path:
        """The output file of a run that was started in the background."""
        return self._folder / "log.txt"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run for this process. Raises ConfigInvalid if another process holds it."""
        lock = FileLock(self._lock_path)
        if not lock.acquire():
            raise ConfigInvalid(f"{self.run_id} is being run by another process")
        try:
            yield
        finally:
            lock.release()

    def is_running(self) -> bool:
        """Return whether a process holds the lock of the run."""
        try:
            return is_held(self._lock_path)
        except OSError:
            return False

    @property
    def _lock_path(self) -> Path:
        return self._folder / "lock"

    @property
    def created_at(self) -> float:
        """When the run was created, in unix seconds."""
        return _created_at(self._folder)

    def read(self, part: str) -> JsonObject | None:
        """Return a part, or None if it was never written. Raises ConfigInvalid."""
        path = self._path(part)
        try:
            return fields.as_object(json.loads(path.read_bytes()), part)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError, MessageInvalid) as error:
            raise ConfigInvalid(f"{path} cannot be read: {error}") from error

    @contextmanager
    def reading(self, part: str) -> Iterator[JsonObject]:
        """Read a part, empty if it was never written, and name its file in what goes wrong.

        Raises ConfigInvalid, also for a MessageInvalid or ValueError of the context's body.
        """
        content = self.read(part) or {}
        try:
            yield content
        except (MessageInvalid, ValueError) as error:
            raise ConfigInvalid(f"{self._path(part)} cannot be used: {error}") from error

    def write(self, part: str, content: JsonObject) -> None:
        """Replace a part atomically. Raises OSError."""
        path = self._path(part)
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        temporary.replace(path)

    def _path(self, part: str) -> Path:
        # The names of conversations and roles are in those of parts.
        return self._folder / f"{part.replace('/', '%2F')}.json"


def list_runs(parent: Path | None = None) -> list[str]:
    """Return the ids of the stored runs, newest first."""
    parent = paths.runs_dir() if parent is None else parent
    folders = [folder for folder in parent.iterdir() if (folder / "run.json").is_file()]
    return [folder.name for folder in sorted(folders, key=_created_at, reverse=True)]


_HANDLE = "handle"


def write_handle(store: RunStore, handle: str) -> None:
    """Store the handle that the server gave a run. Raises OSError."""
    store.write(_HANDLE, {"handle": handle})


def read_handle(store: RunStore) -> str:
    """Return the handle that a run had last; empty if none is stored or it cannot be read."""
    try:
        with store.reading(_HANDLE) as stored:
            return fields.text_or(stored, "handle")
    except ConfigInvalid:
        return ""


def _created_at(folder: Path) -> float:
    return (folder / "run.json").stat().st_mtime


class JsonLinesFile:
    """An append-only file of JSON objects, one per line.

    A failure to write never ends a run: it is reported once, and the file is closed.

    Args:
        path: the file, created with the first line.
        on_error: called once, with a sentence that says why lines are missing from now on.
        max_bytes: size limit of the file.
    """

    def __init__(
        self,
        path: Path,
        on_error: Callable[[str], None] | None = None,
        *,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._path = path
        self._on_error = on_error
        self._max_bytes = max_bytes
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
        """Append an object as one line."""
        if self._closed:
            return
        line = f"{dump_json(value, default=str)}\n".encode()
        try:
            descriptor = self._open()
            if self._size + len(line) > self._max_bytes:
                self._fail(f"{self._path} is full ({self._max_bytes} bytes)")
                return
            written = os.write(descriptor, line)
            self._size += written
            if written < len(line):
                self._fail(f"{self._path} cannot be written: the disk is full")
        except OSError as error:
            self._fail(f"{self._path} cannot be written: {error.strerror}")

    def close(self) -> None:
        """Close the file; later lines are ignored."""
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
                # The last writer was killed in the middle of a line.
                self._size += os.write(self._descriptor, b"\n")
        return self._descriptor

    def _fail(self, reason: str) -> None:
        self.close()
        if self._on_error is not None:
            self._on_error(reason)


def read_json_lines(path: Path) -> Iterator[JsonObject]:
    """Yield the objects of a file of JSON lines; none if there is no such file.

    Lines that are not JSON objects are skipped: a killed writer may leave one. Raises
    ConfigInvalid if the file cannot be read.
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
