"""Marks the processes that agents start, finds them wherever they went, and ends them.

A program in a session of its own (`setsid`, a double fork) is reached neither by a signal to the
process group of its parent nor by Codex's own clean-up, and outlives both. Three things find it:

* A cgroup needs root or systemd's delegation, which containers and macOS do not have.
* A subreaper finds orphans only while it lives, so not after a `kill -9` of the server, and does
  not know whose they are.
* A mark in the environment passes through `fork`, `exec` and `setsid`, needs no privileges, and
  can be read as long as the process lives, also by the next server. It is what we use.

The mark is MARK_VARIABLE in the environment of `codex app-server`: `OWNER.PID.START.NONCE` with
the owner (`owner_of`), the id and start time of the server, and a random part for each app-server.
Codex adds THREAD_VARIABLE to the environment of each command, which says whose thread it is. Both
are read from `/proc` on Linux, and from `ps -E` on macOS.

A process that has cleared its environment is found by its parent or its session, as long as one
of them carries the mark. One that has cleared it and left both is not found any more.

Nothing else is ended: a process with the mark of another server, or with an empty one, as a server
has that an agent's `codextui` started, is left alone, and so is a server that still runs. Ids of
processes are used again, so each is signalled only if it still has the start time that was read.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui.protocol.threads import MARK_VARIABLE

THREAD_VARIABLE = "CODEX_THREAD_ID"
"""Environment variable by which Codex tells a command its thread."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as it was found.

    Attributes:
        pid: its id.
        start: when it started, as the system says it, without blanks.
        parent: the id of its parent.
        session: the id of its session's leader; 0 where that is unknown.
        mark: its mark; None where its environment has none or cannot be read.
        thread_id: the Codex thread whose command it is; empty where that is unknown.
    """

    pid: int
    start: str
    parent: int
    session: int
    mark: str | None = None
    thread_id: str = ""


Processes: TypeAlias = Mapping[int, Process]
"""Processes by their ids."""


def new_mark(owner: str) -> str:
    """Return an unused mark for an app-server that this process starts."""
    own = read_processes((os.getpid(),)).get(os.getpid())
    start = own.start if own is not None else "0"
    return f"{owner}.{os.getpid()}.{start}.{secrets.token_hex(8)}"


def owner_of(journal: Path | None) -> str:
    """Return what the marks of all servers with this journal begin with.

    None stands for private servers, which have no name and no successor. It differs between users
    and between containers, whose process ids mean nothing outside.
    """
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = 0
    name = str(journal.resolve()) if journal is not None else ""
    identity = f"{os.getuid()}\0{namespace}\0{name}"
    return hashlib.blake2s(identity.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def find_marked(mark: str, thread_id: str = "") -> list[Process]:
    """Return the processes that one app-server has started, and itself.

    Args:
        mark: the app-server's mark.
        thread_id: restricts them to those of one thread's commands; empty returns all.
    """
    return _select(
        read_processes(),
        lambda process: process.mark == mark and thread_id in ("", process.thread_id),
    )


def kill_marked(mark: str, thread_id: str = "", also: Iterable[Process] = ()) -> int:
    """Kill the processes of `find_marked`, and return their number once they have ended.

    Reads every process, so call it off the event loop.

    Args:
        mark: the app-server's mark.
        thread_id: restricts them to one thread's; empty kills all.
        also: processes that were found before, when more of them could be found.
    """
    return _kill_all(lambda: find_marked(mark, thread_id), also)


def kill_leftovers(owners: Iterable[str]) -> int:
    """Kill what the agents of servers left that have ended, and return the number of processes.

    Args:
        owners: the owners of those servers. A server of theirs that still runs keeps its own.
    """
    known = frozenset(owners)

    def find() -> list[Process]:
        processes = read_processes()
        return _select(processes, lambda process: _is_leftover(process, known, processes))

    return _kill_all(find)


def read_processes(pids: Iterable[int] | None = None) -> Processes:
    """Read the living processes of this machine, or those with the given ids."""
    if not _PROC.is_dir():
        return parse_ps(_run_ps(), pids)
    wanted = pids
    if wanted is None:
        wanted = [int(path.name) for path in _PROC.iterdir() if path.name.isdecimal()]
    found = (_read_process(pid) for pid in wanted)
    return {process.pid: process for process in found if process is not None}


def read_environment(pid: int) -> dict[bytes, bytes] | None:
    """Return the variables with which a process was started; None where that cannot be read."""
    try:
        entries = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return dict(entry.partition(b"=")[::2] for entry in entries)


def parse_ps(output: str, pids: Iterable[int] | None = None) -> Processes:
    """Read the lines of `ps` with the columns `pid`, `ppid`, `stat`, `lstart` and `command`.

    The command is followed by the environment.
    """
    wanted = None if pids is None else frozenset(pids)
    processes = {}
    for line in output.splitlines():
        match = _PS_LINE.match(line)
        if match is None or match["state"].startswith("Z"):
            continue
        pid = int(match["pid"])
        if wanted is None or pid in wanted:
            mark, thread = _PS_MARK.search(line), _PS_THREAD.search(line)
            processes[pid] = Process(
                pid,
                "_".join(match["start"].split()),
                int(match["parent"]),
                session=0,
                mark=mark[1] if mark is not None else None,
                thread_id=thread[1] if thread is not None else "",
            )
    return processes


def _select(processes: Processes, fits: Callable[[Process], bool]) -> list[Process]:
    """Return the processes that fit, with the unmarked ones of their families and sessions."""
    found = {pid: process for pid, process in processes.items() if fits(process)}
    unmarked = [process for process in processes.values() if process.mark is None]
    grown = True
    while grown:
        # The leader of a session gives its id, so that an id of one that is gone is not in use.
        sessions = {p.session for p in found.values()}
        sessions = {pid for pid in sessions if pid in found or pid not in processes}
        family = {
            process.pid: process
            for process in unmarked
            if process.pid not in found
            and (process.parent in found or (process.session and process.session in sessions))
        }
        found |= family
        grown = bool(family)
    found.pop(os.getpid(), None)
    return list(found.values())


def _is_leftover(process: Process, owners: frozenset[str], processes: Processes) -> bool:
    match = _MARK.fullmatch(process.mark or "")
    if match is None or match["owner"] not in owners:
        return False
    server = processes.get(int(match["pid"]))
    return server is None or server.start != match["start"]


def _kill_all(find: Callable[[], list[Process]], also: Iterable[Process] = ()) -> int:
    """Kill what is found until nothing is, as a process may start another meanwhile."""
    killed = {process for process in also if _kill(process)}
    refused: set[Process] = set()
    quiet = 0
    for _ in range(_MAX_SCANS):
        found = [process for process in find() if process not in refused]
        for process in found:
            (killed if _kill(process) else refused).add(process)
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_SCANS:
            break
        time.sleep(_PAUSE_S)
    return len(killed)


def _kill(process: Process) -> bool:
    """Kill one process. The descriptor keeps its id from being used again meanwhile."""
    pid = process.pid
    try:
        descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        try:
            current = read_processes((pid,)).get(pid)
            if current is None or current.start != process.start:
                return False
            if descriptor is not None:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    except OSError:
        return False
    return True


def _read_process(pid: int) -> Process | None:
    """Read a process from `/proc`; None where it has ended."""
    folder = _PROC / str(pid)
    try:
        # The name in parentheses may have blanks and parentheses.
        stat = (folder / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if stat[0] in {b"Z", b"X"}:
        return None
    variables = read_environment(pid) or {}
    mark = variables.get(MARK_VARIABLE.encode())
    return Process(
        pid,
        stat[19].decode(),
        int(stat[1]),
        int(stat[3]),
        mark.decode("utf-8", "replace") if mark is not None else None,
        variables.get(THREAD_VARIABLE.encode(), b"").decode("utf-8", "replace"),
    )


def _run_ps() -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - constant arguments
            _PS, env=environment, capture_output=True, text=True, errors="replace", check=False
        ).stdout
    except OSError:
        return ""


_PROC = Path("/proc")
_MAX_SCANS = 100
_QUIET_SCANS = 2
_PAUSE_S = 0.01
_MARK = re.compile(r"(?P<owner>[0-9a-f]+)\.(?P<pid>[0-9]+)\.(?P<start>[^.]+)\.[0-9a-f]+")
_PS = ["/bin/ps", "-axwwE" if sys.platform == "darwin" else "axewww"]
_PS += ["-o", "pid=,ppid=,stat=,lstart=,command="]
_PS_LINE = re.compile(
    r"\s*(?P<pid>\d+)\s+(?P<parent>\d+)\s+(?P<state>\S+)\s+(?P<start>(?:\S+\s+){5})"
)
_PS_MARK = re.compile(rf"\s{MARK_VARIABLE}=(\S*)")
_PS_THREAD = re.compile(rf"\s{THREAD_VARIABLE}=(\S*)")
