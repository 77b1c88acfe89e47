"""The client of `codex mcp-server` in the scenarios: bare JSON-RPC, so that nothing is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from links import Frame, Link

PATIENCE_S = 30
FIRST_PROBE = 900
"""Calls from this id on only find out whether another one hangs; their frames are not kept."""

Fits = Callable[[Frame], bool]


class Peer:
    """An MCP client that keeps every frame it gets.

    Attributes:
        frames: what came, in order.
    """

    def __init__(self, link: Link, *, elicitation: bool = True) -> None:
        self.frames: list[Frame] = []
        self._link = link
        self._elicitation = elicitation
        self._new = asyncio.Event()
        self._last_id = 0
        self._probes = FIRST_PROBE

    async def open(self) -> None:
        """Starts the server and shakes hands."""
        await self._link.start(self._take)
        capabilities = {"elicitation": {}} if self._elicitation else {}
        client = {"name": "scenario", "title": "Scenario", "version": "1"}
        params = {
            "protocolVersion": "2025-06-18",
            "capabilities": capabilities,
            "clientInfo": client,
        }
        await self.answer_of(self.request("initialize", params))
        self.notify("notifications/initialized", {})

    async def close(self) -> None:
        await self._link.stop()

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._new.set()

    async def wait_for(self, fits: Fits) -> Frame:
        """The first frame that fits, of those that came and those to come."""
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for frame in self.frames[seen:]:
                    if fits(frame):
                        return frame
                seen = len(self.frames)
                self._new.clear()
                await self._new.wait()

    def request(self, method: str, params: Frame, number: int | None = None) -> int:
        """Sends a request and returns its id."""
        if number is None:
            self._last_id += 1
            number = self._last_id
        self._link.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def notify(self, method: str, params: Frame) -> None:
        self._link.send({"jsonrpc": "2.0", "method": method, "params": params})

    def call(self, tool: str, /, **arguments: Any) -> int:
        """Calls a tool without waiting; `approval_policy` stands for `approval-policy`."""
        return self.request("tools/call", _call(tool, arguments))

    def cancel(self, call: int) -> None:
        self.notify("notifications/cancelled", {"requestId": call, "reason": "not wanted"})

    async def answer_of(self, call: int) -> Frame:
        """The answer to a request: its result or its error."""
        return await self.wait_for(lambda frame: is_answer(frame, call))

    async def event(self, kind: str, *, call: int | None = None) -> Frame:
        """The first `codex/event` of a type, of a call where one is named."""
        return await self.wait_for(
            lambda frame: (
                event_type(frame) == kind
                and (call is None or frame["params"]["_meta"]["requestId"] == call)
            )
        )

    async def elicited(self, number: int = 1) -> Frame:
        """The elicitation of that number, counted from 1."""
        await self.wait_for(lambda _: len(self._elicitations()) >= number)
        return self._elicitations()[number - 1]

    def _elicitations(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.get("method") == "elicitation/create"]

    def answer(self, elicitation: Frame, result: Frame) -> None:
        self._link.send({"jsonrpc": "2.0", "id": elicitation["id"], "result": result})

    def refuse(self, elicitation: Frame, code: int, message: str) -> None:
        error = {"code": code, "message": message}
        self._link.send({"jsonrpc": "2.0", "id": elicitation["id"], "error": error})

    async def probe(self) -> None:
        """Has a whole turn played on a thread of its own, and a ping answered.

        What has not come by then does not come any more.
        """
        self._probes += 1
        call = self.request("tools/call", _call("codex", {"prompt": "probe"}), self._probes)
        await self.answer_of(call)
        self._probes += 1
        await self.answer_of(self.request("ping", {}, self._probes))

    def unanswered(self) -> list[int]:
        """The ids of the requests that have got no answer, without those of probes."""
        answered = {frame["id"] for frame in self.frames if is_any_answer(frame)}
        return [number for number in range(1, self._last_id + 1) if number not in answered]

    def kept(self) -> list[Frame]:
        """The frames without those of probes."""
        return [frame for frame in self.frames if not _is_of_probe(frame)]


def event_type(frame: Frame) -> str:
    """The type of a `codex/event`, empty for any other frame."""
    if frame.get("method") != "codex/event":
        return ""
    return str(frame["params"]["msg"]["type"])


def is_any_answer(frame: Frame) -> bool:
    return "method" not in frame and "id" in frame


def is_answer(frame: Frame, call: int) -> bool:
    return is_any_answer(frame) and frame["id"] == call


def _is_of_probe(frame: Frame) -> bool:
    number = frame.get("id")
    if event_type(frame):
        number = frame["params"].get("_meta", {}).get("requestId")
    return isinstance(number, int) and number > FIRST_PROBE


def _call(tool: str, arguments: Frame) -> Frame:
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return {"name": tool, "arguments": named}
