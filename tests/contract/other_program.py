"""Another program on the same app-server: a raw WebSocket client beside our own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import websockets
from contract.serving import Served, until

from codextui.config.attach import Attach, AttachKind
from codextui.demo import Script, ScriptedModel, codex_environment, write_codex_home
from codextui.server.options import ServerOptions

PATIENCE_S = 60


class OtherProgram:
    """A client of an app-server that is not ours, such as Codex's own screen.

    It answers nothing by itself.
    """

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.messages: list[dict[str, Any]] = []
        self._connection = connection
        self._came = asyncio.Condition()
        self._last_id = 0
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                async with self._came:
                    self.messages.append(json.loads(frame))
                    self._came.notify_all()
        except websockets.ConnectionClosed:
            pass

    async def send(self, message: dict[str, Any]) -> None:
        await self._connection.send(json.dumps(message))

    async def wait_for(
        self, fits: Callable[[dict[str, Any]], bool], *, seen: int = 0
    ) -> dict[str, Any]:
        """The first message that fits, after those that were seen."""
        async with asyncio.timeout(PATIENCE_S), self._came:
            while True:
                for message in self.messages[seen:]:
                    if fits(message):
                        return message
                seen = len(self.messages)
                await self._came.wait()

    async def call(self, method: str, **params: Any) -> Any:
        self._last_id += 1
        number = self._last_id
        await self.send({"id": number, "method": method, "params": params})
        reply = await self.wait_for(lambda m: m.get("id") == number and "method" not in m)
        assert "error" not in reply, f"{method}: {reply}"
        return reply["result"]

    async def heard(self, method: str, thread: str = "", *, seen: int = 0) -> dict[str, Any]:
        """The first notification or request of a method, on a thread."""
        return await self.wait_for(
            lambda m: (
                m.get("method") == method and thread in ("", m.get("params", {}).get("threadId"))
            ),
            seen=seen,
        )

    async def start_thread(self, cwd: Path, **options: Any) -> str:
        defaults = {"sandbox": "workspace-write", "approvalPolicy": "on-request"}
        result = await self.call("thread/start", **{**defaults, "cwd": str(cwd), **options})
        return str(result["thread"]["id"])

    async def start_turn(self, thread: str, prompt: str) -> str:
        asked = [{"type": "text", "text": prompt}]
        return str((await self.call("turn/start", threadId=thread, input=asked))["turn"]["id"])

    async def run(self, thread: str, prompt: str) -> str:
        """Run a turn to its end."""
        turn = await self.start_turn(thread, prompt)
        await self.wait_for(
            lambda m: (
                m.get("method") == "turn/completed"
                and m["params"]["threadId"] == thread
                and m["params"]["turn"]["id"] == turn
            )
        )
        return turn

    async def asked(self, thread: str, *, seen: int = 0) -> dict[str, Any]:
        """The request for an approval on a thread."""
        return await self.wait_for(
            lambda m: (
                str(m.get("method")).endswith("requestApproval")
                and m["params"]["threadId"] == thread
            ),
            seen=seen,
        )

    async def decide(self, request: dict[str, Any], decision: Any) -> None:
        await self.send({"id": request["id"], "result": {"decision": decision}})

    async def resolved(self, request: dict[str, Any]) -> None:
        """Wait until a request was answered, by whom ever."""
        await self.wait_for(
            lambda m: (
                m.get("method") == "serverRequest/resolved"
                and m["params"]["requestId"] == request["id"]
            )
        )

    async def close(self) -> None:
        await self._connection.close()
        await self._reader


class SharedCodex:
    """An app-server that listens, as somebody else has started it."""

    def __init__(self, process: asyncio.subprocess.Process, socket: Path, model: ScriptedModel):
        self.process = process
        self.socket = socket
        self.model = model
        self.address = f"unix://{socket}"
        self._programs: list[OtherProgram] = []

    async def program(self, name: str = "codex-tui") -> OtherProgram:
        """Connect another program."""
        connection = await websockets.unix_connect(
            str(self.socket), uri="ws://localhost/", max_size=None, compression=None
        )
        program = OtherProgram(connection)
        capabilities = {"experimentalApi": True, "requiredHumanApproval": True}
        client = {"name": name, "title": name, "version": "1"}
        await program.call("initialize", clientInfo=client, capabilities=capabilities)
        await program.send({"method": "initialized"})
        self._programs.append(program)
        return program

    async def close(self) -> None:
        for program in self._programs:
            await program.close()
        if self.process.returncode is None:
            self.process.kill()  # it would wait for the turns that run
        await self.process.wait()


def listens(path: Path) -> bool:
    """Return whether a program accepts connections on a socket: it is there a moment before."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


@asynccontextmanager
async def shared_codex(binary: Path, scratch: Path, script: Script) -> AsyncIterator[SharedCodex]:
    """Run an app-server that listens on a socket, with a scripted model."""
    home, path = scratch / "home", scratch / "codex.sock"
    async with ScriptedModel(script) as model:
        write_codex_home(home, model.base_url)
        process = await asyncio.create_subprocess_exec(
            binary,
            *("app-server", "--listen", f"unix://{path}"),
            cwd=scratch,
            stderr=asyncio.subprocess.DEVNULL,
            env=codex_environment(home),
        )
        codex = SharedCodex(process, path, model)
        try:
            await until(lambda: listens(path))
            yield codex
        finally:
            await codex.close()


@asynccontextmanager
async def serving_on(
    codex: SharedCodex, binary: Path, scratch: Path, *, name: str = "s", **changes: Any
) -> AsyncIterator[Served]:
    """A shared server of ours that has joined an app-server of somebody else."""
    options = ServerOptions(
        name="test",
        socket=scratch / f"{name}.sock",
        lock=scratch / f"{name}.lock",
        journal=scratch / f"{name}.sqlite",
        log=scratch / f"{name}.log",
        codex_binary=binary,
        codex_home=scratch / "home",
        env=codex_environment(scratch / "home"),
        attach=Attach(AttachKind.ADDRESS, codex.address),
    )
    served = Served(replace(options, **changes), codex.model)
    await served.start()
    try:
        yield served
    finally:
        await served.stop()
