"""The JSON-RPC conversation with `codex app-server`, whatever carries it.

It speaks JSON-RPC 2.0 without the `jsonrpc` member, and answers -32001 where too many requests are
in flight.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from dataclasses import dataclass

from codextui.codex.process import GRACE_S
from codextui.errors import (
    CodexDied,
    CodexFailed,
    CodexOverloaded,
    ConnectionClosed,
    ErrorResponse,
)
from codextui.jsonrpc.endpoint import (
    Endpoint,
    NotificationHandler,
    RequestHandler,
    RequestId,
    Transport,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import MAX_LINE, LineSplitter, LineTooLong
from codextui.jsonrpc.tap import Wire

OVERLOADED = -32001
"""Error code of an app-server that has too many requests in flight."""

NO_ANSWER = -32000
"""Error code of our own for a call that got no answer in time."""


@dataclass(frozen=True, slots=True)
class AppServerLimits:
    """Times and sizes of the conversation with app-server.

    Attributes:
        answer_s: seconds until a call without an answer fails.
        handshake_s: seconds until a process that does not answer `initialize` is given up.
        grace_s: seconds that a process gets to end before it is killed.
        exit_s: seconds within which a process that ends does so after its connection is gone.
        reconnect_s: seconds until a process that takes no new connection is given up.
        max_in_flight: calls that wait for an answer at once; more wait to be sent. From about 150
            on app-server answers -32001, and loses some of those answers (0.163.0: 17 of 500).
        max_line: bytes of a message; longer ones are dropped with a warning.
        connect_s: seconds until a socket that does not answer a WebSocket handshake is given up.
        keepalive_s: see `WebSocketLimits`.
        backoff_steps: how often an overloaded app-server is asked again.
        first_backoff_s: seconds of the first pause before that, which doubles each time.
        longest_backoff_s: seconds of the longest pause.
    """

    answer_s: float = 120.0
    handshake_s: float = 30.0
    grace_s: float = GRACE_S
    exit_s: float = 0.3
    reconnect_s: float = 10.0
    max_in_flight: int = 64
    max_line: int = MAX_LINE
    connect_s: float = 10.0
    keepalive_s: float | None = 20.0
    backoff_steps: int = 8
    first_backoff_s: float = 0.05
    longest_backoff_s: float = 2.0


DEFAULT_LIMITS = AppServerLimits()


class AppServerEndpoint:
    """The JSON-RPC endpoint that `codex app-server` expects.

    What cannot be read is reported as a `warning` notification: the 1st, 10th, 100th … time, so
    that a flood of it stays readable.

    Args:
        transport: carries lines to app-server.
        on_notification: handles its notifications.
        on_request: handles its requests.
        limits: see AppServerLimits.
        wire: where the frames can be watched; None for nowhere.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        on_notification: NotificationHandler,
        on_request: RequestHandler,
        limits: AppServerLimits = DEFAULT_LIMITS,
        wire: Wire | None = None,
    ) -> None:
        self._on_notification = on_notification
        self._limits = limits
        self._lines = LineSplitter(limits.max_line)
        self._in_flight = asyncio.Semaphore(limits.max_in_flight)
        self._unreadable = 0
        self._endpoint = Endpoint(
            transport,
            on_notification=on_notification,
            on_request=on_request,
            on_invalid=lambda what, line: self._warn(f"Codex sent {what}: {_quote(line)}"),
            tagged=False,
            wire=wire,
        )

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float | None = None
    ) -> JsonObject:
        """Call a method and return its result, an empty object where it is none.

        An overloaded app-server is asked again after ever longer pauses with jitter.

        Raises:
            CodexFailed: it answered with an error, or not at all in time (NO_ANSWER).
            CodexOverloaded: it stayed overloaded.
            CodexDied: it ended.
            MessageInvalid: JSON has no form for the parameters.
        """
        limits = self._limits
        wait_s = limits.answer_s if timeout_s is None else timeout_s
        async with self._in_flight:
            for step in range(limits.backoff_steps):
                try:
                    return await self._call_once(method, params, wait_s)
                except CodexOverloaded:
                    longest = min(limits.first_backoff_s * 2**step, limits.longest_backoff_s)
                    await asyncio.sleep(_JITTER.uniform(longest / 2, longest))
            return await self._call_once(method, params, wait_s)

    @property
    def closed(self) -> bool:
        """Whether every call fails."""
        return self._endpoint.closed.done()

    @property
    def is_calling(self) -> bool:
        """Whether a call waits for its answer."""
        return self._endpoint.is_calling

    def notify(self, method: str, params: JsonObject | None = None) -> bool:
        """Send a notification. False where the process has ended."""
        return self._endpoint.notify(method, params)

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request. False where the process has ended. Raises MessageInvalid."""
        return self._endpoint.respond(request_id, result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error. False where the process has ended."""
        return self._endpoint.refuse(request_id, code, message)

    def feed(self, data: bytes) -> None:
        """Handle every line that these bytes complete."""
        for line in self._lines.feed(data):
            if isinstance(line, LineTooLong):
                self.drop(line)
            else:
                self._endpoint.receive(line)

    def receive(self, message: bytes) -> None:
        """Handle a whole message."""
        self._endpoint.receive(message)

    def drop(self, line: LineTooLong) -> None:
        """Report a message above the limit; the call that it answers fails."""
        megabytes = line.limit // (1024 * 1024)
        what = f"Codex sent a line above {megabytes} MiB, which was dropped: {_quote(line.head)}"
        answered = _ANSWER_HEAD.match(line.head)
        if answered:
            self._endpoint.fail_call(int(answered[1]), CodexFailed(what))
        self._warn(what)

    def close(self, reason: str) -> None:
        """Fail every call, pending and future, with CodexDied; the first reason stays."""
        self._endpoint.close(reason)

    async def _call_once(self, method: str, params: JsonObject, timeout_s: float) -> JsonObject:
        try:
            result = await self._endpoint.call(method, params, timeout_s=timeout_s)
        except ErrorResponse as error:
            kind = CodexOverloaded if error.code == OVERLOADED else CodexFailed
            message = str(error)[:_MAX_MESSAGE] or "Codex answered with an error without a message"
            raise kind(message, code=error.code, data=error.data) from error
        except ConnectionClosed as error:
            raise CodexDied(await self._end_reason()) from error
        except TimeoutError as error:
            what = f"Codex has not answered {method} for {timeout_s:g} s"
            raise CodexFailed(what, code=NO_ANSWER) from error
        return result if isinstance(result, dict) else {}

    async def _end_reason(self) -> str:
        """Return why the connection is closed, which is known a moment after it cannot be used."""
        closed = self._endpoint.closed
        await asyncio.wait({closed}, timeout=_REASON_S)
        return closed.result() if closed.done() else "codex app-server has ended"

    def _warn(self, message: str) -> None:
        self._unreadable += 1
        if self._endpoint.closed.done() or str(self._unreadable).strip("0") != "1":
            return
        count = f" ({self._unreadable} such lines so far)" if self._unreadable > 1 else ""
        try:
            self._on_notification("warning", {"message": message + count})
        except Exception:  # noqa: BLE001 - a boundary, and it is logged
            _LOG.exception("the handler of a warning failed")


def _quote(line: bytes) -> str:
    """The beginning of a line, escaped so that it can be shown."""
    return ascii(line[:_MAX_QUOTED].decode("utf-8", "replace"))


_MAX_QUOTED = 120
_MAX_MESSAGE = 2000
_REASON_S = 5.0
_ANSWER_HEAD = re.compile(rb'^\{"id":(\d+),"(?:result|error)"')
_JITTER = secrets.SystemRandom()
_LOG = logging.getLogger(__name__)
