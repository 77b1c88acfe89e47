"""A shared server that belongs to one run of the demo."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from codextui.config import paths
from codextui.config.schema import load_config
from codextui.demo.home import codex_environment
from codextui.demo.workspace import Workspace
from codextui.errors import ServerUnreachable

START_S = 30.0
"""How long a server may take to listen; Codex need not be up by then."""

STOP_S = 15.0
"""How long a server may take to end."""


@contextlib.asynccontextmanager
async def demo_server(name: str, workspace: Workspace) -> AsyncIterator[Path]:
    """Runs a shared server with the workspace's CODEX_HOME, and gives the path of its socket.

    It is an ordinary `codextui serve`, with a configuration and a journal of its own, so nothing
    of the user's server is touched. It ends with the context.

    Raises:
        ServerUnreachable: it did not come up; the message has the end of its log.
        ConfigInvalid: the user's configuration cannot be used.
    """
    log = workspace.root / "server.log"
    settings = _write_settings(workspace)
    state = {"XDG_STATE_HOME": str(workspace.state)}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "serve", "-L", name, "--config", str(settings)),
            # However this process ends, its end of the pipe is closed, and the server ends too.
            "--until-stdin-ends",
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=codex_environment(workspace.codex_home) | state,
            # An interrupt typed in the terminal is for the demo, which then ends the server.
            start_new_session=True,
        )
    try:
        socket = paths.socket_path(name)
        await _await_listening(process, socket, log)
        yield socket
    finally:
        await _stop(process)


def _write_settings(workspace: Workspace) -> Path:
    """Writes the server's configuration: the user's Codex, and the workspace's CODEX_HOME."""
    binary = load_config(paths.config_path()).codex.binary
    values = {"home": workspace.codex_home} | ({"binary": binary} if binary else {})
    # A path as a JSON string is one in TOML too.
    lines = [
        f"{key} = {json.dumps(str(value), ensure_ascii=False)}\n" for key, value in values.items()
    ]
    file = workspace.root / "config.toml"
    file.write_text(f"[codex]\n{''.join(lines)}", encoding="utf-8")
    return file


async def _await_listening(process: asyncio.subprocess.Process, socket: Path, log: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                if await _listens(socket):
                    return
                await asyncio.sleep(0.05)
    raise ServerUnreachable(f"The demo's shared server did not start: {_end_of(log)}")


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "; ".join(lines[-3:]) or "it logged nothing"


async def _listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
            return
