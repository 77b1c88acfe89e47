"""Reads the bodies of HTTP requests within limits, and validates them before mcp reads them."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Message, Receive

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_json
from codextui.server.clients import ClientGone
from codextui.server.mcp.validation import check_response, parse_error, validate_message
from codextui.server.options import DEFAULT_LIMITS, HttpLimits
from codextui.server.transports.http.guard import json_error, json_response

_RAW = "codextui.raw"
_MAX_ERROR = 300


class BodyRefused(Exception):
    """A body cannot be accepted.

    Attributes:
        response: the response to its client.
    """

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class BodyReader:
    """Reads bodies: none is too long or too slow, and all of them together fit in memory."""

    def __init__(self, limits: HttpLimits = DEFAULT_LIMITS.http) -> None:
        self._limits = limits
        self._held = 0

    async def read(self, receive: Receive) -> JsonObject:
        """Return the message in a body.

        Raises:
            BodyRefused: the body is too long, too slow, or not a valid message.
            ClientGone: the client closed the connection before the end of the body.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_s):
                while not await self._read_part(receive, body):
                    pass
        except TimeoutError:
            reason = "the body takes too long"
            raise BodyRefused(json_error(HTTPStatus.REQUEST_TIMEOUT, reason)) from None
        finally:
            self._held -= len(body)
        return _parse(bytes(body))

    async def _read_part(self, receive: Receive, body: bytearray) -> bool:
        """Add a part to the body; return whether it was the last."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        limits = self._limits
        if len(body) + len(part) > limits.body_bytes:
            reason = f"a message has at most {limits.body_bytes:,} bytes"
            raise BodyRefused(json_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason))
        if self._held + len(part) > limits.bodies_bytes:
            reason = "too much comes at once: try again"
            raise BodyRefused(json_error(HTTPStatus.SERVICE_UNAVAILABLE, reason))
        body.extend(part)
        self._held += len(part)
        return not message.get("more_body", False)


def replay(message: JsonObject, receive: Receive) -> Receive:
    """Return a `receive` that gives a message as the body, and then what `receive` gives.

    mcp parses what was validated here, so that no two parsers read the same bytes differently.
    """
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "replace")
    body: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]

    async def replayed() -> Message:
        return body.pop() if body else await receive()

    return replayed


def wrap_response(message: JsonObject) -> JsonObject:
    """Return a client's response in a form that mcp accepts; other messages as they are.

    mcp rejects a response that does not fit the protocol, and the request would never end.
    `unwrap_result` returns the client's own result.
    """
    if "method" in message or not ("result" in message or "error" in message):
        return message
    response = {"jsonrpc": "2.0", "id": message.get("id")}
    if isinstance(message.get("result"), dict):
        return {**response, "result": {"action": "cancel", _RAW: message["result"]}}
    error = json.dumps(message.get("error"))[:_MAX_ERROR]
    return {**response, "error": {"code": 0, "message": error}}


def unwrap_result(result: JsonObject) -> JsonObject:
    """Return the result that the client sent, of one that `wrap_response` returned."""
    raw = result.get(_RAW)
    return raw if isinstance(raw, dict) else {}


def _parse(body: bytes) -> JsonObject:
    try:
        message = decode_json(body)
    except (ValueError, RecursionError) as error:
        raise BodyRefused(json_response(HTTPStatus.BAD_REQUEST, parse_error(str(error)))) from error
    if isinstance(message, dict) and _is_response(message):
        return check_response(message, body)
    rejection = validate_message(message, body)
    if rejection is not None:
        raise BodyRefused(json_response(HTTPStatus.BAD_REQUEST, rejection.response))
    assert isinstance(message, dict)  # noqa: S101 - all else is rejected
    return message


def _is_response(message: Json) -> bool:
    """Return whether a message answers a request of ours, however malformed the answer is."""
    match message:
        case {"method": _}:
            return False
        case {"id": str() | int(), "result": _} | {"id": str() | int(), "error": _}:
            return True
        case _:
            return False
