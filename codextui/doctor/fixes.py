"""Repairs what is surely safe to repair; looks again at each thing before it is touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from codextui.config.files import FileLock
from codextui.doctor.findings import MakeFolder, RemoveFile, RemoveSocket, Repair, SetMode
from codextui.doctor.folders import is_leftover
from codextui.doctor.network import why_silent
from codextui.errors import CodextuiError


class RepairRefused(CodextuiError):
    """What was to be repaired is not as it was found; the message says why."""


def repair(wanted: Repair) -> str:
    """Carry a repair out, and return what was done as a sentence without its full stop.

    Raises:
        RepairRefused: it is not safe any more.
        OSError: it cannot be done.
    """
    match wanted:
        case SetMode(path, mode):
            return _set_mode(path, mode)
        case MakeFolder(path):
            path.mkdir(mode=0o700)
            return f"made the folder {path}"
        case RemoveSocket(path, lock):
            return _remove_socket(path, lock)
        case RemoveFile(path):
            if not is_leftover(path):
                raise RepairRefused(f"{path} is not what was found")
            path.unlink()
            return f"removed {path}"


def _set_mode(path: Path, mode: int) -> str:
    """Set the mode of a file or folder of ours by a descriptor, which no link can lead away."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        is_ours = found.st_uid == os.getuid()
        if not is_ours or not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise RepairRefused(f"{path} is not a file or folder of yours")
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return f"set the mode of {path} from {stat.S_IMODE(found.st_mode):04o} to {mode:04o}"


def _remove_socket(path: Path, lock_path: Path) -> str:
    """Remove a stale socket while no server can take its name."""
    lock = FileLock(lock_path)
    if not lock.acquire():
        raise RepairRefused(f"a server has begun to use {path}")
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode) or not why_silent(path):
            raise RepairRefused(f"{path} is in use")
        path.unlink()
    finally:
        lock.release()
    return f"removed the stale socket {path}"
