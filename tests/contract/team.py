"""A program that publishes a run with raw JSON lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from contract.serving import RawClient, Served

RUN = "run:bugs-1"
BACKEND = f"{RUN}/backend"
TESTER = f"{RUN}/tester"


def run_event(thread_id: str, word: str, turn_id: str = "", /, **msg: Any) -> dict[str, Any]:
    """Return an event as `codex-publish` takes it."""
    return {"threadId": thread_id, "turnId": turn_id, "msg": {"type": word, **msg}}


def thread_changed(thread_id: str, state: str = "running", /, **more: Any) -> dict[str, Any]:
    """Return the event that publishes the info of a run or a role."""
    kind, handle = ("run", "bugs") if "/" not in thread_id else ("role", thread_id.split("/")[1])
    info = {"thread_id": thread_id, "handle": handle, "state": state, "kind": kind}
    return run_event(thread_id, "thread_changed", thread={**info, **more})


def said(thread_id: str, turn_id: str, text: str, item_id: str = "i1") -> dict[str, Any]:
    item = {"id": item_id, "type": "agentMessage", "text": text}
    return run_event(thread_id, "item_completed", turn_id, item=item)


class Team:
    """The program, under a client name such as `codextui run` uses."""

    def __init__(self, client: RawClient) -> None:
        self.client = client

    async def publish(self, *events: dict[str, Any], run: str = RUN) -> dict[str, str]:
        """Publish events and return the handles."""
        result = await self.client.call("codex-publish", run=run, events=list(events))
        assert not result.get("isError"), result
        return dict(result["structuredContent"]["handles"])

    async def refused(self, *events: Any, run: str = RUN) -> str:
        """Publish events that are refused, and return the reason."""
        result = await self.client.call("codex-publish", run=run, events=list(events))
        assert result.get("isError"), result
        return str(result["content"][0]["text"])

    async def start(self) -> None:
        """Publish a run whose backend works in its first turn while its tester waits."""
        await self.publish(
            thread_changed(RUN),
            run_event(RUN, "task_started", "t1"),
            thread_changed(BACKEND),
            run_event(BACKEND, "task_started", "t1"),
            thread_changed(TESTER, "waiting"),
        )

    def ask(self, thread: str = BACKEND, tool: str = "deploy", **arguments: Any) -> int:
        """Ask whether a tool may be called, and return the number of the request."""
        asked = {"tool": tool, "arguments": arguments, "server": "ops"}
        return self.client.begin_tool("codex-ask", thread=thread, kind="tool", asked=asked)

    async def reply(self, number: int) -> dict[str, Any]:
        """Return the structured content of a result, waiting for it."""
        return dict((await self.client.reply(number))["result"]["structuredContent"])


@asynccontextmanager
async def team_of(served: Served, name: str = "team bugs") -> AsyncIterator[Team]:
    async with served.client(name) as client:
        yield Team(client)
