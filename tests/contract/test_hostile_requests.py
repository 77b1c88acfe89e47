"""What no client should send: it is told so, and the others are served as before."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from clients.machine import Machine, running_machine
from contract.http_clients import INITIALIZE, message
from contract.serving import PATIENCE_S, RawClient
from hypothesis import given, settings
from hypothesis import strategies as st

from codextui.client import relay, session
from codextui.demo import ModelRequest, Say, Step
from codextui.protocol import events as ev
from codextui.server.options import DEFAULT_LIMITS
from codextui.server.transports.stream import MAX_LINE

pytestmark = [pytest.mark.contract, pytest.mark.asyncio(loop_scope="module")]

MIB = 1024 * 1024
MAX_BODY = DEFAULT_LIMITS.http.body_bytes
OPEN_CALLS = 1_000
FLOODS = 3
FLOOD = "".join(f"{number} " for number in range(20_000))
MORE_MEMORY = 256 * MIB
"""Bytes that a server may have grown by after a test. A leak of what was sent is more."""


@dataclass
class Held:
    """A model that says some things at once, and some when the test lets it."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, request: ModelRequest) -> list[Step]:
        match request.first_user_text:
            case "wait":
                return [Say("Held no more.", gate=self.gate)]
            case "flood":
                return [Say(FLOOD)]
            case _:
                return [Say("Hello yourself.")]


@dataclass
class House:
    """A server, its model, and a client that wants nothing but to be served."""

    machine: Machine
    held: Held
    bystander: RawClient
    relayed: RawClient

    async def is_well(self) -> None:
        """The others are served: a ping, and a call."""
        reply = await self.bystander.reply(self.bystander.begin("ping"))
        assert "error" not in reply
        called = await self.bystander.call("codex", prompt="hello", cwd=str(self.machine.project))
        assert called["structuredContent"]["content"] == "Hello yourself."

    async def memory(self) -> int:
        """Bytes of the server's process; 0 where the system does not tell."""
        server = await session.call_once(self.machine.socket, "a test", "codex-server", {})
        status = Path(f"/proc/{server['pid']}/status")
        if not status.exists():
            return 0
        [line] = [row for row in status.read_text().splitlines() if row.startswith("VmRSS")]
        return int(line.split()[1]) * 1024

    @asynccontextmanager
    async def unharmed(self) -> AsyncIterator[None]:
        """What is done in here harms neither the others nor the server."""
        before = await self.memory()
        yield
        await self.is_well()
        assert await self.memory() - before < MORE_MEMORY

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.machine.token}",
        }
        timeout = httpx2.Timeout(PATIENCE_S, pool=None)
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(headers=headers, timeout=timeout, limits=limits) as client:
            yield client

    @asynccontextmanager
    async def session(self) -> AsyncIterator[httpx2.AsyncClient]:
        """One with a session of the handshake era."""
        async with self.http() as http:
            hello = message("initialize", **INITIALIZE)
            reply = await http.post(self.machine.url, json=hello)
            http.headers["mcp-session-id"] = reply.headers["mcp-session-id"]
            notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await http.post(self.machine.url, json=notice)
            yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    held = Held()
    async with (
        running_machine(held.answer) as machine,
        machine.client() as bystander,
        machine.client("stdio") as relayed,
    ):
        yield House(machine, held, bystander, relayed)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def call(**params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "wrong", "method": "tools/call", "params": params}


def deep(depth: int) -> bytes:
    """A call whose arguments are nested that deeply."""
    return (
        b'{"jsonrpc":"2.0","id":"wrong","method":"tools/call","params":{"name":"codex","arguments":'
        b'{"prompt":"x","config":{"a":' + nested(depth) + b"}}}}"
    )


def ping(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "wrong", "method": "ping", **members}


