"""HTTP clients that do not read, and the bytes that wait for them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from contract.http_clients import INITIALIZE, JSON_AND_EVENTS, message
from contract.serving import PATIENCE_S, until

from codextui.config.address import HttpAddress
from codextui.protocol.events import Warned
from codextui.server.app import open_server
from codextui.server.clients import ClientGone
from codextui.server.options import EventLimits, HttpLimits, ServerLimits, ServerOptions
from codextui.server.state import ServerState
from codextui.server.transports.http.app import open_listener
from codextui.server.transports.http.channel import HttpBacklog, HttpChannel
from codextui.server.transports.http.exchange import Exchange
from codextui.server.transports.http.token import TokenFile


@pytest.fixture
async def server(options: ServerOptions, folder: Path) -> AsyncIterator[ServerState]:
    changed = replace(
        options,
        token=folder / "s.token",
        limits=ServerLimits(events=EventLimits(stall_s=0.5)),
    )
    async with open_server(changed) as server:
        listener = open_listener(server, HttpAddress("127.0.0.1", 0))
        yield server
        await listener.close()


@pytest.fixture
async def client(server: ServerState) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a session of the handshake era."""
    assert server.options.token is not None
    token = TokenFile(server.options.token).read()
    headers = {**JSON_AND_EVENTS, "Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=server.http.url, headers=headers, timeout=PATIENCE_S
    ) as client:
        reply = await client.post("", json=message("initialize", 0, **INITIALIZE))
        client.headers["mcp-session-id"] = reply.headers["mcp-session-id"]
        notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await client.post("", json=notice)
        yield client


