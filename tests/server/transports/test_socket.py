"""What clients send over the socket, without a Codex."""

from __future__ import annotations

import asyncio
import json
import os
import socket

import pytest
from contract.serving import PATIENCE_S, RawClient, Served

from codextui.demo import Script, ScriptedModel
from codextui.protocol.codex_tools import TOOLS
from codextui.protocol.events import Warned
from codextui.protocol.extensions import SUPERVISOR
from codextui.protocol.tools import SUPERVISOR_TOOLS
from codextui.server.options import ServerOptions
from codextui.server.transports.stream import MAX_LINE


def raw(client: RawClient, line: bytes) -> None:
    client.writer.write(line + b"\n")


async def test_an_ordinary_client_sees_the_two_legacy_tools(served: Served):
    async with served.client() as client:
        reply = await client.reply(client.begin("tools/list"))
        assert reply["result"]["tools"] == json.loads(json.dumps(TOOLS))


async def test_a_supervisor_sees_all_tools(served: Served):
    async with served.client(experimental={SUPERVISOR: {}}) as client:
        reply = await client.reply(client.begin("tools/list"))
        shown = [tool["name"] for tool in reply["result"]["tools"]]
        assert shown == [str(tool["name"]) for tool in (*TOOLS, *SUPERVISOR_TOOLS)]


async def test_a_lone_surrogate_does_not_break_the_response(served: Served):
    async with served.client(experimental={SUPERVISOR: {}}) as client:
        raw(
            client,
            json.dumps(
                {
                    "id": 77,
                    "method": "tools/call",
                    "params": {"name": "codex-read", "arguments": {"thread": "half \udc9b"}},
                    "jsonrpc": "2.0",
                }
            ).encode(),
        )
        error = (await client.reply(77))["result"]["structuredContent"]["error"]
        assert error["kind"] == "ThreadUnknown"
        assert "half \ufffd" in error["message"]


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_protocol_version_with_a_handshake_is_served(served: Served, version: str):
    reader, writer = await asyncio.open_unix_connection(served.options.socket)
    async with asyncio.timeout(PATIENCE_S):
        client = RawClient(reader, writer)
        about = {"name": "old", "version": "1"}
        number = client.begin(
            "initialize", protocolVersion=version, capabilities={}, clientInfo=about
        )
        assert (await client.reply(number))["result"]["protocolVersion"] == version
        await client.close()


@pytest.mark.parametrize(
    "line",
    [
        b"this is no JSON",
        b'{"jsonrpc": "2.0", "id": 1',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"a string"',
        b"[1, 2]",
        b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
        b"\xff\xfe",
        b'{"jsonrpc": "2.0", "id": "codextui-77", "result": {}}',
        b'{"jsonrpc": "2.0", "id": 4711, "result": 5}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": 5}',
    ],
)
async def test_malformed_lines_harm_nobody(served: Served, line: bytes):
    async with served.client() as client:
        raw(client, line)
        assert (await client.reply(client.begin("ping")))["result"] == {}


async def test_a_parse_error_is_answered_as_json_rpc_defines(served: Served):
    async with served.client() as client:
        raw(client, b"{")
        reply = await client.message(lambda m: "error" in m)
        assert (reply["id"], reply["error"]["code"]) == (None, -32700)


async def test_a_line_that_is_too_long_disconnects_its_client_alone(served: Served):
    async with served.client() as bad, served.client() as good:
        raw(bad, b"x" * (3 * MAX_LINE))
        await asyncio.wait_for(bad.gone.wait(), PATIENCE_S)
        assert (await good.reply(good.begin("ping")))["result"] == {}


async def test_an_unknown_method_is_refused(served: Served):
    async with served.client() as client:
        reply = await client.reply(client.begin("codex/unknown"))
        assert reply["error"]["code"] == -32601


async def test_a_thousand_open_calls_delay_nobody(served: Served):
    async with served.client() as many, served.client() as other:
        numbers = [many.begin("codex/subscribe", since=0) for _ in range(1_000)]
        assert len(set(numbers)) == 1_000
        assert (await other.reply(other.begin("ping")))["result"] == {}
        assert (await many.reply(many.begin("ping")))["result"] == {}


async def test_a_cancelled_subscription_ends(served: Served):
    async with served.client() as client:
        number = client.begin("codex/subscribe")
        await client.message(lambda m: m.get("method") == "codex/caught_up")
        client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        assert (await client.reply(client.begin("ping")))["result"] == {}


async def test_a_stale_socket_is_replaced(options: ServerOptions):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.fspath(options.socket))
    stale.close()
    served = Served(options, None)  # type: ignore[arg-type] # no model is needed
    await served.start()
    async with served.client() as client:
        assert (await client.reply(client.begin("ping")))["result"] == {}
    await served.stop()
    assert not options.socket.exists()


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc": "2.0", "id": 1e400, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": -1e400}',
        b'{"id": 1e400}',
        b'{"jsonrpc": "2.0", "id": 1e400, "method": "ping", "params": {"text": "\\ud800"}}',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
    ],
)
async def test_a_number_that_json_has_no_form_for_is_never_sent_back(served: Served, line: bytes):
    async with served.client() as client:
        raw(client, line)
        reply = await client.message(lambda m: "error" in m)
        assert reply["id"] is None
        assert "Infinity" not in json.dumps(client.messages)
        assert "NaN" not in str(reply["id"])
        await client.reply(client.begin("ping"))


async def test_an_emptied_journal_is_told_to_consoles_and_commands(options: ServerOptions):
    options.journal.touch()
    served = Served(options, ScriptedModel(Script()))
    await served.start()
    try:
        async with served.console() as console:
            warned = await console.event(Warned)
            assert "was an empty file" in str(warned.msg)
            assert "was an empty file" in (await console.call("codex-threads"))["warning"]
    finally:
        await served.stop()


@pytest.mark.parametrize(
    "params",
    [
        (
            b'"name": "codex-answer", "arguments": '
            b'{"approval": "a1", "decision": "denied", "decision": "approved"}'
        ),
        (
            b'"name": "codex", "arguments": {"prompt": "x"}, "requestState": "s", '
            b'"inputResponses": {"a1": {"action": "decline", "action": "accept"}}'
        ),
    ],
)
async def test_a_decision_that_says_two_things_is_refused(served: Served, params: bytes):
    async with served.client() as client:
        call = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {%s}}'
        raw(client, call % params)
        assert "twice" in (await client.reply(7))["error"]["message"]
