from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from contract.serving import PATIENCE_S, RawClient, until

from codextui.errors import ServerUnreachable
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.options import ServerOptions
from codextui.server.run import serve
from codextui.server.state import HttpState, ServerState
from codextui.server.threads.registry import ThreadRecord


async def test_a_journal_of_a_newer_release_keeps_the_server_from_starting(
    options: ServerOptions,
):
    with sqlite3.connect(options.journal) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ServerUnreachable, match=r"s\.sqlite is of a newer codextui \(version 99"):
        async with asyncio.timeout(PATIENCE_S):
            await serve(options)
    assert not options.socket.exists()


async def test_a_missing_folder_is_named_in_the_error(options: ServerOptions, folder: Path):
    gone = folder / "gone" / "s.lock"
    with pytest.raises(ServerUnreachable, match=r"s\.lock"):
        await serve(replace(options, lock=gone))
    with pytest.raises(ServerUnreachable, match=r"s\.sock"):
        await serve(replace(options, socket=folder / "gone" / "s.sock"))


PROGRAM = """
import asyncio, pathlib, sys
from codextui.server.options import ServerOptions
from codextui.server.run import serve
folder = pathlib.Path(sys.argv[1])
asyncio.run(serve(ServerOptions(
    "test", folder / "s.sock", folder / "s.lock", folder / "s.sqlite",
    codex_binary=folder / "no-codex")))
"""


async def start_process(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(folder), stderr=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_the_server_cleanly(folder: Path, number: signal.Signals):
    process = await start_process(folder)
    await until((folder / "s.sock").exists)
    process.send_signal(number)
    async with asyncio.timeout(PATIENCE_S):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert b"has ended" in errors
    assert b"Traceback" not in errors
    assert not (folder / "s.sock").exists()


@pytest.mark.slow
async def test_only_one_of_several_servers_started_at_once_stays(folder: Path):
    processes = [await start_process(folder) for _ in range(4)]
    async with asyncio.timeout(PATIENCE_S):
        waiting = {asyncio.create_task(p.communicate()): p for p in processes}
        while len(waiting) > 1:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                assert waiting.pop(task).returncode == 1
                assert b"ServerRunning: the server 'test' runs already" in task.result()[1]
    (process,) = waiting.values()
    await until((folder / "s.sock").exists)
    process.kill()
    await asyncio.wait(waiting)
    # The one that was killed has left its socket and its lock; they hold nobody up.
    again = await start_process(folder)
    reader, writer = await connect(folder)
    client = RawClient(reader, writer)
    await client.initialize("test", {})
    await client.call("codex-shutdown")
    await client.close()
    async with asyncio.timeout(PATIENCE_S):
        await again.communicate()
    assert again.returncode == 0


async def connect(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_unix_connection(folder / "s.sock")
            except OSError:
                await asyncio.sleep(0.02)


def idle_server(**parts: Any) -> Mock:
    idle = {"sessions": set(), "registry": [], "broker": Mock(approvals=()), "http": HttpState()}
    return Mock(**(idle | parts))


@pytest.mark.parametrize(
    ("changes", "origin", "is_needed"),
    [({}, "", True), ({"ours": False, "origin": "Codex TUI"}, "Codex TUI", False)],
)
def test_what_other_programs_do_does_not_keep_a_server_running(
    changes: dict[str, Any], origin: str, is_needed: bool
):
    info = ThreadInfo("t", "tui", ThreadState.RUNNING, **changes)
    approval = Approval("a1", "t", "u", "i", "tui", 1.0, CommandAsked("ls"), origin)
    for records, approvals in (([ThreadRecord(info)], ()), ([], (approval,))):
        server = idle_server(registry=records, broker=Mock(approvals=approvals))
        assert ServerState.is_needed(server) == is_needed


def test_http_that_somebody_asked_for_keeps_a_server_running():
    wanted = HttpState("http://127.0.0.1:1/mcp", is_wanted=True)
    assert not ServerState.is_needed(idle_server())
    assert ServerState.is_needed(idle_server(http=wanted))


def test_the_client_that_asks_does_not_count_as_one_that_needs_the_server():
    asking, other = Mock(), Mock()
    assert not ServerState.is_needed(idle_server(sessions={asking}), but=asking)
    assert ServerState.is_needed(idle_server(sessions={asking, other}), but=asking)
