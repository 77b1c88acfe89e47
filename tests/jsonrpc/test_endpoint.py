from __future__ import annotations

import asyncio
import gc
import json
import socket
from typing import Any

import pytest

from codextui.errors import ConnectionClosed, ErrorResponse, MessageInvalid
from codextui.jsonrpc.endpoint import Endpoint, PendingCalls, RequestId, StreamTransport
from codextui.jsonrpc.fields import JsonObject


class Wire:
    """A transport that takes everything, and what the handlers of its endpoint were given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_open = True
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.broken: ConnectionClosed | None = None
        self.handled: list[tuple[Any, ...]] = []
        self.invalid: list[str] = []
        self.abandoned: list[tuple[RequestId, str]] = []

    def send(self, data: bytes) -> bool:
        if self.is_open:
            self.sent.append(data)
        return self.is_open

    async def drain(self) -> None:
        await self.may_send.wait()
        if self.broken is not None:
            raise self.broken

    def endpoint(self, **options: Any) -> Endpoint:
        handlers: Any = {
            "on_notification": lambda *told: self.handled.append(told),
            "on_request": lambda *asked: self.handled.append(asked),
            "on_invalid": lambda what, line: self.invalid.append(what),
            "on_abandoned": lambda *call: self.abandoned.append(call),
        }
        return Endpoint(self, **{**handlers, **options})

    @property
    def frames(self) -> list[JsonObject]:
        return [json.loads(line) for line in self.sent]


def frame(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


async def calling(endpoint: Endpoint, **options: Any) -> asyncio.Task[Any]:
    """A call that has been sent."""
    call = asyncio.create_task(endpoint.call("any", {}, **options))
    for _ in range(3):
        await asyncio.sleep(0)
    return call


async def test_frames_say_which_protocol_they_speak() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    endpoint.notify("tell")
    endpoint.notify("tell", {"a": 1})
    endpoint.respond("q", {"b": 2})
    endpoint.refuse(3, -32601, "no")
    assert wire.sent == [
        b'{"jsonrpc":"2.0","id":1,"method":"any","params":{}}\n',
        b'{"jsonrpc":"2.0","method":"tell"}\n',
        b'{"jsonrpc":"2.0","method":"tell","params":{"a":1}}\n',
        b'{"jsonrpc":"2.0","id":"q","result":{"b":2}}\n',
        b'{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no"}}\n',
    ]
    call.cancel()


async def test_frames_may_leave_the_protocol_out() -> None:
    wire = Wire()
    wire.endpoint(tagged=False).notify("tell", {})
    assert wire.sent == [b'{"method":"tell","params":{}}\n']


async def test_answers_find_their_calls_in_any_order() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    calls = [await calling(endpoint) for _ in range(100)]
    for number in reversed(range(1, 101)):
        endpoint.receive(frame(id=number, result=number))
    assert await asyncio.gather(*calls) == list(range(1, 101))


async def test_requests_and_notifications_are_handled_at_once_and_in_wire_order() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    for number in range(0, 300, 3):
        endpoint.receive(frame(method="tell", params={"n": number}))
        endpoint.receive(frame(id=number, method="ask", params={}))
        endpoint.receive(frame(id=str(number), method="ask"))
    assert wire.handled == [
        told
        for n in range(0, 300, 3)
        for told in (("tell", {"n": n}), (n, "ask", {}), (str(n), "ask", {}))
    ]


async def test_an_error_is_raised_with_all_it_says() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    endpoint.receive(frame(id=1, error={"code": -5, "message": "not you", "data": {"why": 1}}))
    with pytest.raises(ErrorResponse, match="not you") as caught:
        await call
    assert (caught.value.code, caught.value.data) == (-5, {"why": 1})


@pytest.mark.parametrize("error", [None, 17, {"message": None}, {}, {"code": "x"}])
async def test_an_error_that_explains_nothing_is_an_error(error: object) -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    endpoint.receive(frame(id=1, error=error))
    with pytest.raises(ErrorResponse):
        await call


async def test_a_call_without_an_answer_in_time_is_abandoned() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    with pytest.raises(TimeoutError):
        await endpoint.call("slow", {}, timeout_s=0.001)
    assert wire.abandoned == [(1, "slow")]
    endpoint.receive(frame(id=1, result={}))  # too late, and nobody minds
    assert wire.invalid == []


async def test_a_cancelled_call_is_abandoned_and_forgotten() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert wire.abandoned == [(1, "any")]
    again = await calling(endpoint)
    endpoint.receive(frame(id=1, result="old"))
    endpoint.receive(frame(id=2, result="new"))
    assert await again == "new"


async def test_a_call_that_was_never_sent_is_not_abandoned() -> None:
    wire = Wire()
    wire.may_send.clear()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    with pytest.raises(TimeoutError):
        await endpoint.call("any", {}, timeout_s=0)
    assert wire.sent == []
    assert wire.abandoned == []


async def test_a_call_waits_until_the_other_side_reads() -> None:
    wire = Wire()
    wire.may_send.clear()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    assert wire.sent == []
    wire.may_send.set()
    while not wire.sent:  # noqa: ASYNC110 - the event loop's own steps
        await asyncio.sleep(0)
    endpoint.receive(frame(id=1, result={}))
    assert await call == {}


async def test_params_that_json_cannot_express_fail_only_their_own_call() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    with pytest.raises(MessageInvalid):
        await endpoint.call("any", {"number": float("nan")})
    call = await calling(endpoint)
    endpoint.receive(frame(id=2, result={}))
    assert await call == {}


async def test_a_close_fails_every_call_with_its_reason() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    calls = [await calling(endpoint) for _ in range(3)]
    endpoint.close("the cable was cut")
    endpoint.close("another reason")
    for call in calls:
        with pytest.raises(ConnectionClosed, match="the cable was cut"):
            await call
    with pytest.raises(ConnectionClosed, match="the cable was cut"):
        await endpoint.call("any", {})
    assert await endpoint.closed == "the cable was cut"


async def test_a_closed_endpoint_sends_and_handles_nothing() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    endpoint.close("over")
    endpoint.receive(frame(method="tell"))
    assert endpoint.notify("tell") is False
    assert endpoint.respond(1, {}) is False
    assert endpoint.refuse(1, 2, "no") is False
    assert wire.sent == []
    assert wire.handled == []


async def test_a_transport_that_is_gone_fails_the_call() -> None:
    wire = Wire()
    wire.is_open = False
    endpoint = wire.endpoint()
    with pytest.raises(ConnectionClosed):
        await endpoint.call("any", {})
    assert endpoint.notify("tell") is False


async def test_a_transport_that_breaks_closes_the_endpoint() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    waiting = await calling(endpoint)
    wire.broken = ConnectionClosed("a broken pipe")
    with pytest.raises(ConnectionClosed, match="a broken pipe"):
        await endpoint.call("any", {})
    with pytest.raises(ConnectionClosed, match="a broken pipe"):
        await waiting


async def test_asyncio_does_not_complain_of_a_call_that_was_closed_and_cancelled() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    endpoint = Wire().endpoint()
    call = await calling(endpoint)
    endpoint.close("over")
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    del call
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{broken", "a line that is not JSON"),
        (b"[1, 2]", "a line that is not a JSON object"),
        (b"\xff\xfe", "a line that is not JSON"),
        (b"[" * 99_999, "a line that is not JSON"),
        (b'{"jsonrpc": "2.0"}', "a message of no kind"),
        (b'{"id": null, "result": {}}', "a message of no kind"),
        (b'{"id": true, "method": "ask"}', "a message of no kind"),
        (b'{"id": true, "result": {}}', "a message of no kind"),
        (b'{"id": 1.5, "method": "ask"}', "a message of no kind"),
        (b'{"id": [], "result": {}}', "a message of no kind"),
        (b'{"id": 1, "method": 5}', "a message of no kind"),
    ],
)
async def test_what_is_no_message_is_reported(line: bytes, what: str) -> None:
    wire = Wire()
    wire.endpoint().receive(line)
    assert [told[: len(what)] for told in wire.invalid] == [what]
    assert wire.handled == []
    assert wire.sent == []


async def test_notification_params_that_are_not_an_object_are_wrapped_in_one() -> None:
    wire = Wire()
    wire.endpoint().receive(frame(method="tell", params=[1, 2]))
    assert wire.handled == [("tell", {"params": [1, 2]})]


async def test_a_request_whose_params_are_not_an_object_is_refused_and_reported() -> None:
    wire = Wire()
    wire.endpoint().receive(frame(id="q", method="ask", params=[1]))
    (refusal,) = wire.frames
    assert (refusal["id"], refusal["error"]["code"]) == ("q", -32602)  # type: ignore[index] # it is an object
    assert wire.invalid == ["a request whose params are not an object"]
    assert wire.handled == []


async def test_an_answer_that_nobody_waits_for_is_ignored() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    for request_id in (1, "1", 999_999):
        endpoint.receive(frame(id=request_id, result={}))
    assert wire.invalid == []


async def test_the_type_of_an_id_counts() -> None:
    wire = Wire()
    endpoint = wire.endpoint()
    call = await calling(endpoint)
    endpoint.receive(frame(id="1", result="another's"))
    endpoint.receive(frame(id=True, result="nobody's"))
    endpoint.receive(frame(id=1, result="ours"))
    assert await call == "ours"


async def test_a_handler_that_fails_does_not_stop_the_reading(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the handler is broken")

    wire = Wire()
    endpoint = wire.endpoint(on_notification=fail, on_invalid=fail)
    endpoint.receive(frame(method="tell"))
    endpoint.receive(b"{")
    endpoint.receive(frame(id=1, method="ask"))
    assert wire.handled == [(1, "ask", {})]
    assert [record.exc_text is not None for record in caplog.records] == [True, True]


async def test_received_frames_are_counted() -> None:
    endpoint = Wire().endpoint()
    for line in (frame(method="tell"), b"{", frame(id=9, result=1)):
        endpoint.receive(line)
    assert endpoint.frames_received == 3


async def test_ids_may_have_a_prefix() -> None:
    calls = PendingCalls("ours-")
    with calls.open() as (request_id, answer):
        assert request_id == "ours-1"
        assert calls.settle({"id": "ours-1", "result": 5})
        assert await answer == 5
        assert not calls.settle({"id": "ours-1", "result": 6})
    assert not calls.settle({"id": "ours-1", "result": 7})


async def streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return *await asyncio.open_unix_connection(sock=ours), theirs


async def test_a_stream_that_is_not_read_fails_what_waits_for_it() -> None:
    _, writer, theirs = await streams()
    transport = StreamTransport(writer, timeout_s=0.01)
    assert transport.send(b"x" * 10_000_000)
    with pytest.raises(ConnectionClosed, match="does not read"):
        await transport.drain()
    await asyncio.wait_for(transport.close(), 10)
    assert transport.send(b"more") is False
    theirs.close()


async def test_a_stream_that_breaks_fails_what_waits_for_it() -> None:
    reader, writer, theirs = await streams()
    transport = StreamTransport(writer)
    theirs.close()
    await reader.read()
    transport.send(b"x" * 10_000_000)
    with pytest.raises(ConnectionClosed):
        await transport.drain()
    await transport.close()
