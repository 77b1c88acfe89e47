"""The same turn of the real Codex, read straight from its app-server and through our server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from benchmarks.reader import Reader

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.codex.app_server import AppServer
from codextui.codex.binary import find_codex
from codextui.codex.calls import ThreadOptions, start_thread, start_turn
from codextui.demo import codex_environment, write_codex_home
from codextui.demo.server import demo_server
from codextui.demo.workspace import Workspace, create_workspace

pytestmark = [pytest.mark.benchmark, pytest.mark.contract]

WORDS = 10_000
PATIENCE_S = 120


@contextlib.asynccontextmanager
async def model() -> AsyncIterator[str]:
    """The address of a model that is not in this process, so that it does not slow the reader."""
    script = Path(__file__).with_name("model_process.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, str(WORDS), stdin=-1, stdout=-1
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


@pytest.fixture
def workspace(scratch: Path) -> Workspace:
    return create_workspace()


async def read_raw(workspace: Workspace) -> float:
    """Seconds from the first delta to the end of the turn, each line parsed and no more."""
    began: list[float] = []
    ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def hear(method: str, params: object) -> None:
        if method == "item/agentMessage/delta" and not began:
            began.append(time.perf_counter())
        if method == "turn/completed":
            ended.set_result(time.perf_counter())

    app = await AppServer.start(
        find_codex(),
        home=workspace.codex_home,
        env=codex_environment(workspace.codex_home),
        on_notification=hear,
        on_request=lambda *_: None,
        on_exit=lambda _: None,
    )
    try:
        thread = await start_thread(app, ThreadOptions(cwd=str(workspace.project)))
        await start_turn(app, thread.thread_id, "count", client_message_id="1")
        return await ended - began[0]
    finally:
        await app.stop()


async def read_through(workspace: Workspace) -> tuple[float, str]:
    """Seconds for the same through the server into a board, and the text that arrived."""
    reader = Reader()
    async with demo_server("benchmark", workspace) as socket:
        connect = functools.partial(open_socket, socket)
        async with Connection(connect, name="benchmark", on_fact=reader.take) as connection:
            await reader.caught_up.wait()
            where = {"cwd": str(workspace.project)}
            await connection.call("codex-start", {"prompt": "count", **where})
            await reader.finished.wait()
    [text] = ["".join(parts) for parts in reader.deltas.values()]
    return reader.ended - reader.began, text


async def test_the_server_keeps_up_with_codex(workspace: Workspace, figures: Figures):
    async with asyncio.timeout(PATIENCE_S), model() as base_url:
        write_codex_home(workspace.codex_home, base_url)
        raw_s = await read_raw(workspace)
        through_s, text = await read_through(workspace)
    # Model, Codex, server and reader are a process each, and share the cores there are.
    aim = f"≥ 0.8 with a core for each of four processes; here are {os.cpu_count()}"
    figures("deltas/s of the real Codex, raw", f"{WORDS / raw_s:,.0f}")
    figures("  through the shared server ÷ raw", f"{raw_s / through_s:.2f}", aim)
    assert text == "".join(f"{number} " for number in range(WORDS))
    assert through_s < 20 * raw_s
