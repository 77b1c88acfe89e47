"""A disk of one megabyte that a test can fill, or sqlite's error where nothing may be mounted."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_FULL = "database or disk is full"


class SmallDisk:
    """A folder on a disk of its own.

    Attributes:
        folder: the folder.
        is_real: whether it is a disk, rather than an error that sqlite is made to raise.
        is_full: whether nothing can be written.
    """

    def __init__(self, folder: Path, *, is_real: bool) -> None:
        self.folder = folder
        self.is_real = is_real
        self.is_full = False

    def fill(self) -> None:
        self.is_full = True
        if self.is_real:
            with (self.folder / "filler").open("ab", buffering=0) as filler:
                for size in (64 * 1024, 1024, 1):
                    try:
                        while filler.write(b"x" * size):
                            pass
                    except OSError:
                        pass

    def free(self) -> None:
        self.is_full = False
        if self.is_real:
            (self.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """Mount a small disk at a folder, which is created."""
    folder.mkdir()
    if not _run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)):
        disk = SmallDisk(folder, is_real=False)
        _inject_errors(disk, monkeypatch)
        yield disk
        return
    try:
        yield SmallDisk(folder, is_real=True)
    finally:
        _run("umount", "-l", str(folder))


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _inject_errors(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            if disk.is_full and sql.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE"):
                error = sqlite3.OperationalError(_FULL)
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return super().execute(sql, *rest)

    connect = sqlite3.connect

    def connect_small(path: Any, **options: Any) -> sqlite3.Connection:
        return connect(path, factory=Connection, **options)

    monkeypatch.setattr(sqlite3, "connect", connect_small)
