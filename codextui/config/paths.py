"""Where codextui keeps its files, after the XDG base directory specification.

A relative `XDG_…` variable counts as not set, as the specification asks for.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from codextui.errors import ConfigInvalid, ServerUnreachable

DEFAULT_NAME = "default"
"""The shared server that is meant where `-L` names none."""

SOCKET_PATH_LIMIT = 100
"""Bytes that a socket's path may have; the systems' own limits are 104 and 108."""

_LOGIN_DIRS = Path("/run/user")
_TEMPORARY = Path("/tmp")  # noqa: S108 - what is made there is checked by _private
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """Return the name of a shared server. Raises ConfigInvalid where it can be none."""
    if not _NAME.fullmatch(name):
        raise ConfigInvalid(
            f"{name!r} cannot name a server: use 1 to 64 letters, digits, dots, dashes and "
            "underscores, the first of them a letter or a digit"
        )
    return name


def runtime_dir() -> Path:
    """The folder of sockets and locks: `$XDG_RUNTIME_DIR/codextui`, else one under `/tmp`.

    MCP clients start their servers with few variables, and those must find the same folder. So
    where `XDG_RUNTIME_DIR` is not set it is what a login usually sets it to, and `TMPDIR` is not
    asked at all.

    It is made where it is missing. Raises ServerUnreachable where it cannot be, or where
    another user could read or replace what is in it.
    """
    base = _absolute("XDG_RUNTIME_DIR") or _login_dir()
    return _private(base / "codextui") if base is not None else _temporary_dir()


def socket_path(name: str) -> Path:
    """The socket of the shared server `name`.

    Where the usual path is too long for a socket it is a hash of it in a short private folder.
    Raises as `check_name` and `runtime_dir` do.
    """
    path = runtime_dir() / f"{check_name(name)}.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:20]
    return _temporary_dir() / f"{digest}.sock"


def lock_path(name: str) -> Path:
    """The file that the shared server `name` keeps locked while it runs."""
    return runtime_dir() / f"{check_name(name)}.lock"


def log_path(name: str) -> Path:
    """The log of the shared server `name`; its folder exists."""
    return _state_dir() / f"{check_name(name)}.log"


def journal_path(name: str) -> Path:
    """The journal (SQLite) of the shared server `name`; its folder exists."""
    return _state_dir() / f"{check_name(name)}.sqlite"


def token_path(name: str) -> Path:
    """The token that HTTP clients of the shared server `name` show; its folder exists."""
    return _state_dir() / f"{check_name(name)}.token"


def runs_dir() -> Path:
    """The folder of the runs of teams, each in a folder of its own; it exists."""
    return _private(_state_dir() / "runs")


def config_path() -> Path:
    """The user's configuration: `$XDG_CONFIG_HOME/codextui/config.toml`. It may not exist."""
    return _home("XDG_CONFIG_HOME", ".config") / "codextui" / "config.toml"


def cache_dir() -> Path:
    """The folder of what can be made again: `$XDG_CACHE_HOME/codextui`. It may not exist."""
    return _home("XDG_CACHE_HOME", ".cache") / "codextui"


def _state_dir() -> Path:
    return _private(_home("XDG_STATE_HOME", ".local/state") / "codextui")


def _login_dir() -> Path | None:
    path = _LOGIN_DIRS / str(os.getuid())
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _temporary_dir() -> Path:
    return _private(_TEMPORARY / f"codextui-{os.getuid()}")


def _private(path: Path) -> Path:
    """Make the folder for this user alone; refuse one that others could have prepared."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise ServerUnreachable(f"{path} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise ServerUnreachable(f"{path} must be a folder, not a link or a file: remove it")
    if found.st_uid != os.getuid():
        raise ServerUnreachable(f"{path} belongs to another user: remove it")
    if found.st_mode & 0o077:
        raise ServerUnreachable(f"{path} is open to other users: type `chmod 700 {path}`")
    return path


def _home(variable: str, default: str) -> Path:
    return _absolute(variable) or Path.home() / default


def _absolute(variable: str) -> Path | None:
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None
