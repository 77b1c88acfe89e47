"""HTTP clients that do not read, and what waits for them."""

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
from codextui.server.app import hosting
from codextui.server.core import Host, ServeOptions
from codextui.server.mcp import codex_events as legacy_merge
from codextui.server.mcp.channel import PeerGone
from codextui.server.transports.http import channel as http_backlog
from codextui.server.transports.http import channel as http_channel
from codextui.server.transports.http.app import serving_http
from codextui.server.transports.http.channel import HttpBacklog, HttpChannel
from codextui.server.transports.http.exchange import Exchange
from codextui.server.transports.http.token import TokenFile


@pytest.fixture
async def host(options: ServeOptions, folder: Path) -> AsyncIterator[Host]:
    changed = replace(options, http=HttpAddress("127.0.0.1", 0), token=folder / "s.token")
    async with hosting(changed) as host, serving_http(host):
        yield host


@pytest.fixture
async def client(host: Host) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with a session of the handshake era."""
    assert host.options.token is not None
    token = TokenFile(host.options.token).read()
    headers = {**JSON_AND_EVENTS, "Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=host.endpoints[0], headers=headers, timeout=PATIENCE_S
    ) as client:
        reply = await client.post("", json=message("initialize", 0, **INITIALIZE))
        client.headers["mcp-session-id"] = reply.headers["mcp-session-id"]
        notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await client.post("", json=notice)
        yield client


async def subscribe_and_never_read(ears: socket.socket, client: httpx2.AsyncClient) -> None:
    """Subscribe over a connection of its own, whose answer stays in the system's buffers."""
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


async def test_a_subscriber_that_does_not_read_is_cut_off_and_holds_nobody_up(
    host: Host, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codextui.server.mcp.subscribe.STALL_S", 0.5)
    with socket.socket() as ears:
        await subscribe_and_never_read(ears, client)
        await until(lambda: bool(host.sessions))
        for _ in range(100):
            host.core.hub.publish("", "", Warned("x" * 200_000))
        reply = await client.post("", json=message("initialize", **INITIALIZE))
        assert reply.status_code == 200
        await until(lambda: not host.sessions)
        await until(lambda: host.core.hub.head > 100)  # the others are told of it


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


async def test_what_is_told_comes_in_order_and_before_what_is_sent_later(
    exchange: Exchange,
) -> None:
    session = DeafSession()
    channel = HttpChannel(session, exchange, HttpBacklog())  # type: ignore[arg-type] # as much of it as is used
    for number in range(3):
        channel.tell("codex/event", {"number": number})
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.notify("codex/event", {"number": 3})
    assert [params["number"] for params in session.sent] == [0, 1, 2, 3]


def exchanges(session_id: str, number: int) -> list[Exchange]:
    headers = [(b"mcp-session-id", session_id.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers}
    return [Exchange(scope, lambda: None) for _ in range(number)]


def tell(exchange: Exchange, backlog: HttpBacklog, size: int) -> HttpChannel:
    """A channel of a client that does not read, with that many bytes that wait."""
    channel = HttpChannel(DeafSession(), exchange, backlog)  # type: ignore[arg-type] # as much of it as is used
    channel.tell("codex/event", {"text": "x" * size})
    return channel


async def test_a_request_for_which_too_much_waits_is_cut_off(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_backlog, "MAX_OF_REQUEST", 10_000)
    channel = tell(exchange, HttpBacklog(), 5_000)
    assert not exchange.ended
    channel.tell("codex/event", {"text": "x" * 5_000})
    assert exchange.ended
    with pytest.raises(PeerGone):
        async with asyncio.timeout(PATIENCE_S):
            await channel.notify("codex/event", {})


async def test_of_a_client_for_whom_too_much_waits_the_largest_request_is_cut_off() -> None:
    backlog = HttpBacklog(of_client=100_000)
    one, *others = exchanges("deaf", 5)
    [bystander] = exchanges("bystander", 1)
    tell(bystander, backlog, 90_000)
    tell(one, backlog, 40_000)
    for other in others[:3]:
        tell(other, backlog, 10_000)
    assert not any(exchange.ended for exchange in (one, bystander, *others))
    tell(others[3], backlog, 30_000)
    assert [exchange.ended for exchange in (one, bystander, *others)] == [True] + [False] * 5


async def test_where_too_much_waits_for_all_it_is_the_client_that_reads_least_that_is_cut_off() -> (
    None
):
    backlog = HttpBacklog(of_client=100_000, of_all=150_000)
    deaf = exchanges("deaf", 2)
    bystanders = [exchanges(name, 1)[0] for name in ("a", "b", "c")]
    for exchange in deaf:
        tell(exchange, backlog, 40_000)
    for exchange in bystanders:
        tell(exchange, backlog, 25_000)
    assert [exchange.ended for exchange in (*deaf, *bystanders)] == [True] + [False] * 4


async def test_what_a_request_had_waiting_counts_no_more_when_it_is_over(
    exchange: Exchange,
) -> None:
    backlog = HttpBacklog(of_all=100_000)
    for _ in range(10):
        channel = tell(exchange, backlog, 60_000)
        channel.close()
        channel.tell("codex/event", {"text": "x" * 60_000})
    assert not exchange.ended


def delta(text: str, item: str = "i", **meta: int) -> dict[str, Any]:
    msg = {"type": "agent_message_content_delta", "item_id": item, "delta": text}
    return {"_meta": {"requestId": 1, **meta}, "msg": msg, "id": "t"}


async def test_of_a_client_that_lags_the_deltas_of_one_item_are_merged_and_nothing_is_lost(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_channel, "MERGE_ABOVE", 3)
    session = DeafSession()
    channel = HttpChannel(session, exchange, HttpBacklog())  # type: ignore[arg-type] # as much of it as is used
    for number in range(10):
        channel.tell("codex/event", delta(f"{number}"))
    for params in (delta("x", item="j"), delta("y", item="j"), delta("z", item="j", other=1)):
        channel.tell("codex/event", params)
    channel.tell("notifications/progress", delta("no event"))
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.flush()
    sent = [params["msg"]["delta"] for params in session.sent]
    assert sent == ["0", "1", "2", "3456789", "xy", "z", "no event"]


async def test_a_delta_grows_only_so_far(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_channel, "MERGE_ABOVE", 0)
    session = DeafSession()
    channel = HttpChannel(session, exchange, HttpBacklog())  # type: ignore[arg-type] # as much of it as is used
    for _ in range(100):
        channel.tell("codex/event", delta("x" * 1_000))
    session.reads.set()
    async with asyncio.timeout(PATIENCE_S):
        await channel.flush()
    sizes = [len(params["msg"]["delta"]) for params in session.sent]
    assert sum(sizes) == 100_000
    assert max(sizes) <= legacy_merge.MERGED_CHARS + 1_000
