"""The MCP client of the scenarios, in bare JSON-RPC, so that no library hides a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from links import Frame, Link

PATIENCE_S = 60
FIRST_PROBE = 900
"""The first id of probes, which find out whether another call hangs and are not recorded."""

Fits = Callable[[Frame], bool]


class Peer:
    """An MCP client that records every frame.

    Attributes:
        frames: the frames that came, in order.
    """

    def __init__(self, link: Link, *, elicitation: bool = True) -> None:
        self.frames: list[Frame] = []
        self._link = link
        self._elicitation = elicitation
        self._new = asyncio.Event()
        self._last_id = 0
        self._probes = FIRST_PROBE

    async def open(self) -> None:
        """Start the server and initialize the session."""
        await self._link.start(self._take)
        capabilities = {"elicitation": {}} if self._elicitation else {}
        # A name to which our server sends `codex/event` unasked.
        client = {"name": "scenario-codex-client", "title": "Scenario", "version": "1"}
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
        """Return the first frame that fits, of those that came and those to come."""
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
        """Send a request and return its id."""
        if number is None:
            self._last_id += 1
            number = self._last_id
        self._link.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def notify(self, method: str, params: Frame) -> None:
        self._link.send({"jsonrpc": "2.0", "method": method, "params": params})

    def call(self, tool: str, /, **arguments: Any) -> int:
        """Call a tool without waiting; `approval_policy` stands for `approval-policy`."""
        return self.request("tools/call", _call(tool, arguments))

    def cancel(self, call: int) -> None:
        self.notify("notifications/cancelled", {"requestId": call, "reason": "not wanted"})

    async def answer_of(self, call: int) -> Frame:
        """Wait for the answer to a request, its result or its error."""
        return await self.wait_for(lambda frame: is_answer(frame, call))

    async def event(self, kind: str, *, call: int | None = None) -> Frame:
        """Wait for the first `codex/event` of a type, and of a call where one is given."""
        return await self.wait_for(
            lambda frame: (
                event_type(frame) == kind
                and (call is None or frame["params"]["_meta"]["requestId"] == call)
            )
        )

    async def elicited(self, number: int = 1) -> Frame:
        """Wait for the elicitation of that number, counted from 1."""
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
        """Play a turn on a thread of its own, and a ping.

        What has not come by then never comes.
        """
        self._probes += 1
        call = self.request("tools/call", _call("codex", {"prompt": "probe"}), self._probes)
        await self.answer_of(call)
        self._probes += 1
        await self.answer_of(self.request("ping", {}, self._probes))

    def unanswered(self) -> list[int]:
        """Return the ids of the requests without an answer, except probes."""
        answered = {frame["id"] for frame in self.frames if is_any_answer(frame)}
        return [number for number in range(1, self._last_id + 1) if number not in answered]

    def recorded(self) -> list[Frame]:
        """Return the frames, except those of probes."""
        return [frame for frame in self.frames if not _is_of_probe(frame)]


def event_type(frame: Frame) -> str:
    """Return the type of a `codex/event`, empty for other frames."""
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
