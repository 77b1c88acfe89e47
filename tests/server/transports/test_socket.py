"""The socket, its lock and what comes over it, without a Codex."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from contract.serving import PATIENCE_S, RawClient, Served, until

from codextui.errors import ServerUnreachable
from codextui.protocol.tools import SUPERVISOR, SUPERVISOR_TOOLS, TOOLS
from codextui.server.options import ServerOptions
from codextui.server.run import serve
from codextui.server.transports.stream import MAX_LINE


def raw(client: RawClient, line: bytes) -> None:
    client.writer.write(line + b"\n")


async def test_an_ordinary_client_sees_the_two_tools_as_they_were(served: Served):
    async with served.client() as client:
        reply = await client.reply(client.begin("tools/list"))
        assert reply["result"]["tools"] == json.loads(json.dumps(TOOLS))


async def test_a_supervisor_sees_all_tools(served: Served):
    async with served.client(experimental={SUPERVISOR: {}}) as client:
        reply = await client.reply(client.begin("tools/list"))
        shown = [tool["name"] for tool in reply["result"]["tools"]]
        assert shown == [str(tool["name"]) for tool in (*TOOLS, *SUPERVISOR_TOOLS)]


async def test_half_a_character_of_one_client_fails_nobody(served: Served):
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
        told = (await client.reply(77))["result"]["structuredContent"]["error"]
        assert told["kind"] == "ThreadUnknown"
        assert "half \ufffd" in told["message"]


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_version_with_a_handshake_is_served(served: Served, version: str):
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
async def test_what_is_no_message_harms_nobody(served: Served, line: bytes):
    async with served.client() as client:
        raw(client, line)
        assert (await client.reply(client.begin("ping")))["result"] == {}


async def test_what_cannot_be_parsed_is_answered_as_the_protocol_says(served: Served):
    async with served.client() as client:
        raw(client, b"{")
        reply = await client.message(lambda m: "error" in m)
        assert (reply["id"], reply["error"]["code"]) == (None, -32700)


async def test_too_long_a_line_ends_its_client_alone(served: Served):
    async with served.client() as bad, served.client() as good:
        raw(bad, b"x" * (3 * MAX_LINE))
        await asyncio.wait_for(bad.gone.wait(), PATIENCE_S)
        assert (await good.reply(good.begin("ping")))["result"] == {}


async def test_an_unknown_method_is_refused(served: Served):
    async with served.client() as client:
        reply = await client.reply(client.begin("codex/unknown"))
        assert reply["error"]["code"] == -32601


async def test_a_thousand_open_calls_hold_nobody_up(served: Served):
    async with served.client() as many, served.client() as other:
        numbers = [many.begin("codex/subscribe", since=0) for _ in range(1_000)]
        assert len(set(numbers)) == 1_000
        assert (await other.reply(other.begin("ping")))["result"] == {}
        assert (await many.reply(many.begin("ping")))["result"] == {}


async def test_a_subscription_that_is_taken_back_ends(served: Served):
    async with served.client() as client:
        number = client.begin("codex/subscribe")
        await client.message(lambda m: m.get("method") == "codex/caught_up")
        client.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        assert (await client.reply(client.begin("ping")))["result"] == {}


async def test_a_stale_socket_is_cleaned_up(options: ServerOptions):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.fspath(options.socket))
    stale.close()
    served = Served(options, None)  # type: ignore[arg-type] # no model is needed
    await served.start()
    async with served.client() as client:
        assert (await client.reply(client.begin("ping")))["result"] == {}
    await served.stop()
    assert not options.socket.exists()


async def test_a_folder_that_is_not_there_is_said(options: ServerOptions, folder: Path):
    gone = folder / "gone" / "s.lock"
    with pytest.raises(ServerUnreachable, match=r"s\.lock"):
        await serve(replace(options, lock=gone))
    with pytest.raises(ServerUnreachable, match=r"s\.sock"):
        await serve(replace(options, socket=folder / "gone" / "s.sock"))


PROGRAM = """
import asyncio, pathlib, sys
from codextui.server.options import ServerOptions
from codextui.server.run import serve
folder = pathlib.Path(sys.argv[1])
asyncio.run(serve(ServerOptions(
    "test", folder / "s.sock", folder / "s.lock", folder / "s.sqlite",
    codex_binary=folder / "no-codex")))
"""


async def start_process(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(folder), stderr=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_cleanly(folder: Path, number: signal.Signals):
    process = await start_process(folder)
    await until((folder / "s.sock").exists)
    process.send_signal(number)
    async with asyncio.timeout(PATIENCE_S):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert b"has ended" in errors
    assert b"Traceback" not in errors
    assert not (folder / "s.sock").exists()


async def test_of_many_that_start_at_once_one_stays(folder: Path):
    processes = [await start_process(folder) for _ in range(4)]
    async with asyncio.timeout(PATIENCE_S):
        waiting = {asyncio.create_task(p.communicate()): p for p in processes}
        while len(waiting) > 1:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                assert waiting.pop(task).returncode == 0
                assert b"already" in task.result()[1]
    (process,) = waiting.values()
    await until((folder / "s.sock").exists)
    process.kill()
    await asyncio.wait(waiting)
    # The one that was killed has left its socket and its lock; they hold nobody up.
    again = await start_process(folder)
    reader, writer = await connect(folder)
    client = RawClient(reader, writer)
    await client.initialize("test", {})
    await client.call("codex-shutdown")
    await client.close()
    async with asyncio.timeout(PATIENCE_S):
        await again.communicate()
    assert again.returncode == 0


async def connect(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_unix_connection(folder / "s.sock")
            except OSError:
                await asyncio.sleep(0.02)
