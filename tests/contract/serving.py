"""A shared server with the real Codex and a scripted model, and clients of it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from codextui.client.connection import Connection
from codextui.client.spawn import open_socket
from codextui.client.updates import (
    ApprovalOffered,
    ApprovalWithdrawn,
    CaughtUp,
    Connected,
    ConnectionUpdate,
    EventReceived,
)
from codextui.demo import Script, ScriptedModel, codex_environment, write_codex_home
from codextui.demo.script import ModelScript
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.events import Event
from codextui.protocol.extensions import EVENTS
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.options import ServerOptions
from codextui.server.run import serve

PATIENCE_S = 60
PROGRESS = "notifications/progress"
TAKES_EVENTS = {"experimental": {EVENTS: {"send": True}}}
"""The capability of the raw clients, unless a test gives them other experimental ones."""

T = TypeVar("T")


def answer_of(event: Event) -> str:
    """Return the agent's last message in the turn that an event ended."""
    assert isinstance(event.msg, ev.TurnCompleted)
    return event.msg.last_agent_message


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the state of processes and files, of which there is no event."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.02)


class Served:
    """A running shared server."""

    def __init__(self, options: ServerOptions, model: ScriptedModel) -> None:
        self.options = options
        self.model = model
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(serve(self.options))
        await self._until_listening()

    async def _until_listening(self) -> None:
        assert self._task is not None
        async with asyncio.timeout(PATIENCE_S):
            while not await self._listens():
                if self._task.done():
                    await self._task
                await asyncio.sleep(0.01)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self.options.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        writer.close()
        return True

    async def ended(self) -> None:
        assert self._task is not None
        async with asyncio.timeout(PATIENCE_S):
            await self._task

    async def stop(self) -> None:
        if self._task is None or self._task.done():
            return
        async with self.client("stopper") as client:
            await client.call("codex-shutdown")
        await self.ended()

    @asynccontextmanager
    async def console(self, name: str = "console") -> AsyncIterator[Console]:
        """Connect a supervisor and wait until it has caught up."""
        console = Console()
        connect = functools.partial(open_socket, self.options.socket)
        async with Connection(connect, name=name, on_update=console.take) as connection:
            console.connection = connection
            await console.heard(CaughtUp)
            yield console

    @asynccontextmanager
    async def client(self, name: str = "client", **capabilities: Any) -> AsyncIterator[RawClient]:
        """Connect an ordinary client that speaks raw JSON lines."""
        reader, writer = await asyncio.open_unix_connection(self.options.socket, limit=2**26)
        client = RawClient(reader, writer)
        try:
            await client.initialize(name, capabilities)
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def serving(
    binary: Path, scratch: Path, script: Script, **changes: Any
) -> AsyncIterator[Served]:
    home = scratch / "home"
    async with ScriptedModel(script) as model:
        write_codex_home(home, model.base_url)
        options = ServerOptions(
            name="test",
            socket=scratch / "s.sock",
            lock=scratch / "s.lock",
            journal=scratch / "s.sqlite",
            log=scratch / "s.log",
            codex_binary=binary,
            codex_home=home,
            env=codex_environment(home),
        )
        served = Served(replace(options, **changes), model)
        await served.start()
        try:
            yield served
        finally:
            await served.stop()


class ServerProcess(Served):
    """A running shared server in a process of its own, which can be killed.

    Its socket, journal and log are where the command line finds them with `env`.
    """

    def __init__(self, options: ServerOptions, model: ScriptedModel, env: dict[str, str]) -> None:
        super().__init__(options, model)
        self.env = env
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codextui", "serve", "-L", self.options.name),
            *("--config", str(self.options.socket.with_name("config.toml"))),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=self.env,
        )
        self._task = asyncio.create_task(self._wait())
        await self._until_listening()

    async def _wait(self) -> None:
        await self.process.wait()

    async def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        await self.ended()


