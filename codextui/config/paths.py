"""The files and folders of codextui, by the XDG base directory specification.

A relative path in an `XDG_…` variable is ignored, as the specification requires.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from codextui.errors import ConfigInvalid, ServerUnreachable

DEFAULT_SERVER = "default"
"""The name of the shared server unless `-L` names another."""

SOCKET_PATH_LIMIT = 100
"""Bytes that the path of a socket may have; the limits of macOS and Linux are 104 and 108."""

_LOGIN_DIRS = Path("/run/user")
_TEMPORARY = Path("/tmp")  # noqa: S108 - _private checks the folder
_PICTURES_DIR = re.compile(r'^XDG_PICTURES_DIR="([^"\n]*)"', re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_server_name(name: str) -> str:
    """Return the name of a shared server. Raises ConfigInvalid if it cannot be one."""
    if not _NAME.fullmatch(name):
        raise ConfigInvalid(
            f"{name!r} cannot name a server: use 1 to 64 letters, digits, dots, dashes and "
            "underscores, the first of them a letter or a digit"
        )
    return name


def runtime_dir() -> Path:
    """Return the folder of sockets and locks, created if it is missing; nothing above it is.

    It is `$XDG_RUNTIME_DIR/codextui`, or a folder in `/tmp`. MCP clients start their servers
    with few environment variables, and these must find the same folder: if `XDG_RUNTIME_DIR` is
    not set, the folder that a login usually sets it to is tried, and `TMPDIR` is ignored.

    Raises:
        ServerUnreachable: it cannot be created, other users could read or replace its files, or
            `XDG_RUNTIME_DIR` does not exist or is not this user's alone to write.
    """
    base = runtime_base()
    if base is None:
        return _private(_temporary_location())
    check_runtime_base(base)
    return _private(runtime_location(), parents=False)


def runtime_base() -> Path | None:
    """Return the user's runtime folder, in which ours is; None where there is none."""
    return _absolute("XDG_RUNTIME_DIR") or _login_dir()


def runtime_location() -> Path:
    """Return where `runtime_dir` is, without making or checking it."""
    base = runtime_base()
    return _temporary_location() if base is None else base / "codextui"


def state_location() -> Path:
    """Return the folder of journals, logs and runs, which may not exist."""
    return _home("XDG_STATE_HOME", ".local/state") / "codextui"


def socket_path(name: str) -> Path:
    """Return the socket of the shared server `name`.

    If its path in `runtime_dir` is too long for a socket, it is named by a hash of that path, in
    a private folder in `/tmp`. Raises as `check_server_name` and `runtime_dir` do.
    """
    path = socket_location(name)
    if path.parent != runtime_dir():
        _private(path.parent)
    return path


def socket_location(name: str) -> Path:
    """Return as `socket_path`, without making or checking a folder."""
    path = runtime_location() / f"{check_server_name(name)}.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    import hashlib  # noqa: PLC0415 - loads OpenSSL, for which the first frame would wait

    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:20]
    return _temporary_location() / f"{digest}.sock"


def lock_path(name: str) -> Path:
    """Return the file that the shared server `name` locks while it runs."""
    return runtime_dir() / f"{check_server_name(name)}.lock"


def log_path(name: str) -> Path:
    """Return the log of the shared server `name`; its folder is created."""
    return _state_dir() / f"{check_server_name(name)}.log"


def journal_path(name: str) -> Path:
    """Return the journal (SQLite) of the shared server `name`; its folder is created."""
    return _state_dir() / f"{check_server_name(name)}.sqlite"


def drafts_path(name: str) -> Path:
    """Return the file of the console's drafts for the shared server `name`."""
    return _state_dir() / f"{check_server_name(name)}.drafts.json"


def token_path(name: str) -> Path:
    """Return the file of the HTTP token of the shared server `name`; its folder is created."""
    return _state_dir() / f"{check_server_name(name)}.token"


def runs_dir() -> Path:
    """Return the folder of all runs of teams, each in its own folder; it is created."""
    return _private(_state_dir() / "runs")


