"""The rings of inspectors: bounded, and nothing while nobody inspects."""

from __future__ import annotations

import asyncio
import json

from codextui.jsonrpc.endpoint import Endpoint
from codextui.jsonrpc.tap import MAX_OPEN, MAX_REMEMBERED, FrameTap
from codextui.protocol.extensions import FRAMES_METHOD
from codextui.protocol.frames import APP_SERVER, MAX_PARSED, MCP, Frame, FrameKind
from codextui.server.events.frames import FrameHub, FrameLimits, FrameRing
from codextui.text.secrets import mask_text


def frame(number: int) -> bytes:
    return json.dumps({"method": "item/started", "params": {"n": number}}).encode()


async def taken(ring: FrameRing) -> tuple[list[Frame], int]:
    async with asyncio.timeout(10):
        return await ring.next_batch(mask_text)


async def test_frames_are_numbered_timed_and_named():
    hub = FrameHub(now=lambda: 12.5)
    ring = hub.subscribe()
    wire = hub.tap.wire(APP_SERVER, lambda: "codex")
    assert hub.tap.on_frame is not None
    hub.tap.on_frame(wire, True, b'{"id":1,"method":"turn/start","params":{"threadId":"t"}}\n')
    hub.tap.on_frame(wire, False, b'{"id":1,"result":{}}')
    wire.end("it died")
    (request, answer, end), lost = await taken(ring)
    assert lost == 0
    assert request == Frame(
        *(1, 12.5, 1, APP_SERVER, "codex", True, FrameKind.REQUEST, 56),
        method="turn/start",
        id=1,
        thread="t",
        body='{"id":1,"method":"turn/start","params":{"threadId":"t"}}',
    )
    assert (answer.number, answer.kind, answer.sent) == (2, FrameKind.ANSWER, False)
    assert (end.kind, end.body) == (FrameKind.CLOSED, "it died")


async def test_a_slow_inspector_loses_the_oldest_frames_and_knows_how_many():
    hub = FrameHub()
    slow = hub.subscribe(FrameLimits(frames=10))
    wire = hub.tap.wire(MCP, lambda: "client")
    for number in range(100):
        assert hub.tap.on_frame is not None
        hub.tap.on_frame(wire, False, frame(number))
    frames, lost = await taken(slow)
    assert lost == 90
    assert [one.number for one in frames] == list(range(91, 101))
    hub.tap.on_frame(wire, False, frame(100))
    assert (await taken(slow))[1] == 0


async def test_the_bytes_that_wait_are_bounded():
    hub = FrameHub()
    ring = hub.subscribe(FrameLimits(size=200_000))
    wire = hub.tap.wire(MCP, lambda: "client")
    for _ in range(10):
        assert hub.tap.on_frame is not None
        hub.tap.on_frame(wire, False, b'{"method":"m","params":{"t":"%s"}}' % (b"x" * 50_000))
    frames, lost = await taken(ring)
    assert len(frames) + lost <= 10
    assert lost == 7


async def test_a_long_frame_is_cut_and_its_true_size_told():
    hub = FrameHub()
    ring = hub.subscribe()
    wire = hub.tap.wire(MCP, lambda: "client")
    line = json.dumps(
        {"method": "m", "params": {"threadId": "t", "parts": ["x" * 500] * 1_000}}
    ).encode()
    assert len(line) > MAX_PARSED
    assert hub.tap.on_frame is not None
    hub.tap.on_frame(wire, False, line)
    [(one)], _ = await taken(ring)
    assert (one.size, one.cut, one.method, one.thread) == (len(line), True, "m", "t")
    assert len(one.body) < MAX_PARSED
    json.loads(one.body)


async def test_frames_to_inspectors_are_not_inspected():
    hub = FrameHub()
    ring = hub.subscribe()
    wire = hub.tap.wire(MCP, lambda: "console")
    assert hub.tap.on_frame is not None
    own = json.dumps({"jsonrpc": "2.0", "method": FRAMES_METHOD}, separators=(",", ":")).encode()
    hub.tap.on_frame(wire, True, own + b"\n" + frame(1))
    frames, _ = await taken(ring)
    assert [one.method for one in frames] == ["item/started"]


def test_without_an_inspector_there_is_no_handler():
    hub = FrameHub()
    assert hub.tap.on_frame is None
    first, second = hub.subscribe(), hub.subscribe()
    hub.unsubscribe(first)
    assert hub.tap.on_frame is not None
    hub.unsubscribe(second)
    assert hub.tap.on_frame is None
    assert hub.tap.on_end is None


class Sink:
    def send(self, data: bytes) -> bool:
        return bool(data)

    async def drain(self) -> None:
        return


async def test_an_endpoint_reports_what_it_sends_and_receives():
    tap, seen = FrameTap(), list[tuple[bool, bytes]]()
    endpoint = Endpoint(
        Sink(),
        on_notification=lambda *_: None,
        on_request=lambda *_: None,
        on_invalid=lambda *_: None,
        wire=tap.wire(MCP, lambda: "peer"),
    )
    endpoint.notify("before")
    tap.on_frame = lambda _, sent, data: seen.append((sent, data))
    ends: list[str] = []
    tap.on_end = lambda _, reason: ends.append(reason)
    endpoint.notify("hello")
    endpoint.receive(b'{"jsonrpc":"2.0","method":"there"}')
    endpoint.close("enough")
    endpoint.notify("after")
    assert seen == [
        (True, b'{"jsonrpc":"2.0","method":"hello"}\n'),
        (False, b'{"jsonrpc":"2.0","method":"there"}'),
    ]
    assert ends == ["enough"]


async def test_requests_that_wait_are_handed_over_at_first():
    hub = FrameHub()
    wire = hub.tap.wire(APP_SERVER, lambda: "codex")
    endpoint = Endpoint(
        Sink(),
        on_notification=lambda *_: None,
        on_request=lambda *_: None,
        on_invalid=lambda *_: None,
        wire=wire,
    )
    call = asyncio.create_task(endpoint.call("turn/start", {"threadId": "t"}))
    await asyncio.sleep(0)
    endpoint.receive(b'{"id":9,"method":"item/commandExecution/requestApproval","params":{}}')
    endpoint.receive(b'{"id":"x","method":"item/tool/call","params":{}}')
    endpoint.receive(b'{"id":10,"method":"codex/subscribe","params":{}}')
    endpoint.respond("x", {})
    frames, _ = await taken(hub.subscribe())
    assert [(one.number, one.method, one.id, one.sent) for one in frames] == [
        (0, "turn/start", 1, True),
        (0, "item/commandExecution/requestApproval", 9, False),
    ]
    endpoint.receive(b'{"id":1,"result":{}}')
    await call
    endpoint.refuse(9, -1, "no")
    endpoint.refuse(10, -1, "no")
    assert wire.requests == {}


def test_what_is_remembered_of_requests_is_bounded():
    wire = FrameTap().wire(MCP, lambda: "client")
    for number in range(2 * MAX_OPEN):
        wire.open(number, b"x" * 100_000, sent=False)
    assert list(wire.requests) == [(False, n) for n in range(MAX_OPEN, 2 * MAX_OPEN)]
    assert {len(r.data) for r in wire.requests.values()} == {MAX_REMEMBERED}
    assert {r.size for r in wire.requests.values()} == {100_000}
    wire.end("gone")
    assert wire.requests == {}
