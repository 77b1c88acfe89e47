"""The sub-agents of a real Codex: their place, their settings, their tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.serving import serving, until
from contract.test_server_processes import ESCAPES, sleepers

from codextui.demo import Call, Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadInfo, ThreadState

pytestmark = pytest.mark.contract


async def test_a_sub_agent_stands_under_its_parent_and_asks_in_its_own_name(
    codex_binary: Path, scratch: Path, workspace: Path
):
    made = scratch / "made"
    script = Script()
    script.on(
        "delegate",
        Call("spawn_agent", {"message": "do the small task"}, "multi_agent_v1"),
        Say("Delegated."),
    )
    script.on("small task", Run(f"touch {made}", escalate=True), Say("Small one done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start",
            prompt="delegate",
            cwd=str(workspace),
            handle="boss",
            model="gpt-5.1",
            sandbox="workspace-write",
            **{"approval-policy": "on-request"},
        )
        boss = started["thread"]["thread_id"]
        approval = await console.offered()
        child_id = approval.thread_id
        assert child_id != boss
        assert approval.handle.startswith("boss-")
        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted, lambda e: e.thread_id == child_id)
        await console.event(ev.TurnCompleted, lambda e: e.thread_id == boss)
        rows = {
            row["thread_id"]: ThreadInfo.from_json(row)
            for row in (await console.call("codex-threads"))["threads"]
        }
        parent, child = rows[boss], rows[child_id]
        assert (child.parent, child.forked_from) == (boss, "")
        assert (child.cwd, child.sandbox, child.approval_policy, child.model) == (
            str(workspace),
            "workspace-write",
            "on-request",
            "gpt-5.1",
        )
        assert child.brief == "do the small task"
        assert child.usage.is_call
        assert parent.usage.is_call
        # Nobody has counted the other's: both began at nothing.
        assert {one.usage for one in (parent, child)} == {
            one.codex_usage for one in (parent, child)
        }
        assert made.exists()


async def test_a_sub_agent_of_the_newer_tools_is_named_by_its_task(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script()
    script.on(
        "delegate",
        Call(
            "spawn_agent",
            {"message": "small", "task_name": "tester", "fork_turns": "none"},
            "collaboration",
        ),
        Say("Delegated."),
    )
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start",
            prompt="delegate",
            cwd=str(workspace),
            handle="boss",
            config={"features.multi_agent_v2": True},
        )
        boss = started["thread"]["thread_id"]

        def children() -> list[ThreadInfo]:
            infos = [e.msg.thread for e in console.events if isinstance(e.msg, ev.ThreadChanged)]
            return [info for info in infos if info.parent == boss and info.sandbox]

        await until(lambda: bool(children()))
        child = children()[-1]
        assert (child.handle, child.cwd, child.forked_from) == ("boss-tester", str(workspace), "")


async def test_killing_a_thread_ends_its_sub_agents_and_what_they_have_started(
    codex_binary: Path, scratch: Path, workspace: Path, caplog: pytest.LogCaptureFixture
):
    script = Script()
    script.on(
        "delegate",
        Call("spawn_agent", {"message": "small task"}, "multi_agent_v1"),
        Say("Delegated."),
    )
    run = Run(f"{ESCAPES['setsid']} sleep 60", yield_ms=60_000)
    script.on("small task", run, Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        started = await console.call(
            "codex-start",
            prompt="delegate",
            cwd=str(workspace),
            model="gpt-5.1",
            sandbox="danger-full-access",
            **{"approval-policy": "never"},
        )
        boss = started["thread"]["thread_id"]
        await console.event(ev.TurnCompleted, lambda e: e.thread_id == boss)
        await until(lambda: bool(sleepers(workspace)))
        await console.call("codex-kill", thread=boss)
        assert not sleepers(workspace)
        changed = [e.msg.thread for e in console.events if isinstance(e.msg, ev.ThreadChanged)]
        (child_id,) = {info.thread_id for info in changed} - {boss}
        await console.state(child_id, ThreadState.KILLED)
        await console.state(boss, ThreadState.KILLED)
        assert "was not archived" not in caplog.text


async def test_the_caller_of_a_thread_decides_what_its_sub_agents_ask(
    codex_binary: Path, scratch: Path, workspace: Path
):
    made = scratch / "made"
    script = Script()
    script.on(
        "delegate",
        Call("spawn_agent", {"message": "small task"}, "multi_agent_v1"),
        Run("sleep 60", yield_ms=60_000),
        Say("Delegated."),
    )
    script.on("small task", Run(f"touch {made}", escalate=True), Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.client(elicitation={}) as client,
        served.client(elicitation={}) as bystander,
    ):
        client.begin_tool(
            "codex",
            prompt="delegate",
            cwd=str(workspace),
            model="gpt-5.1",
            sandbox="workspace-write",
            **{"approval-policy": "on-request"},
        )
        asked = await client.elicited()
        assert str(made) in asked["params"]["message"]
        client.answer(asked, {"action": "accept", "content": {"decision": "approved"}})
        await until(made.exists)
        assert not bystander.all_of("elicitation/create")
