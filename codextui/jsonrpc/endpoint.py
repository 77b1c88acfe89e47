"""JSON-RPC 2.0: one side of a connection, whatever carries its frames."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from codextui.errors import ConnectionClosed, ErrorResponse, MessageInvalid
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_frame, encode_frame
from codextui.jsonrpc.tap import Wire

RequestId: TypeAlias = int | str
"""The id of a request. Its JSON type counts: `1` and `"1"` are two ids."""

NotificationHandler: TypeAlias = Callable[[str, JsonObject], None]
"""Handles a notification: method, params."""

RequestHandler: TypeAlias = Callable[[RequestId, str, JsonObject], None]
"""Handles a request: id, method, params. Answered at any time with `respond` or `refuse`."""

InvalidHandler: TypeAlias = Callable[[str, bytes], None]
"""Handles an invalid line: a noun phrase for what it is, and the line."""

AbandonedHandler: TypeAlias = Callable[[RequestId, str], None]
"""Handles a call that was sent and then cancelled by its caller: id, method."""

PARSE_ERROR = -32700
"""JSON-RPC's error code for what is not JSON."""

INVALID_REQUEST = -32600
"""JSON-RPC's error code for what is not a valid request."""

METHOD_NOT_FOUND = -32601
"""JSON-RPC's error code for an unknown method."""

INVALID_PARAMS = -32602
"""JSON-RPC's error code for parameters of a wrong shape."""

_LINGER_S = 1.0
_MAX_QUOTED = 120
_LOG = logging.getLogger(__name__)


class Transport(Protocol):
    """Carries frames to the other side."""

    def send(self, data: bytes) -> bool:
        """Send bytes without waiting. False where the other side is gone."""

    async def drain(self) -> None:
        """Wait while too much is unsent. Raises ConnectionClosed where the connection breaks."""


class Endpoint:
    """Calls methods of the other side, and hands what comes from there to handlers.

    Handlers run synchronously in `receive`, in wire order, so they must not block. What they
    raise is logged.

    Args:
        transport: carries frames to the other side.
        on_notification: handles notifications.
        on_request: handles requests.
        on_invalid: handles lines that are no messages.
        on_abandoned: handles calls that were cancelled or timed out.
        tagged: whether frames carry `"jsonrpc": "2.0"`.
        wire: where the frames can be watched; None for nowhere.

    Attributes:
        closed: resolves to the reason once the connection is closed.
        frames_received: count of the lines received.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        on_notification: NotificationHandler,
        on_request: RequestHandler,
        on_invalid: InvalidHandler,
        on_abandoned: AbandonedHandler | None = None,
        tagged: bool = True,
        wire: Wire | None = None,
    ) -> None:
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.frames_received = 0
        self._transport = transport
        self._on_notification = on_notification
        self._on_request = on_request
        self._on_invalid = on_invalid
        self._on_abandoned = on_abandoned
        self._tag: JsonObject = {"jsonrpc": "2.0"} if tagged else {}
        self._wire = wire
        self._calls = PendingCalls()

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float | None = None
    ) -> Json:
        """Call a method and return its result.

        Raises:
            ErrorResponse: the other side answered with an error.
            ConnectionClosed: the connection is closed, or was before the answer came.
            TimeoutError: no answer came within `timeout_s` seconds.
            MessageInvalid: JSON has no form for the parameters.
        """
        with self._calls.open() as (request_id, answer):
            message = {"id": request_id, "method": method, "params": params}
            frame = encode_frame({**self._tag, **message})
            is_sent = False
            if self._wire is not None:
                self._wire.open(request_id, frame, sent=True)
            try:
                async with asyncio.timeout(timeout_s):
                    await self._drain()
                    is_sent = self._send(frame)
                    if not is_sent:
                        raise ConnectionClosed(self._reason())
                    return await answer
            except (asyncio.CancelledError, TimeoutError):
                if is_sent and self._on_abandoned is not None:
                    self._on_abandoned(request_id, method)
                raise
            finally:
                if self._wire is not None:
                    self._wire.close(request_id, sent=True)

    @property
    def is_calling(self) -> bool:
        """Whether a call waits for its answer."""
        return bool(self._calls)

    def notify(self, method: str, params: JsonObject | None = None) -> bool:
        """Send a notification. False where the other side is gone. Raises MessageInvalid."""
        body: JsonObject = {} if params is None else {"params": params}
        return self._send(encode_frame({**self._tag, "method": method, **body}))

    def respond(self, request_id: RequestId, result: Json) -> bool:
        """Answer a request. False where the other side is gone. Raises MessageInvalid."""
        if self._wire is not None:
            self._wire.close(request_id, sent=False)
        return self._send(encode_frame({**self._tag, "id": request_id, "result": result}))

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error. False where the other side is gone."""
        if self._wire is not None:
            self._wire.close(request_id, sent=False)
        error = {"code": code, "message": message}
        return self._send(encode_frame({**self._tag, "id": request_id, "error": error}))

    def receive(self, line: bytes) -> None:
        """Handle a line from the other side. Nothing happens once the connection is closed."""
        if self.closed.done():
            return
        self.frames_received += 1
        if self._wire is not None and (watch := self._wire.tap.on_frame) is not None:
            watch(self._wire, False, line)
        try:
            self._dispatch(line)
        except Exception:  # noqa: BLE001 - a boundary: the connection goes on
            _LOG.exception("the handler of %r failed", line[:_MAX_QUOTED])

    def fail_call(self, request_id: RequestId, error: Exception) -> None:
        """Raise an error in the call with this id, if it is still pending."""
        self._calls.fail(request_id, error)

    def close(self, reason: str) -> None:
        """Fail every call, pending and future, with ConnectionClosed; the first reason stays."""
        if self.closed.done():
            return
        self.closed.set_result(reason)
        self._calls.close(reason)
        if self._wire is not None:
            self._wire.end(reason)

    def _dispatch(self, line: bytes) -> None:
        try:
            message = decode_frame(line)
        except MessageInvalid as error:
            self._on_invalid(f"a line that is {error}", line)
            return
        request_id, method = message.get("id"), message.get("method")
        if request_id is None and isinstance(method, str):  # most messages; a match takes its time
            params = message.get("params", {})
            self._on_notification(
                method, params if isinstance(params, dict) else {"params": params}
            )
            return
        match request_id, method:
            case bool(), _:
                self._on_invalid("a message of no kind", line)
            case int() | str(), str():
                self._dispatch_request(request_id, method, message.get("params", {}), line)
            case int() | str(), None:
                self._calls.settle(message)
            case _:
                self._on_invalid("a message of no kind", line)

    def _dispatch_request(
        self, request_id: RequestId, method: str, params: Json, line: bytes
    ) -> None:
        if isinstance(params, dict):
            if self._wire is not None:
                self._wire.open(request_id, line, sent=False)
            self._on_request(request_id, method, params)
        else:
            self.refuse(request_id, INVALID_PARAMS, "params must be an object")
            self._on_invalid("a request whose params are not an object", line)

    async def _drain(self) -> None:
        try:
            await self._transport.drain()
        except ConnectionClosed as error:
            self.close(str(error))
            raise

    def _send(self, frame: bytes) -> bool:
        if self.closed.done() or not self._transport.send(frame):
            return False
        if self._wire is not None and (watch := self._wire.tap.on_frame) is not None:
            watch(self._wire, True, frame)
        return True

    def _reason(self) -> str:
        return self.closed.result() if self.closed.done() else "the connection is closed"


