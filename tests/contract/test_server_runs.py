"""Runs beside the real Codex, whose end or threads do not affect them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.serving import PATIENCE_S, Console, answer_of, serving
from contract.team import BACKEND, RUN, run_event, said, team_of

from codextui.config import paths
from codextui.demo import Say, Script
from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadInfo

pytestmark = pytest.mark.contract


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of sockets for the command line, with a path short enough for one."""
    with tempfile.TemporaryDirectory(prefix="ct-") as path:
        monkeypatch.setenv("XDG_RUNTIME_DIR", path)
        yield Path(path)


async def start(console: Console, workspace: Path, **more: object) -> ThreadInfo:
    answer = await console.call("codex-start", cwd=str(workspace), **more)
    return ThreadInfo.from_json(answer["thread"])


async def test_a_role_and_its_question_survive_the_end_of_codex(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("talk", Say("Never said.", gate=gate))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        team_of(served) as team,
    ):
        await team.start()
        number = team.ask()
        approval = await console.offered()
        thread = await start(console, workspace, prompt="talk")
        await console.event(ev.TurnStarted, lambda e: e.thread_id == thread.thread_id)
        pid = (await console.call("codex-server"))["codex"]["pid"]
        os.kill(pid, signal.SIGKILL)
        aborted = await console.event(ev.TurnAborted)
        assert aborted.thread_id == thread.thread_id
        await team.publish(said(BACKEND, "t1", "Still here."))
        await console.connection.answer(approval.approval_id, Approved())
        assert (await team.reply(number))["decision"] == "approved"
        await team.publish(run_event(BACKEND, "task_complete", "t1"))
        ended = await console.event(ev.TurnCompleted, lambda e: e.thread_id == BACKEND)
        assert answer_of(ended) == "Still here."
        assert console.messages(BACKEND, ev.TurnAborted) == []
        gate.set()


async def test_a_codex_thread_has_its_role_as_parent(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with (
        serving(codex_binary, scratch, Script()) as served,
        served.console() as console,
        team_of(served) as team,
    ):
        early = await start(console, workspace, parent=BACKEND)
        await team.start()
        by_handle = await start(console, workspace, parent="backend", handle="backend-codex")
        assert (early.parent, by_handle.parent) == (BACKEND, BACKEND)
        assert by_handle.handle == "backend-codex"
        with pytest.raises(ThreadUnknown):
            await start(console, workspace, parent="nobody")
        for role_or_run in (BACKEND, RUN):
            with pytest.raises(ServerRefused, match="such as codex-1 and backend-codex"):
                await console.call("codex-fork", thread=role_or_run)


async def test_killing_a_run_kills_its_codex_threads(
    codex_binary: Path, scratch: Path, workspace: Path
):
    gate = asyncio.Event()
    script = Script().on("talk", Say("Never said.", gate=gate))
    async with (
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
        team_of(served) as team,
    ):
        await team.start()
        mine = await start(console, workspace, prompt="talk", parent=BACKEND)
        other = await start(console, workspace)
        await console.event(ev.TurnStarted, lambda e: e.thread_id == mine.thread_id)
        await console.call("codex-kill", thread=RUN)
        (left,) = (await console.call("codex-threads"))["threads"]
        assert left["thread_id"] == other.thread_id
        ended = console.messages(mine.thread_id, ev.TurnAborted)
        assert [one.reason for one in ended] == ["killed"]
        gate.set()


async def test_the_next_server_restores_the_tree(
    codex_binary: Path, scratch: Path, workspace: Path
):
    async with serving(codex_binary, scratch, Script()) as served:
        async with served.console() as console, team_of(served) as team:
            await team.start()
            await start(console, workspace, parent=BACKEND)
        await served.stop()
        await served.start()
        async with served.console() as console:
            rows = (await console.call("codex-threads"))["threads"]
            tree = {one["handle"]: (one["parent"], one["state"]) for one in rows}
            assert tree == {
                "bugs": ("", "disconnected"),
                "backend": (RUN, "disconnected"),
                "tester": (RUN, "disconnected"),
                "codex-1": (BACKEND, "idle"),
            }


async def test_the_command_line_shows_a_tool_in_full_and_approves_it(
    codex_binary: Path, scratch: Path, runtime: Path
):
    assert paths.socket_path("test").is_relative_to(runtime)

    async def command(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", *arguments, "-L", "test"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await process.communicate()
        return out.decode()

    socket = paths.socket_path("test")
    async with (
        serving(codex_binary, scratch, Script(), socket=socket) as served,
        served.console() as console,
        team_of(served) as team,
    ):
        await team.start()
        number = team.ask(tool="deploy", where="live", hosts=["a", "b"])
        approval = await console.offered()
        shown = await command("approvals")
        for words in ("backend", "deploy", "ops", "live", '"b"'):
            assert words in shown
        assert "approved" in await command("approve", approval.approval_id, "--session")
        assert await team.reply(number) == {
            "decision": "approved_for_session",
            "scope": "session",
        }
        assert "tester" in await command("ps")
        await command("interrupt", "backend")
        asked = await console.event(ev.RoleRequested)
        assert (asked.thread_id, asked.msg.by) == (BACKEND, "codextui command")  # type: ignore[union-attr] # its kind was asked for
