"""Whether git knows a branch or a commit."""

from __future__ import annotations

import asyncio
from pathlib import Path

from codextui.errors import ServerRefused

TIMEOUT_S = 5.0
"""Seconds after which git is given up, and nothing is refused."""


async def check_ref(folder: str, ref: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Check that a branch or a commit exists, as far as the folder and git are here.

    Raises:
        ServerRefused: the folder is in no git repository, or that has no such branch or commit.
    """
    if not await asyncio.to_thread(Path(folder).is_dir):
        return
    known = await _asks_git(folder, "rev-parse", "--git-dir", timeout_s=timeout_s)
    if known is False:
        raise ServerRefused(f"{folder} is in no git repository")
    name = f"{ref}^{{commit}}"
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", name)
    if known and await _asks_git(folder, *arguments, timeout_s=timeout_s) is False:
        raise ServerRefused(f"git knows no branch or commit {ref!a} in {folder}")


async def _asks_git(folder: str, *arguments: str, timeout_s: float) -> bool | None:
    """Return whether git says yes; None where it cannot be asked."""
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "-C", folder, *arguments, stdin=quiet, stdout=quiet, stderr=quiet
        )
    except OSError:
        return None
    try:
        return await asyncio.wait_for(process.wait(), timeout_s) == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
