"""What the shared server survives, with the real Codex."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path

import pytest
from contract.serving import Console, Served, answer_of, serving, until

from codextui.client.updates import Disconnected
from codextui.demo import Run, Say, Script
from codextui.errors import CodexDied, CodexMissing, ServerRunning
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState
from codextui.server.options import EventLimits, ServerLimits

pytestmark = pytest.mark.contract


async def start(console: Console, workspace: Path, prompt: str, **more: object) -> str:
    arguments = {"prompt": prompt, "cwd": str(workspace), "sandbox": "workspace-write", **more}
    return str((await console.call("codex-start", **arguments))["thread"]["thread_id"])


async def test_a_console_that_connects_in_mid_stream_has_the_whole_text(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    text = "These words were streamed before. These words come after."
    script = Script().on("talk", Say(text, gate=gate, open_deltas=4))
    async with serving(codex_binary, scratch, script) as served:
        async with served.console("first") as first:
            thread_id = await start(first, workspace, "talk")
            await first.event(ev.TextDelta, lambda e: e.msg.delta.strip() == "streamed")  # type: ignore[union-attr] # its kind was asked for
        async with served.console("second") as second:
            assert second.said(thread_id) == "These words were streamed "
            gate.set()
            await second.event(ev.TurnCompleted)
            assert second.said(thread_id) == text


async def test_a_turn_survives_the_client_that_started_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("talk", Say("It went on.", gate=gate))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        async with served.client() as client:
            client.begin_tool("codex", prompt="talk", cwd=str(workspace))
            await console.event(ev.TextDelta)
        gate.set()
        end = await console.event(ev.TurnCompleted)
        assert answer_of(end) == "It went on."


async def test_a_cancelled_call_interrupts_its_turn_and_is_not_answered(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("talk", Say("For ever and ever", gate=asyncio.Event()))
    script.on("briefly", Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        number = client.begin_tool("codex", prompt="talk", cwd=str(workspace))
        thread_id = (await console.event(ev.TextDelta)).thread_id
        client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        await console.event(ev.TurnAborted)
        await console.state(thread_id, ThreadState.INTERRUPTED)
        reply = await client.call("codex-reply", prompt="briefly", threadId=thread_id)
        assert reply["structuredContent"]["content"] == "Done."
        assert not [message for message in client.messages if message.get("id") == number]


async def codex_pid(console: Console) -> int:
    return int((await console.call("codex-server"))["codex"]["pid"])


@pytest.mark.parametrize("delay_s", [None, 0.0, 0.002, 0.01, 0.05])
async def test_a_call_just_after_codex_died_waits_for_the_next_one(
    codex_binary: Path, scratch: Path, workspace: Path, delay_s: float | None
):
    script = Script().on("hello", Say("Hello.")).on("more", Say("More."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        first = await client.call("codex", prompt="hello", cwd=str(workspace))
        thread_id = first["structuredContent"]["threadId"]
        before = await codex_pid(console)
        os.kill(before, signal.SIGKILL)
        if delay_s is not None:
            await asyncio.sleep(delay_s)
        new = client.begin_tool("codex", prompt="hello", cwd=str(workspace))
        old = client.begin_tool("codex-reply", prompt="more", threadId=thread_id)
        contents = [
            (await client.reply(call))["result"]["structuredContent"]["content"]
            for call in (new, old)
        ]
        assert contents == ["Hello.", "More."]
        assert await codex_pid(console) != before


async def test_a_message_to_a_turn_that_died_with_codex_starts_the_next_one(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("talk", Say("For ever and ever", gate=asyncio.Event()))
    script.on("more", Say("More."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        lost = client.begin_tool("codex", prompt="talk", cwd=str(workspace))
        thread_id = (await console.event(ev.TextDelta)).thread_id
        os.kill(await codex_pid(console), signal.SIGKILL)
        reply = await client.call("codex-reply", prompt="more", threadId=thread_id)
        assert reply["structuredContent"]["content"] == "More."
        assert (await client.reply(lost))["result"]["isError"]


async def test_threads_are_usable_again_after_codex_is_killed(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = Script()
    script.on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    script.on("and now", Say("I am back."))
    script.on("begin", Say("I began."))
    script.on("talk", Say("For ever and ever", gate=asyncio.Event()))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        resting = await start(console, workspace, "begin")
        await console.event(ev.TurnCompleted)
        talking = await start(console, workspace, "talk")
        await console.event(ev.TextDelta, lambda e: e.thread_id == talking)
        asking = await start(console, workspace, "leave", **{"approval-policy": "on-request"})
        approval = await console.offered()
        before = len(console.updates)
        os.kill(await codex_pid(console), signal.SIGKILL)
        began = time.monotonic()
        await console.event(ev.CodexLost)
        await console.withdrawn(approval.approval_id)
        await console.event(ev.CodexReady, after=before)
        await console.call("codex-send", thread=resting, prompt="and now?")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "I am back.")
        assert time.monotonic() - began < 10
        (resolved,) = console.messages(asking, ev.ApprovalResolved)
        assert resolved.outcome == "lost"
        for thread_id in (talking, asking):
            (aborted,) = console.messages(thread_id, ev.TurnAborted)
            assert aborted.reason == "lost"
            await console.state(thread_id, ThreadState.INTERRUPTED)
        await console.call("codex-send", thread=talking, prompt="and now?")
        await console.event(
            ev.TurnCompleted,
            lambda e: e.thread_id == talking and answer_of(e) == "I am back.",
        )
        assert not outside.exists()


async def test_a_call_is_answered_when_codex_dies(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("talk", Say("For ever and ever", gate=asyncio.Event()))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client() as client,
    ):
        number = client.begin_tool("codex", prompt="talk", cwd=str(workspace))
        await console.event(ev.TextDelta)
        os.kill(await codex_pid(console), signal.SIGKILL)
        result = (await client.reply(number))["result"]
        assert result["isError"]
        assert "Codex process ended" in result["content"][0]["text"]


async def test_a_restarted_server_restores_its_threads(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    script = Script()
    script.on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    script.on("once more", Run(f"touch {outside}", escalate=True), Say("Done."))
    script.on("and now", Say("I am back."))
    script.on("begin", Say("I began."))
    script.on("dies", Say("I die."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await start(console, workspace, "begin", handle="resting")
        await start(console, workspace, "dies", handle="dead")
        for number in (1, 2):
            await until(lambda n=number: len(ends(console)) >= n)
        await console.call("codex-kill", thread="dead")
        await start(
            console, workspace, "leave", handle="asking", **{"approval-policy": "on-request"}
        )
        approval = await console.offered()
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        rows = {row["handle"]: row for row in (await console.call("codex-threads"))["threads"]}
        assert sorted(rows) == ["asking", "resting"]
        assert (rows["resting"]["state"], rows["asking"]["state"]) == ("idle", "interrupted")
        asking = rows["asking"]["thread_id"]
        (resolved,) = console.messages(asking, ev.ApprovalResolved)
        assert (resolved.approval_id, resolved.outcome) == (approval.approval_id, "lost")
        (aborted,) = console.messages(asking, ev.TurnAborted)
        assert aborted.reason == "lost"
        resting = rows["resting"]["thread_id"]
        assert "I began." in str(console.messages(resting, ev.ItemCompleted))
        first = console.messages(resting, ev.ThreadChanged)[0]
        assert first.thread.brief == "begin"
        dead = await console.call("codex-read", thread="dead")
        assert "I die." in str(dead["events"])
        await console.call("codex-send", thread="resting", prompt="and now?")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "I am back.")
        await console.call("codex-send", thread="asking", prompt="once more")
        second = await console.offered()
        assert second.approval_id != approval.approval_id
        await console.connection.answer(second.approval_id, Approved())
        await console.event(ev.TurnCompleted, lambda e: e.thread_id == asking and bool(e.turn_id))
        assert outside.exists()


def ends(console: Console) -> list[ev.Event]:
    return [e for e in console.events if isinstance(e.msg, ev.TurnCompleted)]


async def test_a_console_reconnects_to_a_restarted_server(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("begin", Say("I began."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "begin")
        await console.event(ev.TurnCompleted)
        await served.stop()
        await console.heard(Disconnected)
        before = len(console.updates)
        await served.start()
        row = await console.event(ev.ThreadChanged, after=before)
        assert row.thread_id == thread_id
        assert console.connected[-1].fresh


async def test_only_one_of_two_servers_started_at_once_stays(codex_binary: Path, scratch: Path):
    async with serving(codex_binary, scratch, Script()) as served:
        other = Served(served.options, served.model)
        await other.start()
        with pytest.raises(ServerRunning, match="runs already"):
            await other.ended()
        async with served.console() as console:
            assert (await console.call("codex-server"))["pid"] == os.getpid()


async def test_a_client_that_never_reads_is_disconnected_and_harms_nobody(
    codex_binary: Path, scratch: Path, workspace: Path
):
    limits = ServerLimits(events=EventLimits(stall_s=0.5))
    text = "x" * 3_000_000
    script = Script().on("flood", Say(text, chunk=250))
    async with (
        serving(codex_binary, scratch, script, limits=limits) as served,
        served.console() as console,
    ):
        _, writer = await asyncio.open_unix_connection(served.options.socket, limit=1024)
        about = {"name": "deaf", "version": "1"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": about}
        for message in (
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "codex/subscribe", "params": {}},
        ):
            writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await writer.drain()
        thread_id = await start(console, workspace, "flood")
        await console.event(ev.TurnCompleted)
        assert console.said(thread_id) == text
        warned = await console.event(ev.Warned, lambda e: "deaf" in str(e.msg))
        assert "has read nothing" in str(warned.msg)
        assert (await console.call("codex-server"))["clients"] == ["console"]
        writer.close()


async def test_a_missing_codex_is_reported_and_the_server_runs(scratch: Path):
    missing = scratch / "no-codex"
    async with serving(missing, scratch, Script()) as served, served.client() as client:
        failed = await client.call("codex", prompt="hello")
        assert failed["isError"]
        assert failed["structuredContent"]["error"]["kind"] == "CodexMissing"
        server = (await client.call("codex-server"))["structuredContent"]
        assert "no-codex" in server["problem"]


async def test_a_missing_login_is_reported_with_the_command(codex_binary: Path, scratch: Path):
    async with serving(codex_binary, scratch, Script()) as served:
        pass
    (scratch / "home" / "config.toml").write_text("")
    options = served.options
    again = Served(options, served.model)
    await again.start()
    try:
        async with again.console() as console:
            await console.event(ev.CodexReady)
            assert "codex login" in (await console.call("codex-server"))["problem"]
    finally:
        await again.stop()


async def test_a_broken_configuration_is_named_until_it_is_mended(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script()
    script.on("hello", Say("I can."))
    async with serving(codex_binary, scratch, script) as served:
        await served.stop()
        config = scratch / "home" / "config.toml"
        good = config.read_text()
        config.write_text('model = "gpt')
        await served.start()
        async with served.console() as console:
            await console.event(ev.CodexReady)
            problem = (await console.call("codex-server"))["problem"]
            assert f"{config}:1:13" in problem
            assert "login" not in problem
            config.write_text("sandbox_mode = 3\n")
            problem = (await console.call("codex-server"))["problem"]
            assert str(config) in problem
            assert "sandbox_mode" in problem
            config.write_text(good, encoding="utf-8-sig")  # as a Windows editor saves it
            assert (await console.call("codex-server"))["problem"] == ""
            await start(console, workspace, "hello")
            await console.event(ev.TurnCompleted)


async def test_a_codex_that_cannot_start_says_why_in_its_own_words(
    codex_binary: Path, scratch: Path, workspace: Path
):
    nowhere = scratch / "nowhere"
    async with (
        serving(codex_binary, scratch, Script(), codex_home=nowhere) as served,
        served.console() as console,
    ):
        with pytest.raises(CodexDied, match="CODEX_HOME points to") as failed:
            await start(console, workspace, "hello")
        assert str(nowhere) in str(failed.value)
        assert "unknown" not in str(failed.value)


async def test_an_idle_server_ends_and_logs_it(codex_binary: Path, scratch: Path):
    async with serving(codex_binary, scratch, Script(), idle_timeout_s=0.3) as served:
        async with served.client() as client:
            assert (await client.call("codex-threads"))["structuredContent"] == {"threads": []}
        await served.ended()
    assert "nobody was connected" in (scratch / "s.log").read_text()
    assert not served.options.socket.exists()


async def test_the_files_of_the_server_are_private_to_their_user(codex_binary: Path, scratch: Path):
    async with serving(codex_binary, scratch, Script()) as served:
        options = served.options
        assert options.log is not None
        for path in (options.socket, options.lock, options.journal, options.log):
            assert path.stat().st_mode & 0o077 == 0, path


async def test_codex_is_found_as_soon_as_it_is_installed(
    codex_binary: Path, scratch: Path, workspace: Path
):
    later = scratch / "codex"
    script = Script().on("hello", Say("Hello."))
    async with serving(later, scratch, script) as served, served.console() as console:
        with pytest.raises(CodexMissing):
            await console.call("codex-start", prompt="hello", cwd=str(workspace))
        later.symlink_to(codex_binary)
        await console.call("codex-start", prompt="hello", cwd=str(workspace))
        await console.event(ev.TurnCompleted)
        assert (await console.call("codex-server"))["problem"] == ""


@pytest.mark.parametrize("interrupted", [True, False])
async def test_an_unfinished_message_survives_a_restart(
    codex_binary: Path, scratch: Path, workspace: Path, interrupted: bool
):
    script = Script().on("begin", Say("Half of what I say", gate=asyncio.Event(), open_deltas=2))
    async with serving(codex_binary, scratch, script) as served:
        async with served.console() as console:
            thread_id = await start(console, workspace, "begin")
            await console.event(ev.TextDelta, lambda e: len(console.said(thread_id).split()) == 2)
            if interrupted:
                await console.call("codex-interrupt", thread=thread_id)
            said = console.said(thread_id)
        await served.stop()
        await served.start()
        async with served.console() as console:
            assert console.said(thread_id) == said
            (aborted,) = console.messages(thread_id, ev.TurnAborted)
            assert aborted.reason == ("interrupted" if interrupted else "lost")
