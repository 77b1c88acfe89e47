"""What `codextui mcp-server` costs, against the app-server of the same Codex."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.conftest import Figures
from benchmarks.test_throughput import WORDS, model, read_raw

from codextui.codex.app_server import AppServer
from codextui.codex.binary import find_codex
from codextui.codex.calls import ThreadOptions, start_thread, start_turn
from codextui.codex.requests import Immediate, encode_decision
from codextui.codex.rpc import RequestId
from codextui.demo import (
    ModelRequest,
    Run,
    Say,
    ScriptedModel,
    Step,
    codex_environment,
    write_codex_home,
)
from codextui.demo.server import demo_server
from codextui.demo.workspace import Workspace, create_workspace
from codextui.wire.decision import Approved
from codextui.wire.fields import JsonObject

pytestmark = [pytest.mark.benchmark, pytest.mark.contract]

ASKED = 20
PATIENCE_S = 120


@pytest.fixture
def workspace(scratch: Path) -> Workspace:
    return create_workspace()


@contextlib.asynccontextmanager
async def mcp_server(workspace: Workspace) -> AsyncIterator[asyncio.subprocess.Process]:
    """`codextui mcp-server`, as a client starts it, on a server that runs already."""
    async with demo_server("benchmark", workspace):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "mcp-server", "-L", "benchmark"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**26,
        )
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()
            await process.communicate()


async def read_through(workspace: Workspace) -> tuple[float, str]:
    """Seconds from the first delta to the end of the turn, each line parsed, and the text."""
    began, deltas, arguments = 0.0, [], {"prompt": "count", "cwd": str(workspace.project)}
    async with mcp_server(workspace) as process:
        lines = Lines(process)
        await lines.introduce({})
        lines.send(id=1, method="tools/call", params={"name": "codex", "arguments": arguments})
        while True:
            message = await lines.next()
            if message.get("id") == 1:
                assert message["result"]["structuredContent"]["content"] == "".join(deltas)
                return time.perf_counter() - began, "".join(deltas)
            msg = message["params"]["msg"]
            if msg["type"] == "agent_message_content_delta":
                began = began or time.perf_counter()
                deltas.append(msg["delta"])


class Lines:
    """JSON lines, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.reader, self.writer = process.stdout, process.stdin

    def send(self, **message: Any) -> None:
        self.writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def next(self) -> dict[str, Any]:
        return dict(json.loads(await self.reader.readline()))

    async def introduce(self, capabilities: JsonObject) -> None:
        client = {"name": "benchmark", "version": "1"}
        about = {"protocolVersion": "2025-11-25", "capabilities": capabilities}
        self.send(id=0, method="initialize", params={**about, "clientInfo": client})
        await self.next()
        self.send(method="notifications/initialized")


async def test_it_keeps_up_with_codex(workspace: Workspace, figures: Figures):
    async with asyncio.timeout(PATIENCE_S), model() as base_url:
        write_codex_home(workspace.codex_home, base_url)
        raw_s = await read_raw(workspace)
        through_s, text = await read_through(workspace)
    # Model, Codex, server, relay and reader are a process each, and share the cores there are.
    aim = f"≥ 0.8 with a core for each of five processes; here are {os.cpu_count()}"
    figures("deltas/s through `codextui mcp-server` ÷ raw", f"{raw_s / through_s:.2f}", aim)
    assert text == "".join(f"{number} " for number in range(WORDS))
    assert through_s < 20 * raw_s


class Asking:
    """A model that asks for approvals in one turn, and keeps the time between its requests."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def answer(self, request: ModelRequest) -> list[Step]:
        self.times.append(time.perf_counter())
        if request.number == ASKED:
            return [Say("Thank you.")]
        return [Run("true", escalate=True, justification=f"number {request.number}")]

    @property
    def median_ms(self) -> float:
        """From the model's wish, which is approved at once, to what came of it."""
        assert len(self.times) == ASKED + 1
        gaps = [after - before for before, after in zip(self.times, self.times[1:], strict=False)]
        return 1000 * statistics.median(gaps)


async def approve_raw(workspace: Workspace) -> None:
    ended = asyncio.Event()

    def hear(method: str, _: object) -> None:
        if method == "turn/completed":
            ended.set()

    def approve(request_id: RequestId, method: str, params: JsonObject) -> None:
        decided = encode_decision(method, params, Approved())
        assert isinstance(decided, Immediate)
        app.respond(request_id, decided.result)

    app = await AppServer.start(
        find_codex(),
        home=workspace.codex_home,
        env=codex_environment(workspace.codex_home),
        on_notification=hear,
        on_request=approve,
        on_exit=lambda _: None,
    )
    try:
        options = ThreadOptions(cwd=str(workspace.project), approval_policy="on-request")
        thread = await start_thread(app, options)
        await start_turn(app, thread.thread_id, "ask", client_message_id="1")
        await ended.wait()
    finally:
        await app.stop()


async def approve_through(workspace: Workspace) -> None:
    arguments = {"prompt": "ask", "cwd": str(workspace.project), "approval-policy": "on-request"}
    async with mcp_server(workspace) as process:
        lines = Lines(process)
        await lines.introduce({"elicitation": {}})
        lines.send(id=1, method="tools/call", params={"name": "codex", "arguments": arguments})
        while (message := await lines.next()).get("id") != 1:
            if message.get("method") == "elicitation/create":
                lines.send(id=message["id"], result={"action": "accept", "content": {}})
        assert message["result"]["structuredContent"]["content"] == "Thank you."


async def test_an_approval_costs_little_more_than_codex_itself(
    workspace: Workspace, figures: Figures
):
    medians = []
    async with asyncio.timeout(PATIENCE_S):
        for approve in (approve_raw, approve_through):
            asking = Asking()
            async with ScriptedModel(asking.answer) as scripted:
                write_codex_home(workspace.codex_home, scripted.base_url)
                await approve(workspace)
            medians.append(asking.median_ms)
    raw, through = medians
    what = "approval by `codextui mcp-server`: more than app-server's own"
    figures(what, f"{through - raw:.1f} ms", f"≤ 20 ms at the median; raw {raw:.1f} ms")
    assert through - raw < 1_000
