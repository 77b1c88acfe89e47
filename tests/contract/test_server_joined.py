"""The server as a client of an app-server that others have started, with the real Codex."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.listener import Listener
from contract.serving import Console, Served, answer_of, server_process, serving, until
from contract.shared_codex import SharedCodex, joined, shared_codex

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.calls import join_thread, list_loaded
from codextui.config.attach import Attach, AttachKind
from codextui.demo import Patch, Run, Say, Script
from codextui.protocol import events as ev
from codextui.protocol.approvals import PatchAsked
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState

pytestmark = pytest.mark.contract


async def start(console: Console, workspace: Path, prompt: str, **more: object) -> str:
    arguments = {"prompt": prompt, "cwd": str(workspace), "sandbox": "workspace-write", **more}
    return str((await console.call("codex-start", **arguments))["thread"]["thread_id"])


def leaving(outside: Path) -> Script:
    script = Script()
    script.on("leave", Run(f"touch {outside}", escalate=True), Say("Done."))
    script.on("talk", Say("For ever and ever", gate=asyncio.Event()), repeat=True)
    script.on("and now", Say("I am back."), repeat=True)
    script.on("hello", Say("Hello."), repeat=True)
    return script


async def codex(console: Console) -> dict[str, Any]:
    return dict((await console.call("codex-server"))["codex"])


@asynccontextmanager
async def sharing(
    binary: Path, scratch: Path, script: Script
) -> AsyncIterator[tuple[Served, SharedCodex]]:
    """A server that joins a Codex of others, once both are up."""
    socket = scratch / "c.sock"
    attach = Attach(AttachKind.ADDRESS, f"unix://{socket}")
    async with (
        serving(binary, scratch, script, attach=attach) as served,
        shared_codex(binary, scratch / "home", socket) as other,
    ):
        async with served.console() as console:
            await console.event(ev.CodexReady)
        yield served, other


async def test_another_program_joins_our_own_codex(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("hello", Say("Hello."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await console.event(ev.CodexReady)
        ours = await codex(console)
        assert (ours["attach"], ours["home"]) == ("own", str(scratch / "home"))
        thread_id = await start(console, workspace, "hello")
        await console.event(ev.TurnCompleted)
        other = await AppServer.join(
            ours["address"],
            AppServerHandlers(lambda *_: None, lambda *_: None, lambda _: None),
        )
        assert (other.is_joined, other.version) == (True, ours["version"])
        assert other.pid in (0, ours["pid"])
        listed = await other.call("thread/list", {"sourceKinds": []})
        assert thread_id in json.dumps(listed)
        await other.stop()
        assert (await codex(console))["pid"] == ours["pid"]


async def test_a_sandboxed_command_cannot_join_the_codex_that_runs_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    """It could answer its own approvals."""
    socket = scratch / "codex" / "s.sock"
    code = (
        "import os, socket, sys; one = socket.socket(socket.AF_UNIX);"
        f"one.connect(os.path.realpath({str(socket)!r})); print('joined')"
    )
    script = Script().on("join", Run(f'{sys.executable} -c "{code}"'), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "join")
        await console.event(ev.TurnCompleted)
        assert (await codex(console))["address"] == f"unix://{socket}"
    # What the model reads: of a command that ends at once Codex may send no item (0.163).
    _, second = served.model.requests_of(thread_id)
    (output,) = (item for item in second.input if item["type"] == "function_call_output")
    assert "joined" not in str(output["output"])
    assert "Operation not permitted" in str(output["output"])


async def test_a_joined_codex_outlives_the_server_and_asks_its_people(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    async with sharing(codex_binary, scratch, leaving(outside)) as (served, other):
        async with served.console() as console:
            await console.event(ev.CodexReady)
            thread_id = await start(console, workspace, "leave")
            approval = await console.offered()
            assert approval.thread_id == thread_id
            await console.connection.answer(approval.approval_id, Approved())
            assert answer_of(await console.event(ev.TurnCompleted)) == "Done."
            assert outside.exists()
            about = await codex(console)
            assert (about["attach"], about["address"]) == ("address", other.address)
            assert about["pid"] in (0, other.process.pid)
        await served.stop()
        assert other.process.returncode is None
        async with joined(other):
            pass


async def test_a_killed_codex_loses_its_turns_and_approvals_and_is_joined_when_it_is_back(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = leaving(scratch / "outside.txt")
    async with (
        sharing(codex_binary, scratch, script) as (served, other),
        served.console() as console,
    ):
        asking = await start(console, workspace, "leave")
        talking = await start(console, workspace, "talk")
        approval = await console.offered()
        await console.event(ev.TextDelta, lambda e: e.thread_id == talking)
        await other.kill()
        await console.withdrawn(approval.approval_id)
        aborted = await console.event(ev.TurnAborted, lambda e: e.thread_id == talking)
        assert isinstance(aborted.msg, ev.TurnAborted)
        assert aborted.msg.reason == "lost"
        assert other.address in aborted.msg.message
        resolved = await console.event(ev.ApprovalResolved)
        assert resolved.msg.outcome == "lost"  # type: ignore[union-attr] # its kind was asked for
        assert "cannot be joined" in await problem(console)
        await other.start()
        for thread_id in (asking, talking):
            seen = len(console.updates)
            await console.call("codex-send", thread=thread_id, prompt="and now")
            end = await console.event(
                ev.TurnCompleted, lambda e, one=thread_id: e.thread_id == one, after=seen
            )
            assert answer_of(end) == "I am back."
        assert await problem(console, empty=True) == ""


async def problem(console: Console, *, empty: bool = False) -> str:
    """Return the server's problem, once there is one, or none."""
    while True:
        text = str((await console.call("codex-server"))["problem"])
        if empty or text:
            return text
        await asyncio.sleep(0.02)


