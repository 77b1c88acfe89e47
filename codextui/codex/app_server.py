"""One `codex app-server` process and the JSON-RPC conversation with it.

It speaks JSON-RPC 2.0 in lines, without the `jsonrpc` member, and answers -32001 where too many
requests are in flight.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui import __version__
from codextui.codex.binary import CodexBinary, missing_app_server
from codextui.codex.notifications import WARNINGS
from codextui.codex.process import GRACE_S, CodexProcess, printable, select_last_words
from codextui.errors import (
    CodexDied,
    CodexFailed,
    CodexMissing,
    CodexOverloaded,
    ConnectionClosed,
    ErrorResponse,
)
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import (
    Endpoint,
    NotificationHandler,
    RequestHandler,
    RequestId,
    Transport,
)
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import MAX_LINE, LineSplitter, LineTooLong

ExitHandler: TypeAlias = Callable[[str], None]
"""Called once, with the reason in one line, when the process ends without having been stopped."""

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
        max_in_flight: calls that wait for an answer at once; more wait to be sent. From about 150
            on app-server answers -32001, and loses some of those answers (0.163.0: 17 of 500).
        max_line: bytes of a line; longer ones are dropped with a warning.
        backoff_steps: how often an overloaded app-server is asked again.
        first_backoff_s: seconds of the first pause before that, which doubles each time.
        longest_backoff_s: seconds of the longest pause.
    """

    answer_s: float = 120.0
    handshake_s: float = 30.0
    grace_s: float = GRACE_S
    max_in_flight: int = 64
    max_line: int = MAX_LINE
    backoff_steps: int = 8
    first_backoff_s: float = 0.05
    longest_backoff_s: float = 2.0


DEFAULT_LIMITS = AppServerLimits()


