"""Checks the folders of codextui and the files in them: where they are, whose, and how open."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from codextui.config import paths
from codextui.doctor.findings import (
    Finding,
    MakeFolder,
    Place,
    RemoveFile,
    Repair,
    SetMode,
    Severity,
    fine,
)
from codextui.doctor.machine import Machine
from codextui.errors import ServerUnreachable

LOW_BYTES = 512 * 1024 * 1024
"""Free bytes below which a disk is called almost full."""

FULL_BYTES = 16 * 1024 * 1024
"""Free bytes below which a disk is called full: a journal grows by more in a day."""

LEFTOVER_AGE_S = 24 * 3600.0
"""Seconds after which a temporary file belongs to no process that still writes it."""

_PRIVATE_SUFFIXES = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".bak", ".json", ".token", ".log")
_PRIVATE_FOLDERS = ("captures", "pictures", "runs", "shims")
_LEFTOVERS = re.compile(
    r"\..+\.(toml|json|token)\.[a-z0-9_]{8}"  # of a file that was being replaced
    r"|\.[^.]+\.[0-9a-f]{8}"  # of a part of a run
    r"|.+\.bak\.partial"
)
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL)
_MAKE_ROOM = "Make room: while the journal cannot be written, nothing is decided and saved."
_ADVICE = {
    "runtime": "Set XDG_RUNTIME_DIR to a folder of yours, or unset it.",
    "state": "Set XDG_STATE_HOME to a folder of yours: the journal and the log are in it.",
    "config": "Set XDG_CONFIG_HOME to a folder of yours.",
}


def check_folders(machine: Machine) -> Iterator[Finding]:
    """Check that each folder is there or can be made, is ours, and private where it must be."""
    base = paths.runtime_base()
    if base is not None and (found := _check_base(base)) is not None:
        yield found
    else:
        yield _check_private("runtime", paths.runtime_location())
        socket = paths.socket_location(machine.server)
        if socket.parent != paths.runtime_location():
            what = "the path of the runtime folder is too long for a socket: it is elsewhere"
            yield fine("folders.runtime", what, socket)
            yield _check_private("runtime", socket.parent)
    yield _check_private("state", paths.state_location())
    yield _check_config(machine.config_file.parent)


def _check_base(base: Path) -> Finding | None:
    """Return what is wrong with the user's runtime folder; None for nothing."""
    try:
        paths.check_runtime_base(base)
    except ServerUnreachable as error:
        return Finding(
            Severity.PROBLEM,
            "folders.runtime",
            str(error),
            Place(base),
            advice=_ADVICE["runtime"],
            repair=_repair_of_base(base),
        )
    return None


def _repair_of_base(base: Path) -> Repair | None:
    try:
        found = base.lstat()
    except FileNotFoundError:
        above = base.parent
        return MakeFolder(base) if above.is_dir() and not why_not_writable(above) else None
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    # A folder that all may write, such as /tmp, is meant to be so.
    return SetMode(base, 0o700) if is_own and not found.st_mode & 0o1002 else None


def _check_private(name: str, folder: Path) -> Finding:
    check = f"folders.{name}"
    try:
        paths.check_private(folder)
    except FileNotFoundError:
        return _check_missing(name, folder)
    except OSError as error:
        found = f"{folder} cannot be looked at: {error.strerror}"
        return Finding(Severity.PROBLEM, check, found, Place(folder), advice=_ADVICE[name])
    except ServerUnreachable as error:
        return _not_private(check, folder, str(error))
    why = why_not_writable(folder)
    if why:
        found = f"the {name} folder cannot be written: {why}"
        return Finding(Severity.PROBLEM, check, found, Place(folder), advice=_ADVICE[name])
    return fine(check, f"the {name} folder is yours alone", folder)


def _not_private(check: str, folder: Path, problem: str) -> Finding:
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
        return Finding(
            Severity.PROBLEM,
            check,
            f"{folder} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}), and is "
            "therefore not used",
            Place(folder),
            command=shlex.join(["chmod", "700", str(folder)]),
            repair=SetMode(folder, 0o700),
        )
    advice = "A folder is made in its place once it is gone."
    return Finding(Severity.PROBLEM, check, problem, Place(folder), advice=advice)


def _check_missing(name: str, folder: Path) -> Finding:
    above = _existing(folder.parent)
    why = why_not_writable(above)
    if why:
        found = f"the {name} folder {folder} cannot be made: {above}: {why}"
        return Finding(
            Severity.PROBLEM, f"folders.{name}", found, Place(above), advice=_ADVICE[name]
        )
    return fine(f"folders.{name}", f"the {name} folder is made when it is needed", folder)


