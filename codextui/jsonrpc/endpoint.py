"""JSON-RPC in lines, as `codex app-server` speaks it: no `jsonrpc` member, one object a line."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from codextui.errors import CodexDied, CodexFailed, CodexOverloaded, MessageInvalid
from codextui.jsonrpc.fields import Json, JsonObject
from codextui.jsonrpc.frames import decode_frame, encode_frame
from codextui.jsonrpc.lines import MAX_LINE, LineBuffer, LineTooLong

RequestId: TypeAlias = int | str
"""The id of a request. Its JSON type is kept: `1` and `"1"` are two ids."""

NotificationHandler: TypeAlias = Callable[[str, JsonObject], None]
"""Told every notification: method, params. Called in wire order, must not block."""

RequestHandler: TypeAlias = Callable[[RequestId, str, JsonObject], None]
"""Told every request of Codex's: id, method, params. To be answered by respond or refuse."""

FrameLog: TypeAlias = Callable[[str, bytes], None]
"""Told every line: `>` (to Codex) or `<` (from it), and its bytes without the newline."""

OVERLOADED = -32001
"""The error code of an app-server that has too many requests in flight."""

INVALID_PARAMS = -32602
"""JSON-RPC's error code for parameters of a wrong shape."""

NO_ANSWER = -32000
"""Our own error code for a call that got no answer in time."""

ANSWER_TIMEOUT = 120.0
"""Seconds until a call that has got no answer fails."""

MAX_IN_FLIGHT = 64
"""Calls that wait for an answer at once; more wait for their turn to be sent.

From about 150 on app-server answers -32001, and forgets some of those answers where its own
queue is full (0.163.0: 17 of 500 calls got none at all).
"""

_BACKOFF_STEPS = 8
_BACKOFF_FIRST = 0.05
_BACKOFF_LONGEST = 2.0
_QUOTED = 120
_TOLD = 2000

_ANSWER_HEAD = re.compile(rb'^\{"id":(\d+),"(?:result|error)"')
_JITTER = secrets.SystemRandom()
_LOG = logging.getLogger(__name__)


class Pipe(Protocol):
    """What carries the lines to the other side."""

    def send(self, data: bytes) -> bool:
        """Send bytes without waiting. False where nobody is there any more."""

    async def drain(self) -> None:
        """Wait until the other side has read enough for more to be sent, or is gone."""


