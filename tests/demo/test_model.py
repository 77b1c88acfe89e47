"""The scripted model, called over plain sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from codextui.demo import (
    Call,
    Fail,
    ModelRequest,
    Patch,
    Run,
    Say,
    Script,
    ScriptedModel,
    Step,
    Think,
)
from codextui.demo.model import BODY_LIMIT, HEAD_LIMIT

PATIENCE_S = 60
POST = b"POST /v1/responses HTTP/1.1\r\nHost: x\r\n"


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: bytes = b""
    """What was received of a stream, without the framing of its chunks."""

    def send(self, content: bytes) -> None:
        self.writer.write(content)

    def get(self, path: str) -> None:
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def post(self, body: Any, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.send(
            b"%sContent-Length: %d\r\n%s\r\n" % (POST, len(content), lines.encode()) + content
        )

    def ask(self, prompt: str, thread: str = "thread-1") -> None:
        user = {"type": "message", "role": "user", "content": prompt}
        self.post({"model": "m", "stream": True, "input": [user]}, thread_id=thread)

    async def head(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()

    async def reply(self) -> tuple[int, Any]:
        """The status and the JSON of a whole response."""
        head = await self.head()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        async with asyncio.timeout(PATIENCE_S):
            content = await self.reader.readexactly(length)
        return int(head.split(" ")[1]), json.loads(content)

    async def chunk(self) -> bool:
        """Receive a chunk of a stream; False if there is none left."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                content = await self.reader.readexactly(size + 2)
            except asyncio.IncompleteReadError:
                return False
        self.received += content[:-2]
        return size > 0

    async def event(self) -> dict[str, Any]:
        while b"\n\n" not in self.received:
            assert await self.chunk()
        block, _, self.received = self.received.partition(b"\n\n")
        return parse_event(block)

    async def stream(self) -> bytes:
        """The rest of a stream."""
        while await self.chunk():
            pass
        return self.received

    async def rest(self) -> bytes:
        """What comes until the connection is closed."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def events(self) -> list[dict[str, Any]]:
        """Every event of a stream, which ends with its connection."""
        head = await self.head()
        assert head.startswith("http/1.1 200 ok\r\ncontent-type: text/event-stream\r\n")
        blocks = (await self.stream()).split(b"\n\n")
        assert blocks.pop() == b""
        assert await self.rest() == b""
        return [parse_event(block) for block in blocks]


def parse_event(block: bytes) -> dict[str, Any]:
    name, data = block.decode().rstrip("\n").split("\n")
    event: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert name == f"event: {event['type']}"
    return event


@asynccontextmanager
async def connected(model: ScriptedModel) -> AsyncIterator[Client]:
    port = int(model.base_url.removesuffix("/v1").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def events_of(*steps: Step) -> list[dict[str, Any]]:
    async with ScriptedModel(lambda _: steps) as model, connected(model) as client:
        client.ask("go")
        return await client.events()


async def test_a_message_is_announced_streamed_and_completed():
    events = await events_of(Say("Hello there."))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["delta"] for event in events if "delta" in event] == ["Hello ", "there."]
    [item] = events[-1]["response"]["output"]
    assert item["content"][0]["text"] == "Hello there."
    assert item == events[-2]["item"]


@pytest.mark.parametrize(
    ("step", "item"),
    [
        (
            Run("ls"),
            {"type": "function_call", "name": "exec_command", "arguments": '{"cmd": "ls"}'},
        ),
        (
            Call("look", {"at": 1}, namespace="mcp__eye"),
            {"name": "look", "arguments": '{"at": 1}', "namespace": "mcp__eye"},
        ),
        (
            Patch("*** Begin Patch"),
            {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch"},
        ),
        (
            Think("Hm."),
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        ),
    ],
    ids=["run", "call", "patch", "think"],
)
async def test_each_step_becomes_an_item_of_the_kind_that_codex_reads(
    step: Step, item: dict[str, Any]
):
    events = await events_of(step)
    [done] = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done.items() >= item.items()


async def test_every_option_of_a_command_is_an_argument_of_exec_command():
    events = await events_of(
        Run("ls", escalate=True, justification="why", workdir="/src", yield_ms=50)
    )
    [item] = events[-1]["response"]["output"]
    assert json.loads(item["arguments"]) == {
        "cmd": "ls",
        "workdir": "/src",
        "yield_time_ms": 50,
        "sandbox_permissions": "require_escalated",
        "justification": "why",
    }


async def test_items_and_calls_of_different_answers_have_different_ids():
    script = Script().on("", [Run("a"), Run("b")], repeat=True)
    ids = []
    async with ScriptedModel(script) as model:
        for thread in ("one", "two"):
            async with connected(model) as client:
                client.ask("go", thread)
                output = (await client.events())[-1]["response"]["output"]
                ids += [item[key] for item in output for key in ("id", "call_id")]
    assert len(set(ids)) == 8


async def test_the_usage_depends_only_on_the_lengths():
    one, two, longer = [
        (await events_of(Think("x" * 8), Say(text)))[-1]["response"]["usage"]
        for text in ("y" * 12, "z" * 12, "z" * 40)
    ]
    assert one == two
    assert one["output_tokens"] == 5
    assert one["output_tokens_details"] == {"reasoning_tokens": 2}
    assert one["total_tokens"] == one["input_tokens"] + one["output_tokens"]
    assert longer["output_tokens"] == 12


async def test_an_answer_without_streaming_is_one_json_object():
    async with ScriptedModel(lambda _: [Say("All "), Run("ls")]) as model:
        async with connected(model) as client:
            client.post({"model": "m", "input": "Hello"})
            status, response = await client.reply()
        assert model.requests[0].user_texts == ("Hello",)
    assert status == 200
    assert response["status"] == "completed"
    assert [item["type"] for item in response["output"]] == ["message", "function_call"]


async def test_a_gate_holds_the_deltas_after_the_open_ones():
    gate = asyncio.Event()
    held = Say("abcd", chunk=1, gate=gate, open_deltas=2)
    async with ScriptedModel(lambda _: [held]) as model, connected(model) as client:
        client.ask("go")
        await client.head()
        before = [await client.event() for _ in range(5)]
        assert [event["delta"] for event in before if "delta" in event] == ["a", "b"]
        gate.set()
        after = await client.stream()
    assert after.count(b"response.output_text.delta") == 2 * 2
    assert b"response.completed" in after


async def test_a_gate_may_hold_a_message_from_its_first_delta():
    gate = asyncio.Event()
    held = Say("held", gate=gate, open_deltas=0)
    async with ScriptedModel(lambda _: [held]) as model, connected(model) as client:
        client.ask("go")
        await client.head()
        kinds = [(await client.event())["type"] for _ in range(3)]
        gate.set()
        assert kinds[-1] == "response.content_part.added"
        assert (await client.event())["delta"] == "held"


async def test_a_held_answer_is_given_up_when_the_client_disconnects():
    given_up = asyncio.Event()

    async def script(_: ModelRequest) -> AsyncIterator[Step]:
        try:
            yield Say("first")
            await asyncio.Event().wait()
        finally:
            given_up.set()

    async with ScriptedModel(script) as model:
        async with connected(model) as client:
            client.ask("go")
            await client.head()
            assert (await client.event())["type"] == "response.created"
        async with asyncio.timeout(PATIENCE_S):
            await given_up.wait()
        assert not model.faults


async def test_closing_disconnects_held_streams():
    held = Say("a b", gate=asyncio.Event())
    async with ScriptedModel(lambda _: [held]) as model, connected(model) as client:
        client.ask("go")
        await client.head()
        async with asyncio.timeout(PATIENCE_S):
            await model.aclose()
        assert b"response.completed" not in await client.stream()


async def test_a_failure_as_first_step_is_an_http_error():
    failure = Fail(429, "Slow down.", "rate_limit_exceeded")
    async with ScriptedModel(lambda _: [failure]) as model, connected(model) as client:
        client.ask("go")
        status, body = await client.reply()
    assert status == 429
    assert body["error"]["message"] == "Slow down."
    assert body["error"]["code"] == "rate_limit_exceeded"


async def test_a_failure_after_a_message_ends_the_stream_as_failed():
    events = await events_of(Say("So far"), Fail(500, "Gone.", "server_error"), Say("never"))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "Gone."}
    assert "never" not in json.dumps(events)


async def test_a_failure_with_status_minus_one_disconnects_without_an_answer():
    async with ScriptedModel(lambda _: [Fail(-1)]) as model, connected(model) as client:
        client.ask("go")
        assert await client.rest() == b""


async def test_a_script_that_raises_fails_the_answer_and_is_noted():
    def script(_: ModelRequest) -> list[Step]:
        raise RuntimeError("no such page")

    async with ScriptedModel(script) as model, connected(model) as client:
        client.ask("go")
        events = await client.events()
    assert events[-1]["type"] == "response.failed"
    assert "no such page" in events[-1]["response"]["error"]["message"]
    assert "no such page" in model.faults[0]


async def test_threads_are_counted_and_answered_separately_at_the_same_time():
    gate = asyncio.Event()
    script = Script().on("slow", Say("a b", gate=gate)).on("", Say("1"), Say("2"))
    async with ScriptedModel(script) as model, connected(model) as slow:
        slow.ask("slow", "slow-thread")
        await model.wait_for_request(1)
        for _ in range(2):
            async with connected(model) as quick:
                quick.ask("quick", "quick-thread")
                assert (await quick.events())[-1]["type"] == "response.completed"
        gate.set()
        assert (await slow.events())[-1]["type"] == "response.completed"
        assert [request.number for request in model.requests_of("quick-thread")] == [0, 1]
        assert [request.number for request in model.requests_of("slow-thread")] == [0]


async def test_only_the_last_requests_are_remembered():
    async with ScriptedModel(lambda _: [Say("ok")], request_limit=2) as model:
        for prompt in ("one", "two", "three"):
            async with connected(model) as client:
                client.ask(prompt)
                await client.events()
        assert [request.last_user_text for request in model.requests] == ["two", "three"]
        assert (await model.wait_for_request(3)).last_user_text == "three"
        with pytest.raises(IndexError):
            await model.wait_for_request(1)


async def test_requests_that_codex_makes_on_its_own_do_not_reach_the_script():
    script = Script().on("", Say("The script's."))
    async with ScriptedModel(script) as model:
        async with connected(model) as client:
            metadata = json.dumps({"request_kind": "compaction"})
            client.post({"input": "Sum up.", "stream": True}, x_codex_turn_metadata=metadata)
            own = await client.events()
        async with connected(model) as client:
            client.ask("go")
            users = await client.events()
        assert [request.kind for request in model.auxiliary] == ["compaction"]
        assert len(model.requests) == 1
    assert "compaction" in json.dumps(own)
    assert "The script's." in json.dumps(users)


async def test_an_unknown_path_is_a_json_error_and_the_connection_stays_open():
    async with ScriptedModel(lambda _: []) as model, connected(model) as client:
        client.get("/v1/nowhere")
        status, body = await client.reply()
        client.get("/v1/models?client_version=1")
        next_status, models = await client.reply()
    assert status == 404
    assert "/v1/nowhere" in body["error"]["message"]
    assert next_status == 200
    assert models["data"][0]["object"] == "model"


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1),
        POST + b"Content-Length: many\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
        POST + b"Content-Length: 1\r\n\r\n{",
        POST + b"Content-Length: 2\r\n\r\n[]",
        POST + b'Content-Length: 13\r\n\r\n{"input": 17}',
        POST + b'Content-Length: 15\r\n\r\n{"input": [17]}',
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /" + b"x" * HEAD_LIMIT + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[-30:]),
)
async def test_an_invalid_request_is_refused_and_noted(sent: bytes):
    async with ScriptedModel(lambda _: []) as model:
        async with connected(model) as client:
            client.send(sent)
            status, body = await client.reply()
            assert await client.rest() == b""
        assert len(model.faults) == 1
        assert model.faults[0] == body["error"]["message"]
        assert status == 400
        async with connected(model) as client:
            client.get("/v1/models")
            assert (await client.reply())[0] == 200


async def test_a_client_that_disconnects_in_the_middle_of_a_request_is_no_fault():
    async with ScriptedModel(lambda _: []) as model:
        async with connected(model) as client:
            client.send(POST + b"Content-Length: 100\r\n\r\n{")
            client.writer.write_eof()
            assert await client.rest() == b""
        assert not model.faults
        assert not model.requests


async def test_the_authorization_of_a_request_is_not_remembered():
    async with ScriptedModel(lambda _: [Say("ok")]) as model, connected(model) as client:
        client.post({"input": "x", "stream": True}, authorization="Bearer secret")
        await client.events()
        assert "secret" not in repr(model.requests)