class PendingCalls:
    """Correlates calls that wait for an answer with the answers.

    Args:
        prefix: start of the ids, which are then strings; without one they are numbers.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._answers: dict[RequestId, asyncio.Future[Json]] = {}
        self._closed_by: str | None = None

    def __bool__(self) -> bool:
        return bool(self._answers)

    @contextmanager
    def open(self) -> Iterator[tuple[RequestId, asyncio.Future[Json]]]:
        """Yield an id for a new call and the future of its result; forget both at the end.

        The future raises ErrorResponse or ConnectionClosed. Raises ConnectionClosed after `close`.
        """
        if self._closed_by is not None:
            raise ConnectionClosed(self._closed_by)
        number = next(self._numbers)
        request_id: RequestId = f"{self._prefix}{number}" if self._prefix else number
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = answer
        try:
            yield request_id, answer
        finally:
            del self._answers[request_id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # or asyncio complains where nobody awaited it

    def settle(self, message: JsonObject) -> bool:
        """Give a response to the call it answers. False where no call waits for it."""
        answer = self._waiting(message.get("id"))
        if answer is None:
            return False
        if "error" in message:
            answer.set_exception(_error_response(message["error"]))
        else:
            answer.set_result(message.get("result"))
        return True

    def fail(self, request_id: Json, error: Exception) -> None:
        """Raise an error in the call with this id, if it is still pending."""
        answer = self._waiting(request_id)
        if answer is not None:
            answer.set_exception(error)

    def close(self, reason: str) -> None:
        """Fail every call, pending and future, with ConnectionClosed."""
        self._closed_by = reason
        for request_id in self._answers:
            self.fail(request_id, ConnectionClosed(reason))

    def _waiting(self, request_id: Json) -> asyncio.Future[Json] | None:
        if isinstance(request_id, bool) or not isinstance(request_id, int | str):
            return None
        answer = self._answers.get(request_id)
        return None if answer is None or answer.done() else answer


class StreamTransport:
    """Carries frames over an asyncio stream.

    Args:
        writer: the stream to write to.
        timeout_s: seconds that the other side may take to read what is unsent.
    """

    def __init__(self, writer: asyncio.StreamWriter, *, timeout_s: float = 30.0) -> None:
        self._writer = writer
        self._timeout_s = timeout_s

    def send(self, data: bytes) -> bool:
        """Send bytes without waiting. False where the stream is closed."""
        if self._writer.is_closing():
            return False
        self._writer.write(data)
        return True

    async def drain(self) -> None:
        """Wait while too much is unsent. Raises ConnectionClosed where the stream breaks."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            why = str(error) or "the other side does not read"
            raise ConnectionClosed(f"nothing can be sent any more: {why}") from error

    async def close(self) -> None:
        """Close the stream. What the other side does not take within a second is lost."""
        self._writer.close()
        try:
            async with asyncio.timeout(_LINGER_S):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except OSError:
            pass  # It broke, and is closed.


def _error_response(error: Json) -> ErrorResponse:
    if not isinstance(error, dict):
        return ErrorResponse("", data=error)
    code, message = error.get("code"), error.get("message")
    return ErrorResponse(
        message if isinstance(message, str) else "",
        code=code if isinstance(code, int) else 0,
        data=error.get("data"),
    )