async def test_a_killed_server_finds_its_turn_and_its_approval_again(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside = scratch / "outside.txt"
    socket = scratch / "c.sock"
    attach = f"unix://{socket}"
    async with (
        server_process(codex_binary, scratch, leaving(outside), attach=attach) as served,
        shared_codex(codex_binary, scratch / "home", socket) as other,
    ):
        async with served.console() as console:
            await console.event(ev.CodexReady)
            asking = await start(console, workspace, "leave")
            talking = await start(console, workspace, "talk")
            first = await console.offered()
            await console.event(ev.TextDelta, lambda e: e.thread_id == talking)
            await served.kill()
        await served.start()
        async with served.console("next") as console:
            await console.state(asking, ThreadState.NEEDS_INPUT)
            await console.state(talking, ThreadState.RUNNING)
            second = await console.offered()
            assert second.asked == first.asked
            await console.connection.answer(second.approval_id, Approved())
            end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == asking)
            assert answer_of(end) == "Done."
            assert outside.exists()
            kinds = [m.item["type"] for m in console.messages(asking, ev.ItemCompleted)]
            assert kinds == ["userMessage", "commandExecution", "agentMessage"]
            await console.call("codex-interrupt", thread=talking)
            await console.state(talking, ThreadState.INTERRUPTED)
        assert other.process.returncode is None


async def test_a_killed_server_shows_the_changes_of_a_patch_again(
    codex_binary: Path, scratch: Path, workspace: Path
):
    outside, socket = scratch / "outside.txt", scratch / "c.sock"
    script = Script().on("patch", Patch.add(str(outside), "all of it\n"), Say("Done."))
    async with (
        server_process(codex_binary, scratch, script, attach=f"unix://{socket}") as served,
        shared_codex(codex_binary, scratch / "home", socket),
    ):
        async with served.console() as console:
            await console.event(ev.CodexReady)
            asking = await start(console, workspace, "patch", **{"approval-policy": "on-request"})
            first = await console.offered()
            assert isinstance(first.asked, PatchAsked)
            assert first.asked.changes
            await served.kill()
        await served.start()
        async with served.console("next") as console:
            second = await console.offered()
            assert (second.thread_id, second.origin, second.asked) == (asking, "", first.asked)


