"""A person's machine: one shared server, which clients reach on stdio and by HTTP."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codex_versions import named_codex
from contract.serving import PATIENCE_S, Console, RawClient

from codextui.client import session
from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.client.updates import CaughtUp
from codextui.codex.binary import find_codex
from codextui.demo import (
    Call,
    ModelRequest,
    Run,
    Say,
    ScriptedModel,
    Step,
    codex_environment,
    scratch_codex_home,
    write_codex_home,
)
from codextui.demo.script import ModelScript
from codextui.errors import ServerUnreachable

CONFIGURED = os.environ.get("CODEXTUI_TEST_CODEX", "").split(os.pathsep)[0]
ASKING = {"sandbox": "workspace-write", "approval-policy": "on-request"}
THREAD_ID = re.compile(r"threadId\W+([0-9a-f-]{36})")


@dataclass(frozen=True)
class Visit:
    """What every client calls: `codex`, `codex` with an approval, `codex-reply` to the first."""

    plain: dict[str, str]
    asking: dict[str, str]
    reply: dict[str, str]
    outside: Path

    @property
    def calls(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "outside"}


class Machine:
    """How clients are told of the server.

    Attributes:
        stdio: command, arguments and environment of `codextui mcp-server`.
        url, token: those of `codextui serve --http`.
        binary: the real Codex.
        model: what all of its threads talk to.
    """

    def __init__(self, folder: Path, runtime: Path, model: ScriptedModel) -> None:
        self.folder = folder
        self.model = model
        self.binary = find_codex(named_codex(CONFIGURED) if CONFIGURED else None).path
        self.project = folder / "project"
        self.project.mkdir()
        self.socket = runtime / "codextui" / "default.sock"
        home = write_codex_home(folder / "home", model.base_url)
        self._config = folder / "config.toml"
        self._config.write_text(
            f'[codex]\nattach = "private"\nbinary = "{self.binary}"\nhome = "{home}"\n'
        )
        variables = {"XDG_RUNTIME_DIR": str(runtime), "XDG_STATE_HOME": str(folder / "state")}
        self.env = {**codex_environment(home), **variables}
        command = ["-m", "codextui", "mcp-server", "--config", str(self._config)]
        self.stdio: dict[str, Any] = {"command": sys.executable, "args": command, "env": self.env}
        self.url = self.token = ""

    def reached_by(self, transport: str) -> dict[str, Any]:
        return self.stdio if transport == "stdio" else {"url": self.url, "token": self.token}

    def visit(self, name: str) -> Visit:
        outside = self.folder / f"left-by-{name}"
        where = {"cwd": str(self.project)}
        return Visit(
            plain={"prompt": "hello", **where},
            asking={"prompt": f"leave {outside}", **where, **ASKING},
            reply={"prompt": "is there more"},
            outside=outside,
        )

    @asynccontextmanager
    async def supervisor(self) -> AsyncIterator[Console]:
        console = Console()
        connect = functools.partial(open_socket, self.socket)
        async with Connection(connect, name="supervisor", on_update=console.take) as connection:
            console.connection = connection
            await console.heard(CaughtUp)
            yield console

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        options = ("--http", "127.0.0.1:0", "--config", str(self._config), "--until-stdin-ends")
        with (self.folder / "server.log").open("wb") as log:
            process = await self._start("serve", *options, stdin=asyncio.subprocess.PIPE, log=log)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.url:
                    assert process.returncode is None, (self.folder / "server.log").read_text()
                    self.url = await self._find_url()
            asked = await self._start("token", "--json", stdout=asyncio.subprocess.PIPE)
            printed, _ = await asked.communicate()
            self.token = re.findall(r'"token": ?"([^"]+)"', printed.decode())[0]
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()

    @asynccontextmanager
    async def client(
        self, transport: str = "socket", *, limit: int = 2**26, **capabilities: Any
    ) -> AsyncIterator[RawClient]:
        """A client by the bare wire, which has introduced itself."""
        async with self.raw_client(transport, limit) as client:
            await client.initialize("a client", capabilities)
            yield client

    @asynccontextmanager
    async def raw_client(self, transport: str, limit: int = 2**26) -> AsyncIterator[RawClient]:
        """A client by the bare wire, which has said nothing yet."""
        if transport == "socket":
            client = RawClient(*await asyncio.open_unix_connection(self.socket, limit=limit))
            try:
                yield client
            finally:
                await client.close()
            return
        command = (self.stdio["command"], *self.stdio["args"])
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            env=self.env,
            limit=limit,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        client = RawClient(process.stdout, process.stdin)
        try:
            yield client
        finally:
            await client.close()
            async with asyncio.timeout(PATIENCE_S):
                await process.stdout.read()  # asyncio waits for the end of that, too
                await process.wait()

    async def _start(self, *arguments: str, log: Any = None, **pipes: Any) -> Any:
        program = (sys.executable, "-m", "codextui", *arguments)
        out = {"stdout": log, "stderr": log} if log else {}
        return await asyncio.create_subprocess_exec(*program, env=self.env, **out, **pipes)

    async def _find_url(self) -> str:
        try:
            server = await session.call_once(self.socket, "a test", "codex-server", {})
        except (OSError, ServerUnreachable):
            await asyncio.sleep(0.05)
            return ""
        return str(server["http"])


def answer(request: ModelRequest) -> list[Step]:
    """The model of every thread; a prompt `visit` is one of a Codex that is the client itself."""
    word, _, rest = request.last_user_text.partition(" ")
    answered = request.answer_counts[-1]
    match word, answered:
        case "leave", 0:
            return [Run(f"touch {rest}", escalate=True, justification="it belongs there")]
        case "leave", _:
            return [Say("It is there.")]
        case "sleep", 0:
            return [Run("sleep 60")]
        case "hello", _:
            return [Say("Hello yourself.")]
        case "visit", 0 | 1 | 2:
            return [_call(request, rest, answered)]
        case "visit", _:
            return [Say("I have visited it.")]
        case _:
            return [Say("There is no more.")]


def _call(request: ModelRequest, folder: str, number: int) -> Call:
    calls = VISITS[folder].calls
    if number == 2:
        [thread_id] = THREAD_ID.findall(str(request.input))[:1]
        reply = {**calls["reply"], "threadId": thread_id}
        # Models know it by a name without a dash.
        return Call("codex_reply", reply, namespace="mcp__codextui")
    return Call("codex", calls["plain" if number == 0 else "asking"], namespace="mcp__codextui")


VISITS: dict[str, Visit] = {}
"""What a Codex that is the client calls, by the word after `visit`."""


@asynccontextmanager
async def running_machine(script: ModelScript) -> AsyncIterator[Machine]:
    folder = scratch_codex_home()
    with tempfile.TemporaryDirectory(prefix="ct-") as runtime:  # short enough for a socket
        try:
            async with ScriptedModel(script) as model:
                machine = Machine(folder, Path(runtime), model)
                async with machine.serving():
                    yield machine
                assert not model.faults
        finally:
            shutil.rmtree(folder, ignore_errors=True)
