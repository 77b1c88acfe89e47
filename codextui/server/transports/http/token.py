"""The bearer token of HTTP clients."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path

from codextui.errors import ConfigInvalid

_TOKEN_BYTES = 32
_MAX_FILE_SIZE = 1024


class TokenFile:
    """A token in a file that only its user may read.

    The file is read for every check, so that replacing the token shuts out the holders of the old
    one from their next request on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """Return the token, and create it where there is none.

        Raises:
            ConfigInvalid: the file cannot be used.
        """
        try:
            return self._load()
        except FileNotFoundError:
            self._store(replace=False)
        return self._load()

    def replace(self) -> str:
        """Replace the token by a new one and return that.

        Raises:
            ConfigInvalid: the file cannot be written.
        """
        self._store(replace=True)
        return self._load()

    def accepts(self, presented: str) -> bool:
        """Return whether this is the token; False where the file cannot be used."""
        try:
            token = self._load()
        except (FileNotFoundError, ConfigInvalid):
            return False
        return hmac.compare_digest(presented.encode(errors="replace"), token.encode())

    def _load(self) -> str:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ConfigInvalid(f"{self._path} cannot be read: {error.strerror}") from error
        with os.fdopen(descriptor, "rb") as file:
            self._check(os.fstat(descriptor))
            token = file.read(_MAX_FILE_SIZE).decode("ascii", errors="replace").strip()
        if len(token) < _TOKEN_BYTES:
            raise ConfigInvalid(f"{self._path} has no token in it: type `codextui token --new`")
        return token

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            raise ConfigInvalid(f"{self._path} must be a file of yours: remove it")
        if found.st_mode & 0o077:
            raise ConfigInvalid(
                f"{self._path} is open to other users, who may have read the token: "
                "type `codextui token --new`"
            )

    def _store(self, *, replace: bool) -> None:
        """Write a new token atomically. Without `replace` an existing file stays."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".token.")
            written = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(f"{secrets.token_urlsafe(_TOKEN_BYTES)}\n")
                if replace:
                    written.replace(self._path)
                else:
                    self._path.hardlink_to(written)
            finally:
                written.unlink(missing_ok=True)
        except FileExistsError:
            pass  # another process created it at the same moment
        except OSError as error:
            raise ConfigInvalid(f"{self._path} cannot be written: {error.strerror}") from error
