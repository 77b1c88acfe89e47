"""Codex's own daemon: started where Codex would, joined, and never ended by us."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.serving import Console, Served, answer_of, serving

from codextui.codex.binary import find_codex
from codextui.codex.daemon import Daemon, DaemonLimits
from codextui.config.attach import AUTO, Attach, AttachKind
from codextui.demo import Say, Script, codex_environment, write_codex_home
from codextui.errors import CodexUnreachable
from codextui.protocol import events as ev

pytestmark = [pytest.mark.contract, pytest.mark.slow]

PATIENCE_S = 120
DAEMON = Attach(AttachKind.DAEMON)


def processes(home: Path) -> list[int]:
    """Return the ids of the daemon and of its updater."""
    found = []
    for path in (home / "app-server-daemon").glob("*.pid"):
        with suppress(OSError, ValueError, KeyError):
            pid = int(json.loads(path.read_text())["pid"])
            os.kill(pid, 0)
            found.append(pid)
    return found


async def run(binary: Path, home: Path, *arguments: str) -> str:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        binary,
        *arguments,
        stdin=quiet,
        stdout=asyncio.subprocess.PIPE,
        stderr=quiet,
        env={**codex_environment(home), "CODEX_HOME": str(home)},
    )
    async with asyncio.timeout(PATIENCE_S):
        output, _ = await process.communicate()
    return output.decode()


@asynccontextmanager
async def clean(binary: Path, home: Path) -> AsyncIterator[None]:
    """Leave neither the daemon, nor its updater, nor the copy of the binary."""
    try:
        yield
    finally:
        await run(binary, home, "app-server", "daemon", "stop")
        for pid in processes(home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(shutil.rmtree, home / "packages", ignore_errors=True)


def enable(home: Path, base_url: str) -> None:
    """Let Codex start its daemon, as it does for its users."""
    config = write_codex_home(home, base_url) / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("daemon_auto_start = false", "daemon_auto_start = true"))


@asynccontextmanager
async def attached(
    binary: Path, scratch: Path, script: Script, attach: Attach
) -> AsyncIterator[Served]:
    async with serving(binary, scratch, script) as served:
        await served.stop()
        enable(scratch / "home", served.model.base_url)
        again = Served(replace(served.options, attach=attach), served.model)
        await again.start()
        try:
            yield again
        finally:
            await again.stop()


async def about(console: Console) -> dict[str, Any]:
    return dict((await console.call("codex-server"))["codex"])


async def say(console: Console, workspace: Path, prompt: str) -> str:
    seen = len(console.updates)
    result = await console.call("codex-start", prompt=prompt, cwd=str(workspace))
    thread_id = str(result["thread"]["thread_id"])
    end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread_id, after=seen)
    return answer_of(end)


async def test_the_daemon_is_started_joined_left_and_joined_again(
    codex_binary: Path, scratch: Path, workspace: Path
):
    home = scratch / "home"
    script = Script().on("hello", Say("Hello."), repeat=True)
    async with clean(codex_binary, home):
        async with (
            attached(codex_binary, scratch, script, AUTO) as served,
            served.console() as console,
        ):
            await console.event(ev.CodexReady)
            if not await _starts_daemons(codex_binary, home):
                assert (await about(console))["attach"] == "own"
                pytest.skip("this Codex starts no daemon by itself")
            assert await say(console, workspace, "hello") == "Hello."
            first = await about(console)
            assert first["attach"] == "daemon"
            assert first["address"].endswith("/app-server-control.sock")
            assert first["home"] == str(home)
            assert first["pid"] in (0, *processes(home))

            # An update or a restart: it is back, with another process.
            lost = len(console.updates)
            restarted = asyncio.create_task(
                run(codex_binary, home, "app-server", "daemon", "restart")
            )
            await console.event(ev.CodexLost, after=lost)
            await console.event(ev.CodexReady, after=lost)
            await restarted
            assert await say(console, workspace, "hello") == "Hello."
            second = await about(console)
            assert second["attach"] == "daemon"
            assert second["pid"] != first["pid"]

            # A crash: it is started again, as Codex would.
            lost = len(console.updates)
            os.kill(second["pid"], signal.SIGKILL)
            await console.event(ev.CodexReady, after=lost)
            assert await say(console, workspace, "hello") == "Hello."
            third = await about(console)
            assert (third["attach"], third["pid"] != second["pid"]) == ("daemon", True)
        assert third["pid"] in processes(home)  # it outlives the server

        async with (
            attached(codex_binary, scratch, script, DAEMON) as served,
            served.console() as console,
        ):
            assert await say(console, workspace, "hello") == "Hello."
            assert (await about(console))["pid"] == third["pid"]


async def said(console: Console, words: str, after: int = 0) -> None:
    """Wait for a notice."""
    await console.event(ev.Warned, lambda e: words in str(e.msg), after=after)


async def send(console: Console, thread_id: str, prompt: str) -> str:
    seen = len(console.updates)
    await console.call("codex-send", thread=thread_id, prompt=prompt)
    end = await console.event(ev.TurnCompleted, lambda e: e.thread_id == thread_id, after=seen)
    return answer_of(end)


async def test_a_daemon_that_appears_is_joined_once_nothing_goes_on(
    codex_binary: Path, scratch: Path, workspace: Path
):
    home, gate = scratch / "home", asyncio.Event()
    script = Script().on("talk", Say("It goes on.", gate=gate))
    script.on("hello", Say("Hello."), repeat=True)
    async with (
        clean(codex_binary, home),
        serving(codex_binary, scratch, script, attach=AUTO) as served,
        served.console() as console,
    ):
        started = await console.call("codex-start", prompt="talk", cwd=str(workspace))
        thread_id = str(started["thread"]["thread_id"])
        await console.event(ev.TextDelta)
        own = await about(console)
        assert (own["attach"], own["daemon"]) == ("own", "")
        await run(codex_binary, home, "app-server", "daemon", "start")
        if not processes(home):
            pytest.skip("this Codex has no daemon")
        await said(console, "Codex's daemon runs now")
        busy = await about(console)
        assert (busy["attach"], busy["pid"]) == ("own", own["pid"])
        assert busy["daemon"] == "runs, and is joined once nothing goes on here"

        gate.set()
        assert answer_of(await console.event(ev.TurnCompleted)) == "It goes on."
        await said(console, "has moved from its own Codex")
        moved = await about(console)
        assert (moved["attach"], moved["daemon"]) == ("daemon", "")
        with pytest.raises(ProcessLookupError):
            os.kill(own["pid"], 0)
        assert await send(console, thread_id, "hello") == "Hello."
        assert not console.messages(thread_id, ev.TurnAborted)


async def test_a_daemon_that_was_stopped_is_not_started_again_by_us(
    codex_binary: Path, scratch: Path, workspace: Path
):
    home = scratch / "home"
    script = Script().on("hello", Say("Hello."), repeat=True)
    async with (
        clean(codex_binary, home),
        attached(codex_binary, scratch, script, AUTO) as served,
        served.console() as console,
    ):
        await console.event(ev.CodexReady)
        if (await about(console))["attach"] != "daemon":
            pytest.skip("this Codex starts no daemon by itself")
        started = await console.call("codex-start", prompt="hello", cwd=str(workspace))
        thread_id = str(started["thread"]["thread_id"])
        await console.event(ev.TurnCompleted)
        seen = len(console.updates)
        await run(codex_binary, home, "app-server", "daemon", "stop")
        await said(console, "Codex's daemon was stopped", after=seen)
        await console.event(ev.CodexReady, after=seen)
        assert await send(console, thread_id, "hello") == "Hello."
        own = await about(console)
        assert own["attach"] == "own"
        assert own["daemon"] == "was stopped, and is joined when it runs again"
        assert not (home / "app-server-daemon" / "daemon.pid").exists()

        # Nor when our own Codex ends.
        seen = len(console.updates)
        os.kill(own["pid"], signal.SIGKILL)
        await console.event(ev.CodexReady, after=seen)
        assert (await about(console))["attach"] == "own"

        seen = len(console.updates)
        await run(codex_binary, home, "app-server", "daemon", "start")
        await said(console, "has moved from its own Codex", after=seen)
        assert await send(console, thread_id, "hello") == "Hello."
        assert (await about(console))["attach"] == "daemon"


async def _starts_daemons(binary: Path, home: Path) -> bool:
    daemon = Daemon(home, codex_environment(home))
    return await daemon.would_start(await asyncio.to_thread(find_codex, binary))


async def test_the_users_configuration_and_a_missing_home_are_respected(
    codex_binary: Path, codex_home: Path
):
    binary = await asyncio.to_thread(find_codex, codex_binary)
    daemon = Daemon(codex_home, codex_environment(codex_home), DaemonLimits(start_s=PATIENCE_S))
    assert not await daemon.would_start(binary)  # there is no such folder
    with pytest.raises(CodexUnreachable, match=r"Codex cannot start its daemon: .*CODEX_HOME"):
        await daemon.start(binary)
    write_codex_home(codex_home, "http://127.0.0.1:9")  # which turns it off
    assert not await daemon.would_start(binary)
    assert processes(codex_home) == []
