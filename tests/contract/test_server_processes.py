"""Nothing that an agent starts outlives it, wherever it went, and nothing else is ended."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from contract.serving import Console, server_process, serving, until

from codextui.demo import Run, Say, Script, write_codex_home
from codextui.protocol import events as ev
from codextui.protocol.decisions import Aborted, Approved
from codextui.protocol.threads import MARK_VARIABLE

pytestmark = pytest.mark.contract

SLEEP = "sleep 4242"
DOUBLE_FORK = """
import os
os.fork() and os._exit(0)
os.setsid()
os.fork() and os._exit(0)
os.execvp("sleep", ["sleep", "4242"])
"""
ESCAPES = {
    "setsid": f"setsid {SLEEP} >/dev/null 2>&1 &",
    "setsid in a subshell": f"(setsid -f nohup {SLEEP} >/dev/null 2>&1 &);",
    "double fork": f"{sys.executable} -c {shlex.quote(DOUBLE_FORK)} >/dev/null 2>&1 &",
}


def sleepers(folder: Path) -> list[int]:
    """Return the living sleeps that were started in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if line.strip() == SLEEP and (path / "cwd").readlink() == folder:
                found.append(int(path.name))
        except OSError:
            continue
    return found


async def start_escaping(
    console: Console, workspace: Path, *, prompt: str = "escape", escalate: bool = False
) -> str:
    """Start a turn whose command leaves a process behind and goes on; return its thread."""
    before = len(sleepers(workspace))
    how = {"sandbox": "danger-full-access", "approval-policy": "never"}
    if escalate:
        how = {"sandbox": "workspace-write", "approval-policy": "on-request"}
    started = await console.call("codex-start", prompt=prompt, cwd=str(workspace), **how)
    if escalate:
        approval = await console.offered()
        await console.connection.answer(approval.approval_id, Approved())
    await until(lambda: len(sleepers(workspace)) > before)
    return str(started["thread"]["thread_id"])


def escaping(command: str, *, escalate: bool = False) -> Script:
    """Return a script whose turn goes on for a minute after the command has left a process."""
    run = Run(f"{command} sleep 60", escalate=escalate, yield_ms=60_000)
    plain = Run(f"{command} sleep 60", yield_ms=60_000)
    return Script().on("escape", run, Say("Done.")).on("again", plain, Say("Done."))


@asynccontextmanager
async def bystanders(workspace: Path) -> AsyncIterator[list[int]]:
    """Processes that look like an agent's: a user's own, and those of other servers."""
    marks: list[dict[str, str]] = [
        {},
        {MARK_VARIABLE: ""},
        {MARK_VARIABLE: "0123456789abcdef.1.1.00"},
        {"CODEX_THREAD_ID": "01a222ae-5def-7b62-8471-93486d024a96"},
    ]
    folder = workspace.parent
    processes = [
        await asyncio.create_subprocess_exec(
            *SLEEP.split(), cwd=folder, env={**os.environ, **mark}, start_new_session=True
        )
        for mark in marks
    ]
    try:
        yield [process.pid for process in processes]
        assert [process.returncode for process in processes] == [None] * len(marks)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize("escalate", [False, True], ids=["unsandboxed", "escalated"])
@pytest.mark.parametrize("escape", ESCAPES)
async def test_interrupt_and_kill_end_what_the_thread_started_and_nothing_else(
    codex_binary: Path, scratch: Path, workspace: Path, escape: str, escalate: bool
):
    script = escaping(ESCAPES[escape], escalate=escalate)
    async with (
        bystanders(workspace),
        serving(codex_binary, scratch, script) as served,
        served.console() as console,
    ):
        thread_id = await start_escaping(console, workspace, escalate=escalate)
        other_folder = scratch / "other"
        other_folder.mkdir()
        other = await start_escaping(console, other_folder, prompt="again")
        await console.call("codex-interrupt", thread=thread_id)
        assert not sleepers(workspace)
        assert sleepers(other_folder)
        await console.call("codex-kill", thread=other)
        assert not sleepers(other_folder)


async def test_killing_a_thread_ends_what_its_finished_turns_have_left(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on("escape", Run(ESCAPES["setsid"]), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start_escaping(console, workspace)
        await console.event(ev.TurnCompleted)
        assert sleepers(workspace)
        await console.call("codex-kill", thread=thread_id)
        assert not sleepers(workspace)


async def test_an_abort_ends_what_the_turn_has_started(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = Script().on(
        "escape",
        Run(ESCAPES["setsid"], escalate=True),
        Run("touch /nowhere/at/all", escalate=True),
        Say("Done."),
    )
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        await start_escaping(console, workspace, escalate=True)
        second = await console.offered(2)
        await console.connection.answer(second.approval_id, Aborted())
        await until(lambda: not sleepers(workspace))


@pytest.mark.parametrize("escalate", [False, True], ids=["unsandboxed", "escalated"])
@pytest.mark.parametrize("escape", ESCAPES)
async def test_the_end_of_the_server_ends_what_its_agents_started(
    codex_binary: Path, scratch: Path, workspace: Path, escape: str, escalate: bool
):
    script = escaping(ESCAPES[escape], escalate=escalate)
    async with bystanders(workspace), server_process(codex_binary, scratch, script) as served:
        async with served.console() as console:
            await start_escaping(console, workspace, escalate=escalate)
        await served.stop()
        assert not sleepers(workspace)


@pytest.mark.parametrize("escalate", [False, True], ids=["unsandboxed", "escalated"])
@pytest.mark.parametrize("escape", ESCAPES)
async def test_the_next_server_ends_what_the_agents_of_a_killed_one_started(
    codex_binary: Path, scratch: Path, workspace: Path, escape: str, escalate: bool
):
    script = escaping(ESCAPES[escape], escalate=escalate)
    async with bystanders(workspace), server_process(codex_binary, scratch, script) as served:
        async with served.console() as console:
            await start_escaping(console, workspace, escalate=escalate)
        await served.kill()
        await served.start()
        await until(lambda: not sleepers(workspace))


async def test_another_server_leaves_alone_what_a_living_or_crashed_one_has_started(
    codex_binary: Path, scratch: Path, workspace: Path
):
    script = escaping(ESCAPES["setsid"])
    async with server_process(codex_binary, scratch, script, name="one") as one:
        async with one.console() as console:
            await start_escaping(console, workspace)
        async with server_process(codex_binary, scratch, script, name="two") as two:
            other_folder = scratch / "other"
            other_folder.mkdir()
            async with two.console() as console:
                await start_escaping(console, other_folder)
            await one.kill()
            await two.kill()
            await two.start()
            await until(lambda: not sleepers(other_folder))
            assert sleepers(workspace)
        await one.start()
        await until(lambda: not sleepers(workspace))


@pytest.mark.parametrize("clear", ["", "env -i "], ids=["policy", "cleared"])
async def test_commands_without_the_servers_environment_are_ended_as_well(
    codex_binary: Path, scratch: Path, workspace: Path, clear: str
):
    """Codex's `shell_environment_policy` may let commands inherit nothing; `env -i` does so."""
    script = escaping(f"PATH=/usr/bin:/bin; {clear}setsid {SLEEP} >/dev/null 2>&1 &")
    async with serving(codex_binary, scratch, script) as served:
        extra = 'shell_environment_policy.inherit = "none"\n'
        write_codex_home(scratch / "home", served.model.base_url, extra=extra)
        async with served.console() as console:
            thread_id = await start_escaping(console, workspace)
            await console.call("codex-interrupt", thread=thread_id)
            assert not sleepers(workspace)
