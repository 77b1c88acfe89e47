"""The relay of `codextui mcp-server` between a client on pipes and a server that tests play."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from client.fake_server import FakeServer

from codextui.client.relay import MAX_LINE, MAX_REQUEST, Relay
from codextui.client.spawn import open_socket
from codextui.errors import MessageInvalid, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import Streams

Frame = dict[str, Any]
PATIENCE_S = 60

INITIALIZE: Frame = {
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "a client", "version": "1"},
    },
}
ABOUT: Frame = {"cwd": "/the/project", "config": {"model": "o3"}}
INITIALIZED: Frame = {"method": "notifications/initialized"}


class Client:
    """An MCP client on the other end of a relay."""

    def __init__(self, ends: Ends) -> None:
        self.reader, self.writer = ends.reader, ends.writer
        self.troubles: list[str] = []
        self.relaying: asyncio.Task[None]
        self._ends = ends

    def hang_up(self) -> None:
        """As a process that is killed does."""
        if not self.writer.is_closing():
            self.writer.transport.abort()
        self._ends.read_end.close()

    async def relay_ended(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({self.relaying})

    def send(self, *frames: Frame) -> None:
        for frame in frames:
            self.writer.write(json.dumps({"jsonrpc": "2.0", **frame}).encode() + b"\n")

    async def next(self) -> Frame:
        async with asyncio.timeout(PATIENCE_S):
            line = await self.reader.readuntil(b"\n")
        return dict(json.loads(line))

    async def rest(self) -> list[Frame]:
        """What comes until the relay hangs up."""
        async with asyncio.timeout(PATIENCE_S):
            return [json.loads(line) async for line in self.reader]

    async def answer_to(self, request_id: object) -> Frame:
        while (frame := await self.next()).get("id") != request_id:
            pass
        return frame

    async def initialize(self) -> None:
        self.send(INITIALIZE, INITIALIZED)
        assert "result" in await self.answer_to(0)

    def call(self, tool: str, request_id: object, **arguments: Any) -> None:
        params = {"name": tool, "arguments": arguments}
        self.send({"id": request_id, "method": "tools/call", "params": params})


class Ends:
    """One side of two pipes, as a process has them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.read_end: asyncio.ReadTransport

    @classmethod
    async def open(cls, source: int, sink: int, read_ahead: int) -> Ends:
        reader = asyncio.StreamReader(limit=read_ahead)
        loop = asyncio.get_running_loop()
        read_end, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0)
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()),
            os.fdopen(sink, "wb", buffering=0),
        )
        ends = cls(reader, asyncio.StreamWriter(transport, protocol, None, loop))
        ends.read_end = read_end
        return ends

    def close(self) -> None:
        self.writer.close()
        self.read_end.close()


@asynccontextmanager
async def relaying(
    connect: Callable[[], Awaitable[Streams]], read_ahead: int = 2**26
) -> AsyncIterator[Client]:
    """A client with a relay, by pipes between them; `read_ahead` is the client's."""
    (to_relay, from_client), (to_client, from_relay) = os.pipe(), os.pipe()
    theirs = await Ends.open(to_relay, from_relay, 2**20)
    client = Client(await Ends.open(to_client, from_client, read_ahead))
    relay = Relay(
        connect,
        (theirs.reader, theirs.writer),
        about=ABOUT,
        on_trouble=client.troubles.append,
    )
    client.relaying = asyncio.create_task(run_and_close(relay, theirs))
    try:
        yield client
    finally:
        client.hang_up()
        await client.relay_ended()
        assert not client.relaying.cancelled()


async def run_and_close(relay: Relay, ends: Ends) -> None:
    try:
        await relay.run()
    except MessageInvalid:
        pass
    finally:
        ends.close()


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[Client]:
    async with relaying(lambda: open_socket(server.path)) as client:
        yield client


