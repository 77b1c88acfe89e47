"""Programs that others wrote, installed once into a cache that the runs of the tests share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(
    os.environ.get("CODEXTUI_TEST_CACHE") or Path(__file__).parents[1] / ".ci" / "cache"
).absolute()
"""Where they are; CODEXTUI_TEST_CACHE chooses another folder, which several checkouts may share."""


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Let one process at a time install this; whoever else installs it is waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unavailable(why: str) -> BaseException:
    """The outcome of a test whose programs cannot be installed: it fails in CI, else it skips."""
    failed = pytest.fail.Exception if os.environ.get("CI") else pytest.skip.Exception
    return failed(why)
