"""Threads on the shared server, with the real Codex."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from contract.serving import Console, answer_of, serving, until

from codextui.demo import Run, Say, Script
from codextui.errors import ApprovalGone, ServerRefused, ThreadUnknown, TurnNotRunning
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract

SLEEP = "touch pid; exec sleep 1000"


async def start(console: Console, workspace: Path, prompt: str, **more: object) -> str:
    arguments = {"prompt": prompt, "cwd": str(workspace), "sandbox": "workspace-write", **more}
    return str((await console.call("codex-start", **arguments))["thread"]["thread_id"])


async def command_runs(workspace: Path) -> None:
    await until((workspace / "pid").exists)


def sleeping() -> list[str]:
    """Return the command lines of the sleeping processes; a sandbox has pids of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if entry.name.isdigit() and line.strip() == "sleep 1000":
            found.append(entry.name)
    return found


async def test_a_reply_continues_the_thread(codex_binary: Path, scratch: Path, workspace: Path):
    script = Script().on("again", Say("Second."), repeat=True).on("begin", Say("First."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        first = await client.call("codex", prompt="begin", cwd=str(workspace))
        thread_id = first["structuredContent"]["threadId"]
        for key in ("threadId", "conversationId"):
            reply = await client.call("codex-reply", **{key: thread_id, "prompt": "again"})
            assert reply["structuredContent"] == {"threadId": thread_id, "content": "Second."}
        assert served.model.requests_of(thread_id)[1].user_texts[-2:] == ("begin", "again")


async def test_a_message_to_a_running_turn_steers_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script()
    script.on("turn left", Say("I turned."))
    script.on("walk", Say("I walk on", gate=gate))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "walk", handle="walker")
        await console.event(ev.TextDelta)
        sent = await console.call("codex-send", thread="walker", prompt="turn left")
        assert sent["steered"] is True
        gate.set()  # an older Codex takes a steer up when the model has finished its sentence
        end = await console.event(ev.TurnCompleted)
        assert end.turn_id == sent["turnId"]
        assert answer_of(end) == "I turned."
        assert served.model.requests_of(thread_id)[1].last_user_text == "turn left"
        with pytest.raises(TurnNotRunning):
            await console.call("codex-steer", thread="walker", prompt="too late")


async def test_both_calls_on_one_turn_get_its_result(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script()
    script.on("turn left", Say("I turned."), repeat=True)
    script.on("walk", Say("I walk on", gate=gate))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        first = client.begin_tool("codex", prompt="walk", cwd=str(workspace))
        thread_id = (await console.event(ev.TextDelta)).thread_id
        second = client.begin_tool("codex-reply", threadId=thread_id, prompt="turn left")
        await client.call("codex-steer", thread=thread_id, prompt="keep going")
        gate.set()
        for number in (first, second):
            result = (await client.reply(number))["result"]
            assert result["structuredContent"]["content"] == "I turned."


async def test_a_fork_has_the_history_and_goes_its_own_way(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script()
    script.on("other way", Say("Forked."))
    script.on("two", Say("Second."))
    script.on("one", Say("First."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "one", handle="source")
        first_turn = (await console.event(ev.TurnCompleted)).turn_id
        await console.call("codex-send", thread="source", prompt="two")
        await console.event(ev.TurnCompleted, lambda e: e.turn_id != first_turn)
        now = (await console.call("codex-fork", thread="source"))["thread"]
        early = await console.call(
            "codex-fork", thread="source", turn=first_turn, prompt="other way", handle="early"
        )
        assert now["handle"] == "source-fork"
        assert now["forked_from"] == early["thread"]["forked_from"] == thread_id
        assert now["sandbox"] == "workspace-write"
        again = (await console.call("codex-fork", thread="source-fork"))["thread"]
        assert (again["handle"], again["forked_from"]) == ("source-fork-fork", now["thread_id"])
        early_id = early["thread"]["thread_id"]
        await console.state(early_id, ThreadState.RUNNING)
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "Forked.")
        texts = {
            forked: [
                str(item.item.get("text"))
                for item in console.messages(forked, ev.ItemCompleted)
                if item.item["type"] == "agentMessage"
            ]
            for forked in (now["thread_id"], early_id)
        }
        assert texts == {now["thread_id"]: ["First.", "Second."], early_id: ["First.", "Forked."]}
        assert served.model.requests_of(early_id)[0].user_texts[-2:] == ("one", "other way")
        assert len(console.messages(thread_id, ev.TurnCompleted)) == 2


async def test_an_interrupt_ends_the_process_of_the_command(
    codex_binary: Path, scratch: Path, workspace: Path
):
    before = sleeping()
    script = Script().on("sleep", Run(SLEEP), Say("Awake."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "sleep")
        await command_runs(workspace)
        await until(lambda: bool(set(sleeping()) - set(before)))
        result = await console.call("codex-interrupt", thread=thread_id)
        assert result["thread"]["state"] == "interrupted"
        await gone(before)
        (aborted,) = console.messages(thread_id, ev.TurnAborted)
        assert aborted.reason == "interrupted"
        with pytest.raises(TurnNotRunning):
            await console.call("codex-interrupt", thread=thread_id)


async def gone(before: list[str]) -> None:
    """Wait until the kernel has removed the killed process."""
    await until(lambda: not set(sleeping()) - set(before))


async def test_a_killed_thread_stays_killed_until_it_is_resumed(
    codex_binary: Path, scratch: Path, workspace: Path
):
    before = sleeping()
    script = Script().on("still there", Say("Yes.")).on("sleep", Run(SLEEP), Say("Awake."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "sleep", handle="sleeper")
        await command_runs(workspace)
        killed = (await console.call("codex-kill", thread="sleeper"))["thread"]
        assert killed["state"] == "killed"
        await gone(before)
        (aborted,) = console.messages(thread_id, ev.TurnAborted)
        assert aborted.reason == "killed"
        with pytest.raises(ServerRefused, match="killed"):
            await console.call("codex-send", thread="sleeper", prompt="still there?")
        assert (await console.call("codex-threads"))["threads"] == []
        assert len((await console.call("codex-threads", all=True))["threads"]) == 1
        resumed = (await console.call("codex-resume", thread="sleeper"))["thread"]
        assert (resumed["state"], resumed["handle"]) == ("idle", "sleeper")
        assert resumed["sandbox"] == "workspace-write"
        await console.call("codex-send", thread="sleeper", prompt="still there?")
        end = await console.event(ev.TurnCompleted)
        assert answer_of(end) == "Yes."


async def test_killing_a_thread_withdraws_its_approvals(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "leave", **{"approval-policy": "on-request"})
        approval = await console.offered()
        await console.call("codex-kill", thread=thread_id)
        await console.withdrawn(approval.approval_id)
        (resolved,) = console.messages(thread_id, ev.ApprovalResolved)
        assert resolved.outcome == "withdrawn"
        assert (await console.call("codex-approvals"))["approvals"] == []
        assert not outside.exists()


async def test_handles_are_unique_and_name_their_thread(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        handles = []
        for wanted, numbered in (
            ("backend", False),
            ("backend", True),
            ("", False),
            ("Prüfer", True),
        ):
            started = await console.call(
                "codex-start", handle=wanted, numbered=numbered, cwd=str(workspace)
            )
            handles.append(started["thread"]["handle"])
        assert handles == ["backend", "backend-2", "codex-1", "Prüfer"]
        for tool, more in (
            ("codex-start", {"cwd": str(workspace)}),
            ("codex-rename", {"thread": "codex-1"}),
            ("codex-fork", {"thread": "codex-1"}),
            ("codex-review", {"cwd": str(workspace)}),
        ):
            with pytest.raises(ServerRefused, match="'backend' is taken by a thread") as refused:
                await console.call(tool, handle="backend", **more)
            assert started["thread"]["cwd"] in str(refused.value)
        assert len((await console.call("codex-threads"))["threads"]) == 4
        renamed = await console.call("codex-rename", thread="codex-1", handle="codex-1")
        assert renamed["thread"]["handle"] == "codex-1"
        for tool, more in (("codex-start", {}), ("codex-rename", {"thread": "backend"})):
            with pytest.raises(ServerRefused, match="not ' '"):
                await console.call(tool, handle="a b/[c]", **more)
        with pytest.raises(ThreadUnknown, match="nobody"):
            await console.call("codex-send", thread="nobody", prompt="hello")


async def test_a_thread_of_codexs_history_can_be_imported(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("more", Say("More.")).on("begin", Say("Long ago."))
    async with serving(codex_binary, scratch, script) as served, served.client() as client:
        first = await client.call("codex", prompt="begin", cwd=str(workspace))
        thread_id = first["structuredContent"]["threadId"]
    for left in scratch.glob("s.sqlite*"):
        left.unlink()
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        assert (await console.call("codex-threads"))["threads"] == []
        await console.call("codex-resume", thread=thread_id)
        read = await console.call("codex-read", thread=thread_id)
        assert "Long ago." in str(read["events"])
        await console.call("codex-send", thread=thread_id, prompt="more")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "More.")


async def test_invalid_arguments_are_refused_by_name(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, Script()) as served, served.client() as client:
        bad = await client.call("codex", model="gpt-5.5")
        assert bad["isError"]
        assert "prompt" in bad["content"][0]["text"]
        bad = await client.call("codex", prompt="x", sandbox="none")
        assert "sandbox" in bad["content"][0]["text"]
        bad = await client.call("codex-reply", prompt="x", threadId="unknown-thread")
        assert "unknown-thread" in bad["content"][0]["text"]
        assert (await client.call("codex-nothing"))["isError"]


async def test_a_thread_without_a_turn_can_be_killed_but_not_forked(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        await console.call("codex-start", handle="empty", cwd=str(workspace))
        with pytest.raises(ServerRefused, match="no turn has begun"):
            await console.call("codex-fork", thread="empty")
        killed = (await console.call("codex-kill", thread="empty"))["thread"]
        assert killed["state"] == "killed"


async def test_an_interrupt_ends_a_turn_that_waits_for_a_person(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "leave", **{"approval-policy": "on-request"})
        approval = await console.offered()
        result = await console.call("codex-interrupt", thread=thread_id)
        assert result["thread"]["state"] == "interrupted"
        assert result["thread"]["waits_for"] == ""
        await console.withdrawn(approval.approval_id)
        with pytest.raises(ApprovalGone):
            await console.connection.answer(approval.approval_id, Approved())
        assert not outside.exists()
