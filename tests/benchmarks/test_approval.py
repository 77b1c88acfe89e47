"""What an approval by `codextui mcp-server` costs, against the app-server of the same Codex."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from benchmarks.talkers import McpServer

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import find_codex
from codextui.codex.calls import ThreadOptions, start_thread, start_turn
from codextui.codex.requests import Answer, encode_decision
from codextui.demo import (
    ModelRequest,
    Run,
    Say,
    ScriptedModel,
    Step,
    codex_environment,
    write_codex_home,
)
from codextui.demo.environment import demo_server
from codextui.demo.workspace import Workspace, create_workspace
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.decisions import Approved

pytestmark = [pytest.mark.benchmark, pytest.mark.contract]

ASKED = 20
PATIENCE_S = 120


@pytest.fixture
def workspace(scratch: Path) -> Workspace:
    return create_workspace()


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
        assert isinstance(decided, Answer)
        app.respond(request_id, decided.result)

    app = await AppServer.start(
        find_codex(),
        AppServerHandlers(hear, approve, lambda _: None),
        home=workspace.codex_home,
        env=codex_environment(workspace.codex_home),
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
    options = ("-L", "benchmark")
    async with (
        demo_server("benchmark", workspace),
        McpServer.open(workspace, *options, capabilities={"elicitation": {}}) as server,
    ):
        params = {"name": "codex", "arguments": arguments}
        server.send(id="call", method="tools/call", params=params)
        while (message := await server.next()).get("id") != "call":
            if message.get("method") == "elicitation/create":
                server.send(id=message["id"], result={"action": "accept", "content": {}})
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
