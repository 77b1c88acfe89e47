"""The same turn of the real Codex, read straight from its app-server and through our server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import statistics
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from benchmarks.reader import Reader
from benchmarks.talkers import Flood, ListeningCodex, McpServer, RawCodex

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.demo import write_codex_home
from codextui.demo.environment import demo_server
from codextui.demo.workspace import Workspace, create_workspace

pytestmark = [pytest.mark.benchmark, pytest.mark.contract]

WORDS = 10_000
TEXT = "".join(f"{number} " for number in range(WORDS))
ROUNDS = 5
PATIENCE_S = 120


Prepare = Callable[[], Workspace]


@pytest.fixture
async def prepare(scratch: Path) -> AsyncIterator[Prepare]:
    """Makes workspaces whose Codex asks a model in a process of its own.

    Each Codex needs one of its own: two that start at once in a new home fall over each other.
    """
    script = Path(__file__).with_name("model_process.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, str(WORDS), stdin=-1, stdout=-1
    )
    assert process.stdin is not None
    assert process.stdout is not None
    base_url = (await process.stdout.readline()).decode().strip()

    def workspace() -> Workspace:
        made = create_workspace()
        write_codex_home(made.codex_home, base_url)
        return made

    try:
        yield workspace
    finally:
        process.stdin.close()
        await process.wait()


def seconds(floods: list[Flood]) -> float:
    return statistics.median(flood.seconds for flood in floods)


async def test_it_keeps_up_with_codex(prepare: Prepare, figures: Figures):
    """The turns take turns, so that what else the machine does is the same for all."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(PATIENCE_S))
        raw = await stack.enter_async_context(RawCodex.open(prepare()))
        listening = await stack.enter_async_context(ListeningCodex.open(prepare()))
        workspace = prepare()
        await stack.enter_async_context(demo_server("benchmark", workspace))
        shared = await stack.enter_async_context(McpServer.open(workspace, "-L", "benchmark"))
        alone = await stack.enter_async_context(McpServer.open(prepare(), "--private"))
        talkers = (raw, listening, shared, alone)
        rounds = [[await talker.flood() for talker in talkers] for _ in range(ROUNDS)]
    raw_s, listening_s, shared_s, alone_s = (
        seconds(list(floods)) for floods in zip(*rounds, strict=True)
    )
    aim = f"≥ 0.8 with cores for Codex, server, relay and reader; here are {os.cpu_count()}"
    figures("deltas/s of the real Codex, raw", f"{WORDS / raw_s:,.0f}")
    figures("  raw on a socket, as other programs can join it, ÷ raw", f"{raw_s / listening_s:.2f}")
    through = f"{listening_s / shared_s:.2f}"
    figures("  through `codextui mcp-server` ÷ raw on a socket", through, aim)
    figures("  through `codextui mcp-server --private` ÷ raw", f"{raw_s / alone_s:.2f}", "≥ 0.8")
    assert {flood.text for floods in rounds for flood in floods} == {TEXT}
    assert max(shared_s, alone_s) < 20 * raw_s


async def test_a_board_gets_all_of_what_codex_says(prepare: Prepare, figures: Figures):
    reader, workspace = Reader(), prepare()
    async with asyncio.timeout(PATIENCE_S), demo_server("benchmark", workspace) as socket:
        connect = functools.partial(open_socket, socket)
        async with Connection(connect, name="benchmark", on_update=reader.take) as connection:
            await reader.caught_up.wait()
            where = {"cwd": str(workspace.project)}
            await connection.call("codex-start", {"prompt": "count", **where})
            await reader.finished.wait()
    [text] = ["".join(parts) for parts in reader.deltas.values()]
    through_s = reader.ended - reader.began
    figures("deltas/s of the real Codex to a console's board", f"{WORDS / through_s:,.0f}")
    assert text == TEXT