def unanswered(_: JsonObject) -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_requests_and_answers_are_relayed_unchanged(
    client: Client, server: FakeServer
) -> None:
    server.tools["echo"] = lambda arguments: arguments
    await client.initialize()
    client.call("echo", "an id", text="\u2028 \U0001f600 \\n")
    answer = await client.answer_to("an id")
    assert answer["result"]["structuredContent"] == {"text": "\u2028 \U0001f600 \\n"}
    methods = [frame["method"] for frame in server.received]
    assert methods == [
        "codextui/relayed",
        "initialize",
        "notifications/initialized",
        "tools/call",
    ]
    assert server.received[0]["params"] == ABOUT
    assert server.received[1] == {"jsonrpc": "2.0", **INITIALIZE}
    assert client.troubles == []


async def test_no_connection_is_made_before_the_first_request() -> None:
    async def connect() -> Streams:
        pytest.fail("it connected")

    async with relaying(connect) as client:
        client.send(INITIALIZED)
        client.send({"id": 7, "result": {}})
        client.writer.write_eof()
        assert await client.rest() == []


async def test_20000_notifications_arrive_whole_and_in_order(
    client: Client, server: FakeServer
) -> None:
    await client.initialize()

    def flood(_: JsonObject) -> Frame:
        for number in range(20_000):
            server.notify("codex/event", {"number": number, "text": "x" * (number % 300)})
        return {}

    server.tools["flood"] = flood
    client.call("flood", 1)
    for number in range(20_000):
        assert (await client.next())["params"]["number"] == number
    assert "result" in await client.answer_to(1)


async def test_a_line_of_megabytes_arrives_whole(client: Client, server: FakeServer) -> None:
    server.tools["long"] = lambda _: {"text": "x" * 5_000_000}
    await client.initialize()
    client.call("long", 1)
    answer = await client.answer_to(1)
    assert len(answer["result"]["structuredContent"]["text"]) == 5_000_000


async def test_every_open_request_is_answered_when_the_server_is_lost(
    client: Client, server: FakeServer
) -> None:
    server.tools["wait"] = unanswered
    server.tools["now"] = lambda _: {}
    await client.initialize()
    for request_id in (1, "1", 2):
        client.call("wait", request_id)
    client.call("now", 3)
    await client.answer_to(3)
    client.send({"method": "notifications/cancelled", "params": {"requestId": 2}})
    await server.heard_method("notifications/cancelled")
    await server.stop()
    answers = [await client.next(), await client.next()]
    assert [answer["id"] for answer in answers] == [1, "1"]
    for answer in answers:
        assert answer["error"]["code"] == -32000
        assert "server is lost" in answer["error"]["message"]
    assert len(client.troubles) == 1
    client.writer.write_eof()
    assert await client.rest() == []


async def test_half_a_message_from_a_dying_server_is_not_relayed(
    client: Client, server: FakeServer
) -> None:
    server.tools["wait"] = unanswered
    await client.initialize()
    client.call("wait", 1)
    await server.heard_method("tools/call")
    server.send({"jsonrpc": "2.0", "method": "whole"})
    server.links[0].write(b'{"jsonrpc":"2.0","id":1,"result":{"half')
    await server.links[0].drain()
    await server.stop()
    assert (await client.next())["method"] == "whole"
    assert "error" in await client.answer_to(1)


async def test_a_request_from_a_lost_server_is_withdrawn_and_its_answer_dropped(
    client: Client, server: FakeServer
) -> None:
    await client.initialize()
    question = {"jsonrpc": "2.0", "id": "q-1", "method": "elicitation/create", "params": {}}
    server.send(question)
    assert (await client.next())["method"] == "elicitation/create"
    await server.stop()
    withdrawn = await client.next()
    assert withdrawn["method"] == "notifications/cancelled"
    assert withdrawn["params"]["requestId"] == "q-1"
    await server.listen()
    server.received.clear()
    server.tools["now"] = lambda _: {}
    client.send({"id": "q-1", "result": {"action": "accept"}})
    client.call("now", 1)
    await client.answer_to(1)
    assert "q-1" not in [frame.get("id") for frame in server.received]


