"""Who holds a thread: the process with the lock that Codex takes while a thread is loaded.

Codex 0.163 and 0.171 hold an exclusive `flock` on `CODEX_HOME/thread-writer-locks/THREAD.lock`, and
remove the file when they let go; another app-server then refuses the thread. The lock is only
looked at here, never taken. Linux says who holds it (`/proc/locks`), elsewhere `lsof` does where it
is installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from codextui.text.sanitize import one_line

_FOLDER = "thread-writer-locks"
_THREAD_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FLOCK = re.compile(r"^\d+: FLOCK\s+\S+\s+\S+\s+(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ", re.MULTILINE)
_PTS_MAJORS = range(136, 144)
_LSOF_TIMEOUT_S = 10.0
_DAY_S = 86_400


class HolderKind(Enum):
    """What kind of program holds a thread; the value says how it lets go."""

    TUI = "Close it in that terminal (/quit)."
    EXEC = "It lets go when its turn has ended."
    DAEMON = (
        'That is Codex\'s own daemon: with `[codex] attach = "auto"` or `"daemon"` codextui '
        "shares it (`codextui kill-server` ends the server that does not)."
    )
    CODEXTUI = (
        "That is another codextui server: its console has the thread (`codextui -L NAME`), and "
        "`codextui -L NAME kill-server` ends it."
    )
    CLIENT = "Close the thread in the program that started it, or that program."
    OTHER = "Close the thread there."


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a thread.

    Attributes:
        pid: its process id.
        kind: what kind of program it is.
        command: its command line; empty if unknown.
        started_by: the command line of its parent; empty if unknown.
        terminal: its terminal, such as `/dev/pts/3`; empty for none.
        cwd: its folder; empty if unknown.
        since: unix seconds since when it holds the thread, None if unknown.
    """

    pid: int
    kind: HolderKind = HolderKind.OTHER
    command: tuple[str, ...] = ()
    started_by: tuple[str, ...] = ()
    terminal: str = ""
    cwd: str = ""
    since: float | None = None


def is_thread_id(text: str) -> bool:
    """Return whether a text is a whole id of a Codex thread, which may name a file."""
    return _THREAD_ID.fullmatch(text) is not None


def lock_path(home: Path, thread_id: str) -> Path:
    """Return the lock file of a thread. `thread_id` must be one (`is_thread_id`)."""
    return home / _FOLDER / f"{thread_id.lower()}.lock"


def find_holder(home: Path, thread_id: str, *, proc: Path = Path("/proc")) -> LockHolder | None:
    """Return the process that holds a thread; None if none is seen.

    One in another container, or another user's, may not be seen. Reads files of every process in
    the worst case, so call it off the event loop.

    Args:
        home: Codex's home folder.
        thread_id: the thread.
        proc: where the kernel describes processes.
    """
    if not is_thread_id(thread_id):
        return None
    lock = lock_path(home, thread_id)
    try:
        status = lock.stat()
        table = (proc / "locks").read_text("ascii", "replace")
    except FileNotFoundError:
        return _ask_lsof(lock) if lock.exists() else None
    except OSError:
        return None
    device = (os.major(status.st_dev), os.minor(status.st_dev))
    for pid, holder_device in flock_owners(table, status.st_ino):
        # Some file systems (btrfs, overlays) show another device to stat.
        if holder_device == device or _has_open(proc / str(pid), lock):
            return _describe_process(pid, status.st_mtime, proc)
    return None


