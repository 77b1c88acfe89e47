"""A shared server that belongs to one run of the demo."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from codextui import config, paths
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
    """
    log = workspace.root / "server.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "-L", name, "serve"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=_environment(workspace),
            # An interrupt typed in the terminal is for the demo, which then ends the server.
            start_new_session=True,
        )
    try:
        socket = paths.socket_path(name)
        await _await_listening(process, socket, log)
        yield socket
    finally:
        await _stop(process)


def _environment(workspace: Workspace) -> Mapping[str, str]:
    """Returns the server's environment, after writing the configuration that it points to."""
    settings = config.load(paths.config_path())
    binary = settings.codex.binary
    chosen = f"binary = {json.dumps(str(binary))}\n" if binary else ""
    file = workspace.root / "config" / "codextui" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    home = json.dumps(str(workspace.codex_home))
    text = f"[codex]\n{chosen}home = {home}\n\n[server]\nidle_timeout = 60\n"
    file.write_text(text, encoding="utf-8")
    return codex_environment(workspace.codex_home) | {
        "XDG_CONFIG_HOME": str(workspace.root / "config"),
        "XDG_STATE_HOME": str(workspace.root / "state"),
    }


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