async def test_a_turn_that_ended_while_the_server_was_dead_is_shown_to_its_end(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("talk", Say("It went on without us.", gate=gate))
    socket = scratch / "c.sock"
    async with (
        server_process(codex_binary, scratch, script, attach=f"unix://{socket}") as served,
        shared_codex(codex_binary, scratch / "home", socket) as other,
        joined(other) as witness,
    ):
        async with served.console() as console:
            thread_id = await start(console, workspace, "talk")
            await console.event(ev.TextDelta)
            await served.kill()
        gate.set()
        await witness.notification(
            "thread/status/changed", lambda params: params["status"] == {"type": "idle"}
        )
        await served.start()
        async with served.console("next") as console:
            end = await console.event(ev.TurnCompleted)
            assert (end.thread_id, answer_of(end)) == (thread_id, "It went on without us.")
            await console.state(thread_id, ThreadState.IDLE)
            kinds = [m.item["type"] for m in console.messages(thread_id, ev.ItemCompleted)]
            assert kinds == ["userMessage", "agentMessage"]


async def test_turns_of_another_program_while_the_server_was_away_are_shown(
    codex_binary: Path, scratch: Path, workspace: Path
):
    socket = scratch / "c.sock"
    async with (
        server_process(
            codex_binary, scratch, leaving(scratch / "out"), attach=f"unix://{socket}"
        ) as served,
        shared_codex(codex_binary, scratch / "home", socket) as other,
        joined(other) as program,
    ):
        async with served.console() as console:
            thread_id = await start(console, workspace, "hello")
            await console.event(ev.TurnCompleted)
            await join_thread(program.app, thread_id)
            await served.stop()
        for prompt in ("and now", "hello"):
            await program.ended(thread_id, await program.turn(thread_id, prompt))
        await served.start()
        async with served.console("next") as console:
            await console.event(ev.TurnCompleted, lambda event: answer_of(event) == "I am back.")
            await program.ended(thread_id, await program.turn(thread_id, "and now"))
            await console.event(
                ev.TurnCompleted,
                lambda _: len(console.messages(thread_id, ev.TurnCompleted)) == 4,
            )
            ends = console.messages(thread_id, ev.TurnCompleted)
            assert [end.last_agent_message for end in ends] == [
                "Hello.",
                "I am back.",
                "Hello.",
                "I am back.",
            ]
            assert len(console.messages(thread_id, ev.TurnStarted)) == 4
            kinds = [m.item["type"] for m in console.messages(thread_id, ev.ItemCompleted)]
            assert kinds == ["userMessage", "agentMessage"] * 4


async def test_a_review_that_has_ended_does_not_run_again_on_the_next_server(
    codex_binary: Path, scratch: Path, workspace: Path
):
    socket = scratch / "c.sock"
    script = Script().on("", Say("Nothing to mend."), repeat=True)
    async with (
        server_process(codex_binary, scratch, script, attach=f"unix://{socket}") as served,
        shared_codex(codex_binary, scratch / "home", socket),
    ):
        async with served.console() as console:
            started = await console.call("codex-review", cwd=str(workspace), instructions="All.")
            thread_id = str(started["thread"]["thread_id"])
            await console.event(ev.TurnCompleted)
            await served.stop()  # all of its journal is on the disk
        await served.start()
        async with served.console("next") as console:
            await start(console, workspace, "hello")
            await console.event(ev.TurnCompleted, lambda event: event.thread_id != thread_id)
            listed = (await console.call("codex-threads"))["threads"]
            states = {thread["thread_id"]: thread["state"] for thread in listed}
            assert states[thread_id] == "idle"


async def test_the_end_of_the_server_ends_its_own_turns_and_no_others(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = leaving(scratch / "outside.txt")
    async with (
        sharing(codex_binary, scratch, script) as (served, other),
        joined(other) as elsewhere,
    ):
        theirs = await elsewhere.thread(workspace)
        await elsewhere.turn(theirs, "talk")
        async with served.console() as console:
            ours = await start(console, workspace, "talk")
            await console.event(ev.TextDelta, lambda e: e.thread_id == ours)
            await served.stop()
        assert await status(elsewhere, theirs) == "active"
        assert await status(elsewhere, ours) == "idle"


async def status(program: Listener, thread_id: str) -> str:
    read: Any = await program.app.call("thread/read", {"threadId": thread_id})
    return str(read["thread"]["status"]["type"])


async def test_the_thread_of_another_program_that_is_shown_returns_with_its_codex(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = leaving(scratch / "outside.txt")
    async with (
        sharing(codex_binary, scratch, script) as (served, other),
        served.console() as console,
    ):
        async with joined(other) as program:
            shown = await program.thread(workspace)
            hidden = await program.thread(workspace)
            for thread in (shown, hidden):
                turn = await program.turn(thread, "hello")
                await program.ended(thread, turn)
            await console.call("codex-follow", thread=shown, follow=True)
            await console.event(ev.TurnCompleted, lambda e: e.thread_id == shown)
            await other.kill()
        seen = len(console.updates)
        await other.start()
        await console.event(ev.ThreadLeft, lambda e: e.thread_id == hidden, after=seen)
        away = await console.state(shown, ThreadState.DISCONNECTED)
        assert not away.followed
        async with joined(other) as program:
            assert await list_loaded(program.app) == frozenset()
            await join_thread(program.app, shown)
            back = await console.state(shown, ThreadState.IDLE, after=seen)
            assert (back.handle, back.ours, back.note) == (away.handle, False, "")
            await program.turn(shown, "and now")
            await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "I am back.")
        ids = [str(m.item["id"]) for m in console.messages(shown, ev.ItemCompleted)]
        assert len(ids) == len(set(ids)) == 4
        assert not console.messages(shown, ev.ThreadLeft)


async def test_two_servers_share_one_codex(codex_binary: Path, scratch: Path, workspace: Path):
    script = leaving(scratch / "outside.txt")
    places = {name: scratch / f"second.{name}" for name in ("socket", "lock", "journal")}
    async with sharing(codex_binary, scratch, script) as (one, other):
        options = replace(one.options, name="second", **places)
        two = Served(options, one.model)
        await two.start()
        async with one.console() as first, two.console() as second:
            for console in (first, second):
                thread_id = await start(console, workspace, "hello")
                end = await console.event(
                    ev.TurnCompleted, lambda e, it=thread_id: e.thread_id == it
                )
                assert answer_of(end) == "Hello."
            ours = await start(first, workspace, "talk")
            await first.event(ev.TextDelta, lambda e: e.thread_id == ours)
            await two.stop()
            assert other.process.returncode is None
            info = (await first.call("codex-threads"))["threads"]
            assert [one["state"] for one in info if one["thread_id"] == ours] == ["running"]


async def test_a_killed_server_leaves_no_codex_of_its_own_for_ever(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = leaving(scratch / "outside.txt")
    async with server_process(codex_binary, scratch, script) as served:
        async with served.console() as console:
            await console.event(ev.CodexReady)
            thread_id = await start(console, workspace, "hello")
            await console.event(ev.TurnCompleted)
            before = await codex(console)
            await served.kill()
        os.kill(before["pid"], 0)  # it listens, so it does not end by itself
        await served.start()
        async with served.console("next") as console:
            await console.call("codex-send", thread=thread_id, prompt="and now")
            await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "I am back.")
            after = await codex(console)
        assert after["address"] == before["address"]
        await until(lambda: not Path(f"/proc/{before['pid']}").exists())


async def test_a_codex_that_cannot_listen_is_used_all_the_same(
    codex_binary: Path, scratch: Path, workspace: Path
):
    (scratch / "codex").write_text("in the way of the folder")
    script = Script().on("hello", Say("Hello."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await start(console, workspace, "hello")
        await console.event(ev.TurnCompleted)
        about = await codex(console)
    assert (about["attach"], about["address"]) == ("own", "")


async def test_an_address_without_a_codex_is_a_problem_until_there_is_one(
    codex_binary: Path, scratch: Path, workspace: Path
):
    attach = Attach(AttachKind.ADDRESS, f"unix://{scratch}/c.sock")
    script = Script().on("hello", Say("Hello."))
    async with (
        serving(codex_binary, scratch, script, attach=attach) as served,
        served.console() as console,
    ):
        text = await problem(console)
        assert text == f"unix://{scratch}/c.sock cannot be joined: there is no socket"
        async with shared_codex(codex_binary, scratch / "home", scratch / "c.sock"):
            await start(console, workspace, "hello")
            await console.event(ev.TurnCompleted)
            assert await problem(console, empty=True) == ""


async def test_a_private_codex_cannot_be_joined(codex_binary: Path, scratch: Path, workspace: Path):
    script = Script().on("hello", Say("Hello."))
    async with (
        server_process(codex_binary, scratch, script, attach="private") as served,
        served.console() as console,
    ):
        await start(console, workspace, "hello")
        await console.event(ev.TurnCompleted)
        about = await codex(console)
    assert (about["attach"], about["address"]) == ("own", "")
