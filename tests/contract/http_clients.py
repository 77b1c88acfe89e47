"""HTTP clients of a shared server."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
from contract.serving import PATIENCE_S, TAKES_EVENTS, Console, Served
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from codextui.server.transports.http.token import TokenFile

JSON_AND_EVENTS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}


def message(method: str, number: int = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def token_of(served: Served) -> str:
    assert served.options.token is not None
    return TokenFile(served.options.token).read()


async def url_of(served: Served) -> str:
    """Return the URL of a server that chose its port itself, waiting for it to listen."""
    async with asyncio.timeout(PATIENCE_S), served.client("asking") as client:
        while True:
            result = await client.call("codex-server")
            if url := result["structuredContent"]["http"]:
                return str(url)
            await asyncio.sleep(0.02)


async def until_disconnected(console: Console, name: str) -> None:
    """Wait until the server no longer lists a client."""
    async with asyncio.timeout(PATIENCE_S):
        while name in (await console.call("codex-server"))["clients"]:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def http_client(served: Served, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=await url_of(served),
        headers={**JSON_AND_EVENTS, "Authorization": f"Bearer {token_of(served)}", **headers},
        timeout=httpx2.Timeout(PATIENCE_S, pool=None),
        limits=httpx2.Limits(max_connections=None),
    ) as client:
        yield client


@asynccontextmanager
async def stock_client(served: Served, mode: Any, **callbacks: Any) -> AsyncIterator[Client]:
    """mcp's own client."""
    async with http_client(served) as http:
        transport = streamable_http_client(await url_of(served), http_client=http)
        async with Client(transport, mode=mode, **callbacks) as client:
            yield client


@dataclass
class RawSession:
    """A client of the handshake era that sends raw requests and keeps every message.

    `messages` are those of the response streams, with the id of the request whose stream it was.
    """

    http: httpx2.AsyncClient
    session_id: str = ""
    messages: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def initialize(self, name: str = "raw", **capabilities: Any) -> Self:
        info = {
            "clientInfo": {"name": name, "version": "1"},
            "capabilities": {**TAKES_EVENTS, **capabilities},
        }
        reply = await self.http.post("", json=message("initialize", 0, **{**INITIALIZE, **info}))
        assert reply.status_code == 200, reply.text
        self.session_id = reply.headers["mcp-session-id"]
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"mcp-session-id": self.session_id, "mcp-protocol-version": "2025-11-25"}

    async def send(self, body: dict[str, Any]) -> None:
        reply = await self.http.post("", json=body, headers=self.headers)
        assert reply.status_code == 202, reply.text

    def begin(self, method: str, **params: Any) -> int:
        number = next(self._numbers)
        self._tasks[number] = asyncio.create_task(self._stream(number, method, params))
        return number

    def begin_tool(self, tool: str, **arguments: Any) -> int:
        return self.begin("tools/call", name=tool, arguments=arguments)

    async def _stream(self, number: int, method: str, params: dict[str, Any]) -> None:
        body = message(method, number, **params)
        async with self.http.stream("POST", "", json=body, headers=self.headers) as reply:
            assert reply.status_code == 200, await reply.aread()
            async for line in reply.aiter_lines():
                if line.startswith("data: "):
                    self.messages.append((number, json.loads(line[6:])))
                    self._came.set()

    async def message(self, number: int, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message on a request's stream that fits, waiting for it."""
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for stream, found in self.messages[seen:]:
                    seen += 1
                    if stream == number and fits(found):
                        return found
                self._came.clear()
                await self._came.wait()

    async def reply(self, number: int) -> dict[str, Any]:
        return await self.message(number, lambda m: m.get("id") == number and "method" not in m)

    async def ended(self, number: int) -> None:
        """Wait until the server has ended a request's stream."""
        async with asyncio.timeout(PATIENCE_S):
            await self._tasks[number]

    def answers(self, number: int) -> list[dict[str, Any]]:
        return [m for _, m in self.messages if m.get("id") == number and "method" not in m]

    async def elicited(self, number: int) -> dict[str, Any]:
        return await self.message(number, lambda m: m.get("method") == "elicitation/create")

    async def answer(self, request: dict[str, Any], result: dict[str, Any]) -> None:
        await self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    async def vanish(self) -> None:
        """Close every connection abruptly, as a killed client does."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def raw_session(served: Served, name: str, **capabilities: Any) -> AsyncIterator[RawSession]:
    async with http_client(served) as http:
        session = await RawSession(http).initialize(name, **capabilities)
        try:
            yield session
        finally:
            await session.vanish()
