"""The sub-agents of a real Codex: their place, their settings, their tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract.serving import serving, until

from codextui.demo import Call, Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadInfo

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
