"""WebSocketConnection against servers of the library, and against hostile ones."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.frames import Frame, Opcode

from codextui.codex import websocket
from codextui.codex.websocket import WebSocketConnection, WebSocketLimits
from codextui.codex.websocket_frames import FrameSplitter, OtherFrame
from codextui.errors import CodexUnreachable
from codextui.jsonrpc.lines import LineTooLong

PATIENCE_S = 60


class Record:
    """What has arrived."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.dropped: list[LineTooLong] = []
        self.came = asyncio.Event()

    def on_message(self, message: bytes) -> None:
        self.messages.append(message)
        self.came.set()

    async def count(self, number: int) -> list[bytes]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.messages) < number:
                self.came.clear()
                await self.came.wait()
        return self.messages


async def connect(
    address: str, record: Record | None = None, *, token: str = "", **limits: Any
) -> WebSocketConnection:
    record = record or Record()
    return await WebSocketConnection.connect(
        address,
        token=token,
        on_message=record.on_message,
        on_too_long=record.dropped.append,
        limits=WebSocketLimits(**limits),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def serving(
    path: Path, handler: Callable[[ServerConnection], Awaitable[None]] = echo, **options: Any
) -> AsyncIterator[str]:
    async with unix_serve(handler, str(path), max_size=None, compression=None, **options):
        yield f"unix://{path}"


@asynccontextmanager
async def raw_server(path: Path, answer: bytes, *, close: bool = False) -> AsyncIterator[str]:
    """Serve what a hostile program would: some bytes, whatever it is asked."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(answer)
        if close:
            writer.close()
        while await reader.read(10_000):
            pass
        writer.close()

    server = await asyncio.start_unix_server(handle, str(path))
    try:
        yield f"unix://{path}"
    finally:
        server.close()


async def test_messages_go_both_ways(path: Path) -> None:
    record = Record()
    async with serving(path) as address:
        connection = await connect(address, record)
        assert connection.peer == os.getpid()
        texts = [b'{"id":1}', b"", b"x" * 125, b"x" * 126, b"x" * 70_000, "ß€😀".encode()]
        for text in texts:
            assert connection.send(text + b"\n")
        await connection.drain()
        assert await record.count(len(texts)) == texts
        await connection.close()
        assert not connection.is_open
        assert not connection.send(b"late")
        assert connection.closed.result() == "the connection was closed"


async def test_a_long_message_is_sent_in_fragments_and_a_fragmented_one_is_put_together(
    path: Path,
) -> None:
    async def fragments(connection: ServerConnection) -> None:
        message = await connection.recv()
        assert isinstance(message, str)
        await connection.send([message[:5], message[5:9], message[9:]])
        await connection.send("next")
        await connection.wait_closed()

    record = Record()
    async with serving(path, fragments) as address:
        connection = await connect(address, record, fragment=7)
        connection.send(b"one message of 27 characters\n")
        assert await record.count(2) == [b"one message of 27 characters", b"next"]
        await connection.close()


async def test_a_message_above_the_limit_is_dropped_and_the_next_arrives(path: Path) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send('{"id":7,"result":"' + "x" * 3_000_000)
        await connection.send("next")
        await connection.wait_closed()

    record = Record()
    async with serving(path, talk) as address:
        connection = await connect(address, record, max_message=1_000_000)
        assert await record.count(1) == [b"next"]
        (dropped,) = record.dropped
        assert dropped.limit == 1_000_000
        assert dropped.head.startswith(b'{"id":7,"result":"xxx')
        await connection.close()


async def test_a_fragmented_message_above_the_limit_ends_the_connection_with_a_reason(
    path: Path,
) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(["x" * 600, "x" * 600])
        await connection.wait_closed()

    async with serving(path, talk) as address:
        connection = await connect(address, max_message=1_000)
        assert "exceeds limit of 1000 bytes" in await reason(connection)


async def test_a_flood_is_read_on_while_it_is_handled_and_whole_before_the_end(path: Path) -> None:
    async def flood(connection: ServerConnection) -> None:
        for number in range(5_000):
            await connection.send(str(number))
        await connection.close(1001, "full")

    record, turns = Record(), 0
    async with serving(path, flood) as address:
        connection = await connect(address, record, turn_s=0.0)
        while not connection.closed.done():
            await asyncio.sleep(0)  # another task gets its turn after every message
            turns += 1
        assert "full" in connection.closed.result()
    assert record.messages == [str(number).encode() for number in range(5_000)]
    assert turns >= 5_000


async def test_a_ping_is_answered(path: Path) -> None:
    ponged = asyncio.Event()

    async def ping(connection: ServerConnection) -> None:
        await (await connection.ping())
        ponged.set()
        await connection.wait_closed()

    async with serving(path, ping) as address:
        connection = await connect(address)
        async with asyncio.timeout(PATIENCE_S):
            await ponged.wait()
        await connection.close()


async def test_the_reason_of_the_other_side_is_reported(path: Path) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(1001, "update\x1b[2J")

    async with serving(path, leave) as address:
        connection = await connect(address)
        why = await reason(connection)
    assert why == "it closed the connection: '1001 (going away) update\\x1b[2J'"


async def test_what_is_not_read_makes_the_sender_wait(path: Path) -> None:
    go_on = asyncio.Event()

    async def read_late(connection: ServerConnection) -> None:
        await go_on.wait()
        await echo(connection)

    async with serving(path, read_late) as address:
        connection = await connect(address)
        for _ in range(20):
            connection.send(b"x" * 500_000)
        waiting = asyncio.create_task(connection.drain())
        await asyncio.sleep(0)
        assert not waiting.done()
        go_on.set()
        async with asyncio.timeout(PATIENCE_S):
            await waiting
        await connection.close()


async def test_a_link_leads_to_a_socket_whose_own_path_would_be_too_long(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    link = folder / "control.sock"
    async with serving(tmp_path / "s"):
        link.symlink_to(tmp_path / "s")
        connection = await connect(f"unix://{link}")
        await connection.close()


async def test_a_token_is_presented_on_tcp() -> None:
    seen: list[str | None] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers.get("Authorization"))
        await echo(connection)

    record = Record()
    async with serve(note, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(f"ws://127.0.0.1:{port}", record, token="secret")
        connection.send(b"hello")
        assert await record.count(1) == [b"hello"]
        await connection.close()
    assert seen == ["Bearer secret"]


async def test_a_silent_peer_on_tcp_is_given_up() -> None:
    async def freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from websockets.server import ServerProtocol  # noqa: PLC0415 - a server that never pongs

        protocol = ServerProtocol()
        protocol.receive_data(await reader.read(10_000))
        (request,) = protocol.events_received()
        protocol.send_response(protocol.accept(request))  # type: ignore[arg-type]
        writer.write(b"".join(protocol.data_to_send()))
        while await reader.read(10_000):
            pass
        writer.close()

    async with await asyncio.start_server(freeze, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect(f"ws://127.0.0.1:{port}", keepalive_s=0.05)
        assert "not even the answer to a ping" in await reason(connection)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "refuses .*404 Not Found"),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "refuses .*401"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "wrong WebSocket"),
        (b"\x00\xff garbage \n", r"no WebSocket handshake, but '\\x00"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no WebSocket handshake, but 'SSH"),
        (b"HTTP/1.1 101 " + b"x" * 100_000, "without an end"),
    ],
    ids=["not found", "unauthorized", "no accept", "garbage", "ssh", "endless"],
)
async def test_what_is_no_websocket_is_refused_with_a_reason(
    path: Path, answer: bytes, why: str
) -> None:
    async with raw_server(path, answer) as address:
        with pytest.raises(CodexUnreachable, match=f"cannot be joined: .*{why}") as error:
            await connect(address)
        assert not error.value.absent


async def test_a_peer_that_closes_at_once_is_refused(path: Path) -> None:
    async with raw_server(path, b"", close=True) as address:
        with pytest.raises(CodexUnreachable, match="has closed the connection"):
            await connect(address)


async def test_a_peer_that_never_answers_is_given_up(path: Path) -> None:
    async with raw_server(path, b"HTTP/1.1") as address:
        with pytest.raises(CodexUnreachable, match=r"has not answered for 0\.05 seconds"):
            await connect(address, connect_s=0.05)


async def test_garbage_after_the_handshake_ends_the_connection(path: Path) -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.transport.write(b"\xff" * 20)
        await connection.wait_closed()

    async with serving(path, talk) as address:
        connection = await connect(address)
        assert "no WebSocket message" in await reason(connection)


async def test_nothing_to_join_is_told_from_what_refuses(path: Path, tmp_path: Path) -> None:
    with pytest.raises(CodexUnreachable, match="there is no socket") as error:
        await connect(f"unix://{path}")
    assert error.value.absent
    async with serving(path):
        pass
    if not path.exists():  # the server has removed it
        import socket  # noqa: PLC0415 - leaves a dead socket, as a killed process does

        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    with pytest.raises(CodexUnreachable, match="nothing listens there") as error:
        await connect(f"unix://{path}")
    assert error.value.absent
    with pytest.raises(CodexUnreachable, match="no address"):
        await connect("http://127.0.0.1:1")


async def test_the_socket_of_another_user_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(path) as address:
        monkeypatch.setattr(websocket.os, "getuid", lambda: os.geteuid() + 1)
        with pytest.raises(CodexUnreachable, match="belongs to another user"):
            await connect(address)


TEXTS = st.lists(st.binary(max_size=300) | st.sampled_from([125, 126, 65_535, 65_536]).map(bytes))


@given(texts=TEXTS, cuts=st.lists(st.integers(1, 400), max_size=20), limit=st.integers(1, 500))
def test_messages_are_found_however_their_bytes_are_cut(
    texts: list[bytes], cuts: list[int], limit: int
) -> None:
    splitter = FrameSplitter(limit)
    data = b"".join(
        Frame(Opcode.TEXT, text).serialize(mask=False)
        + Frame(Opcode.PING, b"p").serialize(mask=False)
        for text in texts
    )
    found: list[object] = []
    for size in cuts:
        found += splitter.feed(data[:size])
        data = data[size:]
    found += splitter.feed(data)
    expected: list[object] = []
    for text in texts:
        fits = len(text) <= limit
        expected.append(text if fits else LineTooLong(limit, text[:200]))
        expected.append(OtherFrame(b"\x89\x01p"))
    assert found == expected


async def reason(connection: WebSocketConnection) -> str:
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.shield(connection.closed)