async def subscribe_and_never_read(ears: socket.socket, client: httpx2.AsyncClient) -> None:
    """Subscribe over a connection whose response stays in the system's buffers."""
    loop = asyncio.get_running_loop()
    url = client.base_url
    body = json.dumps(message("codex/subscribe", 1_000)).encode()
    request = client.build_request("POST", "", content=body)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ears.setblocking(False)
    await loop.sock_connect(ears, (url.host, url.port))
    await loop.sock_sendall(ears, f"POST {url.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    async with asyncio.timeout(PATIENCE_S):
        assert await loop.sock_recv(ears, 12) == b"HTTP/1.1 200"


async def test_a_subscriber_that_does_not_read_is_disconnected_and_delays_nobody(
    server: ServerState, client: httpx2.AsyncClient
) -> None:
    with socket.socket() as ears:
        await subscribe_and_never_read(ears, client)
        await until(lambda: bool(server.sessions))
        for _ in range(100):
            server.hub.publish("", "", Warned("x" * 200_000))
        reply = await client.post("", json=message("initialize", **INITIALIZE))
        assert reply.status_code == 200
        await until(lambda: not server.sessions)
        await until(lambda: server.hub.head > 100)  # the others are told of it


class DeafSession:
    """mcp's session, whose client never reads."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.reads = asyncio.Event()

    async def send_notification(self, notification: Any, **_: Any) -> None:
        await self.reads.wait()
        self.sent.append(notification.params)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange({"type": "http", "method": "POST", "headers": []}, lambda: None)


async def test_queued_notifications_come_in_order_and_before_later_ones(
    exchange: Exchange,
) -> None:
    session = DeafSession()
    channel = HttpChannel(session, exchange, HttpBacklog())  # type: ignore[arg-type] # as much of it as is used
    for number in range(3):
        channel.notify_soon("codex/event", {"number": number})
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.notify("codex/event", {"number": 3})
    assert [params["number"] for params in session.sent] == [0, 1, 2, 3]


def exchanges(session_id: str, number: int) -> list[Exchange]:
    headers = [(b"mcp-session-id", session_id.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers}
    return [Exchange(scope, lambda: None) for _ in range(number)]


def notify(exchange: Exchange, backlog: HttpBacklog, size: int) -> HttpChannel:
    """Return the channel of a client that does not read, with so many bytes waiting."""
    channel = HttpChannel(DeafSession(), exchange, backlog)  # type: ignore[arg-type] # as much of it as is used
    channel.notify_soon("codex/event", {"text": "x" * size})
    return channel


async def test_a_request_with_too_large_a_backlog_is_disconnected(
    exchange: Exchange,
) -> None:
    channel = notify(exchange, HttpBacklog(HttpLimits(request_backlog=10_000)), 5_000)
    assert not exchange.ended
    channel.notify_soon("codex/event", {"text": "x" * 5_000})
    assert exchange.ended
    with pytest.raises(ClientGone):
        async with asyncio.timeout(PATIENCE_S):
            await channel.notify("codex/event", {})


async def test_a_client_with_too_large_a_backlog_loses_its_largest_request() -> None:
    backlog = HttpBacklog(HttpLimits(client_backlog=100_000))
    one, *others = exchanges("deaf", 5)
    [bystander] = exchanges("bystander", 1)
    notify(bystander, backlog, 90_000)
    notify(one, backlog, 40_000)
    for other in others[:3]:
        notify(other, backlog, 10_000)
    assert not any(exchange.ended for exchange in (one, bystander, *others))
    notify(others[3], backlog, 30_000)
    assert [exchange.ended for exchange in (one, bystander, *others)] == [True] + [False] * 5


async def test_the_client_that_reads_least_is_disconnected_when_too_much_waits_for_all() -> None:
    backlog = HttpBacklog(HttpLimits(client_backlog=100_000, total_backlog=150_000))
    deaf = exchanges("deaf", 2)
    bystanders = [exchanges(name, 1)[0] for name in ("a", "b", "c")]
    for exchange in deaf:
        notify(exchange, backlog, 40_000)
    for exchange in bystanders:
        notify(exchange, backlog, 25_000)
    assert [exchange.ended for exchange in (*deaf, *bystanders)] == [True] + [False] * 4


async def test_the_backlog_of_a_request_ends_with_it(
    exchange: Exchange,
) -> None:
    backlog = HttpBacklog(HttpLimits(total_backlog=100_000))
    for _ in range(10):
        channel = notify(exchange, backlog, 60_000)
        channel.close()
        channel.notify_soon("codex/event", {"text": "x" * 60_000})
    assert not exchange.ended


def delta(text: str, item: str = "i", **meta: int) -> dict[str, Any]:
    msg = {"type": "agent_message_content_delta", "item_id": item, "delta": text}
    return {"_meta": {"requestId": 1, **meta}, "msg": msg, "id": "t"}


async def test_adjacent_deltas_of_a_lagging_client_are_merged_without_loss(
    exchange: Exchange,
) -> None:
    session = DeafSession()
    backlog = HttpBacklog(HttpLimits(merge_above=3))
    channel = HttpChannel(session, exchange, backlog)  # type: ignore[arg-type] # as much of it as is used
    for number in range(10):
        channel.notify_soon("codex/event", delta(f"{number}"))
    for params in (delta("x", item="j"), delta("y", item="j"), delta("z", item="j", other=1)):
        channel.notify_soon("codex/event", params)
    channel.notify_soon("notifications/progress", delta("no event"))
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.flush()
    sent = [params["msg"]["delta"] for params in session.sent]
    assert sent == ["0", "1", "2", "3456789", "xy", "z", "no event"]


async def test_merged_deltas_have_a_maximum_size(
    exchange: Exchange,
) -> None:
    session = DeafSession()
    limits = HttpLimits(merge_above=0)
    channel = HttpChannel(session, exchange, HttpBacklog(limits))  # type: ignore[arg-type] # as much of it as is used
    for _ in range(100):
        channel.notify_soon("codex/event", delta("x" * 1_000))
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.flush()
    sizes = [len(params["msg"]["delta"]) for params in session.sent]
    assert sum(sizes) == 100_000
    assert max(sizes) <= limits.merged_chars + 1_000
