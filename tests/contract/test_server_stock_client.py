"""mcp's own client on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from contract.serving import Served, serving
from mcp import ClientSession

from codextui.demo import Run, Say, Script
from codextui.server.transports.stream import StreamChannel

pytestmark = pytest.mark.contract


@asynccontextmanager
async def stock_client(served: Served, **callbacks: Any) -> AsyncIterator[ClientSession]:
    channel = StreamChannel(*await asyncio.open_unix_connection(served.options.socket, limit=2**24))
    async with ClientSession(channel, channel, **callbacks) as session:
        yield session
        channel.abort()


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_the_elicitation_callback_of_the_stock_client_decides(
    codex_binary: Path, scratch: Path, workspace: Path, action: str
):
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    asked: list[str] = []

    async def decide(_: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        content = {"decision": "approved" if action == "accept" else "denied"}
        return types.ElicitResult(action=action, content=content)  # type: ignore[arg-type] # one of its words

    async with (
        serving(codex_binary, scratch, script) as served,
        stock_client(served, elicitation_callback=decide) as session,
    ):
        await session.initialize()
        listed = await session.list_tools()
        assert [tool.name for tool in listed.tools] == ["codex", "codex-reply"]
        options = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        arguments = {"prompt": "leave", "cwd": str(workspace), **options}
        result = await session.call_tool("codex", arguments)
        assert result.structured_content is not None
        assert result.structured_content["content"] == "Done."
        assert str(outside) in asked[0]
        assert outside.exists() is (action == "accept")


async def test_a_client_without_a_handshake_is_served(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello yourself."))
    async with serving(codex_binary, scratch, script) as served, stock_client(served) as session:
        await session.discover()
        result = await session.call_tool("codex", {"prompt": "hello", "cwd": str(workspace)})
        assert result.structured_content is not None
        assert result.structured_content["content"] == "Hello yourself."