def captures_dir() -> Path:
    """Return the folder of the inspector's captures; it is created."""
    return _private(_state_dir() / "captures")


def shims_dir() -> Path:
    """Return the folder of the stand-ins for `codex`; it is created."""
    return _private(_state_dir() / "shims")


def config_path(named: Path | None = None) -> Path:
    """Return the configuration file to use.

    Args:
        named: the file that the user named, which must exist; None for the user's own,
            `$XDG_CONFIG_HOME/codextui/config.toml`, which may not exist.

    Raises:
        ConfigInvalid: `named` is not a file.
    """
    if named is not None and not named.is_file():
        raise ConfigInvalid(f"{named} is no file")
    if named is not None:
        return named
    return _home("XDG_CONFIG_HOME", ".config") / "codextui" / "config.toml"


def pictures_dir() -> Path:
    """Return the folder for pictures of the screen.

    It is the desktop's folder for pictures (`XDG_PICTURES_DIR`, in the environment or in
    `user-dirs.dirs`) if there is one, otherwise one of ours, which is created.
    """
    named = _absolute("XDG_PICTURES_DIR") or _desktop_pictures_dir()
    return named if named is not None and named.is_dir() else _private(_state_dir() / "pictures")


def _desktop_pictures_dir() -> Path | None:
    file = _home("XDG_CONFIG_HOME", ".config") / "user-dirs.dirs"
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = _PICTURES_DIR.search(text)
    path = Path(found[1].replace("$HOME", str(Path.home()), 1)) if found else Path()
    return path if path.is_absolute() and path != Path.home() else None


def cache_dir() -> Path:
    """Return `$XDG_CACHE_HOME/codextui`, which may not exist."""
    return _home("XDG_CACHE_HOME", ".cache") / "codextui"


def _state_dir() -> Path:
    return _private(state_location())


def _login_dir() -> Path | None:
    path = _LOGIN_DIRS / str(os.getuid())
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _temporary_location() -> Path:
    return _TEMPORARY / f"codextui-{os.getuid()}"


def check_runtime_base(path: Path) -> None:
    """Refuse a runtime folder in which others could replace ours. Raises ServerUnreachable."""
    where = f"the runtime folder {path} (XDG_RUNTIME_DIR)"
    try:
        found = path.stat()
    except OSError as error:
        raise ServerUnreachable(
            f"{where} cannot be used: {error.strerror}. Make it, or unset XDG_RUNTIME_DIR"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise ServerUnreachable(f"{where} is no folder: set XDG_RUNTIME_DIR to another one")
    if found.st_uid != os.getuid():
        raise ServerUnreachable(
            f"{where} belongs to another user: set XDG_RUNTIME_DIR to a folder of your own"
        )
    if found.st_mode & 0o022:
        raise ServerUnreachable(
            f"{where} can be written by other users: set XDG_RUNTIME_DIR to a folder of mode 0700"
        )


def _private(path: Path, *, parents: bool = True) -> Path:
    """Create a folder for this user only; refuse one that others could have prepared."""
    try:
        path.mkdir(mode=0o700, parents=parents, exist_ok=True)
        check_private(path)
    except OSError as error:
        raise ServerUnreachable(f"{path} cannot be made: {error.strerror}") from error
    return path


def check_private(path: Path) -> None:
    """Refuse a folder of ours that other users could read or replace.

    Raises:
        ServerUnreachable: it is no folder, of another user, or open to others.
        OSError: it does not exist, or cannot be looked at.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ServerUnreachable(f"{path} must be a folder, not a link or a file: remove it")
    if found.st_uid != os.getuid():
        raise ServerUnreachable(f"{path} belongs to another user: remove it")
    if found.st_mode & 0o077:
        raise ServerUnreachable(f"{path} is open to other users: type `chmod 700 {path}`")


def _home(variable: str, default: str) -> Path:
    return _absolute(variable) or Path.home() / default


def _absolute(variable: str) -> Path | None:
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None