def without(message: dict[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != member}


NOT_JSON: dict[str, tuple[object, int | str, object]] = {
    "no JSON": (b"hello?", -32700, None),
    "half of a message": (b'{"jsonrpc":"2.0","id":"wrong",', -32700, None),
    "a number that JSON does not have": (b'{"jsonrpc":"2.0","id":NaN}', -32700, None),
    "a deep list": (nested(100_000), -32700, None),
    "arguments that are far too deep": (deep(100_000), -32700, None),
}
NO_MESSAGE: dict[str, tuple[object, int | str, object]] = {
    "a number": (42, -32600, None),
    "nothing": (None, -32600, None),
    "an empty list": ([], -32600, None),
    "a batch": ([call(name="codex", arguments={"prompt": "x"}), ping()], -32600, None),
    "arguments that are too deep": (deep(101), -32600, "wrong"),
    "arguments that are deeper than mcp reads": (deep(300), -32600, "wrong"),
    "no version of JSON-RPC": (without(ping(), "jsonrpc"), -32600, "wrong"),
    "another version of JSON-RPC": (ping(jsonrpc="1.0"), -32600, "wrong"),
    "an id that is a fraction": (ping(id=1.5), -32600, 1.5),
    "an id that is null": (ping(id=None), -32600, None),
    "an id that is a truth": (ping(id=True), -32600, None),
    "an id that is a list": (ping(id=["wrong"]), -32600, None),
    "an id that is an object": (ping(id={}), -32600, None),
    "a method that is a number": (ping(method=5), -32600, "wrong"),
    "a method that is null": (ping(method=None), -32600, "wrong"),
    "a method that is a list, and no id": (without(ping(method=["ping"]), "id"), -32600, None),
    "no method": (without(ping(), "method"), -32600, "wrong"),
    "nothing in it": ({}, -32600, None),
    "parameters that are a list": (ping(params=["x"]), -32602, "wrong"),
    "parameters that are a text": (ping(params="x"), -32602, "wrong"),
}
WRONG_FOR_MCP: dict[str, tuple[object, int | str, object]] = {
    "no UTF-8": (b'{"jsonrpc":"2.0","id":"wrong","method":"\xff\xfe"}', -32601, "wrong"),
    "no such method": (ping(method="tools/explode"), -32601, "wrong"),
    "no parameters": (ping(method="tools/call"), -32602, "wrong"),
    "meta that is a number": (ping(method="tools/list", params={"_meta": 5}), -32602, "wrong"),
    "no tool": (call(arguments={}), -32602, "wrong"),
    "a tool that is a list": (call(name=["codex"], arguments={}), -32602, "wrong"),
    "arguments that are a list": (call(name="codex", arguments=["hello"]), -32602, "wrong"),
    "no such tool": (call(name="codex-explode", arguments={}), "codex-explode", "wrong"),
    "no prompt": (call(name="codex", arguments={}), "'prompt' is a required property", "wrong"),
    "a prompt that is a number": (call(name="codex", arguments={"prompt": 5}), "prompt", "wrong"),
    "a prompt that is too long": (
        call(name="codex", arguments={"prompt": "x" * (MIB + 1)}),
        "1,048,577 characters",
        "wrong",
    ),
    "no such sandbox": (
        call(name="codex", arguments={"prompt": "x", "sandbox": "castle"}),
        "castle",
        "wrong",
    ),
    "no such thread": (
        call(name="codex-reply", arguments={"prompt": "x", "threadId": "../../etc/passwd"}),
        "../../etc/passwd",
        "wrong",
    ),
}
WRONG = {**NOT_JSON, **NO_MESSAGE, **WRONG_FOR_MCP}
"""What is sent; the code of the error, or words of the tool's; the id of the answer."""

UNANSWERED: dict[str, object] = {
    "a notification whose parameters are a list": without(ping(params=[]), "id"),
    "a notification of another version": without(ping(jsonrpc="1.0"), "id"),
    "an answer to nothing": {"jsonrpc": "2.0", "id": "wrong", "result": {}},
    "an answer that is a list": {"jsonrpc": "2.0", "id": "wrong", "result": []},
    "an error that is a text": {"jsonrpc": "2.0", "id": "wrong", "error": "no"},
    "an answer without an id": {"jsonrpc": "2.0", "result": {}},
}


def data_of(message: object) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


@pytest.mark.parametrize("transport", ["stdio", "socket"])
async def test_what_is_wrong_is_told_by_its_id_and_the_same_client_goes_on(
    house: House, transport: str
) -> None:
    async with house.unharmed(), house.machine.client(transport) as client:
        for what, (message, expected, request_id) in WRONG.items():
            seen = len(client.messages)
            client.writer.write(data_of(message) + b"\n")
            answer = await client.message(
                lambda m, seen=seen: m in client.messages[seen:] and "method" not in m
            )
            check_refusal(what, answer, expected, request_id)
            assert "result" in await client.reply(client.begin("ping"))


@pytest.mark.slow
async def test_what_is_wrong_is_told_by_its_id_over_http(house: House) -> None:
    async with house.unharmed(), house.session() as http:
        for what, (message, expected, request_id) in WRONG.items():
            reply = await http.post(house.machine.url, content=data_of(message))
            assert reply.status_code < 500, what
            check_refusal(what, answer_in(reply), expected, request_id)
            assert "result" in answer_in(await http.post(house.machine.url, json=ping()))


@pytest.mark.parametrize("transport", ["stdio", "socket"])
async def test_a_notification_or_an_answer_is_never_answered(house: House, transport: str) -> None:
    async with house.unharmed(), house.machine.client(transport) as client:
        seen = len(client.messages)
        for message in UNANSWERED.values():
            client.writer.write(data_of(message) + b"\n")
        number = client.begin("ping")
        assert "result" in await client.reply(number)
        assert [one["id"] for one in client.messages[seen:] if "method" not in one] == [number]


def answer_in(reply: httpx2.Response) -> dict[str, Any]:
    """The answer in a response, which is JSON or ends a stream of events."""
    if reply.headers["content-type"].startswith("application/json"):
        return dict(reply.json())
    data = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    return dict(json.loads(data[-1]))


def check_refusal(
    what: str, answer: dict[str, Any], expected: int | str, request_id: object
) -> None:
    assert answer["id"] == request_id, (what, answer)
    if isinstance(expected, int):
        assert answer["error"]["code"] == expected, (what, answer)
        assert answer["error"]["message"], (what, answer)
    else:
        assert answer.get("result", {}).get("isError"), (what, answer)
        assert expected in answer["result"]["content"][0]["text"], (what, answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
IDS = (
    st.none() | st.integers() | st.text(max_size=12) | st.sampled_from(["codextui-1", 1.5, [], {}])
)
METHODS = st.sampled_from(
    [
        *("initialize", "tools/list", "tools/call", "codex/subscribe", "server/discover", "ping"),
        *("notifications/cancelled", "notifications/initialized", "codextui/relayed"),
        *("logging/setLevel", "resources/read", "elicitation/create", ""),
    ]
)
TOOLS = st.sampled_from(["codex-reply", "codex-fork", "codex-answer", "codex-read", "codex-what"])
TOOL_PARAMS = st.fixed_dictionaries(
    {"name": TOOLS | JSON, "arguments": st.dictionaries(st.text(max_size=8), JSON) | JSON},
    optional={"_meta": JSON, "requestState": JSON, "inputResponses": JSON},
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", 2]),
        "id": IDS,
        "method": METHODS | JSON,
        "params": TOOL_PARAMS | JSON,
        "result": JSON,
        "error": JSON,
    },
)
BROKEN = st.builds(
    lambda text, at: text[: at % len(text)],
    MESSAGES.map(json.dumps).filter(bool),
    st.integers(min_value=0, max_value=500),
)
LINES = st.one_of(
    MESSAGES.map(json.dumps).map(str.encode),
    JSON.map(json.dumps).map(str.encode),
    BROKEN.map(str.encode),
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
)


FUZZED = settings(max_examples=150, derandomize=True, database=None)


@pytest.mark.slow
@FUZZED
@given(lines=st.lists(LINES, min_size=1, max_size=20), introduced=st.booleans())
async def test_no_lines_end_the_connection_that_they_came_by(
    house: House, *, lines: list[bytes], introduced: bool
) -> None:
    async with house.machine.raw_client("socket") as client:
        if introduced:
            await client.initialize("fuzz", {"elicitation": {}})
        await send_and_ping(client, lines)
    await house.bystander.reply(house.bystander.begin("ping"))


@pytest.mark.slow
@FUZZED
@given(lines=st.lists(LINES, min_size=1, max_size=20))
async def test_no_lines_end_a_relay(house: House, *, lines: list[bytes]) -> None:
    await send_and_ping(house.relayed, lines)
    await house.bystander.reply(house.bystander.begin("ping"))


async def send_and_ping(client: RawClient, lines: list[bytes]) -> None:
    ping = f"ping-{uuid.uuid4()}"
    client.writer.write(b"".join(line + b"\n" for line in lines))
    client.send({"id": ping, "method": "ping"})
    await client.message(lambda message: message.get("id") == ping)


@pytest.mark.slow
@settings(max_examples=60, derandomize=True, database=None)
@given(bodies=st.lists(LINES, min_size=1, max_size=8))
async def test_no_bodies_end_a_session(house: House, *, bodies: list[bytes]) -> None:
    async with house.session() as http:
        for body in bodies:
            async with http.stream("POST", house.machine.url, content=body) as reply:
                assert reply.status_code < 500
        assert "result" in answer_in(await http.post(house.machine.url, json=ping()))


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"", b"x", b'{"jsonrpc":"2.0","method":"codextui/relayed"}'])
async def test_a_flood_of_lines_with_nothing_in_them_holds_nobody_up(
    house: House, line: bytes
) -> None:
    async with house.unharmed(), house.machine.raw_client("socket") as client:
        client.writer.write((line + b"\n") * (8 * MIB // (len(line) + 1)))
        await house.is_well()


async def test_a_message_that_is_too_long_is_refused_by_its_id(house: House) -> None:
    async with house.unharmed(), house.machine.client("stdio") as client:
        number = client.begin("ping", padding="x" * (MAX_LINE + 1))
        refused = (await client.reply(number))["error"]
        assert refused["code"] == -32600
        assert str(MAX_LINE - 1) in refused["message"]
        assert "result" in await client.reply(client.begin("ping"))


@pytest.mark.slow
async def test_a_line_without_an_end_is_hung_up_on(house: House) -> None:
    async with house.unharmed():
        for transport, longest in (("socket", MAX_LINE), ("stdio", relay.MAX_LINE)):
            async with house.machine.client(transport) as client:
                await feed(client, longest + MIB)
                async with asyncio.timeout(PATIENCE_S):
                    await client.gone.wait()


async def feed(client: RawClient, size: int) -> None:
    with contextlib.suppress(ConnectionError):
        for _ in range(size // MIB):
            client.writer.write(b"x" * MIB)
            await client.writer.drain()


@pytest.mark.slow
async def test_a_body_that_is_too_large_is_refused_however_it_comes(house: House) -> None:
    body = json.dumps(call(name="codex", arguments={"prompt": "x" * MAX_BODY})).encode()

    async def without_an_end() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b"x" * MIB

    async with house.unharmed(), house.http() as http:
        assert (await http.post(house.machine.url, content=body)).status_code == 413
        try:
            endless = await http.post(house.machine.url, content=without_an_end())
            assert endless.status_code == 413
        except httpx2.TransportError:
            pass  # It was hung up on in the middle.


@pytest.mark.parametrize("body", [b"hello?", b"[]", nested(100_000), b"\xff\xfe", b"42", b""])
async def test_a_body_that_is_no_message_is_refused(house: House, body: bytes) -> None:
    async with house.unharmed(), house.http() as http:
        refused = await http.post(house.machine.url, content=body)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio", "socket"])
async def test_a_client_with_a_thousand_open_calls_holds_nobody_up_and_gets_its_answers(
    house: House, transport: str
) -> None:
    house.held.gate = asyncio.Event()
    async with house.unharmed(), house.machine.client(transport) as client:
        first = client.begin_tool("codex", prompt="wait", cwd=str(house.machine.project))
        begun = await client.event("agent_message_content_delta")
        again = {"threadId": begun["params"]["_meta"]["threadId"], "prompt": "and this"}
        calls = [client.begin_tool("codex-reply", **again) for _ in range(OPEN_CALLS)]
        taken_back = calls[::2]
        for call in taken_back:
            client.send({"method": "notifications/cancelled", "params": {"requestId": call}})
        await house.is_well()
        assert "result" in await client.reply(client.begin("ping"))
        assert not [one for one in client.messages if one.get("id") in {first, *calls[1::2]}]

        house.held.gate.set()
        for call in (first, *calls[1::2]):
            assert "Held no more." in str(await client.reply(call))
        answers = [one["id"] for one in client.messages if "method" not in one]
        assert len(answers) == len(set(answers)) == 1 + 1 + 1 + OPEN_CALLS - len(taken_back)
        assert not set(answers) & set(taken_back)


def says_all(event: ev.Event) -> bool:
    return isinstance(event.msg, ev.TurnCompleted) and event.msg.last_agent_message == FLOOD


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio", "socket"])
async def test_a_client_that_does_not_read_holds_nobody_up(house: House, transport: str) -> None:
    async with house.unharmed(), house.machine.client(transport, limit=1024) as slow:
        slow._task.cancel()
        for _ in range(3):
            slow.begin_tool("codex", prompt="flood", cwd=str(house.machine.project))
        async with house.machine.supervisor() as console:
            for _ in range(3):
                await console.event(ev.TurnCompleted, says_all)
            await house.is_well()


@pytest.mark.slow
async def test_an_http_client_that_does_not_read_slows_itself_alone_and_may_come_back(
    house: House,
) -> None:
    """It reads nothing of several floods; each ends all the same, and the others are served."""
    project = str(house.machine.project)
    async with house.unharmed(), house.session() as http, house.machine.supervisor() as console:
        async with AsyncExitStack() as deaf:
            for number in range(FLOODS):
                ears = await deaf.enter_async_context(deaf_socket())
                arguments = {"prompt": "flood", "cwd": project}
                body = message("tools/call", number, name="codex", arguments=arguments)
                await send_unread(ears, http.build_request("POST", house.machine.url, json=body))
            ended: list[str] = []
            while len(ended) < FLOODS:
                event = await console.event(
                    ev.TurnCompleted, lambda e: says_all(e) and e.thread_id not in ended
                )
                ended.append(event.thread_id)
                await house.is_well()
        [thread_id, *_] = ended
        back = {"prompt": "hello", "threadId": thread_id}
        body = message("tools/call", 99, name="codex-reply", arguments=back)
        reply = answer_in(await http.post(house.machine.url, json=body))
        assert reply["result"]["structuredContent"]["threadId"] == thread_id


@asynccontextmanager
async def deaf_socket() -> AsyncIterator[socket.socket]:
    with socket.socket() as ears:
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ears.setblocking(False)
        yield ears


async def send_unread(ears: socket.socket, request: httpx2.Request) -> None:
    """Send a request over a connection whose answer stays in the system's buffers."""
    loop = asyncio.get_running_loop()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    await loop.sock_connect(ears, (request.url.host, request.url.port))
    data = f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.content
    await loop.sock_sendall(ears, data)
