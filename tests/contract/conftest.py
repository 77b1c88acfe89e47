"""The real Codex for contract tests: its binary, a home of its own, a workspace, a plain exchange.

CODEXTUI_TEST_CODEX names the binaries to test with, separated as in PATH: paths, or versions of
tests/codex_versions.json. Without it the bundled one is tested.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from codex_versions import named_codex
from contract.codex_schema import CodexSchema
from contract.other_program import SharedCodex, serving_on, shared_codex
from contract.serving import Served

from codextui.codex.endpoint import AppServerEndpoint
from codextui.demo import (
    Script,
    ScriptedModel,
    codex_environment,
    scratch_codex_home,
    write_codex_home,
)

CONFIGURED = [name for name in os.environ.get("CODEXTUI_TEST_CODEX", "").split(os.pathsep) if name]
PATIENCE_S = 60


@pytest.fixture(params=CONFIGURED or ["bundled"], ids=str)
def codex_binary(request: pytest.FixtureRequest) -> Path:
    if request.param != "bundled":
        return named_codex(request.param)
    try:
        import codex_cli_bin  # noqa: PLC0415 - it may not be installed
    except ImportError:
        pytest.fail("No Codex to test with: pip install -e '.[dev]' or set CODEXTUI_TEST_CODEX.")
    return Path(codex_cli_bin.bundled_codex_path())


@pytest.fixture(autouse=True)
def calls_fit_the_schema(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail the test if a call that Codex took has parameters which its schema does not have.

    Codex ignores what it does not know. What an `Exchange` sends is not looked at.
    """
    if "codex_binary" not in request.fixturenames:
        yield
        return
    binary: Path = request.getfixturevalue("codex_binary")
    made: list[tuple[str, str]] = []
    call_app = AppServerEndpoint.call

    async def call(endpoint: AppServerEndpoint, method: str, params: Any, **options: Any) -> Any:
        result = await call_app(endpoint, method, params, **options)
        made.append((method, json.dumps(params)))
        return result

    monkeypatch.setattr(AppServerEndpoint, "call", call)
    yield
    schema = CodexSchema.generate(binary)
    problems = [
        f"{method}: {problem}"
        for method, params in dict.fromkeys(made)
        for problem in schema.call_problems(method, json.loads(params))
    ]
    assert not problems


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder outside the temp folder, where the sandbox would let everything write."""
    folder = scratch_codex_home()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def codex_home(scratch: Path) -> Path:
    """Where a CODEX_HOME may be written."""
    return scratch / "home"


@pytest.fixture
def workspace(scratch: Path) -> Path:
    """An empty folder for a thread's cwd."""
    folder = scratch / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
async def codex(
    codex_binary: Path, scratch: Path, script: Script, workspace: Path
) -> AsyncIterator[SharedCodex]:
    """A Codex that another program has started, with the module's `script`."""
    async with shared_codex(codex_binary, scratch, script) as codex:
        yield codex


@pytest.fixture
async def served(codex: SharedCodex, codex_binary: Path, scratch: Path) -> AsyncIterator[Served]:
    """A server of ours that has joined `codex`."""
    async with serving_on(codex, codex_binary, scratch) as served:
        yield served


class Exchange:
    """A bare JSON-lines exchange with `codex app-server`, for tests of what Codex itself does."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.messages: list[dict[str, Any]] = []
        self._came = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self._last_id = 0

    @classmethod
    async def start(cls, binary: Path, home: Path) -> Exchange:
        process = await asyncio.create_subprocess_exec(
            binary,
            "app-server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=64 * 1024 * 1024,
            env=codex_environment(home),
        )
        exchange = cls(process)
        capabilities = {"experimentalApi": True}
        client = {"name": "codextui_tests", "title": "codextui tests", "version": "1"}
        await exchange.call("initialize", clientInfo=client, capabilities=capabilities)
        exchange.send({"method": "initialized"})
        return exchange

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._came:
                self.messages.append(json.loads(line))
                self._came.notify_all()

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def wait_for(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that fits, of those that came and those to come."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            seen = 0
            while True:
                for message in self.messages[seen:]:
                    if fits(message):
                        return message
                seen = len(self.messages)
                await self._came.wait()

    async def call(self, method: str, **params: Any) -> Any:
        self._last_id += 1
        number = self._last_id
        self.send({"id": number, "method": method, "params": params})
        reply = await self.wait_for(lambda m: m.get("id") == number and "method" not in m)
        assert "error" not in reply, f"{method}: {reply}"
        return reply["result"]

    async def heard(
        self, method: str, thread: str = "", turn: str = "", item: str = ""
    ) -> dict[str, Any]:
        """The params of the first notification or request of that method.

        Where given, it must be of that thread, that turn and that kind of item.
        """

        def fits(message: dict[str, Any]) -> bool:
            params = message.get("params", {})
            return (
                message.get("method") == method
                and thread in ("", params.get("threadId"))
                and turn in ("", params.get("turnId"), params.get("turn", {}).get("id"))
                and item in ("", params.get("item", {}).get("type"))
            )

        message = await self.wait_for(fits)
        return {**message["params"], "requestId": message.get("id")}

    async def start_thread(self, cwd: Path, **options: Any) -> str:
        """A thread that may write in its cwd and asks for the rest, if not told otherwise."""
        defaults = {"sandbox": "workspace-write", "approvalPolicy": "on-request"}
        params = {**defaults, "cwd": str(cwd), **options}
        return str((await self.call("thread/start", **params))["thread"]["id"])

    async def start_turn(self, thread: str, prompt: str) -> str:
        asked = [{"type": "text", "text": prompt}]
        return str((await self.call("turn/start", threadId=thread, input=asked))["turn"]["id"])

    async def finished(self, thread: str, turn: str) -> dict[str, Any]:
        """The turn as `turn/completed` tells it."""
        params = await self.heard("turn/completed", thread, turn)
        return dict(params["turn"])

    def items(self, thread: str, kind: str) -> list[dict[str, Any]]:
        """The completed items of a kind, in order."""
        completed = [
            message["params"]
            for message in self.messages
            if message.get("method") == "item/completed"
        ]
        return [
            params["item"]
            for params in completed
            if params["threadId"] == thread and params["item"]["type"] == kind
        ]

    def text(self, thread: str) -> str:
        """What the model said to the user so far, by the deltas."""
        return "".join(
            message["params"]["delta"]
            for message in self.messages
            if message.get("method") == "item/agentMessage/delta"
            and message["params"]["threadId"] == thread
        )

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(60):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reader


StartExchange = Callable[[ScriptedModel], Awaitable[Exchange]]


@pytest.fixture
async def start_exchange(codex_binary: Path, codex_home: Path) -> AsyncIterator[StartExchange]:
    """Starts `codex app-server` with a scripted model; it is stopped at the end of the test."""
    started: list[Exchange] = []

    async def start(model: ScriptedModel) -> Exchange:
        write_codex_home(codex_home, model.base_url)
        exchange = await Exchange.start(codex_binary, codex_home)
        started.append(exchange)
        return exchange

    yield start
    for exchange in started:
        await exchange.stop()