@asynccontextmanager
async def server_process(
    binary: Path,
    scratch: Path,
    script: ModelScript,
    *,
    name: str = "t",
    attach: str = "own",
    extra: str = "",
) -> AsyncIterator[ServerProcess]:
    """A server in a process of its own, with the real Codex and a scripted model."""
    home = scratch / "home"
    runtime, state = scratch / "codextui", scratch / "state" / "codextui"
    for folder in (runtime, state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (runtime / "config.toml").write_text(
        f"[codex]\nattach = {json.dumps(attach)}\nbinary = {json.dumps(str(binary))}\n"
        f"home = {json.dumps(str(home))}\n"
    )
    places = {"XDG_RUNTIME_DIR": str(scratch), "XDG_STATE_HOME": str(scratch / "state")}
    options = ServerOptions(
        name=name,
        socket=runtime / f"{name}.sock",
        lock=runtime / f"{name}.lock",
        journal=state / f"{name}.sqlite",
    )
    async with ScriptedModel(script) as model:
        write_codex_home(home, model.base_url, extra=extra)
        served = ServerProcess(options, model, {**codex_environment(home), **places})
        await served.start()
        try:
            yield served
        finally:
            await served.stop()


class Console:
    """A supervisor: the updates that it got, and waiting for more."""

    def __init__(self) -> None:
        self.updates: list[ConnectionUpdate] = []
        self.connection: Connection
        self._came = asyncio.Event()

    def take(self, update: ConnectionUpdate) -> None:
        self.updates.append(update)
        self._came.set()

    async def call(self, tool: str, **arguments: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.connection.call(tool, arguments)

    async def first(self, find: Callable[[ConnectionUpdate], T | None], after: int = 0) -> T:
        """Return the first result of `find` that is not None, waiting for updates."""
        seen = after
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for update in self.updates[seen:]:
                    seen += 1
                    found = find(update)
                    if found is not None:
                        return found
                self._came.clear()
                await self._came.wait()

    async def heard(self, kind: type[T], after: int = 0) -> T:
        return await self.first(lambda update: update if isinstance(update, kind) else None, after)

    async def event(
        self, kind: type[T], fits: Callable[[Event], bool] = lambda _: True, after: int = 0
    ) -> Event:
        def find(update: ConnectionUpdate) -> Event | None:
            if isinstance(update, EventReceived) and isinstance(update.event.msg, kind):
                return update.event if fits(update.event) else None
            return None

        return await self.first(find, after)

    async def offered(self, number: int = 1) -> Approval:
        """Return the approval that was offered as number `number`, waiting for it."""
        counter = itertools.count(1)

        def find(update: ConnectionUpdate) -> Approval | None:
            if isinstance(update, ApprovalOffered) and next(counter) == number:
                return update.approval
            return None

        return await self.first(find)

    async def withdrawn(self, approval_id: str) -> None:
        def find(update: ConnectionUpdate) -> bool | None:
            return (
                isinstance(update, ApprovalWithdrawn) and update.approval_id == approval_id
            ) or None

        await self.first(find)

    async def state(self, thread_id: str, state: ThreadState, after: int = 0) -> ThreadInfo:
        """Return the first info of a thread with that state, waiting for it."""
        event = await self.event(
            ev.ThreadChanged,
            lambda e: e.thread_id == thread_id and e.msg.thread.state is state,  # type: ignore[union-attr] # its kind was asked for
            after,
        )
        assert isinstance(event.msg, ev.ThreadChanged)
        return event.msg.thread

    @property
    def events(self) -> list[Event]:
        return [update.event for update in self.updates if isinstance(update, EventReceived)]

    def messages(self, thread_id: str, kind: type[T]) -> list[T]:
        return [
            event.msg
            for event in self.events
            if event.thread_id == thread_id and isinstance(event.msg, kind)
        ]

    def said(self, thread_id: str) -> str:
        """Return the text of the deltas of a thread."""
        return "".join(delta.delta for delta in self.messages(thread_id, ev.TextDelta))

    @property
    def connected(self) -> list[Connected]:
        return [update for update in self.updates if isinstance(update, Connected)]


class RawClient:
    """A client that speaks raw JSON lines and keeps all that it gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.messages: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._ids = itertools.count(1)
        self._came = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for line in self.reader:
                self.messages.append(json.loads(line))
                self._came.set()
        except ConnectionError:
            pass
        self.gone.set()
        self._came.set()

    def send(self, message: dict[str, Any]) -> None:
        self.writer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def message(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for message in self.messages[seen:]:
                    seen += 1
                    if fits(message):
                        return message
                assert not self.gone.is_set(), "the server hung up"
                self._came.clear()
                await self._came.wait()

    def begin(self, method: str, **params: Any) -> int:
        number = next(self._ids)
        self.send({"id": number, "method": method, "params": params})
        return number

    async def reply(self, number: int) -> dict[str, Any]:
        return await self.message(lambda m: m.get("id") == number and "method" not in m)

    async def initialize(self, name: str, capabilities: dict[str, Any]) -> None:
        number = self.begin(
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={**TAKES_EVENTS, **capabilities},
            clientInfo={"name": name, "version": "1"},
        )
        await self.reply(number)
        self.send({"method": "notifications/initialized"})

    def begin_tool(self, tool: str, **arguments: Any) -> int:
        return self.begin("tools/call", name=tool, arguments=arguments)

    def begin_watched(self, tool: str, **arguments: Any) -> int:
        """Call a tool with a progress token."""
        meta = {"progressToken": "watched"}
        return self.begin("tools/call", name=tool, arguments=arguments, _meta=meta)

    async def progress(self, words: str) -> dict[str, Any]:
        """Return the first progress whose message has these words, waiting for it."""
        return await self.message(
            lambda m: m.get("method") == PROGRESS and words in m["params"]["message"]
        )

    async def event(self, kind: str) -> dict[str, Any]:
        """Return the first `codex/event` of a type, waiting for it."""
        return await self.message(
            lambda m: m.get("method") == "codex/event" and m["params"]["msg"]["type"] == kind
        )

    def all_of(self, method: str) -> list[dict[str, Any]]:
        return [message["params"] for message in self.messages if message.get("method") == method]

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its whole result."""
        reply = await self.reply(self.begin_tool(tool, **arguments))
        assert "result" in reply, reply
        return dict(reply["result"])

    async def elicited(self) -> dict[str, Any]:
        return await self.message(lambda m: m.get("method") == "elicitation/create")

    def answer(self, request: dict[str, Any], result: dict[str, Any]) -> None:
        self.send({"id": request["id"], "result": result})

    async def close(self) -> None:
        self.writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self
