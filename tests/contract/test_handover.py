"""Threads that another process has loaded, with the real Codex."""

from __future__ import annotations

import asyncio
import json
import shlex
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from contract.conftest import Exchange
from contract.other_program import serving_on, shared_codex
from contract.serving import Served, ServerProcess, answer_of, server_process, serving, until

from codextui.codex.writer_lock import HolderKind, find_holder, lock_path
from codextui.demo import Say, Script
from codextui.errors import ServerRefused, ThreadHeld
from codextui.protocol import events as ev

SCRIPT = Script().on("more", Say("More.")).on("begin", Say("Long ago."))


@asynccontextmanager
async def holding(binary: Path, home: Path, workspace: Path) -> AsyncIterator[tuple[Exchange, str]]:
    """Another program with a thread of one turn; yields the thread's id."""
    other = await Exchange.start(binary, home)
    try:
        started = await other.call("thread/start", cwd=str(workspace))
        thread_id = started["thread"]["id"]
        text = [{"type": "text", "text": "begin"}]
        await other.call("turn/start", threadId=thread_id, input=text)
        await other.heard("turn/completed")
        yield other, thread_id
    finally:
        await other.stop()


async def codex_is_up(served: Served) -> None:
    """Wait for the server's Codex: two that make the files of a new home at once may fail."""
    async with served.console() as console:
        while not (await console.call("codex-server"))["codex"]["home"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def codextui(served: ServerProcess, *arguments: str) -> tuple[int, str, str]:
    process = await start_command(served, *arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def start_command(served: ServerProcess, *arguments: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "codextui", arguments[0], "-L", served.options.name)
    return await asyncio.create_subprocess_exec(
        *command, *arguments[1:], stdout=-1, stderr=-1, env=served.env
    )


async def test_the_holder_of_a_thread_is_found_and_gone_when_it_lets_go(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, SCRIPT) as served:
        home = served.options.codex_home
        assert home is not None
        await codex_is_up(served)
        async with holding(codex_binary, home, workspace) as (other, thread_id):
            assert lock_path(home, thread_id).exists()
            holder = find_holder(home, thread_id)
            assert holder is not None
            assert holder.pid == other.process.pid
            assert holder.kind is HolderKind.CLIENT
            assert holder.command[-1] == "app-server"
            assert holder.cwd == str(Path.cwd())
        await until(lambda: find_holder(home, thread_id) is None)


async def test_the_server_names_who_has_a_thread_and_the_way_to_it(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, SCRIPT) as served, served.console() as console:
        home = served.options.codex_home
        assert home is not None
        await codex_is_up(served)
        async with holding(codex_binary, home, workspace) as (other, thread_id):
            for tool in ("codex-resume", "codex-adopt"):
                with pytest.raises(ThreadHeld) as refusal:
                    await console.call(tool, thread=thread_id)
                told = str(refusal.value)
                assert f"codex app-server (pid {other.process.pid})" in told
                assert f"`codextui adopt {thread_id}`" in told
            assert (await console.call("codex-threads"))["threads"] == []


async def test_a_thread_of_the_server_that_another_process_has_taken_is_named(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, SCRIPT) as served, served.client() as client:
        first = await client.call("codex", prompt="begin", cwd=str(workspace))
        thread_id = first["structuredContent"]["threadId"]
    home = served.options.codex_home
    assert home is not None
    other = await Exchange.start(codex_binary, home)
    try:
        await other.call("thread/resume", threadId=thread_id)
        async with serving(codex_binary, scratch, SCRIPT) as served, served.console() as console:
            with pytest.raises(ThreadHeld, match=f"pid {other.process.pid}"):
                await console.call("codex-send", thread=thread_id, prompt="more")
    finally:
        await other.stop()


async def test_adopt_waits_until_the_other_program_lets_go(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with server_process(codex_binary, scratch, SCRIPT) as served:
        home = scratch / "home"
        await codex_is_up(served)
        async with holding(codex_binary, home, workspace) as (other, thread_id):
            code, out, err = await codextui(served, "adopt", thread_id, "--no-wait")
            assert (code, out) == (1, "")
            assert f"codex app-server (pid {other.process.pid})" in err
            code, out, err = await codextui(served, "adopt", thread_id, "--timeout", "0.5")
            assert (code, out) == (1, "")
            assert "was not let go within 0.5 seconds" in err
            adopting = await start_command(served, "adopt", "--json", thread_id)
            assert adopting.stderr is not None
            note = (await adopting.stderr.readline()).decode()
            assert f"(pid {other.process.pid})" in note
            assert "Waiting until it lets go" in note
        out_bytes, _ = await adopting.communicate()
        assert adopting.returncode == 0
        thread = json.loads(out_bytes)["thread"]
        assert (thread["thread_id"], thread["ours"]) == (thread_id, True)
        code, out, err = await codextui(served, "read", thread_id)
        assert "Long ago." in out
        code, out, err = await codextui(served, "reply", thread_id, "more", "--wait")
        assert (code, "More." in out) == (0, True), err
        holder = find_holder(home, thread_id)
        assert holder is not None
        assert holder.kind is HolderKind.CODEXTUI or "serve" in holder.started_by


async def test_a_thread_that_nobody_has_is_adopted_at_once(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, SCRIPT) as served, served.console() as console:
        home = served.options.codex_home
        assert home is not None
        await codex_is_up(served)
        async with holding(codex_binary, home, workspace) as (_, thread_id):
            pass
        await until(lambda: find_holder(home, thread_id) is None)
        adopted: dict[str, Any] = (await console.call("codex-adopt", thread=thread_id))["thread"]
        assert adopted["thread_id"] == thread_id
        again = (await console.call("codex-adopt", thread=adopted["handle"]))["thread"]
        assert again == adopted
        (only,) = (await console.call("codex-threads", thread=adopted["handle"]))["threads"]
        assert only == adopted


async def test_a_thread_of_another_program_on_the_same_codex_becomes_ours(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        shared_codex(codex_binary, scratch, SCRIPT) as codex,
        serving_on(codex, codex_binary, scratch) as served,
        served.console() as console,
    ):
        program = await codex.program()
        thread_id = await program.start_thread(workspace)
        await console.event(ev.ThreadChanged, lambda e: e.thread_id == thread_id)
        with pytest.raises(ServerRefused, match="has no turn yet"):
            await console.call("codex-adopt", thread=thread_id)
        await program.run(thread_id, "begin")
        adopted = (await console.call("codex-adopt", thread=thread_id))["thread"]
        assert (adopted["ours"], adopted["followed"]) == (True, True)
        assert adopted["client"] == "console"
        read = await console.call("codex-read", thread=thread_id)
        assert "Long ago." in str(read["events"])
        await console.call("codex-send", thread=thread_id, prompt="more")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "More.")
        await console.call("codex-kill", thread=thread_id)
        with closing(sqlite3.connect(served.options.journal)) as database:
            (stored,) = database.execute("SELECT count(*) FROM events").fetchone()
        assert stored > 0


async def test_the_printed_command_names_the_codex_the_address_and_the_home(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with server_process(codex_binary, scratch, SCRIPT) as served:
        await codex_is_up(served)
        for prompt in ((), ("begin", "--wait")):
            handle = "one" if prompt else "none"
            arguments = (*prompt, "--handle", handle, "-C", str(workspace))
            code, out, err = await codextui(served, "new", *arguments)
            assert code == 0, err
        code, out, err = await codextui(served, "open", "none", "--print")
        assert (code, "none has no turn yet" in err) == (1, True)
        code, out, err = await codextui(served, "open", "one", "--print")
        assert code == 0, err
        words = shlex.split(out)
        assert words[:4] == ["cd", str(workspace), "&&", "env"]
        assert words[4] == f"CODEX_HOME={scratch / 'home'}"
        assert words[6] == "--remote"
        assert words[7].startswith("unix:///")
        assert words[8] == "resume"
