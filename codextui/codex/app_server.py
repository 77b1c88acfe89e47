"""The app-server that Codex runs as: a process of ours, or one that others have started.

A process of ours talks on its standard input and output, or, so that other programs may join it,
on a unix socket. One that others have started is joined at its address, and never ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui import __version__
from codextui.codex.binary import CodexBinary, missing_app_server
from codextui.codex.endpoint import DEFAULT_LIMITS, AppServerEndpoint, AppServerLimits
from codextui.codex.leaving import count_clients, has_commands
from codextui.codex.notifications import WARNINGS
from codextui.codex.process import CodexProcess, printable, select_last_words
from codextui.codex.websocket import UNIX, WebSocketConnection, WebSocketLimits
from codextui.errors import CodexDied, CodexFailed, CodexMissing, CodexUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import NotificationHandler, RequestHandler, RequestId, Transport
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.lines import LineTooLong
from codextui.jsonrpc.tap import Wire

ExitHandler: TypeAlias = Callable[[str], None]
"""Called once, with the reason in one line, when app-server is gone without having been stopped."""

CutHandler: TypeAlias = "Callable[[AppServer, str], None]"
"""Called once, with the reason in one line, when the connection to a process of ours is gone."""


@dataclass(frozen=True, slots=True)
class AppServerHandlers:
    """What handles the messages and the end of an app-server.

    Attributes:
        on_notification: handles its notifications.
        on_request: handles its requests, which are answered with `respond` or `refuse`.
        on_exit: see ExitHandler.
        on_cut: see CutHandler; what is left then can be joined again by `reconnect`, or is ended
            by `stop`. None ends a process whose connection is gone.
        wire: where the frames can be watched; None for nowhere.
    """

    on_notification: NotificationHandler
    on_request: RequestHandler
    on_exit: ExitHandler
    on_cut: CutHandler | None = None
    wire: Wire | None = None


class AppServer:
    """One `codex app-server`.

    Handlers are called synchronously and in wire order, but no longer once `stop` was called or
    app-server is gone. What cannot be read (malformed JSON, a message that is too long) arrives as
    a `warning` notification, so that people see it as they see Codex's own warnings.

    Attributes:
        pid: the process id; 0 if it was joined and its id is unknown.
        version: the version that it reports, such as `0.163.0`; empty if it reports none.
        home: its CODEX_HOME, as it reports it.
        address: where others can join it, as for `codex --remote`; empty if they cannot.
        is_joined: whether another program has started it, so that it is not ours to end.
        program: the name of its first client, which it records as `originator` of all threads.
        config_errors: its last errors about configurations that it could not read, with file and
            line.
    """

    def __init__(self, handlers: AppServerHandlers, limits: AppServerLimits) -> None:
        """Use `start`, `join` or `reconnect`."""
        self.version = ""
        self.pid = 0
        self.home = Path()
        self.address = ""
        self.is_joined = False
        self.program = ""
        self.config_errors: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._handlers = handlers
        self._limits = limits
        self._warned: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._name = ""
        self._ready = False
        self._stopping = False
        self._endpoint: AppServerEndpoint | None = None
        self._process: CodexProcess | None = None
        self._connection: WebSocketConnection | None = None
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        binary: CodexBinary,
        handlers: AppServerHandlers,
        *,
        home: Path | None,
        env: Mapping[str, str] | None = None,
        listen: Path | None = None,
        owner: str = "",
        limits: AppServerLimits = DEFAULT_LIMITS,
    ) -> AppServer:
        """Start a process and initialize it (`initialize`, `initialized`).

        Args:
            binary: the program.
            handlers: handle what it says.
            home: `CODEX_HOME` for it, which must exist; None leaves the environment's.
            env: the whole environment; None passes on our own.
            listen: the path of a unix socket where others can join it, in a folder of this user's
                alone. It talks on its standard input and output where it cannot listen there, or
                where this is None.
            owner: marks what it starts (`process_marks.owner_of`).
            limits: see AppServerLimits.

        Raises:
            CodexMissing: the binary cannot be run, or has no `app-server`.
            CodexDied: it ended before it was initialized.
            CodexFailed: it refused to be initialized.
        """
        environ = dict(os.environ if env is None else env)
        if home is not None:
            environ["CODEX_HOME"] = str(home)

        if listen is not None:
            try:
                app = cls(handlers, limits)
                await app._start(binary, environ, listen, owner)
            except (CodexDied, CodexFailed, OSError) as error:
                _LOG.warning("Codex cannot be joined by others: %s", error)
            else:
                return app
        app = cls(handlers, limits)
        await app._start(binary, environ, None, owner)
        return app

    @classmethod
    async def join(
        cls,
        address: str,
        handlers: AppServerHandlers,
        *,
        name: str = "",
        token: str = "",
        limits: AppServerLimits = DEFAULT_LIMITS,
    ) -> AppServer:
        """Join an app-server that listens at an address, and initialize the connection.

        Args:
            address: `unix://PATH`, `ws://HOST:PORT` or `wss://HOST:PORT`.
            handlers: handle what it says.
            name: what people call it, for the reason of its end; empty for its address.
            token: the bearer token that it wants; empty for none.
            limits: see AppServerLimits.

        Raises:
            CodexUnreachable: it cannot be joined; the message says why.
            CodexDied: it ended before the connection was initialized.
            CodexFailed: it refused to initialize it.
        """
        app = cls(handlers, limits)
        app.is_joined = True
        app.address = address
        app._name = name or f"the Codex at {address}"
        app._connection = await app._connect(address, token)
        app.pid = app._connection.peer
        app._converse(app._connection)
        try:
            await app._initialize()
        except BaseException:
            await app.stop()
            raise
        return app

    async def reconnect(self, handlers: AppServerHandlers) -> AppServer:
        """Connect again to the process of an app-server whose connection is gone.

        Returns:
            Another app-server with the same process, which it ends from here on.

        Raises:
            CodexDied: the process has ended meanwhile, or takes no connection in time; `stop`
                ends what is left.
            CodexFailed: it refused to initialize the connection; likewise.
        """
        app = AppServer(handlers, self._limits)
        process = self._process
        assert process is not None  # noqa: S101 - `on_cut` is called of no other
        app.address, app.pid, app.version = self.address, self.pid, self.version
        app._connection = await app._connect_to(process, self._limits.reconnect_s)
        app._process = process
        app._converse(app._connection)
        try:
            await app._initialize()
        except BaseException:
            await app._leave()
            raise
        return app

    @property
    def has_ended(self) -> bool:
        """Whether app-server is gone; `on_exit` follows when nothing is left of it."""
        if self._connection is not None and not self._connection.is_open:
            return True
        if self._process is not None and not self._process.takes_input:
            return True
        return self._endpoint is None or self._endpoint.closed

    async def is_in_use(self) -> bool:
        """Return whether a process of ours would be missed if it ended; True where not known.

        That is where a call waits for its answer, another program has joined it, or a command
        runs that an agent has left in the background.
        """
        process = self._process
        if process is None or self.is_calling:
            return True
        if self._connection is not None:
            socket = Path(self.address.removeprefix(UNIX))
            clients = await asyncio.to_thread(count_clients, socket)
            if clients is None or clients > 1:
                return True
        return await asyncio.to_thread(has_commands, process.mark) or self.is_calling

    @property
    def is_calling(self) -> bool:
        """Whether a call waits for its answer."""
        return self._conversation.is_calling

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float | None = None
    ) -> JsonObject:
        """Call a method and return its result; see `AppServerEndpoint.call`."""
        return await self._conversation.call(method, params, timeout_s=timeout_s)

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request. False where app-server is gone."""
        return self._conversation.respond(request_id, result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error. False where app-server is gone."""
        return self._conversation.refuse(request_id, code, message)

    @property
    def mark(self) -> str:
        """The value of MARK_VARIABLE in the environment of all that a process of ours starts."""
        return self._process.mark if self._process is not None else ""

    def ending_commands(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Kill the processes of a thread's commands at the end of the context.

        See `CodexProcess.ending_commands`. Nothing that others have started is killed.
        """
        if self._process is None:
            return nullcontext()
        return self._process.ending_commands(thread_id)

    async def stop(self) -> None:
        """End the process and every command it started, or leave one that was joined.

        `on_exit` is not called. Calls that wait for an answer fail with CodexDied.
        """
        self._stopping = True
        if self._endpoint is not None:
            self._endpoint.close("codex app-server was stopped")
        if self._process is None and self._connection is not None:
            await self._connection.close()
        if self._process is not None:
            await self._process.end()
        if self._watching is not None:
            await self._watching
        if self._process is not None:
            await self._process.wait()

    async def _leave(self) -> None:
        """Close the connection, and leave the process as it is."""
        self._process, self._stopping = None, True
        await self.stop()

    @property
    def _conversation(self) -> AppServerEndpoint:
        if self._endpoint is None:
            raise CodexDied("codex app-server is not connected")
        return self._endpoint

    async def _start(
        self, binary: CodexBinary, env: Mapping[str, str], listen: Path | None, owner: str
    ) -> None:
        command = [str(binary.path), "app-server"]
        if listen is not None:
            self.address = UNIX + str(listen)
            command += ["--listen", self.address]
            _unlink(listen)
        try:
            process = await CodexProcess.spawn(
                command,
                env,
                self._feed,
                owner=owner,
                grace_s=self._limits.grace_s,
                reads_input=listen is None,
            )
        except OSError as error:
            raise CodexMissing(f"{binary.path} cannot be run: {error}") from error
        self._process = process
        self.pid = process.pid
        self.version = binary.version_text
        try:
            if listen is not None:
                self._connection = await self._connect_to(process, self._limits.handshake_s)
            self._converse(self._connection or process)
            await self._initialize()
        except BaseException as error:
            await self.stop()
            missing = missing_app_server(binary, process.last_errors)
            if isinstance(error, CodexDied) and missing is not None:
                raise missing from error
            raise

    async def _connect_to(self, process: CodexProcess, within_s: float) -> WebSocketConnection:
        """Connect to a process of ours, as soon as it listens."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        return await self._connect(self.address)
                    except CodexUnreachable as error:
                        if not error.absent:
                            raise
                        if await process.has_exited(_LISTEN_POLL_S):
                            code = await process.wait()
                            reason = _reason(self.pid, code, self._last_words(process))
                            raise CodexDied(reason) from error
        except TimeoutError as error:
            raise CodexDied(f"codex app-server does not listen at {self.address}") from error

    async def _connect(self, address: str, token: str = "") -> WebSocketConnection:
        limits = self._limits
        return await WebSocketConnection.connect(
            address,
            token=token,
            on_message=self._receive,
            on_too_long=self._drop,
            limits=WebSocketLimits(
                connect_s=limits.connect_s,
                max_message=limits.max_line,
                keepalive_s=limits.keepalive_s,
            ),
        )

    def _converse(self, transport: Transport) -> None:
        self._endpoint = AppServerEndpoint(
            transport,
            on_notification=self._handle_notification,
            on_request=self._handlers.on_request,
            limits=self._limits,
            wire=self._handlers.wire,
        )
        self._watching = asyncio.create_task(self._watch(self._endpoint))

    def _handle_notification(self, method: str, params: JsonObject) -> None:
        self._note_warning(method, params)
        wire, request_id = self._handlers.wire, params.get("requestId")
        is_resolved = method == "serverRequest/resolved"
        if is_resolved and wire is not None and isinstance(request_id, int | str):
            wire.close(request_id, sent=False)
        self._handlers.on_notification(method, params)

    def _feed(self, data: bytes) -> None:
        if self._endpoint is not None and self._connection is None:
            self._endpoint.feed(data)

    def _receive(self, message: bytes) -> None:
        if self._endpoint is not None:
            self._endpoint.receive(message)

    def _drop(self, message: LineTooLong) -> None:
        if self._endpoint is not None:
            self._endpoint.drop(message)

    def _note_warning(self, method: str, params: JsonObject) -> None:
        """Remember what Codex warned of: it writes the same to its standard error."""
        if method == "configWarning" and isinstance(details := params.get("details"), str):
            self.config_errors.append(printable(details))
        if method in WARNINGS:
            text = params.get("summary") or params.get("message")
            first = text.strip().partition("\n")[0] if isinstance(text, str) else ""
            if len(first) >= _SHORTEST_WARNING:
                self._warned.append(printable(first[:_COMPARED_CHARS]))

    async def _initialize(self) -> None:
        client = {"name": "codextui", "title": "codextui", "version": __version__}
        capabilities = {"experimentalApi": True, "requiredHumanApproval": True}
        params = {"clientInfo": client, "capabilities": capabilities}
        endpoint = self._conversation
        result = await endpoint.call("initialize", params, timeout_s=self._limits.handshake_s)
        self.home = Path(fields.text_or(result, "codexHome"))
        self.program, _, rest = fields.text_or(result, "userAgent").partition("/")
        said = _VERSION.match(rest)
        self.version = said[0] if said is not None else self.version
        endpoint.notify("initialized")
        self._ready = True

    async def _watch(self, endpoint: AppServerEndpoint) -> None:
        """Wait until app-server is gone, and report it once nothing is left of it."""
        on_cut = self._handlers.on_cut
        if on_cut is not None and (reason := await self._wait_for_cut()):
            endpoint.close(reason)
            self._report(lambda: on_cut(self, reason))
            return
        reason = await self._wait_for_end()
        endpoint.close(reason)
        if self._process is not None:
            await self._process.kill_orphans()
        self._report(lambda: self._handlers.on_exit(reason))

    def _report(self, report: Callable[[], None]) -> None:
        if not self._ready or self._stopping:
            return
        try:
            report()
        except Exception:  # noqa: BLE001 - a boundary, and it is logged
            _LOG.exception("the handler of the end of app-server failed")

    async def _wait_for_cut(self) -> str:
        """Return why the connection is gone; empty where the process is, or is being ended."""
        process, connection = self._process, self._connection
        if process is None or connection is None:
            return ""
        await process.exits_or(connection.closed)
        if self._stopping or await process.has_exited(self._limits.exit_s):
            return ""
        why = connection.closed.result()
        return f"the connection to codex app-server (pid {self.pid}) broke: {why}"

    async def _wait_for_end(self) -> str:
        """Return in one line why app-server is gone."""
        process, connection = self._process, self._connection
        if process is None:
            assert connection is not None  # noqa: S101 - one of both is there
            return f"{self._name} is gone: {await connection.closed}"
        if connection is not None:
            connection.closed.add_done_callback(lambda _: process.expect_end())
        code = await process.wait()
        reason = _reason(self.pid, code, self._last_words(process))
        if connection is None:
            return reason
        connection.abort("codex app-server has ended")
        if process.was_given_up:
            reason += f", after its connection had broken: {connection.closed.result()}"
        return reason

    def _last_words(self, process: CodexProcess) -> tuple[str, ...]:
        """What it wrote just before its end, except what it had warned of by a notification."""
        words = process.last_words
        new = [line for line in words if not any(said in line for said in self._warned)]
        return select_last_words(new)


def _unlink(path: Path) -> None:
    """Remove the socket of a process that was killed."""
    with suppress(FileNotFoundError):
        path.unlink()


def _reason(pid: int, code: int, last_words: tuple[str, ...]) -> str:
    """One line that says how the process ended, and what it wrote last."""
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    else:
        how = f"ended with exit code {code}"
    said = " | ".join(last_words)
    return f"codex app-server (pid {pid}) {how}" + (f": {said}" if said else "")


_KEPT_WARNINGS = 50
_COMPARED_CHARS = 300
_SHORTEST_WARNING = 12
_LISTEN_POLL_S = 0.01
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")
_LOG = logging.getLogger(__name__)
