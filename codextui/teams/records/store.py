"""What a run keeps on disk, so that it can be gone on with after a crash.

A folder a run (0700), a file a part (0600), each replaced in one step.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from codextui.config import paths
from codextui.errors import ConfigInvalid
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject

_SHOWN_RUNS = 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RunStore:
    """The folder of one run.

    Attributes:
        run_id: the run's name, the folder's too.
    """

    def __init__(self, folder: Path) -> None:
        self.run_id = folder.name
        self._folder = folder

    @classmethod
    def create(cls, team: str, parent: Path | None = None) -> RunStore:
        """Make the folder of a new run. Raises OSError, ServerUnreachable (no private folder)."""
        parent = paths.runs_dir() if parent is None else parent
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        folder = parent / f"{team}-{stamp}-{secrets.token_hex(2)}"
        folder.mkdir(mode=0o700)
        return cls(folder)

    @classmethod
    def open(cls, run_id: str, parent: Path | None = None) -> RunStore:
        """Find the folder of a run. Raises ConfigInvalid where there is none of that name."""
        parent = paths.runs_dir() if parent is None else parent
        folder = parent / run_id
        if not _NAME.fullmatch(run_id) or not (folder / "run.json").is_file():
            known = ", ".join(list_runs(parent)[:_SHOWN_RUNS]) or "none at all"
            raise ConfigInvalid(f"there is no run {run_id!r}; the last ones are: {known}")
        return cls(folder)

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self._folder

    @property
    def log_path(self) -> Path:
        """Where a run that nobody watches prints what happens."""
        return self._folder / "log.txt"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process. Raises ConfigInvalid where another one runs it."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigInvalid(f"{self.run_id} is being run by another process") from None
            yield
        finally:
            os.close(descriptor)

    def is_running(self) -> bool:
        """Whether a process holds it (`locked`)."""
        try:
            descriptor = os.open(self._folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @property
    def written_at(self) -> float:
        """When it was made; unix seconds."""
        return _written(self._folder)

    def read(self, part: str) -> JsonObject | None:
        """A part as it was written last; None where it never was. Raises ConfigInvalid."""
        path = self._folder / f"{part}.json"
        try:
            return fields.as_object(json.loads(path.read_bytes()), part)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigInvalid(f"{path} cannot be read: {error}") from error

    def write(self, part: str, content: JsonObject) -> None:
        """Replace a part. Raises OSError."""
        temporary = self._folder / f".{part}.{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file)
        temporary.replace(self._folder / f"{part}.json")


def list_runs(parent: Path | None = None) -> list[str]:
    """The runs that are kept, the youngest first."""
    parent = paths.runs_dir() if parent is None else parent
    found = [folder for folder in parent.iterdir() if (folder / "run.json").is_file()]
    return [folder.name for folder in sorted(found, key=_written, reverse=True)]


def _written(folder: Path) -> float:
    return (folder / "run.json").stat().st_mtime