async def test_after_a_loss_the_handshake_is_repeated_before_the_next_request(
    client: Client, server: FakeServer
) -> None:
    server.tools["now"] = lambda _: {"fine": True}
    await client.initialize()
    client.call("now", 0)  # the id of the introduction, which is answered and free again
    await client.answer_to(0)
    await server.stop()
    await server.listen()
    server.received.clear()
    client.call("now", 2)
    assert (await client.next())["id"] == 2
    assert [frame["method"] for frame in server.received] == [
        "codextui/relayed",
        "initialize",
        "notifications/initialized",
        "tools/call",
    ]
    assert server.received[1] == {"jsonrpc": "2.0", **INITIALIZE}


async def test_every_request_to_an_unreachable_server_is_answered_with_the_reason() -> None:
    attempts: list[int] = []

    async def connect() -> Streams:
        attempts.append(1)
        raise ServerUnreachable("Codex has gone fishing")

    async with relaying(connect) as client:
        for frame in (INITIALIZE, {"id": 1, "method": "ping"}):
            client.send(frame)
            answer = await client.answer_to(frame["id"])
            assert "gone fishing" in answer["error"]["message"]
        assert len(attempts) == len(client.troubles) == 2


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None),
        (b"hello?", None),
    ],
)
async def test_invalid_messages_are_answered_even_without_a_server(
    line: bytes, request_id: object
) -> None:
    async def connect() -> Streams:
        raise ServerUnreachable("it did not start")

    async with relaying(connect) as client:
        client.writer.write(line + b"\n")
        answer = await client.next()
        assert answer["id"] == request_id
        assert answer["error"]["code"] == -32000


async def test_the_answer_says_that_a_new_server_refused_the_client(
    client: Client, server: FakeServer
) -> None:
    await client.initialize()
    await server.stop()
    server.deaf = True
    await server.listen()
    client.call("now", 1)
    await server.heard(lambda frame: frame.get("method") == "initialize" and len(server.links) > 0)
    server.send({"jsonrpc": "2.0", "id": 0, "error": {"code": 1, "message": "not you"}})
    assert "not you" in (await client.next())["error"]["message"]


async def test_the_answer_says_that_a_new_server_dies_in_every_handshake(
    client: Client, server: FakeServer
) -> None:
    await client.initialize()
    await server.stop()
    server.received.clear()
    server.deaf = True
    await server.listen()
    client.call("now", 1)
    for _ in range(3):
        await server.heard_method("initialize")
        server.received.clear()
        server.hang_up()
    answer = await client.next()
    assert (answer["id"], answer["error"]["code"]) == (1, -32000)


async def test_a_dying_server_that_still_accepts_a_connection_is_asked_again(
    server: FakeServer,
) -> None:
    """As between a server's kill and the end of its socket."""
    server.tools["now"] = lambda _: {"fine": True}
    connections = 0

    async def connect() -> Streams:
        nonlocal connections
        connections += 1
        if connections != 2:
            return await open_socket(server.path)
        ours, theirs = socket.socketpair()
        theirs.close()
        return await asyncio.open_connection(sock=ours)

    async with relaying(connect) as client:
        await client.initialize()
        await server.stop()
        await server.listen()
        client.call("now", 1)
        assert "result" in await client.answer_to(1)
        assert connections == 3


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b'["a", "batch"]', b"[" * 5_000, b'"text"', b"1e999"],
    ids=["no JSON", "a batch", "deep", "a text", "a number"],
)
async def test_a_malformed_line_is_left_for_the_server_to_refuse(
    client: Client, server: FakeServer, line: bytes
) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def judge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"codextui/relayed" in await reader.readline()
        heard.set_result(await reader.readline())
        writer.write(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}\n')
        await reader.read()
        writer.close()

    await server.stop()
    server.path.unlink()
    async with await asyncio.start_unix_server(judge, server.path):
        client.writer.write(line + b"\n")
        assert (await client.next())["error"]["code"] == -32700
        assert await heard == line + b"\n"
        client.writer.write_eof()
        assert await client.rest() == []


