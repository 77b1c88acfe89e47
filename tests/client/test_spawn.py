from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer

from codextui.client import spawn
from codextui.config import paths
from codextui.config.files import FileLock
from codextui.errors import ConfigInvalid, ServerUnreachable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield


def program(code: str) -> Callable[..., subprocess.Popen[bytes]]:
    """Stands in for the server's program: writes to the log as that does."""

    def start(_name: str, _config: object, log: Path, _env: object) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", code], stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        started.append(process)
        return process

    return start


started: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def reaped() -> Iterator[None]:
    yield
    for process in started:
        process.kill()
        process.wait()
    started.clear()


def listen_after(seconds: float) -> str:
    path = str(paths.socket_path("default"))
    return (
        "import socket, time\n"
        f"time.sleep({seconds})\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        f"s.bind({path!r})\n"
        "s.listen()\n"
        "time.sleep(60)\n"
    )


async def test_a_running_server_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "_start", program("raise SystemExit"))
    async with FakeServer(paths.socket_path("default")):
        assert await spawn.ensure_server("default") == paths.socket_path("default")
        assert await spawn.find_server("default") == paths.socket_path("default")
    assert started == []


async def test_a_server_is_started_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "_start", program(listen_after(0.2)))
    assert await spawn.ensure_server("default") == paths.socket_path("default")
    assert len(started) == 1


async def test_a_socket_that_nobody_listens_on_is_no_server() -> None:
    async with FakeServer(paths.socket_path("default")):
        pass
    with pytest.raises(ServerUnreachable, match="no server 'default' is running"):
        await spawn.find_server("default")


async def test_a_server_that_fails_shows_the_last_lines_of_this_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths.log_path("default").write_text("an old line\n")
    code = "for n in range(9): print('line', n)\nraise SystemExit(2)"
    monkeypatch.setattr(spawn, "_start", program(code))
    with pytest.raises(ServerUnreachable) as caught:
        await spawn.ensure_server("default")
    said = str(caught.value)
    assert "line 8" in said
    assert "line 0" not in said
    assert "an old line" not in said
    assert "codextui serve -L default" in said


async def test_a_server_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn, "_start", program("import time; time.sleep(60)"))
    with pytest.raises(ServerUnreachable, match="did not start"):
        await spawn.ensure_server("default", timeout_s=0.3)


async def test_a_new_server_is_started_when_another_one_took_the_name_and_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = iter([program(""), program(""), program(listen_after(0))])

    def start_next(*arguments: Any) -> subprocess.Popen[bytes]:
        return next(programs)(*arguments)

    monkeypatch.setattr(spawn, "_start", start_next)
    path = await spawn.ensure_server("default", restart_pause_s=0.05)
    assert path == paths.socket_path("default")
    assert len(started) == 3


async def test_a_long_log_is_renamed_before_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    log = paths.log_path("default")
    log.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    monkeypatch.setattr(spawn, "_start", program(listen_after(0)))
    await spawn.ensure_server("default")
    assert log.stat().st_size == 0
    assert log.with_name("default.log.1").stat().st_size > 4 * 1024 * 1024


async def test_waiting_for_a_server_s_end_waits_for_its_lock() -> None:
    lock = paths.lock_path("default")
    await spawn.wait_until_gone("default")
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    waiting = asyncio.create_task(spawn.wait_until_gone("default"))
    await asyncio.sleep(0)
    with pytest.raises(ServerUnreachable, match="still runs"):
        await spawn.wait_until_gone("default", timeout_s=0.2)
    assert not waiting.done()
    os.close(held)
    async with asyncio.timeout(60):
        await waiting


async def test_a_server_that_starts_or_ends_is_waited_for() -> None:
    assert not await spawn.wait_until_settled("default")
    lock = FileLock(paths.lock_path("default"))
    assert lock.acquire()
    starting = asyncio.create_task(spawn.wait_until_settled("default"))
    with pytest.raises(ServerUnreachable, match="neither listens nor ends"):
        await spawn.wait_until_settled("default", timeout_s=0.2)
    assert not starting.done()
    async with asyncio.timeout(60), FakeServer(paths.socket_path("default")):
        assert await starting
    ending = asyncio.create_task(spawn.wait_until_settled("default"))
    await asyncio.sleep(0)
    lock.release()
    async with asyncio.timeout(60):
        assert not await ending


async def test_a_bad_name_starts_nothing() -> None:
    with pytest.raises(ConfigInvalid):
        await spawn.ensure_server("../evil")


async def test_a_log_that_cannot_be_written_is_named() -> None:
    log = paths.log_path("default")
    log.mkdir()  # as a read-only folder would refuse it, also where root runs the tests
    with pytest.raises(ServerUnreachable, match=rf"{log} cannot be written: Is a directory"):
        await spawn.ensure_server("default")


async def test_a_server_that_could_not_even_log_blames_a_full_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spawn, "_start", program("raise SystemExit(1)"))
    monkeypatch.setattr(spawn, "is_disk_full", lambda _: True)
    with pytest.raises(ServerUnreachable, match="its disk is full"):
        await spawn.ensure_server("default")
