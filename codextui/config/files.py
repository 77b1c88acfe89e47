"""Replacing files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes, *, new_mode: int) -> None:
    """Write a file in one step: a reader sees the old content or the new, even after a crash.

    A link is followed. The file keeps its mode; its folder is created if it is missing.

    Args:
        path: the file.
        data: its new content.
        new_mode: its mode if it does not exist yet.

    Raises:
        OSError: it cannot be written; its content has not changed.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else new_mode
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