async def test_a_request_that_is_too_long_for_the_server_is_refused_by_its_id(
    client: Client, server: FakeServer
) -> None:
    server.tools["now"] = lambda _: {}
    await client.initialize()
    client.call("now", "long", text="x" * MAX_REQUEST)
    refused = await client.next()
    assert (refused["id"], refused["error"]["code"]) == ("long", -32600)
    client.call("now", 2)
    assert "result" in await client.answer_to(2)
    assert "long" not in [frame.get("id") for frame in server.received]


async def test_a_line_without_an_end_is_given_up_and_open_requests_are_answered(
    server: FakeServer, client: Client
) -> None:
    server.tools["wait"] = unanswered
    await client.initialize()
    client.call("wait", 1)
    await server.heard_method("tools/call")
    client.writer.write(b"x" * (MAX_LINE + 1))
    answer = await client.answer_to(1)
    assert f"more than {MAX_LINE} bytes" in answer["error"]["message"]
    assert await client.rest() == []


async def test_answers_still_arrive_after_the_client_has_closed_its_end(
    client: Client, server: FakeServer
) -> None:
    answered: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
    server.tools["soon"] = lambda _: answered
    await client.initialize()
    client.call("soon", 1)
    client.writer.write_eof()
    await server.heard_method("tools/call")
    answered.set_result({"late": True})
    rest = await client.rest()
    assert [frame["id"] for frame in rest] == [1]


async def test_a_long_call_does_not_hold_a_client_that_has_closed_its_end(
    client: Client, server: FakeServer
) -> None:
    server.tools["wait"] = unanswered
    await client.initialize()
    client.call("wait", 1)
    client.writer.write_eof()
    assert await client.rest() == []
    async with asyncio.timeout(PATIENCE_S):
        while server.links:  # noqa: ASYNC110 - the fake tells nobody of an end
            await asyncio.sleep(0.01)


async def test_the_server_is_disconnected_when_the_client_hangs_up(
    client: Client, server: FakeServer
) -> None:
    await client.initialize()
    client.hang_up()
    server.notify("codex/event", {})
    async with asyncio.timeout(PATIENCE_S):
        while server.links:  # noqa: ASYNC110 - the fake tells nobody of an end
            await asyncio.sleep(0.01)


async def drains(writer: asyncio.StreamWriter) -> bool:
    """Whether what was written is taken: a second without that counts as never."""
    try:
        await asyncio.wait_for(writer.drain(), 1)
    except TimeoutError:
        return False
    return True


async def test_a_client_that_does_not_read_slows_the_server_and_nothing_grows(
    server: FakeServer,
) -> None:
    async with relaying(lambda: open_socket(server.path), read_ahead=64 * 1024) as client:
        await client.initialize()
        event = {"jsonrpc": "2.0", "method": "codex/event", "params": {"text": "x" * 1000}}
        line = json.dumps(event).encode()
        link = server.links[0]
        sent = 0
        while await drains(link) and sent < 20_000:
            link.write(line + b"\n")
            sent += 1
        assert sent < 20_000  # 20 MB; kernel and buffers take a few
        for _ in range(sent):
            assert (await client.next())["method"] == "codex/event"


async def test_a_server_that_does_not_read_slows_the_client(
    client: Client, server: FakeServer
) -> None:
    stuck = asyncio.Event()

    async def stay(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stuck.wait()
        writer.close()

    await server.stop()
    server.path.unlink()
    async with await asyncio.start_unix_server(stay, server.path, limit=1024):
        sent = 0
        while await drains(client.writer) and sent < 20_000:
            client.call("now", sent, text="x" * 1000)
            sent += 1
        assert sent < 20_000
        # A server that is stuck for good does not hold a relay whose client has gone.
        client.hang_up()
        await client.relay_ended()
        stuck.set()


def test_a_relay_starts_without_mcp_and_without_a_screen() -> None:
    probe = "import sys, codextui.commands.mcp_server; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"mcp", "mcp_types", "anyio", "pydantic", "rich", "textual", "tomlkit"} == set()
