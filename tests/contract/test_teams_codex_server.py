"""Codex for the Agents SDK: its own Runner, the shared server, the real Codex."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner
from agents.testing import ScriptedModel as AgentModel
from agents.testing import assistant_message, function_call
from contract.serving import Served, serving

from codextui.agents import CodexServer
from codextui.client.spawn import open_socket
from codextui.demo import Fail, Run, Say, Script
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.runs import RoleAction
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.codex.calls import CallLog, parse_calls
from codextui.teams.codex.connection import TeamConnection
from codextui.teams.codex.server import CALL_ID_META, CodexToolServer
from codextui.teams.codex.settings import ThreadSettings

pytestmark = pytest.mark.contract

QUIET = RunConfig(tracing_disabled=True)


@asynccontextmanager
async def connected(served: Served) -> AsyncIterator[TeamConnection]:
    connect = functools.partial(open_socket, served.options.socket)
    async with TeamConnection(connect, name="team") as connection:
        yield connection


def codex_of(
    connection: TeamConnection, log: CallLog, workspace: Path, **changes: Any
) -> CodexToolServer:
    """The Codex of a role."""
    fixed = {"sandbox": "workspace-write", "approval_policy": "on-request", "confined": True}
    settings = ThreadSettings("backend", workspace, **{**fixed, **changes})
    return CodexToolServer("codex of backend", settings, connection=connection, log=log)


async def test_an_agent_works_with_codex_and_a_person_answers_its_approval(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    leave = Run("touch ../outside.txt", escalate=True, justification="It is outside.")
    script = Script().on("build", leave, Say("Built.")).on("again", Say("Built again."))
    seen: list[str] = []

    def reply(call: Any) -> Any:
        seen.append(call.input[-1]["output"])
        thread = json.loads(call.input[-1]["output"])["threadId"]
        return [function_call("codex-reply", {"threadId": thread, "prompt": "again"}, call_id="c2")]

    model = AgentModel(
        [
            [function_call("codex", {"prompt": "build it"}, call_id="c1")],
            {"responder": reply},
            [assistant_message("Done.")],
        ]
    )
    async with serving(codex_binary, scratch, script) as served, connected(served) as connection:
        log = CallLog()
        codex = codex_of(connection, log, workspace)
        agent = Agent(name="backend", instructions="Build.", model=model, mcp_servers=[codex])
        async with served.console() as console, asyncio.timeout(60):
            run = asyncio.create_task(Runner.run(agent, "Go.", run_config=QUIET))
            approval = await console.offered()
            assert approval.handle == "backend"
            await console.connection.answer(approval.approval_id, Approved())
            assert (await run).final_output == "Done."
    assert json.loads(seen[0])["content"] == "Built."
    assert (workspace.parent / "outside.txt").exists()
    assert len(log.thread_ids) == 1


async def test_a_call_that_was_begun_before_is_continued(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    gate = asyncio.Event()
    script = Script().on("build", Say("Built once.", gate=gate), Say("Built twice."))
    stored: list[Any] = []
    async with serving(codex_binary, scratch, script) as served, asyncio.timeout(60):
        async with connected(served) as connection:
            first = codex_of(connection, CallLog(store=stored.append), workspace)
            call = first.call_tool("codex", {"prompt": "build"}, {CALL_ID_META: "c1"})
            abandoned = asyncio.create_task(call)
            await served.model.wait_for_request(1)
            # As if the process was killed.
            first.interrupts_turns = False
            abandoned.cancel()
        async with connected(served) as connection:
            for snapshot in stored:  # whatever was stored last, the task is not started again
                second = codex_of(connection, CallLog(parse_calls(snapshot)), workspace)
                going_on = asyncio.create_task(
                    second.call_tool("codex", {"prompt": "build"}, {CALL_ID_META: "c1"})
                )
                await asyncio.sleep(0)
                gate.set()
                result = await going_on
                assert result.structured_content["content"] == "Built once."
            answer = await connection.call("codex-threads", {"all": True})
    assert len(answer["threads"]) == 1  # type: ignore[arg-type]
    assert len(served.model.requests) == 1
    assert len(stored) == 2


async def test_a_reused_call_id_is_another_call(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("build", Say("Built.")).on("paint", Say("Painted."))
    async with (
        serving(codex_binary, scratch, script) as served,
        connected(served) as connection,
        asyncio.timeout(60),
    ):
        codex = codex_of(connection, CallLog(), workspace)
        for prompt, said in (("build", "Built."), ("paint", "Painted.")):
            result = await codex.call_tool("codex", {"prompt": prompt}, {CALL_ID_META: "c1"})
            assert result.structured_content["content"] == said


async def test_a_cancelled_call_interrupts_its_turn(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("build", Say("Never said.", gate=asyncio.Event()))
    async with (
        serving(codex_binary, scratch, script) as served,
        connected(served) as connection,
        served.console() as console,
        asyncio.timeout(60),
    ):
        codex = codex_of(connection, CallLog(), workspace)
        call = asyncio.create_task(codex.call_tool("codex", {"prompt": "build"}))
        started = await console.event(ev.TurnStarted)
        await served.model.wait_for_request(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await console.state(started.thread_id, ThreadState.INTERRUPTED)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"config": {"sandbox_mode": "danger-full-access"}}, "config is fixed"),
        ({"profile": "mine"}, "profile is fixed"),
        ({"cwd": ".."}, "cwd must be in"),
        ({"cwd": "/"}, "cwd must be in"),
    ],
)
async def test_a_model_cannot_widen_the_settings_of_its_role(
    codex_binary: Path, scratch: Path, workspace: Path, asked: dict[str, Any], message: str
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, connected(served) as connection:
        codex = codex_of(connection, CallLog(), workspace)
        result = await codex.call_tool("codex", {"prompt": "build", **asked})
    assert result.is_error
    assert message in result.content[0].text
    assert not served.model.requests


async def test_the_sandbox_of_the_role_overrides_the_requested_one(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("build", Say("Built."))
    async with serving(codex_binary, scratch, script) as served, connected(served) as connection:
        codex = codex_of(connection, CallLog(), workspace, sandbox="read-only")
        asked = {"prompt": "build", "sandbox": "danger-full-access", "approval-policy": "never"}
        async with asyncio.timeout(60):
            await codex.call_tool("codex", asked)
        (thread,) = connection.threads.values()
    assert (thread.sandbox, thread.approval_policy) == ("read-only", "on-request")


async def test_a_reply_to_a_thread_of_another_client_is_refused(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, connected(served) as connection:
        foreign = await connection.call("codex-start", {"cwd": str(workspace), "handle": "mine"})
        codex = codex_of(connection, CallLog(), workspace)
        for thread in ("mine", foreign["thread"]["thread_id"], "no-such-thread"):  # type: ignore[index]
            result = await codex.call_tool("codex-reply", {"threadId": thread, "prompt": "hi"})
            assert result.is_error
    assert not served.model.requests


async def test_a_failed_turn_is_an_error_for_the_model(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("build", Fail(400, "out of order"))
    async with serving(codex_binary, scratch, script) as served, connected(served) as connection:
        codex = codex_of(connection, CallLog(), workspace)
        async with asyncio.timeout(60):
            result = await codex.call_tool("codex", {"prompt": "build"})
    assert result.is_error
    assert "failed" in result.content[0].text


async def test_a_script_uses_the_shared_server_with_one_line(
    codex_binary: Path, scratch: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(scratch))
    monkeypatch.chdir(workspace)
    (scratch / "codextui").mkdir(mode=0o700)
    model = AgentModel(
        [
            [function_call("codex", {"prompt": "build", "sandbox": "read-only"}, call_id="c1")],
            [assistant_message("Done.")],
        ]
    )
    script = Script().on("build", Say("Built."))
    place = {"socket": scratch / "codextui" / "mine.sock", "name": "mine"}
    async with serving(codex_binary, scratch, script, **place) as served, asyncio.timeout(60):
        async with CodexServer("Codex", server="mine") as codex:
            assert [tool.name for tool in await codex.list_tools()] == ["codex", "codex-reply"]
            agent = Agent(name="Developer", model=model, mcp_servers=[codex])
            result = await Runner.run(agent, "Go.", run_config=QUIET)
        async with served.console() as console:
            (thread,) = (await console.call("codex-threads"))["threads"]
    assert result.final_output == "Done."
    assert (thread["cwd"], thread["sandbox"]) == (str(workspace), "read-only")


@asynccontextmanager
async def own_server(
    binary: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, script: Script
) -> AsyncIterator[Served]:
    """The shared server that a `CodexServer(server="mine")` finds."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(scratch))
    (scratch / "codextui").mkdir(mode=0o700)
    place = {"socket": scratch / "codextui" / "mine.sock", "name": "mine"}
    async with serving(binary, scratch, script, **place) as served, asyncio.timeout(60):
        yield served


