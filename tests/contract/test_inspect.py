"""The frames of both protocols while a real Codex works, and the command that prints them."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.http_clients import stock_client
from contract.serving import PATIENCE_S, Console, server_process, serving

from codextui.client.capture import read_capture
from codextui.config.address import HttpAddress
from codextui.console.model.frames import Entry, FrameLog, Outcome, parse_filter
from codextui.demo import Run, Say, Script
from codextui.errors import ServerRefused, ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.extensions import INSPECT_METHOD, SUPERVISOR
from codextui.protocol.frames import APP_SERVER, MCP, Frame, FrameKind

pytestmark = pytest.mark.contract

SECRET = "sk-proj-1234567890abcdefgh"


class Inspector:
    """What an inspector has got so far."""

    def __init__(self) -> None:
        self.log = FrameLog()
        self._came = asyncio.Event()

    def take(self, frames: Sequence[Frame], lost: int) -> None:
        self.log.add(frames, lost)
        self._came.set()

    async def entry(self, fits: Callable[[Entry], bool]) -> Entry:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for entry in self.log.entries:
                    if fits(entry):
                        return entry
                self._came.clear()
                await self._came.wait()

    async def begun(self) -> None:
        """Wait until frames are watched: the first batch is empty."""
        async with asyncio.timeout(PATIENCE_S):
            await self._came.wait()

    def shown(self, text: str) -> list[Entry]:
        wanted = parse_filter(text)
        return [entry for entry in self.log.entries if wanted.fits(entry, str)]


@asynccontextmanager
async def inspecting(console: Console) -> AsyncIterator[Inspector]:
    inspector = Inspector()
    task = asyncio.create_task(console.connection.inspect(inspector.take))
    await inspector.begun()
    try:
        yield inspector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_turn_and_its_approval_in_both_protocols(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client("claude-code", elicitation={}) as client,
        inspecting(console) as inspector,
    ):
        policy = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        client.begin_tool("codex", prompt="leave", cwd=str(workspace), **policy)
        approval = await console.offered()
        thread_id = approval.thread_id

        # Codex's question, and those that it becomes, wait.
        asked = await inspector.entry(lambda e: e.method == "item/commandExecution/requestApproval")
        put = await inspector.entry(
            lambda e: e.method == "elicitation/create" and e.frame.peer == "claude-code"
        )
        put_here = await inspector.entry(
            lambda e: e.method == "elicitation/create" and e.frame.peer == "console"
        )
        call = await inspector.entry(lambda e: e.tool == "codex")
        outstanding = inspector.log.outstanding
        for entry in (asked, put, put_here, call):
            assert entry in outstanding
            assert entry.outcome is Outcome.OUTSTANDING
            assert 0 <= entry.age(time.time()) < PATIENCE_S
        assert (asked.frame.protocol, asked.frame.sent) == (APP_SERVER, False)
        assert (put.frame.protocol, put.frame.sent) == (MCP, True)
        assert asked.thread == put.thread == put_here.thread == thread_id

        await console.connection.answer(approval.approval_id, Approved())
        await console.event(ev.TurnCompleted)
        await inspector.entry(lambda e: e.partner is call)
        assert asked.outcome is Outcome.ANSWERED
        assert put_here.outcome is Outcome.ANSWERED
        assert put.outcome is Outcome.CANCELLED
        assert call.thread == thread_id

        # Every request of the turn has its answer.
        start = await inspector.entry(lambda e: e.method == "turn/start")
        assert start.partner is not None
        assert start.partner.thread == thread_id
        of_thread = inspector.shown(f"thread:{thread_id}")
        methods = {entry.method for entry in of_thread}
        assert {"thread/start", "turn/start", "turn/completed", "codex/event"} <= methods
        assert {"tools/call", "elicitation/create", "notifications/cancelled"} <= (
            methods | {e.method for e in inspector.log.entries}
        )
        assert not inspector.shown("method:codex/frames")
        assert [entry.frame.number for entry in inspector.log.entries] == list(
            range(1, inspector.log.received + 1)
        )


async def test_what_has_waited_since_before_is_seen_until_it_ends(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        served.client("claude-code", elicitation={}) as client,
    ):
        policy = {"sandbox": "workspace-write", "approval-policy": "on-request"}
        client.begin_tool("codex", prompt="leave", cwd=str(workspace), **policy)
        approval = await console.offered()
        async with inspecting(console) as inspector:
            await inspector.entry(lambda e: e.method == "elicitation/create")
            waiting = {entry.method: entry for entry in inspector.log.outstanding}
            assert set(waiting) == {
                "item/commandExecution/requestApproval",
                "elicitation/create",
                "tools/call",
            }
            asked = waiting["item/commandExecution/requestApproval"]
            assert (asked.thread, asked.frame.number) == (approval.thread_id, 0)
            assert 0 < asked.age(time.time()) < PATIENCE_S
            await console.call("codex-interrupt", thread=approval.thread_id)
            await inspector.entry(lambda e: e.partner is waiting["tools/call"])
            assert asked.outcome is not Outcome.OUTSTANDING
            assert waiting["elicitation/create"].outcome is not Outcome.OUTSTANDING
        async with inspecting(console) as later:
            await client.reply(client.begin("ping"))
            await later.entry(lambda e: e.method == "ping" and e.frame.sent)
            assert later.log.outstanding == []


async def test_the_end_of_a_client_is_told(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("wait", Run("sleep 60"), Say("Done."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        inspecting(console) as inspector,
    ):
        async with served.client("passer-by") as client:
            await client.reply(client.begin("ping"))
            client.begin("codex/subscribe")
            client.begin_tool("codex", prompt="wait", cwd=str(workspace))
            call = await inspector.entry(lambda e: e.tool == "codex")
            await client.message(lambda m: m.get("method") == "codex/caught_up")
        closed = await inspector.entry(
            lambda e: e.frame.kind is FrameKind.CLOSED and e.frame.link == call.frame.link
        )
        assert closed.frame.peer == "passer-by"
        assert call.outcome in (Outcome.CLOSED, Outcome.FAILED)


async def test_secrets_are_masked_before_they_are_sent(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("keys", Say(f"Use {SECRET} as the key."))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        inspecting(console) as inspector,
    ):
        config = {"shell_environment_policy.set.KEY": "plain-but-secret-value"}
        arguments = {"prompt": f"keys {SECRET}", "cwd": str(workspace), "config": config}
        await console.call("codex-start", **arguments)
        await console.event(ev.TurnCompleted)
        await inspector.entry(lambda e: e.method == "turn/completed")
        bodies = "\n".join(entry.frame.body for entry in inspector.log.entries)
        assert "turn/start" in bodies
        assert SECRET not in bodies
        assert "plain-but-secret-value" not in bodies
        assert "[masked]" in bodies


async def test_clients_over_http_are_seen_too(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("hello", Say("Hello yourself."))
    address = HttpAddress("127.0.0.1", 0)
    more = {"http": address, "token": scratch / "s.token"}
    async with (
        serving(codex_binary, scratch, script, **more) as served,
        served.console() as console,
        inspecting(console) as inspector,
        stock_client(served, "legacy") as client,
    ):
        await client.call_tool("codex", {"prompt": "hello", "cwd": str(workspace)})
        call = await inspector.entry(lambda e: e.tool == "codex")
        await inspector.entry(lambda e: e.partner is call)
        assert call.frame.peer.startswith("HTTP client")
        assert call.outcome is Outcome.ANSWERED


async def test_only_supervisors_on_the_socket_see_frames(codex_binary: Path, scratch: Path) -> None:
    async with serving(codex_binary, scratch, Script()) as served:
        async with served.client("curious") as client:
            reply = await client.reply(client.begin(INSPECT_METHOD))
            assert "only supervisors" in reply["error"]["message"]
        async with served.client("boss", experimental={SUPERVISOR: {}}) as client:
            number = client.begin(INSPECT_METHOD)
            first = await client.message(lambda m: m.get("method") == "codex/frames")
            assert first["params"] == {"frames": [], "lost": 0}
            client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
            assert (await client.reply(client.begin("ping")))["result"] == {}


async def test_the_end_of_the_server_is_no_refusal_and_the_next_one_is_inspected(
    codex_binary: Path, scratch: Path
) -> None:
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        inspector = Inspector()
        inspecting_it = asyncio.create_task(console.connection.inspect(inspector.take))
        await inspector.begun()
        await served.stop()
        with pytest.raises(ServerUnreachable, match="the server has ended"):
            await inspecting_it
        await served.start()
        async with inspecting(console):
            pass


async def test_a_server_that_does_not_know_it_is_told(
    codex_binary: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codextui.client.session.INSPECT_METHOD", "codex/other")
    async with serving(codex_binary, scratch, Script()) as served, served.console() as console:
        with pytest.raises(ServerRefused, match="earlier version"):
            await console.connection.inspect(lambda *_: None)


async def test_the_command_prints_saves_and_stops(
    codex_binary: Path, scratch: Path, workspace: Path
) -> None:
    script = Script().on("hello", Say("Hello yourself."))
    async with server_process(codex_binary, scratch, script) as served, served.console() as console:
        saved = scratch / "frames.jsonl"
        started = await console.call("codex-start", cwd=str(workspace), handle="greeter")
        thread_id = started["thread"]["thread_id"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "inspect", "-L", served.options.name),
            *("--json", "--thread", "greeter", "--save", str(saved)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=served.env,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            header = json.loads(await process.stdout.readline())
            assert header["codextui_capture"] == 1
            await console.call("codex-send", thread="greeter", prompt="hello")
            printed = []
            while not printed or printed[-1].get("method") != "turn/completed":
                printed.append(json.loads(await process.stdout.readline()))
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        assert process.returncode == 130
        assert {frame.get("thread", thread_id) for frame in printed} == {thread_id}
        assert "frames saved in" in err.decode()
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        capture = read_capture(saved)
        assert capture.server == served.options.name
        assert "turn/completed" in [frame.method for frame in capture.frames]