def flock_owners(table: str, inode: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the process id and the device of every flock on an inode in a `/proc/locks`."""
    for pid, major, minor, number in _FLOCK.findall(table):
        if int(number) == inode:
            yield int(pid), (int(major, 16), int(minor, 16))


def describe_holder(holder: LockHolder, *, now: float | None = None) -> str:
    """Return who a holder is: `codex (pid 12) in /dev/pts/3, folder ~/shop, since 18:02`."""
    program = _program_of(holder.command) or "a program"
    shown = " ".join([program, *_subcommand(holder.command)])
    parts = [f"{one_line(shown, 60)} (pid {holder.pid})"]
    if holder.terminal:
        parts[0] += f" in {holder.terminal}"
    starter = _program_of(holder.started_by)
    if starter and holder.kind in (HolderKind.CLIENT, HolderKind.CODEXTUI):
        parts[0] += f", started by {one_line(starter, 40)}"
    if holder.cwd:
        parts.append(f"folder {one_line(_shorten_home(holder.cwd), 120)}")
    if holder.since is not None:
        parts.append(f"since {_format_time(holder.since, time.time() if now is None else now)}")
    return ", ".join(parts)


def describe_held(thread_id: str, holder: LockHolder | None, *, now: float | None = None) -> str:
    """Return who holds a thread that Codex refuses for that, and how to let go of it."""
    if holder is None:
        who = "another program, which cannot be seen from here. Close the thread there."
    else:
        who = f"another program: {describe_holder(holder, now=now)}. {holder.kind.value}"
    return f"Thread {thread_id} is open in {who}"


def classify_holder(command: tuple[str, ...], started_by: tuple[str, ...]) -> HolderKind:
    """Return the kind of a process, by its command line and its parent's."""
    if not _is_codex(command):
        return HolderKind.OTHER
    arguments = command[1:]
    if "app-server" in arguments:
        if "--managed-daemon" in arguments or "unix://" in arguments:
            return HolderKind.DAEMON
        names = {Path(part).name for part in started_by}
        is_ours = "codextui" in names and bool(names & {"serve", "mcp-server"})
        return HolderKind.CODEXTUI if is_ours else HolderKind.CLIENT
    if "exec" in arguments:
        return HolderKind.EXEC
    return HolderKind.CLIENT if "mcp-server" in arguments else HolderKind.TUI


def terminal_name(device: int) -> str:
    """Return the file of a terminal by its device number in `/proc/PID/stat`; empty for none."""
    major, minor = os.major(device), os.minor(device)
    if major in _PTS_MAJORS:
        return f"/dev/pts/{minor + (major - _PTS_MAJORS.start) * 256}"
    return f"/dev/tty{minor}" if major == 4 and minor else ""


def _describe_process(pid: int, locked_at: float, proc: Path) -> LockHolder:
    folder = proc / str(pid)
    command = _read_command(folder)
    fields = _read_stat(folder)
    # After the name: state, parent, group, session, terminal; the start is the 22nd of all.
    parent = int(fields[1]) if len(fields) > 1 else 0
    terminal = terminal_name(int(fields[4])) if len(fields) > 4 else ""
    started_by = _read_command(proc / str(parent)) if parent > 1 else ()
    started_at = _start_time(fields, proc)
    return LockHolder(
        pid,
        classify_holder(command, started_by),
        command,
        started_by,
        terminal,
        _read_link(folder / "cwd"),
        # A file that a killed process left is older than the process that holds it now.
        max(locked_at, started_at),
    )


def _has_open(folder: Path, lock: Path) -> bool:
    try:
        return any(_read_link(link) == str(lock.resolve()) for link in (folder / "fd").iterdir())
    except OSError:
        return False


def _read_command(folder: Path) -> tuple[str, ...]:
    try:
        text = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.rstrip("\0").split("\0")) if text.rstrip("\0") else ()


def _read_stat(folder: Path) -> list[str]:
    """Return the fields after the process's name, which may hold anything."""
    try:
        return (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _start_time(fields: list[str], proc: Path) -> float:
    try:
        booted = re.search(r"^btime (\d+)", (proc / "stat").read_text("ascii"), re.MULTILINE)
        ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
    return int(booted[1]) + ticks if booted else 0.0


def _read_link(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _ask_lsof(lock: Path) -> LockHolder | None:
    """Return the process that has the lock file open, where there is no `/proc`."""
    listed = _run(["lsof", "-F", "p", "--", str(lock)])
    found = re.search(r"^p(\d+)$", listed, re.MULTILINE)
    if found is None:
        return None
    pid = int(found[1])
    terminal, _, line = _run(["ps", "-o", "tty=,command=", "-p", str(pid)]).strip().partition(" ")
    command = tuple(line.split())
    shown = f"/dev/{terminal}" if terminal.strip("?-") else ""
    return LockHolder(pid, classify_holder(command, ()), command, (), shown)


def _run(command: list[str]) -> str:
    try:
        ran = subprocess.run(  # noqa: S603 - lsof or ps
            command, capture_output=True, text=True, timeout=_LSOF_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout


def _is_codex(command: tuple[str, ...]) -> bool:
    return _program_of(command).startswith("codex") and "codextui" not in _program_of(command)


def _program_of(command: tuple[str, ...]) -> str:
    """Return the name of a program, of a script where an interpreter runs one."""
    names = [Path(word).name for word in command if word and not word.startswith("-")]
    if len(names) > 1 and re.match(r"(node|python[\d.]*|sh|bash)$", names[0]):
        return names[1]
    return names[0] if names else ""


def _subcommand(command: tuple[str, ...]) -> list[str]:
    return [word for word in command[1:] if word in ("app-server", "exec", "mcp-server")][:1]


def _shorten_home(folder: str) -> str:
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{folder[len(home) :]}" if home and f"{folder}/".startswith(f"{home}/") else folder


def _format_time(at: float, now: float) -> str:
    layout = "%H:%M" if abs(now - at) < _DAY_S else "%Y-%m-%d %H:%M"
    return time.strftime(layout, time.localtime(at))
