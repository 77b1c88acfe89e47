"""A Codex goes on where only the connection to it breaks, and is joined again."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.listener import Listener
from contract.serving import Console, answer_of, serving
from contract.shared_codex import shared_codex

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.socket_reader import SocketReader
from codextui.codex.websocket import WebSocketConnection
from codextui.config.attach import Attach, AttachKind
from codextui.demo import Patch, Run, Say, Script
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import PatchAsked
from codextui.protocol.decisions import Approved
from codextui.protocol.threads import ThreadState
from codextui.server import worker

pytestmark = pytest.mark.contract


class Connections:
    """The connections to Codex that the server has made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[WebSocketConnection] = []
        connect = WebSocketConnection.connect

        async def record(*args: Any, **options: Any) -> WebSocketConnection:
            connection = await connect(*args, **options)
            self.made.append(connection)
            return connection

        monkeypatch.setattr(WebSocketConnection, "connect", record)

    def cut(self) -> None:
        self.made[-1].abort("it was cut by the test")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    return Connections(monkeypatch)


@contextmanager
def deaf(connection: WebSocketConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a connection read nothing meanwhile."""
    reading = threading.Event()
    wait = SocketReader._wait

    def hold(reader: SocketReader, *args: Any) -> bool:
        if reader is connection._reader:
            reading.wait()
        return wait(reader, *args)

    with monkeypatch.context() as patched:
        patched.setattr(SocketReader, "_wait", hold)
        try:
            yield
        finally:
            reading.set()


async def start(console: Console, workspace: Path, prompt: str, **more: object) -> str:
    arguments = {"prompt": prompt, "cwd": str(workspace), "sandbox": "workspace-write", **more}
    return str((await console.call("codex-start", **arguments))["thread"]["thread_id"])


async def pid(console: Console) -> int:
    return int((await console.call("codex-server"))["codex"]["pid"])


async def ready(console: Console, after: int) -> None:
    await console.event(ev.CodexLost, after=after)
    await console.event(ev.CodexReady, after=after)


def completed(console: Console, thread_id: str) -> list[str]:
    return [str(m.item["type"]) for m in console.messages(thread_id, ev.ItemCompleted)]


async def test_a_turn_goes_on_when_the_connection_breaks_and_nothing_is_lost(
    codex_binary: Path, scratch: Path, workspace: Path, connections: Connections
):
    gate = asyncio.Event()
    script = Script().on("talk", Run("echo one"), Say("It goes on and on.", gate=gate))
    script.on("again", Say("Here I am."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "talk")
        await console.event(ev.TextDelta)
        before, seen = await pid(console), len(console.updates)
        connections.cut()
        await ready(console, seen)
        gate.set()
        end = await console.event(ev.TurnCompleted)
        assert answer_of(end) == "It goes on and on."
        assert not console.messages(thread_id, ev.TurnAborted)
        assert len(console.messages(thread_id, ev.TurnStarted)) == 1
        kinds = Counter(completed(console, thread_id))
        assert kinds["userMessage"] == kinds["agentMessage"] == 1
        assert kinds["commandExecution"] <= 1  # Codex may send none of one that ends at once
        assert await pid(console) == before
        await console.call("codex-send", thread=thread_id, prompt="again")
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "Here I am.")
        assert await pid(console) == before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)  # it ends with the server that has started it


@asynccontextmanager
async def witness(console: Console) -> AsyncIterator[Listener]:
    """Another program on the server's own Codex."""
    listener = Listener()
    listener.app = await AppServer.join(
        (await console.call("codex-server"))["codex"]["address"],
        listener.handlers,
    )
    try:
        yield listener
    finally:
        await listener.app.stop()


async def until_idle(listener: Listener) -> None:
    await listener.notification(
        "thread/status/changed", lambda params: params["status"] == {"type": "idle"}
    )


async def test_what_ended_without_a_connection_is_published_to_its_end(
    codex_binary: Path,
    scratch: Path,
    workspace: Path,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
):
    may_connect = hold_reconnection(monkeypatch)
    wait = "while [ ! -e go ]; do sleep 0.02; done; echo gone"
    script = Script().on("talk", Run(wait), Say("It ended alone."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "talk")
        await console.event(ev.ItemStarted, lambda e: e.msg.item["type"] == "commandExecution")
        before, seen = await pid(console), len(console.updates)
        ours = connections.made[-1]
        async with witness(console) as other:
            ours.abort("it was cut by the test")
            await console.event(ev.CodexLost, after=seen)
            (workspace / "go").touch()
            await until_idle(other)
        may_connect.set()
        end = await console.event(ev.TurnCompleted)
        assert answer_of(end) == "It ended alone."
        await console.state(thread_id, ThreadState.IDLE)
        assert completed(console, thread_id) == ["userMessage", "commandExecution", "agentMessage"]
        assert len(console.messages(thread_id, ev.TurnCompleted)) == 1
        assert not console.messages(thread_id, ev.TurnAborted)
        assert await pid(console) == before


def hold_reconnection(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let the server connect again only once the event is set."""
    may_connect = asyncio.Event()
    reconnect = AppServer.reconnect

    async def wait_first(app: AppServer, handlers: AppServerHandlers) -> AppServer:
        await may_connect.wait()
        return await reconnect(app, handlers)

    monkeypatch.setattr(AppServer, "reconnect", wait_first)
    return may_connect


async def test_an_approval_is_asked_again_and_answered_once(
    codex_binary: Path, scratch: Path, workspace: Path, connections: Connections
):
    outside = scratch / "outside.txt"
    script = Script().on("leave", Run(f"echo x >> {outside}", escalate=True), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "leave")
        first = await console.offered()
        before, seen = await pid(console), len(console.updates)
        connections.cut()
        await console.withdrawn(first.approval_id)
        await ready(console, seen)
        second = await console.offered(2)
        assert (second.asked, second.thread_id, second.origin) == (first.asked, thread_id, "")
        assert second.asked_at == first.asked_at  # so long it has waited for a person
        await console.connection.answer(second.approval_id, Approved())
        assert answer_of(await console.event(ev.TurnCompleted)) == "Done."
        assert outside.read_text() == "x\n"
        outcomes = [e.msg.outcome for e in console.events if isinstance(e.msg, ev.ApprovalResolved)]
        assert outcomes == ["lost", "approved"]
        assert completed(console, thread_id) == ["userMessage", "commandExecution", "agentMessage"]
        assert not console.messages(thread_id, ev.TurnAborted)
        assert await pid(console) == before


async def test_the_turns_of_a_codex_of_others_go_on_when_the_connection_to_it_breaks(
    codex_binary: Path, scratch: Path, workspace: Path, connections: Connections
):
    gate = asyncio.Event()
    outside, socket = scratch / "outside.txt", scratch / "c.sock"
    script = Script().on("leave", Run(f"echo x >> {outside}", escalate=True), Say("Done."))
    script.on("talk", Say("It goes on and on.", gate=gate))
    attach = Attach(AttachKind.ADDRESS, f"unix://{socket}")
    async with (
        serving(codex_binary, scratch, script, attach=attach) as served,
        shared_codex(codex_binary, scratch / "home", socket),
        served.console() as console,
    ):
        await console.event(ev.CodexReady)
        asking = await start(console, workspace, "leave")
        talking = await start(console, workspace, "talk")
        first = await console.offered()
        await console.event(ev.TextDelta, lambda e: e.thread_id == talking)
        seen = len(console.updates)
        connections.cut()
        await ready(console, seen)
        second = await console.offered(2)
        assert (second.asked, second.asked_at) == (first.asked, first.asked_at)
        await console.connection.answer(second.approval_id, Approved())
        gate.set()
        said = {asking: "Done.", talking: "It goes on and on."}
        for thread_id, answer in said.items():
            end = await console.event(
                ev.TurnCompleted, lambda e, one=thread_id: e.thread_id == one, after=seen
            )
            assert answer_of(end) == answer
            assert not console.messages(thread_id, ev.TurnAborted)
            assert len(console.messages(thread_id, ev.TurnStarted)) == 1
        assert outside.read_text() == "x\n"


async def test_a_patch_is_asked_again_with_its_changes(
    codex_binary: Path, scratch: Path, workspace: Path, connections: Connections
):
    outside = scratch / "outside.txt"
    script = Script().on("patch", Patch.add(str(outside), "all of it\n"), Say("Done."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "patch", **{"approval-policy": "on-request"})
        first = await console.offered()
        assert isinstance(first.asked, PatchAsked)
        assert first.asked.changes
        connections.cut()
        second = await console.offered(2)
        assert second.asked == first.asked
        await console.connection.answer(second.approval_id, Approved())
        assert answer_of(await console.event(ev.TurnCompleted)) == "Done."
        begun = [str(m.item["id"]) for m in console.messages(thread_id, ev.ItemStarted)]
        assert len(begun) == len(set(begun))


async def test_a_call_waits_for_its_turn_across_the_break(
    codex_binary: Path, scratch: Path, workspace: Path, connections: Connections
):
    gate = asyncio.Event()
    script = Script().on("talk", Say("It goes on.", gate=gate))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        call = asyncio.create_task(
            console.call("codex", prompt="talk", cwd=str(workspace), sandbox="read-only")
        )
        await console.event(ev.TextDelta)
        seen = len(console.updates)
        connections.cut()
        await ready(console, seen)
        gate.set()
        assert (await call)["content"] == "It goes on."


async def test_codex_hangs_up_on_a_reader_that_lags_and_loses_nothing(
    codex_binary: Path,
    scratch: Path,
    workspace: Path,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
):
    text = "".join(f"{number:07} " for number in range(80_000))
    gate = asyncio.Event()
    script = Script().on("flood", Say(text, chunk=8, gate=gate))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "flood")
        await console.event(ev.TextDelta)
        before, ours = await pid(console), connections.made[-1]
        async with witness(console) as other:
            with deaf(ours, monkeypatch):
                gate.set()
                await until_idle(other)
        end = await console.event(ev.TurnCompleted)
        assert len(connections.made) == 3  # of the server, of the witness, and once more
        assert answer_of(end) == text
        assert completed(console, thread_id) == ["userMessage", "agentMessage"]
        assert len(console.messages(thread_id, ev.TurnCompleted)) == 1
        assert not console.messages(thread_id, ev.TurnAborted)
        assert await pid(console) == before


async def test_a_codex_that_always_hangs_up_is_ended_and_started_again(
    codex_binary: Path,
    scratch: Path,
    workspace: Path,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.0)
    gate = asyncio.Event()
    script = Script().on("talk", Say("It goes on.", gate=gate)).on("hello", Say("Hello."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "talk")
        await console.event(ev.TextDelta)
        before = await pid(console)
        for _ in range(worker.RECONNECTIONS + 1):
            assert await pid(console) == before
            seen = len(console.updates)
            connections.cut()
            await ready(console, seen)
        assert await pid(console) != before
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
        aborted = await console.event(ev.TurnAborted)
        assert (aborted.thread_id, aborted.msg.reason) == (thread_id, "lost")  # type: ignore[union-attr] # its kind was asked for
        gate.set()
        await console.call("codex-send", thread=thread_id, prompt="hello")
        assert answer_of(await console.event(ev.TurnCompleted)) == "Hello."


async def test_a_codex_that_dies_without_a_connection_is_started_again(
    codex_binary: Path,
    scratch: Path,
    workspace: Path,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
):
    may_connect = hold_reconnection(monkeypatch)
    script = Script().on("talk", Say("Never.", gate=asyncio.Event())).on("hello", Say("Hello."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "talk")
        await console.event(ev.TextDelta)
        before, seen = await pid(console), len(console.updates)
        connections.cut()
        await console.event(ev.CodexLost, after=seen)
        assert not console.messages(thread_id, ev.TurnAborted)
        os.kill(before, signal.SIGKILL)
        may_connect.set()
        await console.event(ev.TurnAborted)
        await console.event(ev.CodexReady, after=seen)
        await console.call("codex-send", thread=thread_id, prompt="hello")
        assert answer_of(await console.event(ev.TurnCompleted)) == "Hello."
        assert await pid(console) not in (0, before)


@pytest.fixture(params=["turn/start sent", "turn/start lost", "turn/steer sent", "turn/steer lost"])
def broken_call(request: pytest.FixtureRequest) -> tuple[str, bool]:
    method, _, fate = str(request.param).partition(" ")
    return method, fate == "sent"


async def test_a_message_that_is_sent_as_the_connection_breaks_arrives_once(
    broken_call: tuple[str, bool],
    codex_binary: Path,
    scratch: Path,
    connections: Connections,
    monkeypatch: pytest.MonkeyPatch,
):
    method, is_sent = broken_call
    workspace = scratch
    gate = asyncio.Event()
    script = Script().on("hello", Say("Hello.", gate=gate), repeat=True)
    script.on("and then", Say("Once."))
    async with serving(codex_binary, scratch, script) as served, served.console() as console:
        thread_id = await start(console, workspace, "hello")
        await console.event(ev.TextDelta)
        if method == "turn/start":
            gate.set()
            await console.event(ev.TurnCompleted)
        break_at(method, connections.made[-1], monkeypatch, is_sent=is_sent)
        before = await pid(console)
        sent = asyncio.create_task(console.call("codex-send", thread=thread_id, prompt="and then"))
        await console.event(ev.CodexLost)
        await sent
        gate.set()
        await console.event(ev.TurnCompleted, lambda e: answer_of(e) == "Once.")
        texts = [str(i["content"]) for i in messages_of_people(console, thread_id)]
        assert sum("and then" in text for text in texts) == 1
        assert await pid(console) == before
        assert not console.messages(thread_id, ev.TurnAborted)


def messages_of_people(console: Console, thread_id: str) -> list[JsonObject]:
    items = (m.item for m in console.messages(thread_id, ev.ItemCompleted))
    return [item for item in items if item["type"] == "userMessage"]


def break_at(
    method: str, ours: WebSocketConnection, monkeypatch: pytest.MonkeyPatch, *, is_sent: bool
) -> None:
    """Cut a connection when it sends a call, before or after that has left."""
    send = WebSocketConnection.send

    def send_and_break(connection: WebSocketConnection, data: bytes) -> bool:
        is_it = connection is ours and f'"{method}"'.encode() in data
        if is_it and not is_sent:
            connection.abort("it was cut by the test")
        result = send(connection, data)
        if is_it and is_sent:
            connection.abort("it was cut by the test")
        return result

    monkeypatch.setattr(WebSocketConnection, "send", send_and_break)
