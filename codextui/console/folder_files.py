"""Lists the files of a thread's folder, for the composer's suggestions."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

MAX_FILES = 20_000
"""Files that are listed of a folder."""

_LEFT_OUT = frozenset(
    {"__pycache__", "node_modules", "target", "dist", "build", "venv", "vendor", "site-packages"}
)
"""Folders with what programs have made, and with the code of others."""


def list_files(folder: str, *, limit: int = MAX_FILES) -> tuple[str, ...]:
    """Return the relative paths of a folder's files, the nearest first.

    Hidden files and what programs have made are left out, links to folders are not followed, and
    names with control characters are passed over. Empty where the folder cannot be read.
    """
    found: list[str] = []
    pending = deque([""])
    while pending and len(found) < limit:
        relative = pending.popleft()
        names, folders = _read_folder(Path(folder, relative))
        found += [f"{relative}{name}" for name in names]
        pending += [f"{relative}{name}/" for name in folders]
    return tuple(found[:limit])


def _read_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Return the sorted names of a folder's files, and of the folders in it."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.isprintable():
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    files.append(entry.name)
                elif entry.name not in _LEFT_OUT:
                    folders.append(entry.name)
    except OSError:
        pass
    return sorted(files), sorted(folders)