class JsonLines:
    """One side of a JSON-RPC conversation in lines, whatever carries it.

    `feed` takes what comes in and calls the handlers at once, so nothing that waits for an
    answer ever holds up the reading. What cannot be read is told as a `warning` notification
    of our own: the 1st, 10th, 100th … time, so that a flood of it stays readable.

    Args:
        pipe: to the other side.
        on_notification: see NotificationHandler.
        on_request: see RequestHandler.
        frame_log: see FrameLog.
        max_line: bytes of the longest line that is read.
    """

    def __init__(
        self,
        pipe: Pipe,
        *,
        on_notification: NotificationHandler,
        on_request: RequestHandler,
        frame_log: FrameLog | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        self._pipe = pipe
        self._on_notification = on_notification
        self._on_request = on_request
        self._frame_log = frame_log
        self._lines = LineBuffer(max_line)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._ended: str | None = None
        self._unreadable = 0

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float = ANSWER_TIMEOUT
    ) -> JsonObject:
        """Call a method and return its result, an empty object where that is none.

        An overloaded server (-32001) is asked again after a while, ever longer, with jitter.
        Raises CodexFailed (it said no, or nothing within `timeout_s` seconds), CodexOverloaded
        (it stayed overloaded), CodexDied (it ended).
        """
        async with self._in_flight:
            for step in range(_BACKOFF_STEPS):
                try:
                    return await self._call_once(method, params, timeout_s)
                except CodexOverloaded:
                    longest = min(_BACKOFF_FIRST * 2**step, _BACKOFF_LONGEST)
                    await asyncio.sleep(_JITTER.uniform(longest / 2, longest))
            return await self._call_once(method, params, timeout_s)

    def notify(self, method: str, params: JsonObject | None = None) -> bool:
        """Send a notification. False where nobody is there any more."""
        message = {"method": method} if params is None else {"method": method, "params": params}
        return self._send(encode_frame(message))

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request. False where nobody is there any more. Raises WireInvalid."""
        return self._send(encode_frame({"id": request_id, "result": result}))

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error. False where nobody is there any more."""
        error = {"code": code, "message": message}
        return self._send(encode_frame({"id": request_id, "error": error}))

    def feed(self, data: bytes) -> None:
        """Take bytes that came in, and tell the handlers of every message they complete.

        Nothing is told any more once the conversation is closed.
        """
        if self._ended is not None:
            return
        for line in self._lines.feed(data):
            if isinstance(line, LineTooLong):
                self._drop(line)
            else:
                self._receive(line)

    def close(self, reason: str) -> None:
        """Fail every call, those waiting and those to come, with CodexDied(reason)."""
        self._ended = reason
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(CodexDied(reason))

    async def _call_once(self, method: str, params: JsonObject, timeout_s: float) -> JsonObject:
        number = next(self._ids)
        frame = encode_frame({"id": number, "method": method, "params": params})
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._pipe.drain()
                if self._ended is not None or not self._send(frame):
                    raise CodexDied(self._ended or "codex app-server has ended")
                result = await answer
        except TimeoutError as error:
            what = f"Codex has not answered {method} for {timeout_s:g} s"
            raise CodexFailed(what, code=NO_ANSWER) from error
        finally:
            del self._waiting[number]
        return result if isinstance(result, dict) else {}

    def _send(self, frame: bytes) -> bool:
        if self._ended is not None:
            return False
        if self._frame_log is not None:
            self._frame_log(">", frame[:-1])
        return self._pipe.send(frame)

    def _receive(self, line: bytes) -> None:
        if self._frame_log is not None:
            self._frame_log("<", line)
        try:
            message = decode_frame(line)
        except MessageInvalid as error:
            self._warn(f"Codex sent a line that is {error}: {_quote(line)}")
            return
        match message.get("id"), message.get("method"):
            case int() | str() as request_id, str(method):
                self._tell_request(request_id, method, message)
            case int(number), _:
                self._settle(number, message)
            case _, str(method):
                self._tell_notification(method, message)
            case _:
                self._warn(f"Codex sent a message of no kind: {_quote(line)}")

    def _tell_request(self, request_id: RequestId, method: str, message: JsonObject) -> None:
        params = message.get("params", {})
        if not isinstance(params, dict):
            self.refuse(request_id, INVALID_PARAMS, "params must be an object")
            self._warn(f"Codex asked {_quote(method.encode())} with parameters that are no object")
            return
        with reported(method):
            self._on_request(request_id, method, params)

    def _tell_notification(self, method: str, message: JsonObject) -> None:
        params = message.get("params", {})
        if not isinstance(params, dict):
            params = {"params": params}
        try:  # as `reported` does, which would cost as much as to read the line
            self._on_notification(method, params)
        except Exception:  # noqa: BLE001 - a boundary, and it is logged
            _report(method)

    def _settle(self, number: int, message: JsonObject) -> None:
        """Give an answer to whoever waits for it; one that nobody waits for is ignored."""
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(_failure(message["error"]))
        else:
            waiting.set_result(message.get("result"))

    def _drop(self, line: LineTooLong) -> None:
        megabytes = line.limit // (1024 * 1024)
        what = f"Codex sent a line above {megabytes} MiB, which was dropped: {_quote(line.head)}"
        answered = _ANSWER_HEAD.match(line.head)
        waiting = self._waiting.get(int(answered[1])) if answered else None
        if waiting is not None and not waiting.done():
            waiting.set_exception(CodexFailed(what))
        self._warn(what)

    def _warn(self, message: str) -> None:
        self._unreadable += 1
        if str(self._unreadable).strip("0") != "1":
            return
        count = f" ({self._unreadable} such lines so far)" if self._unreadable > 1 else ""
        with reported("warning"):
            self._on_notification("warning", {"message": message + count})


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Log what a handler raises: the reading has to go on."""
    try:
        yield
    except Exception:  # noqa: BLE001 - a boundary, and it is logged
        _report(what)


def _report(what: str) -> None:
    _LOG.exception("the handler of %r failed", what)


def _failure(error: Json) -> CodexFailed:
    if not isinstance(error, dict):
        return CodexFailed("Codex answered with an error that it does not explain", data=error)
    code = error.get("code")
    number = code if isinstance(code, int) else 0
    kind = CodexOverloaded if number == OVERLOADED else CodexFailed
    message = str(error.get("message", ""))[:_TOLD]
    return kind(message, code=number, data=error.get("data"))


def _quote(line: bytes) -> str:
    """The beginning of a line, escaped so that it can be shown."""
    return ascii(line[:_QUOTED].decode("utf-8", "replace"))
