"""Which HTTP requests are accepted, without a Codex."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from contract.http_clients import (
    INITIALIZE,
    http_client,
    message,
    raw_session,
    token_of,
    until_disconnected,
    url_of,
)
from contract.serving import PATIENCE_S, Served, until

from codextui.config.address import HttpAddress
from codextui.demo import Script, ScriptedModel
from codextui.errors import ServerUnreachable
from codextui.protocol.events import Warned
from codextui.server.options import HttpLimits, ServerLimits, ServerOptions
from codextui.server.run import serve
from codextui.server.transports.http.server import HttpServer
from codextui.server.transports.http.token import TokenFile

HELLO = message("initialize", **INITIALIZE)


@pytest.fixture
def limits() -> HttpLimits:
    return HttpLimits()


@pytest.fixture
def options(options: ServerOptions, folder: Path, limits: HttpLimits) -> ServerOptions:
    return replace(
        options,
        http=HttpAddress("127.0.0.1", 0),
        token=folder / "s.token",
        limits=ServerLimits(http=limits),
    )


async def initialize(served: Served, **headers: str) -> httpx2.Response:
    async with http_client(served, **headers) as client:
        return await client.post("", json=HELLO)


async def test_a_request_with_the_token_is_accepted(served: Served) -> None:
    reply = await initialize(served)
    assert reply.status_code == 200
    assert reply.headers["mcp-session-id"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic {token}", "{token}"])
async def test_a_request_without_the_token_is_refused(served: Served, header: str) -> None:
    reply = await initialize(served, Authorization=header.format(token=token_of(served)))
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "codextui token" in reply.json()["error"]["message"]
    assert token_of(served) not in reply.text


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "HEAD"])
async def test_every_method_needs_the_token(served: Served, method: str) -> None:
    async with http_client(served, Authorization="") as client:
        assert (await client.request(method, "")).status_code == 401


async def test_a_replaced_token_is_refused_at_once(served: Served) -> None:
    old = token_of(served)
    assert served.options.token is not None
    TokenFile(served.options.token).replace()
    assert (await initialize(served, Authorization=f"Bearer {old}")).status_code == 401
    assert (await initialize(served)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "@"])
async def test_a_request_for_another_host_is_refused(served: Served, host: str) -> None:
    assert (await initialize(served, Host=host)).status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:1"])
async def test_the_names_of_this_machine_are_accepted(served: Served, host: str) -> None:
    assert (await initialize(served, Host=host)).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost.evil.example", "null", "http://["]
)
async def test_pages_of_other_origins_are_refused(served: Served, origin: str) -> None:
    assert (await initialize(served, Origin=origin)).status_code == 403


async def test_a_page_of_this_machine_is_allowed(served: Served) -> None:
    assert (await initialize(served, Origin="http://localhost:6274")).status_code == 200


async def test_other_paths_are_not_found(served: Served) -> None:
    async with http_client(served) as client:
        base = str(client.base_url).removesuffix("/mcp/").removesuffix("/mcp")
        assert (await client.post(f"{base}/other", json=HELLO)).status_code == 404


async def test_a_body_that_is_too_large_is_refused_and_others_are_served(
    served: Served,
) -> None:
    body = json.dumps(message("initialize", pad="x" * HttpLimits().body_bytes))
    async with http_client(served) as client:
        assert (await client.post("", content=body)).status_code == 413
    assert (await initialize(served)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        "[" * 100_000,
        "null",
        '{"jsonrpc":"2.0","id":1}',
        '{"jsonrpc":"2.0","id":{},"method":"tools/list"}',
        json.dumps(message("tools/list", cursor=[1])),
        '{"method":"notifications/cancelled","params":{"requestId":[[]]}}',
        '{"method":"notifications/cancelled","params":[' + "[" * 5_000,
        "9" * 100_000,
        "\x00\xff",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28", "1999-01-01"])
async def test_malformed_messages_are_refused_and_others_are_served(
    served: Served, body: str, version: str
) -> None:
    async with raw_session(served, "good") as good:
        headers = {**good.headers, "mcp-protocol-version": version}
        reply = await good.http.post("", content=body.encode("latin-1"), headers=headers)
        assert reply.status_code < 500
        assert '"result":' not in reply.text
        assert "result" in await good.reply(good.begin("tools/list"))


async def test_an_unknown_session_is_refused(served: Served) -> None:
    async with http_client(served, **{"mcp-session-id": "made-up"}) as client:
        assert (await client.post("", json=message("tools/list"))).status_code == 404


@pytest.mark.parametrize("version", ["", "2025-11-25", "2026-07-28"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "PUT"])
async def test_only_a_session_has_more_than_posts(
    served: Served, method: str, version: str
) -> None:
    headers = {"mcp-protocol-version": version} if version else {}
    async with http_client(served, **headers) as client:
        reply = await client.request(method, "")
        assert reply.status_code == 405
        assert reply.headers["allow"] == "POST"
    async with raw_session(served, "with a session") as session, asyncio.timeout(PATIENCE_S):
        stream = session.http.stream("GET", "", headers=session.headers)
        async with stream as opened:
            assert opened.status_code == 200


@pytest.mark.parametrize("limits", [HttpLimits(connections=30, long_calls_share=0.1)])
async def test_too_many_open_calls_are_refused_and_decisions_still_get_through(
    served: Served,
) -> None:
    supervises = {"codextui/supervisor": {}}
    async with (
        served.console() as console,
        raw_session(served, "greedy", experimental=supervises) as greedy,
    ):
        for _ in range(3):
            stream = greedy.begin("codex/subscribe")
            await greedy.message(stream, lambda m: m.get("method") == "codex/caught_up")
        refused = await greedy.reply(greedy.begin("codex/subscribe"))
        assert "3 calls are open already" in refused["error"]["message"]
        decided = await greedy.reply(greedy.begin_tool("codex-approvals"))
        assert decided["result"]["structuredContent"] == {"approvals": []}
        await greedy.vanish()
        await until_disconnected(console, "greedy")
    async with raw_session(served, "next", experimental=supervises) as following:
        stream = following.begin("codex/subscribe")
        await following.message(stream, lambda m: m.get("method") == "codex/caught_up")


@pytest.mark.parametrize("limits", [HttpLimits(connections=1)])
async def test_too_many_connections_are_closed_and_the_open_ones_are_served(
    served: Served,
) -> None:
    async with raw_session(served, "good") as good:
        with pytest.raises(httpx2.HTTPError):
            await initialize(served)
        assert "result" in await good.reply(good.begin("tools/list"))


@pytest.mark.parametrize("limits", [HttpLimits(first_request_s=0.05)])
async def test_a_silent_connection_is_closed(served: Served) -> None:
    url = httpx2.URL(await url_of(served))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /mcp HTTP/1.1\r\n")
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_a_supervisor_subscribes_by_http(served: Served) -> None:
    async with (
        served.console() as console,
        raw_session(served, "far console", experimental={"codextui/supervisor": {}}) as far,
    ):
        stream = far.begin("codex/subscribe")
        caught_up = await far.message(stream, lambda m: m.get("method") == "codex/caught_up")
        assert caught_up["params"]["seq"] >= 0
        info = await console.call("codex-server")
        assert "far console" in info["clients"]
        assert info["http"] == await url_of(served)
        listed = await far.reply(far.begin_tool("codex-threads"))
        content = listed["result"]["structuredContent"]
        assert content.pop("threads") == []
        assert content.pop("problem").startswith("The configured Codex is of no use")
        assert content == {}


async def test_a_subscriber_that_vanishes_is_removed(served: Served) -> None:
    async with served.console() as console:
        async with raw_session(served, "far", experimental={"codextui/supervisor": {}}) as far:
            stream = far.begin("codex/subscribe")
            await far.message(stream, lambda m: m.get("method") == "codex/caught_up")
            assert "far" in (await console.call("codex-server"))["clients"]
        await until_disconnected(console, "far")


async def test_a_shutdown_over_http_is_answered(served: Served) -> None:
    async with raw_session(served, "boss", experimental={"codextui/supervisor": {}}) as boss:
        waiting = boss.begin("codex/subscribe")
        await boss.message(waiting, lambda m: m.get("method") == "codex/caught_up")
        reply = await boss.reply(boss.begin_tool("codex-shutdown"))
        assert reply["result"]["structuredContent"] == {}
        await served.ended()


@pytest.fixture
async def address_in_use() -> AsyncIterator[HttpAddress]:
    """An address on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield HttpAddress(*other.getsockname())


