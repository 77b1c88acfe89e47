"""The git branch of a folder, read from git's own files, without running git."""

from __future__ import annotations

import asyncio
from pathlib import Path

TIMEOUT_S = 2.0
"""Seconds after which a file system that hangs is given up."""

_MAX_BYTES = 4096


async def find_branch(folder: str) -> str:
    """Return the branch of `folder`, a short commit id where it is detached, else empty."""
    if not folder:
        return ""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_read_branch, Path(folder)), TIMEOUT_S)
    except TimeoutError:
        return ""


def _read_branch(folder: Path) -> str:
    try:
        head = _read_head(folder)
    except (OSError, UnicodeDecodeError, ValueError):
        return ""
    if head.startswith("ref: refs/heads/"):
        return head.removeprefix("ref: refs/heads/")
    return head[:12]


def _read_head(folder: Path) -> str:
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_dir():
            return _read(git / "HEAD")
        if git.is_file():  # a worktree or a submodule
            return _read(parent / _read(git).removeprefix("gitdir:").strip() / "HEAD")
    return ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES).decode().strip()