class AppServer:
    """One `codex app-server` process.

    Handlers are called synchronously, in wire order, and not any more once `stop` was called or
    the process has ended. What cannot be read (malformed JSON, a line that is too long) arrives as
    a `warning` notification, so that people see it as they see Codex's own warnings.

    Attributes:
        pid: the process id.
        version: the binary's version, such as `0.163.0`.
        home: its CODEX_HOME, as it reports it.
        config_errors: what it said last of configurations that it could not read, with the file
            and the line.
    """

    def __init__(self, binary: CodexBinary, on_exit: ExitHandler, limits: AppServerLimits) -> None:
        """Use `start`."""
        self.version = binary.version_text
        self.pid = 0
        self.home = Path()
        self.config_errors: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._on_exit = on_exit
        self._limits = limits
        self._warned: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._ready = False
        self._stopping = False
        self._endpoint: AppServerEndpoint
        self._process: CodexProcess
        self._watching: asyncio.Task[None]

    @classmethod
    async def start(
        cls,
        binary: CodexBinary,
        *,
        home: Path | None,
        env: Mapping[str, str] | None = None,
        on_notification: NotificationHandler,
        on_request: RequestHandler,
        on_exit: ExitHandler,
        owner: str = "",
        limits: AppServerLimits = DEFAULT_LIMITS,
    ) -> AppServer:
        """Start the process and initialize it (`initialize`, `initialized`).

        Args:
            binary: the program.
            home: `CODEX_HOME` for it, which must exist; None leaves the environment's.
            env: the whole environment; None passes on our own.
            on_notification: handles its notifications.
            on_request: handles its requests, which are answered with `respond` or `refuse`.
            on_exit: see ExitHandler.
            owner: marks what it starts (`process_marks.owner_of`).
            limits: see AppServerLimits.

        Raises:
            CodexMissing: the binary cannot be run, or has no `app-server`.
            CodexDied: it ended before it was initialized.
            CodexFailed: it refused to be initialized.
        """
        app = cls(binary, on_exit, limits)
        environ = dict(os.environ if env is None else env)
        if home is not None:
            environ["CODEX_HOME"] = str(home)
        command = [str(binary.path), "app-server"]
        try:
            app._process = await CodexProcess.spawn(
                command, environ, app._feed, owner=owner, grace_s=limits.grace_s
            )
        except OSError as error:
            raise CodexMissing(f"{binary.path} cannot be run: {error}") from error
        app.pid = app._process.pid

        def handle_notification(method: str, params: JsonObject) -> None:
            app._note_warning(method, params)
            on_notification(method, params)

        app._endpoint = AppServerEndpoint(
            app._process, on_notification=handle_notification, on_request=on_request, limits=limits
        )
        app._watching = asyncio.create_task(app._watch())
        await app._initialize(binary)
        return app

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended; `on_exit` follows when nothing is left of it."""
        return not self._process.takes_input or self._endpoint.closed

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float | None = None
    ) -> JsonObject:
        """Call a method and return its result; see `AppServerEndpoint.call`."""
        return await self._endpoint.call(method, params, timeout_s=timeout_s)

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request. False where the process has ended."""
        return self._endpoint.respond(request_id, result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error. False where the process has ended."""
        return self._endpoint.refuse(request_id, code, message)

    @property
    def mark(self) -> str:
        """The value of MARK_VARIABLE in the environment of all that it starts."""
        return self._process.mark

    def ending_commands(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Kill the processes of a thread's commands at the end of the context.

        See `CodexProcess.ending_commands`.
        """
        return self._process.ending_commands(thread_id)

    async def stop(self) -> None:
        """End the process and every command it started. `on_exit` is not called.

        Calls that wait for an answer fail with CodexDied.
        """
        self._stopping = True
        self._endpoint.close("codex app-server was stopped")
        await self._process.end()
        await self._watching

    def _feed(self, data: bytes) -> None:
        self._endpoint.feed(data)

    def _note_warning(self, method: str, params: JsonObject) -> None:
        """Remember what Codex warned of: it writes the same to its standard error."""
        if method == "configWarning" and isinstance(details := params.get("details"), str):
            self.config_errors.append(printable(details))
        if method in WARNINGS:
            text = params.get("summary") or params.get("message")
            first = text.strip().partition("\n")[0] if isinstance(text, str) else ""
            if len(first) >= _SHORTEST_WARNING:
                self._warned.append(printable(first[:_COMPARED_CHARS]))

    async def _initialize(self, binary: CodexBinary) -> None:
        client = {"name": "codextui", "title": "codextui", "version": __version__}
        capabilities = {"experimentalApi": True, "requiredHumanApproval": True}
        params = {"clientInfo": client, "capabilities": capabilities}
        try:
            result = await self.call("initialize", params, timeout_s=self._limits.handshake_s)
            self.home = Path(fields.text_or(result, "codexHome"))
            self._endpoint.notify("initialized")
            self._ready = True
        except BaseException as error:
            await self.stop()
            missing = missing_app_server(binary, self._process.last_errors)
            if isinstance(error, CodexDied) and missing is not None:
                raise missing from error
            raise

    async def _watch(self) -> None:
        """Wait for the end of the process, and report it once nothing is left of it."""
        code = await self._process.wait()
        reason = _reason(self.pid, code, self._last_words())
        self._endpoint.close(reason)
        await self._process.kill_orphans()
        if self._ready and not self._stopping:
            try:
                self._on_exit(reason)
            except Exception:  # noqa: BLE001 - a boundary, and it is logged
                _LOG.exception("the handler of the end of app-server failed")

    def _last_words(self) -> tuple[str, ...]:
        """What it wrote just before its end, except what it had warned of by a notification."""
        words = self._process.last_words
        new = [line for line in words if not any(said in line for said in self._warned)]
        return select_last_words(new)


class AppServerEndpoint:
    """The JSON-RPC endpoint that `codex app-server` expects.

    What cannot be read is reported as a `warning` notification: the 1st, 10th, 100th … time, so
    that a flood of it stays readable.

    Args:
        transport: carries lines to app-server.
        on_notification: handles its notifications.
        on_request: handles its requests.
        limits: see AppServerLimits.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        on_notification: NotificationHandler,
        on_request: RequestHandler,
        limits: AppServerLimits = DEFAULT_LIMITS,
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
        """Handle every message that these bytes complete."""
        for line in self._lines.feed(data):
            if isinstance(line, LineTooLong):
                self._drop(line)
            else:
                self._endpoint.receive(line)

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
            closed = self._endpoint.closed
            reason = closed.result() if closed.done() else "codex app-server has ended"
            raise CodexDied(reason) from error
        except TimeoutError as error:
            what = f"Codex has not answered {method} for {timeout_s:g} s"
            raise CodexFailed(what, code=NO_ANSWER) from error
        return result if isinstance(result, dict) else {}

    def _drop(self, line: LineTooLong) -> None:
        megabytes = line.limit // (1024 * 1024)
        what = f"Codex sent a line above {megabytes} MiB, which was dropped: {_quote(line.head)}"
        answered = _ANSWER_HEAD.match(line.head)
        if answered:
            self._endpoint.fail_call(int(answered[1]), CodexFailed(what))
        self._warn(what)

    def _warn(self, message: str) -> None:
        self._unreadable += 1
        if self._endpoint.closed.done() or str(self._unreadable).strip("0") != "1":
            return
        count = f" ({self._unreadable} such lines so far)" if self._unreadable > 1 else ""
        try:
            self._on_notification("warning", {"message": message + count})
        except Exception:  # noqa: BLE001 - a boundary, and it is logged
            _LOG.exception("the handler of a warning failed")


def _reason(pid: int, code: int, last_words: tuple[str, ...]) -> str:
    """One line that says how the process ended, and what it wrote last."""
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    else:
        how = f"ended with exit code {code}"
    said = " | ".join(last_words)
    return f"codex app-server (pid {pid}) {how}" + (f": {said}" if said else "")


def _quote(line: bytes) -> str:
    """The beginning of a line, escaped so that it can be shown."""
    return ascii(line[:_MAX_QUOTED].decode("utf-8", "replace"))


_KEPT_WARNINGS = 50
_COMPARED_CHARS = 300
_SHORTEST_WARNING = 12
_MAX_QUOTED = 120
_MAX_MESSAGE = 2000
_ANSWER_HEAD = re.compile(rb'^\{"id":(\d+),"(?:result|error)"')
_JITTER = secrets.SystemRandom()
_LOG = logging.getLogger(__name__)
