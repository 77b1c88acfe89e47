"""Checks the shared server: its socket, whether it answers, which version it is, and its log."""

from __future__ import annotations

import asyncio
import re
import shlex
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import codextui
from codextui.client.session import ClientSession
from codextui.client.spawn import open_socket
from codextui.config import paths
from codextui.config.files import is_held
from codextui.config.tables import read_text
from codextui.config.toml_lines import line_of
from codextui.doctor.findings import Finding, Place, RemoveSocket, Severity, fine
from codextui.doctor.machine import Machine
from codextui.doctor.network import why_silent, why_unreachable
from codextui.errors import CodextuiError

ANSWER_TIMEOUT_S = 2.0
"""Seconds that a server may take to introduce itself."""

RECENT_S = 7 * 24 * 3600.0
"""Seconds after which an error in the log is of no interest any more."""

_CLIENT = "codextui doctor"
_MAX_LOG = 8 * 1024 * 1024
_ERROR = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (?:ERROR|CRITICAL) (.*)")


def check_server(machine: Machine) -> Iterator[Finding]:
    """Check this server, and the sockets of others that have gone."""
    own = paths.socket_location(machine.server)
    found = _check_socket(machine.server, own)
    yield found
    if found.severity is Severity.OK and found.place is not None:
        yield from _check_http(machine)
    try:
        others = sorted(paths.runtime_location().glob("*.sock"))
    except OSError:
        others = []
    for path in others:
        if path != own and why_silent(path):
            yield _check_socket(path.stem, path)


def _check_socket(name: str, path: Path) -> Finding:
    lock = paths.runtime_location() / f"{name}.lock"
    option = "" if name == paths.DEFAULT_SERVER else f" -L {shlex.quote(name)}"
    if not path.exists():
        if lock.exists() and is_held(lock):
            return _silent_server(name, path, lock)
        what = f"no server {name!r} runs; `codextui{option}` starts one"
        return fine("server.running", what)
    why = why_silent(path)
    if not why:
        return _introduce(name, path, option)
    if is_held(lock):
        return _silent_server(name, path, lock)
    if not path.is_socket():
        return _no_socket(name, path)
    return Finding(
        Severity.ADVICE,
        "server.socket",
        f"the socket of the server {name!r} is stale: it was killed, and nobody listens ({why})",
        Place(path),
        advice="The next server removes it.",
        command=shlex.join(["rm", str(path)]),
        repair=RemoveSocket(path, lock),
    )


def _no_socket(name: str, path: Path) -> Finding:
    """Return the finding about something else that has the name of a server's socket."""
    kind = "folder" if path.is_dir() else "file"
    return Finding(
        Severity.PROBLEM,
        "server.socket",
        f"a {kind} that is no socket has the name of the socket of the server {name!r}",
        Place(path),
        advice="Move it away: the server cannot listen there, or removes it.",
        command=shlex.join(["mv", str(path), f"{path}.old"]),
    )


def _check_http(machine: Machine) -> Iterator[Finding]:
    """Check whether the server that runs listens for HTTP where the configuration says so."""
    address = machine.config.server.http
    if address is None or machine.server != paths.DEFAULT_SERVER:
        return
    why = why_unreachable(address.reachable.mcp_url)
    if not why:
        yield fine("server.http", f"it can be reached by HTTP at {address.reachable.mcp_url}")
        return
    file = machine.config_file
    yield Finding(
        Severity.PROBLEM,
        "server.http",
        f"the server does not listen at {address}, as `http` under [server] says: {why}",
        Place(file, line_of(read_text(file), "server.http")),
        advice="It was started before that was set, or the address is taken.",
        command=shlex.join(["codextui", "serve", *address.options]),
    )


def _silent_server(name: str, path: Path, lock: Path) -> Finding:
    """Return the finding about a server that has its name, and does not listen."""
    try:
        owner = int(lock.read_text(encoding="ascii")) if lock.is_file() else 0
    except (OSError, ValueError):
        owner = 0
    return Finding(
        Severity.PROBLEM,
        "server.running",
        f"the server {name!r} runs{f' (process {owner})' if owner else ''}, and does not listen",
        Place(path),
        advice="It may be starting or ending. If that lasts, end it: its turns end, too.",
        command=f"kill {owner}" if owner else "",
    )


def _introduce(name: str, path: Path, option: str) -> Finding:
    try:
        said = asyncio.run(_ask_version(path))
    except (OSError, CodextuiError, TimeoutError) as error:
        return Finding(
            Severity.PROBLEM,
            "server.running",
            f"the server {name!r} listens, and does not answer: {error}",
            Place(path),
            advice="If that lasts, end it: its turns end, too.",
            command=f"codextui kill-server{option}",
        )
    ours = f"codextui {codextui.__version__}"
    if said != ours:
        return Finding(
            Severity.PROBLEM,
            "server.version",
            f"the server {name!r} that runs is {said}, and this is {ours}",
            Place(path),
            advice="It was started before the update. Stop it once nothing runs, and the next "
            "command starts the new one.",
            command=f"codextui kill-server{option}",
        )
    return fine("server.running", f"the server {name!r} runs, and is {said}", path)


async def _ask_version(path: Path) -> str:
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        async with ClientSession(await open_socket(path)) as session:
            return await session.initialize(_CLIENT, supervise=False)


def check_log(machine: Machine) -> Iterator[Finding]:
    """Look for the last error in the server's log."""
    log = paths.state_location() / f"{machine.server}.log"
    try:
        if not log.is_file() or log.stat().st_size > _MAX_LOG:
            return
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return  # there is none, or the check of the folders says why it cannot be read
    for number in range(len(lines), 0, -1):
        found = _ERROR.match(lines[number - 1])
        if found is None:
            continue
        if time.time() - _seconds(found[1]) > RECENT_S:
            break
        yield Finding(
            Severity.ADVICE,
            "server.log",
            f"the last error of the server, {found[1]}: {found[2]}",
            Place(log, number),
            command=shlex.join(["tail", "-n", f"+{number}", str(log)]),
        )
        return
    yield fine("server.log", "the server's log has no error of the last seven days", log)


def _seconds(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone().timestamp()
    except (ValueError, OverflowError):
        return 0.0
