"""Which git branch a folder is on, read from git's own files: nothing is run for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

TIMEOUT_S = 2.0
"""A folder on a file system that hangs must hold nobody up."""

_MAX_BYTES = 4096


async def find_branch(folder: str) -> str:
    """Return the branch that `folder` is on, a short commit where it is on none, else empty."""
    if not folder:
        return ""
    try:
        return await asyncio.wait_for(asyncio.to_thread(read_branch, Path(folder)), TIMEOUT_S)
    except TimeoutError:
        return ""


def read_branch(folder: Path) -> str:
    """As `find_branch`, at once."""
    try:
        head = _head_of(folder)
    except (OSError, UnicodeDecodeError, ValueError):
        return ""
    if head.startswith("ref: refs/heads/"):
        return head.removeprefix("ref: refs/heads/")
    return head[:12]


def _head_of(folder: Path) -> str:
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.is_dir():
            return _read(git / "HEAD")
        if git.is_file():
            return _read(place / _read(git).removeprefix("gitdir:").strip() / "HEAD")
    return ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode().strip()
