"""Many threads of another program on one app-server: until they are listed, and what they cost."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from benchmarks.conftest import Figures
from contract.conftest import codex_binary, scratch, workspace
from contract.other_program import OtherProgram, SharedCodex, shared_codex
from contract.serving import Console, ServerProcess

from codextui.demo import Say, Script, codex_environment
from codextui.protocol import events as ev
from codextui.server.options import ServerOptions

__all__ = ["codex_binary", "scratch", "workspace"]
pytestmark = pytest.mark.benchmark

LISTED = 200
LIVE = 20
WORDS = 300


def server_of(codex: SharedCodex, binary: Path, scratch: Path) -> ServerProcess:
    """A server in a process of its own, which joins the app-server."""
    runtime, state = scratch / "codextui", scratch / "state" / "codextui"
    for folder in (runtime, state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (runtime / "config.toml").write_text(
        f"[codex]\nbinary = {json.dumps(str(binary))}\nhome = {json.dumps(str(scratch / 'home'))}\n"
        f"attach = {json.dumps(codex.address)}\n"
    )
    places = {"XDG_RUNTIME_DIR": str(scratch), "XDG_STATE_HOME": str(scratch / "state")}
    options = ServerOptions(
        name="t",
        socket=runtime / "t.sock",
        lock=runtime / "t.lock",
        journal=state / "t.sqlite",
    )
    env = {**codex_environment(scratch / "home"), **places}
    return ServerProcess(options, codex.model, env)


def memory_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


async def run_turns(program: OtherProgram, threads: list[str], prompt: str) -> None:
    await asyncio.gather(*(program.run(thread, prompt) for thread in threads))


async def until_listed(console: Console, count: int) -> None:
    seen: set[str] = set()

    def is_last(event: ev.Event) -> bool:
        seen.add(event.thread_id)
        return len(seen) == count

    await console.event(ev.ThreadChanged, is_last)


async def test_two_hundred_threads_are_listed_and_twenty_are_live(
    codex_binary: Path, scratch: Path, workspace: Path, figures: Figures
):
    script = Script()
    for turn in ("first", "together", "alone"):
        script.on(turn, Say("word " * (WORDS if turn != "first" else 1)))
    async with shared_codex(codex_binary, scratch, script) as codex:
        program = await codex.program()
        threads = [await program.start_thread(workspace) for _ in range(LISTED)]
        live = threads[:LIVE]
        # Codex 0.163 takes 25 ms to read a thread that never had a turn, and 1 ms for any other.
        for at in range(0, LISTED, LIVE):
            await run_turns(program, threads[at : at + LIVE], "first")
        began = time.perf_counter()
        await run_turns(program, live, "alone")
        unwatched_s = time.perf_counter() - began
        served = server_of(codex, codex_binary, scratch)
        began = time.perf_counter()
        await served.start()
        try:
            async with served.console() as console:
                await until_listed(console, LISTED)
                listed_s = time.perf_counter() - began
                listed_mib = memory_mib(served.process.pid)
                began = time.perf_counter()
                for thread in live:
                    await console.call("codex-follow", thread=thread, follow=True)
                follow_ms = (time.perf_counter() - began) * 1000 / LIVE
                began = time.perf_counter()
                ended: set[str] = set()
                seen = len(console.updates)
                await run_turns(program, live, "together")

                def is_last(event: ev.Event) -> bool:
                    ended.add(event.thread_id)
                    return len(ended) == LIVE

                await console.event(ev.TurnCompleted, is_last, after=seen)
                watched_s = time.perf_counter() - began
                live_mib = memory_mib(served.process.pid)
                said = {len(console.said(thread).split()) for thread in live}
                description = await console.call("codex-server")
        finally:
            await served.stop()
    assert said == {WORDS}
    assert description["codex"]["following"] == LIVE
    figures(f"{LISTED} threads of another program, start → listed", f"{listed_s:.2f} s", "≤ 3 s")
    figures("  the server's memory", f"{listed_mib} MiB", "≤ 150 MiB")
    figures("  following one, with its history", f"{follow_ms:.0f} ms", "≤ 50 ms")
    ratio = watched_s / unwatched_s
    figures(f"  {LIVE} turns that are followed ÷ not followed", f"{ratio:.2f}", "≤ 1.5")
    figures("  the server's memory then", f"{live_mib} MiB", "≤ 200 MiB")
    assert listed_mib < 400
    assert live_mib < 500