async def test_a_port_in_use_is_reported_and_nothing_is_left_behind(
    options: ServerOptions, address_in_use: HttpAddress
) -> None:
    with pytest.raises(
        ServerUnreachable, match=f"{address_in_use} cannot be listened on: another program"
    ):
        async with asyncio.timeout(PATIENCE_S):
            await serve(replace(options, http=address_in_use))
    assert not options.socket.exists()
    again = Served(options, ScriptedModel(Script()))
    await again.start()
    assert (await initialize(again)).status_code == 200
    await again.stop()


async def test_a_configured_port_in_use_does_not_keep_the_socket_from_being_served(
    options: ServerOptions, address_in_use: HttpAddress
) -> None:
    served = Served(
        replace(options, http=address_in_use, http_required=False), ScriptedModel(Script())
    )
    await served.start()
    async with served.console() as console:
        assert (await console.call("codex-server"))["http"] == ""
        assert options.log is not None
        await until(lambda: "another program listens there" in options.log.read_text())
    await served.stop()


async def test_http_clients_open_no_addresses(served: Served) -> None:
    async with raw_session(served, "far") as far:
        reply = await far.reply(far.begin_tool("codex-listen", address="127.0.0.1:0"))
        assert reply["result"]["isError"]
        assert "connect to the server's socket" in str(reply["result"]["content"])


async def test_a_listener_that_has_failed_is_not_named_and_can_be_replaced(
    options: ServerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(replace(options, http=None), ScriptedModel(Script()))
    await served.start()
    async with served.console() as console, served.client("client") as client:

        async def fail(*_: object) -> None:
            raise RuntimeError("broken")

        with monkeypatch.context() as broken:
            broken.setattr(HttpServer, "serve", fail)
            await client.call("codex-listen", address="127.0.0.1:0")
            warned = await console.event(Warned)
        assert isinstance(warned.msg, Warned)
        assert "has ended" in warned.msg.message
        assert (await console.call("codex-server"))["http"] == ""
        again = await client.call("codex-listen", address="127.0.0.1:0")
        assert again["structuredContent"]["added"]
        assert (await initialize(served)).status_code == 200
    await served.stop()


async def test_the_token_is_private_and_never_logged(served: Served) -> None:
    await initialize(served)
    await initialize(served, Authorization="Bearer nonsense")
    assert served.options.token is not None
    assert served.options.log is not None
    assert served.options.token.stat().st_mode & 0o777 == 0o600
    assert token_of(served) not in served.options.log.read_text()


async def test_a_client_that_asks_for_a_replay_gets_none(served: Served) -> None:
    async with raw_session(served, "back") as back:
        headers = {**back.headers, "Last-Event-ID": "1"}
        async with back.http.stream("GET", "", headers=headers) as reply:
            assert reply.status_code == 200
        assert "result" in await back.reply(back.begin("tools/list"))
