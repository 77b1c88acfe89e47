from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from client.fake_server import FakeServer, Frame

from codextui import errors
from codextui.client.session import ClientSession, call_once, structured_content
from codextui.client.spawn import open_socket
from codextui.errors import (
    CodextuiError,
    MessageInvalid,
    ServerRefused,
    ServerUnreachable,
    ThreadUnknown,
)

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CodextuiError)
]


def error_of(content: object, text: str = "") -> CodextuiError:
    said = [{"type": "text", "text": text}]
    with pytest.raises(CodextuiError) as caught:
        structured_content(
            "codex-x", {"isError": True, "content": said, "structuredContent": content}
        )
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_codextui_is_raised_as_its_own_class(kind: type[CodextuiError]) -> None:
    error = error_of({"error": {"kind": kind.__name__, "message": "what happened"}})
    assert type(error) is kind
    assert str(error) == "what happened"


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "annotations", ""])
def test_other_classes_are_not_raised(name: str) -> None:
    error = error_of({"error": {"kind": name, "message": "what happened"}})
    assert type(error) is ServerRefused


@pytest.mark.parametrize("content", [None, {}, {"error": "no"}, {"error": {"kind": 1}}])
def test_an_error_without_a_kind_has_the_text_of_the_result(content: object) -> None:
    assert str(error_of(content, "in words")) == "in words"
    assert str(error_of(content))


@pytest.mark.parametrize("result", [{"isError": True}, {"isError": True, "content": 7}])
def test_an_error_without_a_text_is_still_an_error(result: dict[str, Any]) -> None:
    with pytest.raises(ServerRefused, match="without saying why"):
        structured_content("codex-x", result)


def test_content_that_is_no_object_is_refused_by_name() -> None:
    with pytest.raises(MessageInvalid, match="the result of codex-x must be an object"):
        structured_content("codex-x", {"structuredContent": [1]})
    assert structured_content("codex-x", {}) == {}


@asynccontextmanager
async def session_with(server: FakeServer, **handlers: Any) -> AsyncIterator[ClientSession]:
    async with (
        asyncio.timeout(60),
        ClientSession(await open_socket(server.path), **handlers) as session,
    ):
        await session.initialize("a test", supervise=False)
        yield session


async def test_the_handshake_names_both_sides(server: FakeServer) -> None:
    async with asyncio.timeout(60), ClientSession(await open_socket(server.path)) as session:
        assert await session.initialize("a test", supervise=True) == "codextui 9.9"
    introduced = await server.heard_method("initialize")
    assert introduced["params"]["clientInfo"]["name"] == "a test"
    assert introduced["params"]["protocolVersion"] == "2025-11-25"
    await server.heard_method("notifications/initialized")


async def test_a_server_that_does_not_answer_the_handshake_is_given_up(server: FakeServer) -> None:
    server.deaf = True
    async with ClientSession(await open_socket(server.path)) as session:
        with pytest.raises(ServerUnreachable, match=r"did not introduce itself within 0\.01 s"):
            await session.initialize("a test", supervise=False, timeout_s=0.01)
    assert "notifications/cancelled" not in [frame["method"] for frame in server.received]


async def test_one_call_returns_what_the_tool_returns(server: FakeServer) -> None:
    server.tools["echo"] = lambda arguments: arguments
    assert await call_once(server.path, "a test", "echo", {"a": [1]}) == {"a": [1]}


async def test_one_call_raises_what_the_server_names(server: FakeServer) -> None:
    def unknown(_: Frame) -> Frame:
        raise ThreadUnknown("no thread is called nobody")

    server.tools["read"] = unknown
    with pytest.raises(ThreadUnknown, match="nobody"):
        await call_once(server.path, "a test", "read", {})
    with pytest.raises(ServerRefused, match="no tool dance"):
        await call_once(server.path, "a test", "dance", {})


async def test_one_call_without_a_server_fails(tmp_path: Path) -> None:
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        await call_once(tmp_path / "none", "a test", "echo", {})


async def test_one_call_that_loses_its_server_fails(server: FakeServer) -> None:
    server.tools["die"] = lambda _: server.hang_up()
    with pytest.raises(ServerUnreachable, match="lost before it answered"):
        await call_once(server.path, "a test", "die", {})


async def test_one_call_does_not_wait_for_a_server_that_sends_no_json(server: FakeServer) -> None:
    def babble(_: Frame) -> asyncio.Future[Frame]:
        server.send(b"babble")
        return asyncio.get_running_loop().create_future()

    server.tools["babble"] = babble
    with pytest.raises(MessageInvalid, match="the server sent a line that is not JSON"):
        await call_once(server.path, "a test", "babble", {})


async def test_a_cancelled_call_is_withdrawn(server: FakeServer) -> None:
    async with session_with(server) as session:
        called = asyncio.create_task(session.call_tool("any", {}))
        server.tools["any"] = lambda _: asyncio.get_running_loop().create_future()
        request = await server.heard_method("tools/call")
        called.cancel()
        withdrawn = await server.heard_method("notifications/cancelled")
    assert withdrawn["params"]["requestId"] == request["id"]


async def test_a_ping_of_the_server_is_answered(server: FakeServer) -> None:
    async with session_with(server):
        server.send({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        answer = await server.heard(lambda frame: frame.get("id") == "p")
    assert answer["result"] == {}


async def test_a_request_that_nobody_knows_is_refused(server: FakeServer) -> None:
    async with session_with(server):
        server.send({"jsonrpc": "2.0", "id": 7, "method": "roots/list"})
        answer = await server.heard(lambda frame: frame.get("id") == 7 and "error" in frame)
    assert answer["error"]["code"] == -32601


async def test_a_request_may_be_answered_later_by_its_handler(server: FakeServer) -> None:
    asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def handle(*request: Any) -> bool:
        asked.set_result(request)
        return True

    async with session_with(server, on_request=handle) as session:
        params = {"deep": {"unknown": [1]}}
        server.send({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": params})
        assert await asked == (7, "elicitation/create", params)
        session.respond(7, {"action": "accept", "content": {"any": "thing"}})
        answer = await server.heard(lambda frame: frame.get("id") == 7 and "result" in frame)
    assert answer["result"] == {"action": "accept", "content": {"any": "thing"}}


async def test_progress_and_other_notifications_are_ignored(server: FakeServer) -> None:
    server.tools["echo"] = lambda arguments: arguments
    async with session_with(server) as session:
        server.notify("notifications/progress", {"progressToken": 1, "progress": 0.5})
        server.notify("notifications/tools/list_changed", {})
        assert await session.call_tool("echo", {"a": 1}) == {"a": 1}


async def test_a_server_that_never_reads_does_not_hold_its_client(tmp_path: Path) -> None:
    async def stay(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leaving.wait()
        writer.close()

    leaving = asyncio.Event()
    async with (
        await asyncio.start_unix_server(stay, tmp_path / "s", limit=1024),
        asyncio.timeout(60),
    ):
        async with ClientSession(await open_socket(tmp_path / "s")) as session:
            call = asyncio.create_task(session.call_tool("any", {"text": "x" * 10_000_000}))
            await asyncio.sleep(0)
        with pytest.raises(ServerUnreachable):
            await call
        leaving.set()
