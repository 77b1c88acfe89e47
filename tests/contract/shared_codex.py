"""An app-server that listens, as Codex's daemon does, and that no codextui server has started."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contract.listener import Listener

from codextui.codex.app_server import AppServer
from codextui.config.attach import Attach, AttachKind
from codextui.demo import codex_environment
from codextui.errors import CodexUnreachable

PATIENCE_S = 60


class SharedCodex:
    """A process that listens on a socket."""

    def __init__(self, binary: Path, home: Path, socket: Path) -> None:
        self.address = f"unix://{socket}"
        self._command = (str(binary), "app-server", "--listen", self.address)
        self._env = codex_environment(home)
        self.process: asyncio.subprocess.Process

    @property
    def attach(self) -> Attach:
        return Attach(AttachKind.ADDRESS, self.address)

    async def start(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stdin=quiet, stdout=quiet, stderr=quiet, env=self._env
        )
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await (await self.join()).app.stop()
                except CodexUnreachable:
                    assert self.process.returncode is None
                    await asyncio.sleep(0.02)  # nothing tells when it listens
                else:
                    return

    async def join(self) -> Listener:
        """Connect another program to it."""
        listener = Listener()
        listener.app = await AppServer.join(
            self.address,
            listener.handlers,
        )
        return listener

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.process.wait()


@asynccontextmanager
async def shared_codex(binary: Path, home: Path, socket: Path) -> AsyncIterator[SharedCodex]:
    """Run one. The home must have been written."""
    codex = SharedCodex(binary, home, socket)
    await codex.start()
    try:
        yield codex
    finally:
        await codex.kill()


@asynccontextmanager
async def joined(codex: SharedCodex) -> AsyncIterator[Listener]:
    """Connect another program, until the context ends."""
    listener = await codex.join()
    try:
        yield listener
    finally:
        await listener.app.stop()
