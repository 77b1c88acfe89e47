"""Files that are replaced atomically, and locks by which a process owns a name or a run."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path

_PAGE = 4096


def replace_file(path: Path, data: bytes, *, new_mode: int) -> None:
    """Write a file in one step: a reader sees the old content or the new, even after a crash.

    A link is followed. The file keeps its mode; its folder is created if it is missing.

    Args:
        path: the file.
        data: its new content.
        new_mode: its mode if it does not exist yet.

    Raises:
        OSError: it cannot be written, or is a device, a pipe or a folder; it has not changed.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = _mode_of(target, new_mode)
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


def _mode_of(target: Path, new_mode: int) -> int:
    """Return the mode of a file, and `new_mode` where there is none.

    Raises:
        OSError: it is no regular file: to replace /dev/null would take it away from everybody.
    """
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return new_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(target))
    return stat.S_IMODE(mode) & 0o777


def is_disk_full(path: Path) -> bool:
    """Return whether the disk of a file has no room left to write to."""
    try:
        return shutil.disk_usage(path.parent).free < _PAGE
    except OSError:
        return False


class FileLock:
    """An exclusive lock (`flock`) on a file.

    The system releases it when the process ends, however it ends. The file stays: removing it
    would allow a second lock beside this one. While the lock is held the file holds the id of
    the process.

    Args:
        path: the file, created (mode 0600) where it is missing. Its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self) -> bool:
        """Acquire the lock without waiting; False where another process holds it.

        Raises:
            OSError: the file cannot be opened, locked or written.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())
        except BlockingIOError:
            self.release()
            return False
        except OSError:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock on a file, which need not exist.

    Raises:
        OSError: the file exists and cannot be opened.
    """
    try:
        # Without O_NONBLOCK a pipe in its place would block for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