async def test_hooks_show_the_agents_of_a_script_with_their_threads(
    codex_binary: Path, scratch: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script().on("build", Say("Built."))
    call = function_call("codex", {"prompt": "build", "sandbox": "read-only"}, call_id="c1")
    hand_off = function_call("transfer_to_front_end", {}, call_id="h1")
    boss = AgentModel([[assistant_message("You build it."), hand_off]])
    worker = AgentModel([[call], [assistant_message("Done.")]])
    async with (
        own_server(codex_binary, scratch, monkeypatch, script) as served,
        served.console() as console,
        CodexServer("Codex", server="mine", cwd=workspace) as codex,
    ):
        builder = Agent(name="Front End", model=worker, mcp_servers=[codex])
        planner = Agent(name="Boss", model=boss, handoffs=[builder])
        await Runner.run(planner, "Go.", run_config=QUIET, hooks=codex.hooks("my team"))
        listed = (await console.call("codex-threads"))["threads"]
        rows = {row.handle: row for row in map(ThreadInfo.from_json, listed)}
        for name in ("boss", "front-end", "my-team"):
            await console.state(rows[name].thread_id, ThreadState.DONE)
        asked = {"thread": "front-end", "action": RoleAction.MESSAGE, "text": "hi"}
        with pytest.raises(ServerRefused, match="is over"):
            await console.call("codex-role", **asked)
    assert set(rows) == {"my-team", "boss", "front-end", "front-end-codex"}
    assert rows["front-end-codex"].parent == rows["front-end"].thread_id
    assert rows["front-end"].parent == rows["boss"].parent == rows["my-team"].thread_id
    handed_off = [ev.HandedOff("boss", "front-end")]
    for name in ("boss", "my-team"):
        assert console.messages(rows[name].thread_id, ev.HandedOff) == handed_off
    items = [one.item for one in console.messages(rows["front-end"].thread_id, ev.ItemCompleted)]
    assert [item["type"] for item in items] == ["userMessage", "mcpToolCall", "agentMessage"]
    assert items[1]["server"] == "codex"
    completed = console.messages(rows["my-team"].thread_id, ev.TurnCompleted)
    used = rows["my-team"].usage
    assert completed == [ev.TurnCompleted("Done.", used)]


async def test_leaving_the_server_during_a_run_leaves_nothing_running(
    codex_binary: Path, scratch: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script().on("build", Say("Never said.", gate=asyncio.Event()))
    model = AgentModel([[function_call("codex", {"prompt": "build"}, call_id="c1")]])
    async with (
        own_server(codex_binary, scratch, monkeypatch, script) as served,
        served.console() as console,
    ):
        async with CodexServer("Codex", server="mine", cwd=workspace) as codex:
            agent = Agent(name="Worker", model=model, mcp_servers=[codex])
            hooks = codex.hooks("team")
            running = asyncio.create_task(Runner.run(agent, "Go.", run_config=QUIET, hooks=hooks))
            await served.model.wait_for_request(1)
            row = await console.event(ev.ThreadChanged, lambda e: e.msg.thread.handle == "worker")
            await console.call("codex-role", thread="worker", action="pause")
            warned = await console.event(ev.Warned, lambda e: e.thread_id == row.thread_id)
            assert warned.msg.message.startswith("pause:")  # type: ignore[union-attr] # as asked for
        await console.state(row.thread_id, ThreadState.INTERRUPTED)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        listed = (await console.call("codex-threads"))["threads"]
    assert {row["state"] for row in listed} == {"interrupted"}
    assert len(listed) == 3
