"""A shared server that does what a test says: JSON lines on a unix socket, nothing behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from codextui.errors import CodextuiError
from codextui.protocol.events import Event

Frame = dict[str, Any]
Tool = Callable[[Frame], Any]


class FakeServer:
    """Answers the handshake, pings, subscriptions and the tools that a test put into `tools`.

    A tool gets its arguments and returns structured content, or raises: CodextuiErrors become
    failed results as the real server's do. What a subscriber is told is `events`, then
    `caught_up`, and then what the test sends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch = "first"
        self.events: list[Event] = []
        self.tools: dict[str, Tool] = {}
        self.deaf = False
        self.supervised = True
        self.received: list[Frame] = []
        self.links: list[asyncio.StreamWriter] = []
        self._heard = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._attend, self.path, limit=2**24)

    async def stop(self) -> None:
        """Go away as a killed server does: the socket stays, and nobody listens."""
        self._server.close()
        self.hang_up()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        for link in self.links:
            link.close()
        self.links.clear()

    def send(self, frame: Frame | bytes) -> None:
        """Send a frame to every client that is connected."""
        line = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        for link in self.links:
            link.write(line + b"\n")

    def notify(self, method: str, params: Frame) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def tell(self, event: Event) -> None:
        self.notify("codex/event", event.to_json())

    async def heard(self, fits: Callable[[Frame], bool]) -> Frame:
        """Wait for a frame from a client, or find the first one that came already."""
        async with asyncio.timeout(60), self._heard:
            await self._heard.wait_for(lambda: any(map(fits, self.received)))
        return next(frame for frame in self.received if fits(frame))

    async def heard_method(self, method: str) -> Frame:
        return await self.heard(lambda frame: frame.get("method") == method)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.links.append(writer)
        try:
            while line := await reader.readline():
                frame = json.loads(line)
                async with self._heard:
                    self.received.append(frame)
                    self._heard.notify_all()
                if not self.deaf and "method" in frame and "id" in frame:
                    self._start(self._answer(frame, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if writer in self.links:
                self.links.remove(writer)
            writer.close()

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        def reply(**body: Any) -> None:
            line = json.dumps({"jsonrpc": "2.0", "id": frame["id"], **body})
            writer.write(line.encode() + b"\n")

        match frame["method"]:
            case "initialize":
                info = {"name": "codextui", "version": "9.9"}
                capabilities: Frame = {"tools": {}}
                reply(
                    result={
                        "protocolVersion": "2025-11-25",
                        "capabilities": capabilities,
                        "serverInfo": info,
                    }
                )
            case "ping":
                reply(result={})
            case "codex/subscribe" if self.supervised:
                self._replay(frame["params"], writer)
            case "tools/call":
                await self._call(frame["params"], reply)
            case method:
                reply(error={"code": -32601, "message": f"no method {method}"})

    def _replay(self, params: Frame, writer: asyncio.StreamWriter) -> None:
        since = params["since"] if params["epoch"] == self.epoch else 0
        head = self.events[-1].seq if self.events else 0

        def tell(method: str, params: Frame) -> None:
            line = json.dumps({"jsonrpc": "2.0", "method": method, "params": params})
            writer.write(line.encode() + b"\n")

        tell("codex/subscribed", {"epoch": self.epoch, "since": since, "head": head})
        for event in self.events:
            if event.seq > since:
                tell("codex/event", event.to_json())
        tell("codex/caught_up", {"seq": head})

    async def _call(self, params: Frame, reply: Callable[..., None]) -> None:
        tool = self.tools.get(params["name"])
        if tool is None:
            reply(error={"code": -32602, "message": f"no tool {params['name']}"})
            return
        try:
            content = tool(params.get("arguments", {}))
            if isinstance(content, Awaitable):
                content = await content
        except CodextuiError as error:
            failure = {"error": {"kind": type(error).__name__, "message": str(error)}}
            said = [{"type": "text", "text": str(error)}]
            reply(result={"isError": True, "content": said, "structuredContent": failure})
        else:
            said = [{"type": "text", "text": json.dumps(content)}]
            reply(result={"content": said, "structuredContent": content})
