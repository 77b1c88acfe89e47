"""HTTP clients, with the real Codex."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from agents import Agent, RunConfig, Runner
from agents.mcp import MCPServerStreamableHttp
from agents.testing import ScriptedModel as AgentModel
from agents.testing import assistant_message, function_call
from contract.http_clients import (
    RawSession,
    raw_session,
    stock_client,
    token_of,
    until_disconnected,
    url_of,
)
from contract.serving import PATIENCE_S, Served, serving

from codextui.config.address import HttpAddress
from codextui.demo import Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved

pytestmark = pytest.mark.contract

ASKING = {"sandbox": "workspace-write", "approval-policy": "on-request"}
ELICITS: dict[str, Any] = {"elicitation": {}}


@asynccontextmanager
async def serving_http(binary: Path, scratch: Path, script: Script) -> AsyncIterator[Served]:
    address = HttpAddress("127.0.0.1", 0)
    async with serving(binary, scratch, script, http=address, token=scratch / "s.token") as served:
        yield served


def leaving(outside: Path) -> Script:
    return Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
async def test_a_turn_and_a_reply(
    codex_binary: Path, scratch: Path, workspace: Path, mode: str
) -> None:
    script = Script().on("hello", Say("Hello yourself.")).on("more", Say("There is no more."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        stock_client(served, mode) as client,
    ):
        tools = await client.list_tools()
        assert [tool.name for tool in tools.tools] == ["codex", "codex-reply"]
        first = await client.call_tool("codex", {"prompt": "hello", "cwd": str(workspace)})
        assert first.structured_content is not None
        assert first.structured_content["content"] == "Hello yourself."
        thread = first.structured_content["threadId"]
        second = await client.call_tool("codex-reply", {"prompt": "more", "threadId": thread})
        assert second.structured_content == {"threadId": thread, "content": "There is no more."}


async def test_a_turn_over_http_that_was_asked_for_while_the_server_ran(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("hello", Say("Hello yourself."))
    async with serving(codex_binary, scratch, script, token=scratch / "s.token") as served:
        async with served.client() as caller:
            await caller.call("codex-listen", address="127.0.0.1:0")
        async with stock_client(served, "auto") as client:
            result = await client.call_tool("codex", {"prompt": "hello", "cwd": str(workspace)})
            assert result.structured_content is not None
            assert result.structured_content["content"] == "Hello yourself."


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_the_calling_client_decides(
    codex_binary: Path, scratch: Path, workspace: Path, action: str, mode: str
) -> None:
    outside = scratch / "outside.txt"
    asked: list[str] = []

    async def decide(_: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        content = {"decision": "approved"} if action == "accept" else None
        return types.ElicitResult(action=action, content=content)  # type: ignore[arg-type] # one of its words

    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        stock_client(served, mode, elicitation_callback=decide) as client,
    ):
        arguments = {"prompt": "leave", "cwd": str(workspace), **ASKING}
        result = await client.call_tool("codex", arguments)
        assert result.structured_content is not None
        assert result.structured_content["content"] == "Done."
        assert len(asked) == 1
        assert str(outside) in asked[0]
        assert outside.exists() is (action == "accept")


async def test_an_agent_of_the_stock_agents_sdk_works_with_codex_and_a_person_decides(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    call = function_call("codex", {"prompt": "leave", "cwd": str(workspace), **ASKING}, call_id="1")
    model = AgentModel([[call], [assistant_message("It is built.")]])
    async with serving_http(codex_binary, scratch, leaving(outside)) as served:
        server = MCPServerStreamableHttp(
            {
                "url": await url_of(served),
                "headers": {"Authorization": f"Bearer {token_of(served)}"},
            },
            client_session_timeout_seconds=PATIENCE_S,
        )
        async with server, served.console() as console:
            agent = Agent(name="builder", model=model, mcp_servers=[server])
            quiet = RunConfig(tracing_disabled=True)
            running = asyncio.create_task(Runner.run(agent, "Go.", run_config=quiet))
            approval = await console.offered()
            await console.connection.answer(approval.approval_id, Approved())
            async with asyncio.timeout(PATIENCE_S):
                result = await running
            assert result.final_output == "It is built."
            assert "Done." in str(result.to_input_list())
            assert outside.exists()


async def begin_leaving(client: RawSession, workspace: Path) -> tuple[int, dict[str, Any]]:
    call = client.begin_tool("codex", prompt="leave", cwd=str(workspace), **ASKING)
    return call, await client.elicited(call)


ANSWERS: dict[str, tuple[dict[str, Any], bool]] = {
    "as old clients said yes": ({"result": {"decision": "approved"}}, True),
    "for the session, as they said it": ({"result": {"decision": "approved_for_session"}}, True),
    "as they said no": ({"result": {"decision": {"denied": {"rejection": "Not now."}}}}, False),
    "as the protocol says yes": ({"result": {"action": "accept"}}, True),
    "as a form says yes": (
        {"result": {"action": "accept", "content": {"decision": "approved"}}},
        True,
    ),
    "an error": ({"error": {"code": -32603, "message": "cannot"}}, False),
    "an error that is none": ({"error": "cannot"}, False),
    "a list": ({"result": ["approved"]}, False),
    "nothing": ({"result": None}, False),
    "an action that is a number": ({"result": {"action": 5}}, False),
    "what contradicts itself": ({"result": {"action": "decline", "decision": "approved"}}, False),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_result_is_read_as_the_client_sent_it(
    codex_binary: Path, scratch: Path, workspace: Path, what: str
) -> None:
    outside = scratch / "outside.txt"
    answer, granted = ANSWERS[what]
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        raw_session(served, "old", **ELICITS) as client,
    ):
        call, asked = await begin_leaving(client, workspace)
        reply = {"jsonrpc": "2.0", "id": asked["id"], **answer}
        assert (await client.http.post("", json=reply, headers=client.headers)).status_code == 202
        ended = (await client.reply(call))["result"]
        assert ended["structuredContent"]["content"] == "Done."
        assert outside.exists() is granted


async def test_a_disconnected_client_can_still_cancel_its_call(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("wait", Run("sleep 300"), Say("Never."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        served.console() as console,
        raw_session(served, "hasty") as client,
    ):
        call = client.begin_tool("codex", prompt="wait", cwd=str(workspace))
        await console.event(ev.ItemStarted)
        await client.vanish()
        await until_disconnected(console, "hasty")
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
        await client.send({**cancelled, "params": {"requestId": call}})
        await console.event(ev.TurnAborted)


async def test_a_late_cancellation_leaves_the_next_turn_alone(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate, next_gate = asyncio.Event(), asyncio.Event()
    script = Script().on("wait", Say("First.", gate=gate))
    script.on("next", Say("Second.", gate=next_gate))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        served.console() as console,
        raw_session(served, "hasty") as client,
    ):
        call = client.begin_tool("codex", prompt="wait", cwd=str(workspace))
        thread_id = (await console.event(ev.TurnStarted)).thread_id
        await client.vanish()
        await until_disconnected(console, "hasty")
        gate.set()
        await console.event(ev.TurnCompleted)
        seen = len(console.updates)
        again = client.begin_tool("codex-reply", prompt="next", threadId=thread_id)
        await console.event(ev.TurnStarted, after=seen)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
        await client.send({**cancelled, "params": {"requestId": call}})
        next_gate.set()
        result = (await client.reply(again))["result"]
        assert result["structuredContent"]["content"] == "Second."


async def test_a_client_that_vanishes_is_not_asked_and_others_decide(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        served.console() as console,
    ):
        async with raw_session(served, "fragile", **ELICITS) as fragile:
            await begin_leaving(fragile, workspace)
            approval = await console.offered()
            await fragile.vanish()
        await until_disconnected(console, "fragile")
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        assert outside.exists()


async def test_a_session_deleted_during_a_call_leaves_its_turn_to_others(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        served.console() as console,
        raw_session(served, "leaver", **ELICITS) as leaver,
    ):
        await begin_leaving(leaver, workspace)
        approval = await console.offered()
        assert (await leaver.http.delete("", headers=leaver.headers)).status_code == 200
        await until_disconnected(console, "leaver")
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        assert outside.exists()


async def test_disconnecting_cancels_the_call_of_a_client_without_a_handshake(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("wait", Run("sleep 300"), Say("Never."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        served.console() as console,
        stock_client(served, "2026-07-28") as client,
    ):
        call = asyncio.create_task(
            client.call_tool("codex", {"prompt": "wait", "cwd": str(workspace)})
        )
        await console.event(ev.ItemStarted)
        call.cancel()
        await console.event(ev.TurnAborted)


async def test_a_call_that_is_cancelled_interrupts_its_turn(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("wait", Run("sleep 300"), Say("Never."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        served.console() as console,
        raw_session(served, "canceller") as client,
    ):
        call = client.begin_tool("codex", prompt="wait", cwd=str(workspace))
        await console.event(ev.ItemStarted)
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
        await client.send({**cancelled, "params": {"requestId": call}})
        await console.event(ev.TurnAborted)
        await client.ended(call)
        assert client.answers(call) == []


async def test_a_stock_client_that_cancels_its_call_interrupts_the_turn(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("wait", Run("sleep 300"), Say("Never."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        served.console() as console,
        stock_client(served, "legacy") as client,
    ):
        call = asyncio.create_task(
            client.call_tool("codex", {"prompt": "wait", "cwd": str(workspace)})
        )
        await console.event(ev.ItemStarted)
        call.cancel()
        await console.event(ev.TurnAborted)


async def test_two_clients_with_the_same_ids_get_only_their_own_messages(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("red", Say("Red.")).on("blue", Say("Blue."))
    async with (
        serving_http(codex_binary, scratch, script) as served,
        raw_session(served, "one") as one,
        raw_session(served, "two") as two,
    ):
        first = one.begin_tool("codex", prompt="red", cwd=str(workspace))
        second = two.begin_tool("codex", prompt="blue", cwd=str(workspace))
        assert first == second
        replies = [await one.reply(first), await two.reply(second)]
        content = [reply["result"]["structuredContent"] for reply in replies]
        assert [answer["content"] for answer in content] == ["Red.", "Blue."]
        assert content[1]["threadId"] not in str(one.messages)
        assert content[0]["threadId"] not in str(two.messages)


async def test_a_supervisor_gets_events_and_questions_on_its_subscription(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    supervises = {"experimental": {"codextui/supervisor": {}}, **ELICITS}
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        raw_session(served, "far console", **supervises) as far,
        served.client("caller") as caller,
    ):
        stream = far.begin("codex/subscribe")
        await far.message(stream, lambda m: m.get("method") == "codex/caught_up")
        call = caller.begin_tool("codex", prompt="leave", cwd=str(workspace), **ASKING)
        request = await far.elicited(stream)
        assert "codextui/approval" in request["params"]["_meta"]
        assert request["params"]["codex_elicitation"] == "exec-approval"
        assert not outside.exists()
        # As the clients of `codex mcp-server` said it, beside the action.
        await far.answer(request, {"action": "accept", "decision": "approved"})
        assert (await caller.reply(call))["result"]["structuredContent"]["content"] == "Done."
        assert outside.exists()
        await far.message(
            stream,
            lambda m: (
                m.get("method") == "codex/event" and m["params"]["msg"]["type"] == "task_complete"
            ),
        )


async def test_an_incomprehensible_answer_declines(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        raw_session(served, "odd", **ELICITS) as odd,
    ):
        call, request = await begin_leaving(odd, workspace)
        await odd.answer(request, {"nonsense": True})
        assert (await odd.reply(call))["result"]["structuredContent"]["content"] == "Done."
        assert not outside.exists()


async def test_a_question_answered_by_another_client_is_withdrawn(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    async with (
        serving_http(codex_binary, scratch, leaving(outside)) as served,
        served.console() as console,
        raw_session(served, "slow", **ELICITS) as slow,
    ):
        call, request = await begin_leaving(slow, workspace)
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
        withdrawn = await slow.message(call, lambda m: m.get("method") == "notifications/cancelled")
        assert withdrawn["params"]["requestId"] == request["id"]
        assert (await slow.reply(call))["result"]["structuredContent"]["content"] == "Done."
