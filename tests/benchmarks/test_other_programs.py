"""What many threads of other programs cost: until they stand there, and in memory."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import websockets
from benchmarks.conftest import Figures
from contract.other_program import OtherProgram
from e2e.codex_programs import CodexPrograms
from e2e.conftest import OpenTerminal, OurServer, ServeOn, StartPrograms

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.client.updates import CaughtUp, ConnectionUpdate, EventReceived
from codextui.config import paths
from codextui.demo import Say, Script
from codextui.protocol.events import TurnCompleted

pytestmark = pytest.mark.benchmark

LISTED = 200
LIVE = 20


def test_two_hundred_threads_of_other_programs_stand_there_and_twenty_are_live(
    start_programs: StartPrograms,
    serve_on: ServeOn,
    open_terminal: OpenTerminal,
    figures: Figures,
):
    gate = asyncio.Event()
    live = Say("alpha beta gamma omega.", gate=gate, open_deltas=2)
    script = Script().on("live", live, repeat=True).on("past", Say("Done."), repeat=True)
    programs = start_programs(script)
    programs.start_app_server()
    server = serve_on(programs)
    empty_s, empty_memory = open_console(server, open_terminal, "connected")
    empty_server = memory_of(server.process.pid)
    threads = asyncio.run(start_threads(programs))

    full_s, full_memory = open_console(server, open_terminal, f"threads  {LISTED}")
    full_server = memory_of(server.process.pid)
    followed_s = asyncio.run(follow(server, threads[-LIVE:], programs, gate))
    live_server = memory_of(server.process.pid)

    ratio = full_s / empty_s
    figures(
        f"{LISTED} threads of other programs: all there ÷ an empty console",
        f"{ratio:.2f}",
        f"≤ 1.5; empty {empty_s:.2f} s",
    )
    more = f"{full_memory - empty_memory} MiB"
    figures("  the console's memory for them", more, f"≤ 20 MiB; empty {empty_memory} MiB")
    listed, followed = full_server - empty_server, live_server - full_server
    figures(
        "  the server's memory for them", f"{listed} MiB", f"≤ 20 MiB; empty {empty_server} MiB"
    )
    figures(f"  {LIVE} live ones followed, each to its end", f"{followed_s:.2f} s", "≤ 2 s")
    figures("    the server's memory for that", f"{followed} MiB", "≤ 20 MiB")
    assert ratio < 10
    assert max(full_memory, live_server) < 600


def open_console(server: OurServer, open_terminal: OpenTerminal, shows: str) -> tuple[float, int]:
    """Seconds until a console shows something, and its memory then."""
    began = time.perf_counter()
    terminal = open_terminal("-L", server.name)
    terminal.wait_for(shows)
    seconds = time.perf_counter() - began
    memory = memory_of(terminal.process.pid)
    terminal.close()
    return seconds, memory


def memory_of(pid: int) -> int:
    """Mebibytes of a process that are in memory; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    [line] = [row for row in status.read_text().splitlines() if row.startswith("VmRSS")]
    return int(line.split()[1]) // 1024


async def start_threads(programs: CodexPrograms) -> list[str]:
    """Have another program start threads; the turns of the last ones go on."""
    socket = programs.address.removeprefix("unix://")
    connection = await websockets.unix_connect(
        socket, uri="ws://localhost/", max_size=None, compression=None
    )
    program = OtherProgram(connection)
    client = {"name": "codex-tui", "title": "", "version": "1"}
    capabilities = {"experimentalApi": True}
    await program.call("initialize", clientInfo=client, capabilities=capabilities)
    await program.send({"method": "initialized"})
    threads: list[str] = []
    for number in range(LISTED):
        thread = await program.start_thread(programs.workspace)
        threads.append(thread)
        if number < LISTED - LIVE:
            await program.run(thread, "past")
        else:
            await program.start_turn(thread, "live")
            await program.heard("item/agentMessage/delta", thread)
    await program.close()
    return threads


async def follow(
    server: OurServer, threads: Sequence[str], programs: CodexPrograms, gate: asyncio.Event
) -> float:
    """Seconds in which live threads are followed, and come to their ends."""
    caught_up, ended = asyncio.Event(), asyncio.Semaphore(0)

    def take(update: ConnectionUpdate) -> None:
        match update:
            case CaughtUp():
                caught_up.set()
            case EventReceived(event) if isinstance(event.msg, TurnCompleted):
                ended.release()

    connect = functools.partial(open_socket, paths.socket_path(server.name))
    async with (
        asyncio.timeout(60),
        Connection(connect, name="benchmark", on_update=take) as connection,
    ):
        await caught_up.wait()
        began = time.perf_counter()
        for thread in threads:
            await connection.call("codex-follow", {"thread": thread, "follow": True})
        programs.call(gate.set)
        for _ in threads:
            await ended.acquire()
        return time.perf_counter() - began
