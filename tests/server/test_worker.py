from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from contract.serving import PATIENCE_S

from codextui.codex import connector
from codextui.codex.app_server import AppServerHandlers
from codextui.codex.binary import CodexBinary
from codextui.codex.connector import CodexSettings
from codextui.errors import CodexDied, CodexLoginMissing, CodexMissing
from codextui.server import worker
from codextui.server.worker import CodexWorker


async def test_an_unexpected_error_is_reported_and_codex_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = iter([RuntimeError("what is this?"), CodexMissing("install it")])

    def fail(_: Path | None) -> CodexBinary:
        raise next(errors)

    monkeypatch.setattr(connector, "find_codex", fail)
    codex = CodexWorker(CodexSettings())
    running = asyncio.create_task(codex.run(Mock()))
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(CodexDied, match="what is this"):
            await codex.app()
        assert "what is this" in codex.problem
        with pytest.raises(CodexMissing):
            await codex.app()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class FakeApp:
    """A process that runs until `die`."""

    version, pid, is_joined = "0.163.0", 7, False

    def __init__(self, on_exit: Callable[[str], None]) -> None:
        self.has_ended = False
        self.on_exit = on_exit

    async def stop(self) -> None:
        self.has_ended = True


class Processes:
    """Takes the place of `AppServer`, and remembers what it started."""

    def __init__(self) -> None:
        self.started: list[FakeApp] = []

    async def start(self, _: CodexBinary, handlers: AppServerHandlers, **__: Any) -> FakeApp:
        self.started.append(FakeApp(handlers.on_exit))
        return self.started[-1]


@pytest.fixture
async def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    async def read_config_problem(_: object) -> str:
        return ""

    made = Processes()
    monkeypatch.setattr(worker, "read_config_problem", read_config_problem)
    binary = CodexBinary(Path("/codex"), (0, 163, 0), "config")
    monkeypatch.setattr(connector, "AppServer", made)
    monkeypatch.setattr(connector, "find_codex", lambda _: binary)
    return made


@asynccontextmanager
async def running(*, delay_s: float = 0.0) -> AsyncIterator[CodexWorker]:
    codex = CodexWorker(CodexSettings())
    task = asyncio.create_task(codex.run(Mock(), delay_s=delay_s))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield codex
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_nobody_gets_a_process_before_its_login_is_known(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def read_login_problem(*_: object, **__: object) -> str:
        asked.set()
        await answered.wait()
        return "Codex is not logged in. Type: codex login"

    monkeypatch.setattr(worker, "read_login_problem", read_login_problem)
    async with running() as codex:
        await asked.wait()
        waiting = asyncio.create_task(codex.app())
        await asyncio.sleep(0)
        assert not waiting.done()
        answered.set()
        with pytest.raises(CodexLoginMissing, match="codex login"):
            await codex.require_login(await waiting)


async def test_a_delayed_process_is_started_when_it_is_needed(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_login_problem(*_: object, **__: object) -> str:
        return ""

    monkeypatch.setattr(worker, "read_login_problem", read_login_problem)
    async with running(delay_s=3600) as codex:
        for _ in range(10):
            await asyncio.sleep(0)
        assert processes.started == []
        assert [await codex.app()] == processes.started


async def test_a_process_that_has_ended_is_given_to_nobody(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_login_problem(*_: object, **__: object) -> str:
        return ""

    monkeypatch.setattr(worker, "read_login_problem", read_login_problem)
    async with running() as codex:
        first: Any = await codex.app()
        first.has_ended = True  # what it left is still being killed
        waiting = asyncio.create_task(codex.app())
        await asyncio.sleep(0)
        assert not waiting.done()
        first.on_exit("killed")
        second: Any = await waiting
        assert processes.started == [first, second]


async def test_a_call_is_made_again_of_the_next_process_once(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_login_problem(*_: object, **__: object) -> str:
        return ""

    async def die(app: Any) -> str:
        app.has_ended = True
        app.on_exit("killed")
        raise CodexDied("killed")

    async def die_once(app: Any) -> str:
        return "done" if len(processes.started) > 1 else await die(app)

    monkeypatch.setattr(worker, "read_login_problem", read_login_problem)
    async with running() as codex:
        assert await codex.call(die_once) == "done"
        with pytest.raises(CodexDied):
            await codex.call(die)
