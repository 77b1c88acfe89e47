"""End the processes that a Codex process leaves behind.

Codex runs every command in a session of its own, so killing Codex's process group does not
reach them. Stopped in order (end of input, SIGTERM) it ends them itself; killed, it leaves the
children of unsandboxed commands running (seen with 0.163.0: `bash -c 'sleep 60; echo'` approved
to run outside the sandbox; bash ends, sleep lives on under init). Whatever it starts inherits
its environment, though, and a mark in there finds them. That needs `/proc`, so Linux; elsewhere
only the process group is ended.
"""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

MARK_VARIABLE = "CODEXTUI_APP_SERVER"
"""The variable of the environment whose value says whose descendant a process is."""

_PROC = Path("/proc")
_PASSES = 5


def new_mark() -> str:
    """Return a value for MARK_VARIABLE that no other process has."""
    return secrets.token_hex(16)


def kill_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group that we started, if it is still there."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_marked(mark: str) -> int:
    """Kill every process that carries the mark, and return how many that were.

    It looks again until none is found, for a process can start another while it is looked at.
    Reads `/proc`, so call it off the event loop.
    """
    entry = f"{MARK_VARIABLE}={mark}".encode()
    killed = 0
    for _ in range(_PASSES):
        found = sum(_kill_if_marked(int(path.name), entry) for path in _processes())
        killed += found
        if not found:
            break
    return killed


def _processes() -> list[Path]:
    own = str(os.getpid())
    if not hasattr(os, "pidfd_open") or not _PROC.is_dir():
        return []
    return [path for path in _PROC.iterdir() if path.name.isdecimal() and path.name != own]


def _kill_if_marked(pid: int, entry: bytes) -> bool:
    """Kill one process; the descriptor holds its pid, so that no other can have it by then."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if entry not in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
