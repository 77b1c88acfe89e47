"""The client of the Python SDK 1.x. It runs in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def main(server: dict[str, Any], visit: dict[str, Any]) -> None:
    asked: list[str] = []

    async def answer(_: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"decision": "approved"})

    async with AsyncExitStack() as stack:
        if "url" in server:
            headers = {"Authorization": f"Bearer {server['token']}"}
            transport = streamablehttp_client(server["url"], headers=headers)
            read, write, _ = await stack.enter_async_context(transport)
        else:
            stdio = stdio_client(StdioServerParameters(**server))
            read, write = await stack.enter_async_context(stdio)
        session = await stack.enter_async_context(
            ClientSession(read, write, elicitation_callback=answer)
        )
        version = (await session.initialize()).protocolVersion

        async def call(tool: str, arguments: dict[str, Any]) -> Any:
            return (await session.call_tool(tool, arguments)).structuredContent

        tools = [tool.name for tool in (await session.list_tools()).tools]
        plain = await call("codex", visit["plain"])
        allowed = await call("codex", visit["asking"])
        reply = await call("codex-reply", {**visit["reply"], "threadId": plain["threadId"]})
        seen = {"plain": plain, "allowed": allowed, "reply": reply, "asked": asked}
        print(json.dumps({"version": version, "tools": tools, **seen}))


told = json.loads(sys.argv[1])
asyncio.run(main(told["server"], told["visit"]))
