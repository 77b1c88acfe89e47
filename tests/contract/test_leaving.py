"""A Codex of our own is in use while another program has joined it, or a command runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.listener import PATIENCE_S, Listener

from codextui.codex.app_server import AppServer
from codextui.codex.binary import find_codex
from codextui.codex.process_marks import find_marked
from codextui.demo import Run, Say, Script, ScriptedModel, codex_environment, write_codex_home
from codextui.protocol import events as ev

pytestmark = pytest.mark.contract


@asynccontextmanager
async def own_codex(binary: Path, scratch: Path, script: Script) -> AsyncIterator[Listener]:
    async with ScriptedModel(script) as model:
        home = write_codex_home(scratch / "home", model.base_url)
        listener = Listener()
        (scratch / "codex").mkdir(mode=0o700)
        listener.app = await AppServer.start(
            await asyncio.to_thread(find_codex, binary),
            listener.handlers,
            home=home,
            env=codex_environment(home),
            listen=scratch / "codex" / "s.sock",
        )
        try:
            yield listener
        finally:
            await listener.app.stop()


async def until_in_use(app: AppServer, *, wanted: bool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await app.is_in_use() is not wanted:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.02)


async def test_a_program_that_has_joined_uses_it(codex_binary: Path, scratch: Path):
    async with own_codex(codex_binary, scratch, Script()) as ours:
        assert not await ours.app.is_in_use()
        other = Listener()
        other.app = await AppServer.join(
            ours.app.address,
            other.handlers,
        )
        assert await ours.app.is_in_use()
        assert await other.app.is_in_use()  # it is not ours to end
        await other.app.stop()
        await until_in_use(ours.app, wanted=False)


async def test_a_command_in_the_background_uses_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("serve", Run("sleep 3611; echo", yield_ms=250), Say("It runs."))
    async with own_codex(codex_binary, scratch, script) as ours:
        thread = await ours.thread(workspace)
        assert not await ours.app.is_in_use()
        turn = await ours.turn(thread, "serve")
        assert isinstance(await ours.ended(thread, turn), ev.TurnCompleted)
        assert await ours.app.is_in_use()
        for process in await asyncio.to_thread(find_marked, ours.app.mark, thread):
            with contextlib.suppress(ProcessLookupError):  # it ends with the one before
                os.kill(process.pid, signal.SIGKILL)
        await until_in_use(ours.app, wanted=False)


async def test_a_call_uses_it(codex_binary: Path, scratch: Path):
    async with own_codex(codex_binary, scratch, Script()) as ours:
        call = asyncio.create_task(ours.app.call("thread/loaded/list", {}))
        await asyncio.sleep(0)
        assert await ours.app.is_in_use()
        await call
