from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message, Receive

from codextui.server.clients import ClientGone
from codextui.server.options import HttpLimits
from codextui.server.transports.http.body import (
    BodyReader,
    BodyRefused,
    unwrap_result,
    wrap_response,
)

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def receive_of(*parts: bytes, ends: bool = True) -> Receive:
    """Return a `receive` that gives the parts of a body, and then its end or nothing."""
    left = list(parts)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left) or not ends}

    return receive


async def refused(reader: BodyReader, receive: Receive) -> int:
    with pytest.raises(BodyRefused) as refusal:
        await reader.read(receive)
    body = json.loads(bytes(refusal.value.response.body))
    assert body["error"]["message"]
    return refusal.value.response.status_code


async def test_a_body_in_several_parts_is_read_whole() -> None:
    data = json.dumps(PING).encode()
    assert await BodyReader().read(receive_of(data[:5], b"", data[5:])) == PING


async def test_a_body_that_does_not_end_times_out() -> None:
    assert await refused(BodyReader(HttpLimits(body_s=0.05)), receive_of(b"{", ends=False)) == 408


async def test_a_body_that_is_too_long_is_refused() -> None:
    assert (
        await refused(BodyReader(HttpLimits(body_bytes=10)), receive_of(b"x" * 6, b"x" * 6)) == 413
    )


async def test_a_body_is_refused_while_too_many_bytes_are_being_read() -> None:
    reader = BodyReader(HttpLimits(bodies_bytes=100))
    slow = asyncio.create_task(reader.read(receive_of(b"x" * 90, ends=False)))
    await asyncio.sleep(0)
    assert await refused(reader, receive_of(b"x" * 20)) == 503
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    assert await reader.read(receive_of(json.dumps(PING).encode())) == PING


async def test_a_client_that_disconnects_within_its_body_is_gone() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        await BodyReader().read(receive)


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({"decision": "approved"}, {"decision": "approved"}),
        ({"action": 5, "content": [1]}, {"action": 5, "content": [1]}),
        ({"codextui.raw": {"action": "accept"}}, {"codextui.raw": {"action": "accept"}}),
    ],
)
def test_a_result_passes_through_mcp_unchanged(result: Any, kept: Any) -> None:
    passed: Any = wrap_response({"jsonrpc": "2.0", "id": 1, "result": result})
    assert passed["result"]["action"] == "cancel"  # what mcp would take it for
    assert unwrap_result(passed["result"]) == kept


@pytest.mark.parametrize("answer", [{"result": [1]}, {"result": None}, {"error": "no"}])
def test_a_malformed_response_becomes_an_error(answer: Any) -> None:
    passed: Any = wrap_response({"jsonrpc": "2.0", "id": 1, **answer})
    assert set(passed) == {"jsonrpc", "id", "error"}
    assert isinstance(passed["error"]["message"], str)


@pytest.mark.parametrize(
    "members",
    [
        '"result": {"action": "accept"}, "error": {"code": 1, "message": "no"}',
        '"result": {"action": "accept"}, "error": null',
        '"result": {"action": "decline"}, "result": {"action": "accept"}',
        '"result": {"action": "decline", "action": "accept"}',
        '"result": {"action": "accept", "content": {"decision": "denied", "decision": "approved"}}',
    ],
)
async def test_a_response_that_contradicts_itself_becomes_an_error(members: str) -> None:
    body = f'{{"jsonrpc": "2.0", "id": 1, {members}}}'.encode()
    passed: Any = wrap_response(await BodyReader().read(receive_of(body)))
    assert set(passed) == {"jsonrpc", "id", "error"}


def test_other_messages_are_not_wrapped() -> None:
    assert wrap_response(PING) is PING