def _check_config(folder: Path) -> Finding:
    if not folder.exists():
        return _check_missing("config", folder)
    why = why_not_writable(folder)
    if why:
        found = f"the configuration cannot be saved (themes, keys, settings): {why}"
        return Finding(Severity.ADVICE, "folders.config", found, Place(folder))
    return fine("folders.config", "the configuration can be saved", folder)


def check_files(_: Machine) -> Iterator[Finding]:
    """Check the modes of the files in the state folder, and look for what crashes left behind."""
    state, files = paths.state_location(), 0
    if state.is_symlink():
        return  # which is not used: the check of the folders says so
    for path in _files(state):
        files += 1
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077 and path.name.endswith(_PRIVATE_SUFFIXES):
            yield Finding(
                Severity.PROBLEM,
                "folders.files",
                f"{path.name} can be read by other users (mode {mode:04o})",
                Place(path),
                command=shlex.join(["chmod", "600", str(path)]),
                repair=SetMode(path, 0o600),
            )
    for folder in (one for one in _folders(state) if one.name in _PRIVATE_FOLDERS):
        with suppress(OSError):
            try:
                paths.check_private(folder)
            except ServerUnreachable as error:
                yield _not_private("folders.files", folder, str(error))
    for folder in (state, paths.config_path().parent, *_folders(state / "runs")):
        yield from _find_leftovers(folder)
    yield from _find_demo_folders()
    if files:
        yield fine("folders.files", f"files in the state folder that were looked at: {files}")


def _find_leftovers(folder: Path) -> Iterator[Finding]:
    for path in _files(folder):
        if _LEFTOVERS.fullmatch(path.name) and is_leftover(path):
            yield Finding(
                Severity.ADVICE,
                "folders.leftovers",
                f"{path.name} was left behind by a process that was killed",
                Place(path),
                command=shlex.join(["rm", str(path)]),
                repair=RemoveFile(path),
            )


def _find_demo_folders() -> Iterator[Finding]:
    """Find the CODEX_HOMEs of demos that were killed."""
    for path in _folders(paths.cache_dir()):
        is_old = time.time() - path.stat().st_mtime > LEFTOVER_AGE_S
        if path.name.startswith("codex-home-") and is_old:
            yield Finding(
                Severity.ADVICE,
                "folders.leftovers",
                f"{path.name} was left behind by a demo that was killed",
                Place(path),
                command=shlex.join(["rm", "-r", str(path)]),
            )


def is_leftover(path: Path) -> bool:
    """Return whether a temporary file is ours, and too old for anybody to write it still."""
    try:
        found = path.lstat()
    except OSError:
        return False
    is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
    return is_own and time.time() - found.st_mtime > LEFTOVER_AGE_S


def check_disk(machine: Machine) -> Iterator[Finding]:
    """Check how much room the disks of the folders have."""
    seen: set[int] = set()
    places = {
        "state": paths.state_location(),
        "runtime": paths.runtime_location(),
        "Codex": machine.codex_home,
    }
    for name, folder in places.items():
        known = _existing(folder)
        device = known.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield _check_room(name, known)


def _check_room(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    inodes = os.statvfs(folder)
    if inodes.f_files and not inodes.f_favail:
        found = f"the disk of the {name} folder has no room for another file"
        return Finding(Severity.PROBLEM, "folders.disk", found, Place(folder), advice=_MAKE_ROOM)
    room = f"{free / 1024 / 1024:,.0f} MB"
    if free >= LOW_BYTES:
        return fine("folders.disk", f"the disk of the {name} folder has {room} left", folder)
    return Finding(
        Severity.PROBLEM if free < FULL_BYTES else Severity.ADVICE,
        "folders.disk",
        f"the disk of the {name} folder has only {room} left",
        Place(folder),
        advice=_MAKE_ROOM,
        command=shlex.join(["df", "-h", str(folder)]),
    )


def why_not_writable(folder: Path) -> str:
    """Return why nothing can be made in a folder; empty where it can. Leaves nothing there."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "it is on a read-only disk"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "permission denied"
    flag = getattr(os, "O_TMPFILE", None)
    if flag is not None:
        try:
            os.close(os.open(folder, flag | os.O_WRONLY, 0o600))
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                return error.strerror or str(error)
        else:
            return ""
    try:
        Path(tempfile.mkdtemp(prefix=".codextui-", dir=folder)).rmdir()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in sorted(folder.iterdir()) if path.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in sorted(folder.iterdir()) if path.is_file())
