"""How turns and processes end: interrupted, stopped, killed. Nothing may be left running."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from contract.listener import PATIENCE_S, Listener, listening

from codextui.codex.calls import (
    clean_terminals,
    interrupt_turn,
    read_turns,
    resume_thread,
    start_turn,
)
from codextui.codex.notifications import translate_history
from codextui.codex.threads import ThreadOptions
from codextui.demo import Run, Say, Script, ScriptedModel
from codextui.errors import CodexDied, ThreadUnknown, TurnNotRunning
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved

pytestmark = pytest.mark.contract


async def test_interrupt_and_clean_leave_no_process(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script().on("sleep", Run("sleep 3601", yield_ms=60_000), Say("Never said."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        thread = await codex.thread(workspace)
        turn = await codex.turn(thread, "sleep")
        await running("sleep 3601", workspace)
        await interrupt_turn(codex.app, thread, turn)
        assert await codex.ended(thread, turn) == ev.TurnAborted("interrupted")
        await clean_terminals(codex.app, thread)
        await gone("sleep 3601", workspace)
        with pytest.raises(TurnNotRunning):
            await interrupt_turn(codex.app, thread, turn, timeout_s=2.0)


@pytest.mark.parametrize("escalate", [False, True], ids=["sandboxed", "outside the sandbox"])
async def test_stopping_codex_ends_its_commands_and_is_not_reported_as_a_crash(
    codex_binary: Path, codex_home: Path, workspace: Path, escalate: bool
) -> None:
    script = Script().on("sleep", _sleep(3602, escalate), Say("Never said."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        await _start_sleeping(codex, workspace, 3602, escalate)
        pid = codex.app.pid
        await codex.app.stop()
        assert not _processes("sleep 3602", workspace)
        assert not Path(f"/proc/{pid}").exists()
        assert codex.exits == []
        with pytest.raises(CodexDied):
            await start_turn(codex.app, "any", "hello", client_message_id="m2")
        assert codex.app.respond(1, {}) is False


@pytest.mark.parametrize("escalate", [False, True], ids=["sandboxed", "outside the sandbox"])
async def test_a_killed_codex_is_reported_once_and_leaves_no_process(
    codex_binary: Path, codex_home: Path, workspace: Path, escalate: bool
) -> None:
    script = Script().on("sleep", _sleep(3603, escalate), Say("Never said."))
    async with ScriptedModel(script) as model, listening(codex_binary, codex_home, model) as codex:
        await _start_sleeping(codex, workspace, 3603, escalate)
        waiting = [
            asyncio.create_task(codex.app.call("thread/list", {"limit": 1})) for _ in range(20)
        ]
        await asyncio.sleep(0)
        os.kill(codex.app.pid, signal.SIGKILL)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        reason = await codex.until(lambda: codex.exits[0] if codex.exits else None)
        assert not _processes("sleep 3603", workspace)
        assert f"codex app-server (pid {codex.app.pid}) was ended by SIGKILL" in reason
        assert "\n" not in reason
        assert all(isinstance(answer, dict | CodexDied) for answer in answers)
        with pytest.raises(CodexDied, match="SIGKILL"):
            await codex.app.call("thread/list", {})
        await codex.app.stop()
    assert len(codex.exits) == 1


async def test_after_a_crash_a_thread_goes_on_from_its_last_finished_item(
    codex_binary: Path, codex_home: Path, workspace: Path
) -> None:
    script = Script()
    script.on("start", Say("First."))
    script.on("sleep", Run("sleep 3604", yield_ms=60_000), Say("Never said."))
    script.on("go on", Say("Back again."))
    async with ScriptedModel(script) as model:
        async with listening(codex_binary, codex_home, model) as codex:
            thread = await codex.thread(workspace)
            await codex.ended(thread, await codex.turn(thread, "start"))
            lost = await codex.turn(thread, "sleep")
            await running("sleep 3604", workspace)
            os.kill(codex.app.pid, signal.SIGKILL)
            await codex.until(lambda: codex.exits or None)
        async with listening(codex_binary, codex_home, model) as codex:
            with pytest.raises(ThreadUnknown):
                await codex.turn(thread, "go on")
            options = ThreadOptions(sandbox="workspace-write")
            resumed = await resume_thread(codex.app, thread, options)
            history = translate_history(thread, await read_turns(codex.app, thread))
            turn = await codex.turn(thread, "go on")
            assert await codex.ended(thread, turn) == ev.TurnCompleted("Back again.")
    assert (resumed.thread_id, resumed.sandbox) == (thread, "workspace-write")
    assert ev.TurnCompleted("First.") in [event.msg for event in history]
    assert [e.msg for e in history if e.turn_id == lost][-1] == ev.TurnAborted("interrupted")


def _sleep(seconds: int, escalate: bool) -> Run:
    # More than one command, so that the shell does not become the sleep itself.
    return Run(f"sleep {seconds}; echo", escalate=escalate, yield_ms=60_000)


async def _start_sleeping(codex: Listener, cwd: Path, seconds: int, escalate: bool) -> None:
    await codex.turn(await codex.thread(cwd), "sleep")
    if escalate:
        codex.decide(await codex.request(), Approved())
    await running(f"sleep {seconds}", cwd)


def _processes(command: str, cwd: Path) -> list[int]:
    """Return the processes that run a command in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if line.strip() == command and (path / "cwd").readlink() == cwd:
                found.append(int(path.name))
        except OSError:
            continue
    return found


async def running(command: str, cwd: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not _processes(command, cwd):  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0.02)


async def gone(command: str, cwd: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _processes(command, cwd):  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0.02)
