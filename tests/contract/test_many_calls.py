"""A client with several calls open on one thread, with the real Codex."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from contract.http_clients import raw_session
from contract.serving import PROGRESS, Console, RawClient, serving

from codextui.config.address import HttpAddress
from codextui.demo import Run, Say, Script

pytestmark = pytest.mark.contract

ASKING = {"sandbox": "workspace-write", "approval-policy": "on-request"}


async def begin_replies(
    console: Console, client: RawClient, thread_id: str, *prompts: str
) -> list[int]:
    """Calls that have steered the running turn, one after the other."""
    calls = []
    for prompt in prompts:
        calls.append(client.begin_tool("codex-reply", prompt=prompt, threadId=thread_id))
        assert "result" in await client.reply(client.begin("ping"))  # it has read the call
        await steered(console, thread_id)
    return calls


async def steered(console: Console, thread_id: str) -> None:
    """The thread is free again: whoever had something to say to it has said it."""
    for _ in range(2):
        await console.call("codex-resume", thread=thread_id)


async def test_a_client_hears_an_event_once_by_the_oldest_call_that_is_open(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script()
    script.on("", Say("Held no more.", gate=gate, open_deltas=0), repeat=True)
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client("one") as one,
        served.client("two") as two,
    ):
        started = await console.call("codex-start", prompt="wait", cwd=str(workspace))
        thread_id = started["thread"]["thread_id"]
        first, second = await begin_replies(console, one, thread_id, "a", "b")
        [other] = await begin_replies(console, two, thread_id, "c")
        one.send({"method": "notifications/cancelled", "params": {"requestId": first}})
        await one.call("codex-threads")  # by then the first call has ended
        seen = len(one.all_of("codex/event"))
        gate.set()
        assert "result" in await one.reply(second)
        assert "result" in await two.reply(other)

        events = one.all_of("codex/event")
        assert {event["_meta"]["requestId"] for event in events[:seen]} <= {first}
        assert {event["_meta"]["requestId"] for event in events[seen:]} == {second}
        assert {event["_meta"]["requestId"] for event in two.all_of("codex/event")} == {other}
        ends = [event for event in events if event["msg"]["type"] == "task_complete"]
        assert len(ends) == 1


async def test_a_client_is_asked_once_and_again_by_its_next_call_when_it_takes_one_back(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    gate = asyncio.Event()
    script = Script()
    script.on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    script.on("", Say("Held.", gate=gate, open_deltas=0), repeat=True)
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client("one", elicitation={}) as one,
    ):
        started = await console.call("codex-start", prompt="wait", cwd=str(workspace), **ASKING)
        thread_id = started["thread"]["thread_id"]
        first, second, third = await begin_replies(console, one, thread_id, "a", "b", "leave")
        gate.set()
        asked = await one.elicited()
        assert asked["params"]["codex_mcp_tool_call_id"] == str(first)
        one.send({"method": "notifications/cancelled", "params": {"requestId": first}})
        await one.message(
            lambda m: (
                m.get("method") == "notifications/cancelled"
                and m["params"]["requestId"] == asked["id"]
            )
        )
        again = await one.message(
            lambda m: m.get("method") == "elicitation/create" and m["id"] != asked["id"]
        )
        assert again["params"]["codex_mcp_tool_call_id"] == str(second)
        one.answer(again, {"action": "accept"})
        for call in (second, third):
            result = (await one.reply(call))["result"]
            assert result["structuredContent"]["content"] == "Done."
        assert outside.exists()
        assert len(one.all_of("elicitation/create")) == 2


async def test_an_http_client_hears_an_event_on_the_stream_of_one_call(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script()
    script.on("", Say("Held no more.", gate=gate, open_deltas=0), repeat=True)
    http: dict[str, Any] = {"http": HttpAddress("127.0.0.1", 0), "token": scratch / "s.token"}
    async with (
        serving(codex_binary, scratch, script, **http) as served,
        served.console() as console,
        raw_session(served, "one") as client,
    ):
        first = client.begin_tool("codex", prompt="wait", cwd=str(workspace))
        begun = await client.message(first, is_start)
        thread_id = begun["params"]["_meta"]["threadId"]
        reply = {"name": "codex-reply", "arguments": {"prompt": "more", "threadId": thread_id}}
        second = client.begin("tools/call", **reply, _meta={"progressToken": "second"})
        await client.message(second, lambda m: m.get("method") == PROGRESS)
        await steered(console, thread_id)
        gate.set()
        for call in (first, second):
            assert "Held no more." in str((await client.reply(call))["result"])
        on_second = [m for stream, m in client.messages if stream == second and "method" in m]
        assert {m["method"] for m in on_second} == {PROGRESS}
        ends = [m for _, m in client.messages if "'task_complete'" in str(m)]
        assert len(ends) == 1


def is_start(message: dict[str, Any]) -> bool:
    return (
        message.get("method") == "codex/event"
        and message["params"]["msg"]["type"] == "task_started"
    )
