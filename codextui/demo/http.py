"""As much HTTP/1.1 as a model's server on loopback needs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from codextui.errors import MessageInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_LIMIT = 64 * 1024
"""The most bytes that a request line and its headers may have together."""

BODY_LIMIT = 64 * 1024 * 1024
"""The most bytes that a request's body may have."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A whole HTTP request.

    Attributes:
        method: in upper case.
        path: without the query.
        headers: by name in lower case.
        body: its bytes.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """Reads one request; None where the client hung up before or in the midst of it.

    The reader's own limit must be `HEAD_LIMIT`.

    Raises:
        WireInvalid: it is no HTTP request, or larger than allowed.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, headers = _parse_head(head)
        body = await reader.readexactly(_body_length(headers))
    except asyncio.LimitOverrunError as error:
        raise MessageInvalid(f"The request's head is longer than {HEAD_LIMIT} bytes.") from error
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return HttpRequest(method, path, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    match first.split(" "):
        case [method, target, version] if version.startswith("HTTP/1."):
            pass
        case _:
            raise MessageInvalid("The request line is not that of HTTP/1.1.")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MessageInvalid("A header line has no colon.")
        headers[name.strip().lower()] = value.strip()
    return method.upper(), target.partition("?")[0], headers


def _body_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise MessageInvalid("A request's body must come with its length, not chunked.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise MessageInvalid("The header Content-Length is not a number.")
    if int(length) > BODY_LIMIT:
        raise MessageInvalid(f"The request's body is larger than {BODY_LIMIT} bytes.")
    return int(length)


def json_response(status: int, body: Mapping[str, Any], *, close: bool = False) -> bytes:
    """Returns a whole response with a JSON body."""
    content = json.dumps(body).encode()
    head = _head(
        status,
        "application/json",
        f"Content-Length: {len(content)}",
        f"Connection: {'close' if close else 'keep-alive'}",
    )
    return head + content


def error_response(status: int, message: str, code: str, *, close: bool = False) -> bytes:
    """Returns an error in the shape of OpenAI's API: `{"error": {message, type, code}}`."""
    error = {"message": message, "type": code, "code": code, "param": None}
    return json_response(status, {"error": error}, close=close)


def event_stream_head() -> bytes:
    """Returns the head of a response that streams server-sent events until it is closed."""
    return _head(200, "text/event-stream", "Cache-Control: no-store", "Connection: close")


def _head(status: int, content_type: str, *headers: str) -> bytes:
    reason = HTTPStatus(status).phrase if status in list(HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {content_type}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
