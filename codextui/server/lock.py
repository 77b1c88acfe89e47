"""The lock that makes a shared server the only one of its name."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from codextui.errors import ServerUnreachable


class ServerLock:
    """A locked file. The lock is let go when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self) -> bool:
        """Take the lock; False where another process holds it. Raises ServerUnreachable."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(self._path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            raise ServerUnreachable(f"{self._path} cannot be locked: {error.strerror}") from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
        return True

    def release(self) -> None:
        """Let the lock go. The file stays: who removes a lock file makes room for two locks."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
