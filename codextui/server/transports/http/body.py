"""The body of an HTTP request, read and judged before mcp sees it."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Message, Receive

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_json
from codextui.server.mcp.validation import object_to, unreadable

MAX_BODY = 4 * 1024 * 1024
"""Bytes that a request's body may have: four prompts of the longest kind."""

MAX_BODIES = 64 * 1024 * 1024
"""Bytes of all the bodies that are on their way; the next client is told to come again."""

BODY_S = 30.0
"""Seconds in which a body must have come."""

_RAW = "codextui.raw"


class BodyRefused(Exception):
    """A body is not taken.

    Attributes:
        response: what its client is told.
    """

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class ClientLeft(Exception):
    """The client closed the connection before its body was there."""


class BodyReader:
    """Reads bodies: none is too long, too slow, or too much beside the others."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, receive: Receive) -> JsonObject:
        """The message in a body. Raises BodyRefused, ClientLeft."""
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_S):
                while not await self._read_part(receive, body):
                    pass
        except TimeoutError:
            raise _refused(HTTPStatus.REQUEST_TIMEOUT, "the body takes too long") from None
        finally:
            self._held -= len(body)
        return _judge(bytes(body))

    async def _read_part(self, receive: Receive, body: bytearray) -> bool:
        """Add a part to the body; whether that was the last."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part = message.get("body", b"")
        if len(body) + len(part) > MAX_BODY:
            raise _refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a message has at most {MAX_BODY:,} bytes"
            )
        if self._held + len(part) > MAX_BODIES:
            raise _refused(HTTPStatus.SERVICE_UNAVAILABLE, "too much comes at once: try again")
        body.extend(part)
        self._held += len(part)
        return not message.get("more_body", False)


def replay(message: JsonObject, receive: Receive) -> Receive:
    """A `receive` that has a message as the body, and then what comes after it.

    mcp reads what was judged here, and no other reading of the same bytes.
    """
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "replace")
    body: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]

    async def again() -> Message:
        return body.pop() if body else await receive()

    return again


def for_mcp(message: JsonObject) -> JsonObject:
    """A message as mcp takes it; a client's answer is put into one that mcp lets through.

    mcp would refuse an answer that is not as the protocol has it, and whoever asked would wait.
    """
    if "method" in message or not ("result" in message or "error" in message):
        return message
    answer = {"jsonrpc": "2.0", "id": message.get("id")}
    if isinstance(message.get("result"), dict):
        return {**answer, "result": {"action": "cancel", _RAW: message["result"]}}
    said = json.dumps(message.get("error"))[:300]
    return {**answer, "error": {"code": 0, "message": said}}


def raw_result(result: JsonObject) -> JsonObject:
    """A result as the client sent it, of one that went through `for_mcp`."""
    raw = result.get(_RAW)
    return raw if isinstance(raw, dict) else {}


def _judge(body: bytes) -> JsonObject:
    try:
        message = decode_json(body)
    except (ValueError, RecursionError) as error:
        raise BodyRefused(_response(HTTPStatus.BAD_REQUEST, unreadable(str(error)))) from error
    if isinstance(message, dict) and _answers(message):
        return message
    objection = object_to(message)
    if objection is not None:
        raise BodyRefused(_response(HTTPStatus.BAD_REQUEST, objection.answer))
    assert isinstance(message, dict)  # noqa: S101 - all else is objected to
    return message


def _answers(message: Json) -> bool:
    """Whether it answers a request of ours, however badly."""
    match message:
        case {"method": _}:
            return False
        case {"id": str() | int(), "result": _} | {"id": str() | int(), "error": _}:
            return True
        case _:
            return False


def _refused(status: HTTPStatus, why: str) -> BodyRefused:
    error = {"code": -32600, "message": why}
    return BodyRefused(_response(status, {"jsonrpc": "2.0", "id": None, "error": error}))


def _response(status: HTTPStatus, body: JsonObject) -> Response:
    return Response(json.dumps(body), status_code=status, media_type="application/json")
