"""Finds the shared server, and starts it where none runs."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from codextui.config import paths
from codextui.config.files import is_disk_full, is_held
from codextui.errors import ServerNotRunning, ServerUnreachable
from codextui.jsonrpc.lines import READ_AHEAD, Streams
from codextui.protocol.threads import MARK_VARIABLE

PROBED_VARIABLE: Final = "CODEXTUI_PROBED"
"""The environment variable by which a server knows that it is started only to be asked for tools.

It then waits before it starts Codex, and Codex's daemon, which would stay.
"""

START_TIMEOUT_S: Final = 30.0
"""Default of the seconds until a server that was started must listen."""


async def open_socket(path: Path) -> Streams:
    """Connect to the server that listens on `path`. Raises OSError where none does."""
    return await asyncio.open_unix_connection(path, limit=READ_AHEAD)


async def find_server(
    name: str, *, way_out: str = "`codextui new PROMPT` and `codextui` start one"
) -> Path:
    """Return the socket of the running server `name`.

    Raises ServerNotRunning, whose message ends with `way_out`: what the person can do.
    """
    path = paths.socket_path(name)
    if await _listens(path):
        return path
    raise ServerNotRunning(f"no server {name!r} is running; {way_out}")


async def ensure_server(
    name: str,
    *,
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = START_TIMEOUT_S,
    restart_pause_s: float = 0.5,
) -> Path:
    """Return the socket of the server `name`, starting one where none runs.

    If two processes start it at once, one of the servers stays and both return its socket.

    Args:
        name: the server's name (`-L`).
        config: the configuration file of a server that is started; None for the user's own.
        env: the environment of a server that is started; None passes on our own.
        timeout_s: seconds until it must listen.
        restart_pause_s: seconds to wait for another server that took the name, before starting
            again.

    Raises:
        ServerUnreachable: it did not come up; the message has the last lines of its log.
        ConfigInvalid: `name` cannot name a server.
    """
    path = paths.socket_path(name)
    if await _listens(path):
        return path
    log = paths.log_path(name)
    log_end = _shorten(log)
    try:
        async with asyncio.timeout(timeout_s):
            start = functools.partial(_start, name, config, log, env)
            await _start_until_listening(path, start, restart_pause_s)
    except (TimeoutError, ChildProcessError):
        raise ServerUnreachable(_what_went_wrong(name, log, log_end)) from None
    return path


async def wait_until_gone(name: str, timeout_s: float = START_TIMEOUT_S) -> None:
    """Wait until the server `name` has ended. Raises ServerUnreachable where it does not."""
    lock = paths.lock_path(name)
    try:
        async with asyncio.timeout(timeout_s):
            while is_held(lock):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise ServerUnreachable(f"the server {name!r} was told to end, but still runs") from None


async def wait_until_settled(name: str, timeout_s: float = START_TIMEOUT_S) -> bool:
    """Wait until the server `name`, which may be starting or ending, listens or has ended.

    Returns whether it listens. Raises ServerUnreachable where it does neither.
    """
    path, lock = paths.socket_path(name), paths.lock_path(name)
    try:
        async with asyncio.timeout(timeout_s):
            while is_held(lock):
                if await _listens(path):
                    return True
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise ServerUnreachable(
            f"a process has the name {name!r} ({lock} has its id), but neither listens nor ends"
        ) from None
    return False


async def _listens(path: Path) -> bool:
    try:
        _, writer = await open_socket(path)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError as error:
        raise ServerUnreachable(f"{path} cannot be opened: {error}") from error
    writer.close()
    return True


async def _start_until_listening(
    path: Path, start: Callable[[], subprocess.Popen[bytes]], restart_pause_s: float
) -> None:
    """Start a server and poll for its socket. Raises ChildProcessError where it fails.

    A server that exits with 0 found another one with its name, which may be starting or about to
    end: poll again, and start again.
    """
    process = start()
    while not await _listens(path):
        if process.poll() is not None:
            if process.returncode != 0:
                raise ChildProcessError
            await asyncio.sleep(restart_pause_s)
            if not await _listens(path):
                process = start()
        await asyncio.sleep(_POLL_S)


def _start(
    name: str, config: Path | None, log: Path, env: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "codextui", "serve", "-L", name, "--daemon"]
    if config is not None:
        command += ["--config", str(config.absolute())]
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ServerUnreachable(f"{log} cannot be written: {error.strerror}") from error
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            # It is everyone's, also where an agent has started it.
            env={**(os.environ if env is None else env), MARK_VARIABLE: ""},
            start_new_session=True,
        )
    finally:
        os.close(output)
    _started[:] = [earlier for earlier in _started if earlier.poll() is None]
    _started.append(process)
    return process


def _shorten(log: Path) -> int:
    """Rename a long log to `NAME.log.1`, and return where the log ends."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= _LOG_LIMIT:
        return size
    try:
        log.replace(log.with_name(f"{log.name}.1"))
    except OSError:  # the server says why, if it cannot write either
        return size
    return 0


def _what_went_wrong(name: str, log: Path, log_end: int) -> str:
    with log.open("rb") as file:
        file.seek(max(log_end, log.stat().st_size - 8192))
        lines = file.read().decode(errors="replace").splitlines()
    last = "\n".join(f"  {line[:500]}" for line in lines[-_LAST_LINES:])
    silent = "has no room: its disk is full" if is_disk_full(log) else "says nothing"
    said = f"the last lines of {log}:\n{last}" if last else f"its log {log} {silent}"
    watch = f"`codextui doctor` looks for the cause, `codextui serve -L {name}` lets you watch it"
    return f"the server {name!r} did not start; {watch}; {said}"


_POLL_S = 0.05
_LOG_LIMIT = 4 * 1024 * 1024
_LAST_LINES = 5

# Servers that this process started. They outlive it, and without a reference Popen would warn
# that they still run.
_started: list[subprocess.Popen[bytes]] = []
