"""Keeps the connection to an app-server, and makes another when that is gone."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeVar

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import CodexBinary
from codextui.codex.calls import clean_terminals, read_config_problem
from codextui.codex.connector import CodexConnector, CodexSettings
from codextui.codex.login import read_login_problem
from codextui.config.attach import AttachKind
from codextui.errors import (
    CodexDied,
    CodexFailed,
    CodexLoginMissing,
    CodexMissing,
    CodextuiError,
    MessageInvalid,
)
from codextui.jsonrpc.endpoint import RequestId
from codextui.jsonrpc.fields import JsonObject
from codextui.jsonrpc.tap import FrameTap
from codextui.protocol.frames import APP_SERVER

FIRST_PAUSE_S = 0.1
"""Seconds before the first restart; the pause doubles with every restart after it."""

LONGEST_PAUSE_S = 10.0

STEADY_S = 30.0
"""Seconds of uptime after which the next restart waits for `FIRST_PAUSE_S` again."""

MISSING_PAUSE_S = 5.0
"""Seconds between two searches for a Codex that is not installed."""

RECONNECTIONS = 5
"""How often within `RECONNECTIONS_WITHIN_S` a Codex of our own is joined again that hangs up."""

RECONNECTIONS_WITHIN_S = 60.0

READY_TIMEOUT_S = 15.0
"""Seconds that a call waits for Codex to be ready."""

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class CodexHandler(Protocol):
    """Handles what Codex sends. Called on the event loop, in wire order; must not block.

    `process` numbers the Codex processes: a new one knows nothing of an old one's requests.
    """

    def handle_notification(self, process: int, method: str, params: JsonObject) -> None:
        """Handle a notification."""

    def handle_request(
        self, process: int, request_id: RequestId, method: str, params: JsonObject
    ) -> None:
        """Handle a request, which is answered by `CodexWorker.respond` or `refuse`."""

    def handle_exit(self, reason: str) -> None:
        """Handle the end of the process."""

    def handle_cut(self, reason: str) -> None:
        """Handle that only the connection is gone: the process goes on, and is joined again.

        `handle_ready` follows, or `handle_exit` where it cannot be joined.
        """

    def handle_ready(self, version: str) -> None:
        """Handle that app-server is ready."""


class CodexWorker:
    """Keeps the connection to an app-server, and makes another when that is gone.

    Attributes:
        is_reconnected: whether the process of our own is one whose connection broke before.
        is_idle: returns whether nothing of this server goes on in Codex, so that it can be left.
        problem: why Codex does not work and what to type; empty where it works.
    """

    def __init__(self, settings: CodexSettings, tap: FrameTap | None = None) -> None:
        self.problem = ""
        self.is_reconnected = False
        self.is_idle: Callable[[], bool] = lambda: False
        self._settings = settings
        self._tap = tap or FrameTap()
        self._connector = CodexConnector(settings, self._notify)
        self._handler: CodexHandler | None = None
        self._notices: set[str] = set()
        self._app: AppServer | None = None
        self._cut_off: AppServer | None = None
        self._cuts: deque[float] = deque(maxlen=RECONNECTIONS)
        self._process = 0
        self._changed = asyncio.Condition()
        self._died = asyncio.Event()
        self._is_moving = False
        self._retry = asyncio.Event()
        self._error: CodextuiError | None = None
        self._login_is_missing = False
        self._is_checked = False
        self._config_is_broken = False
        self._broken = False

    @property
    def pid(self) -> int:
        """The process id of app-server; 0 where none is connected, or its id is unknown."""
        return self._app.pid if self._app is not None else 0

    @property
    def own_pid(self) -> int:
        """The process id of an app-server that this server has started; 0 where it has none."""
        return 0 if self.is_joined else self.pid

    @property
    def binary(self) -> CodexBinary | None:
        """The binary that is used, or was last; None where none was needed and found."""
        return self._connector.binary

    @property
    def attach(self) -> str:
        """What is used, or was last: `own`, `daemon` or `address`; empty for nothing yet."""
        return self._connector.attach

    @property
    def is_joined(self) -> bool:
        """Whether others have started the app-server, which then goes on without us."""
        return self._app is not None and self._app.is_joined

    @property
    def address(self) -> str:
        """Where others can join the app-server; empty where they cannot."""
        return self._app.address if self._app is not None else ""

    @property
    def home(self) -> str:
        """The CODEX_HOME of the app-server; empty where none is connected."""
        return str(self._app.home) if self._app is not None else ""

    @property
    def version(self) -> str:
        """The version of the app-server, or of the binary where none is connected."""
        if self._app is not None:
            return self._app.version
        return self.binary.version_text if self.binary is not None else ""

    @property
    def is_shared(self) -> bool:
        """Whether other programs may use the app-server too; assumed until it is known."""
        return self._app is None or bool(self._app.address)

    @property
    def program(self) -> str:
        """The name of the app-server's first client; empty where none runs."""
        return self._app.program if self._app is not None else ""

    @property
    def daemon_note(self) -> str:
        """What is to come of Codex's daemon where a Codex of our own is used; empty otherwise."""
        if self._connector.could_move:
            return "runs, and is joined once nothing goes on here"
        if self.attach == AttachKind.OWN.value and self._connector.was_stopped:
            return "was stopped, and is joined when it runs again"
        return ""

    @property
    def is_up(self) -> bool:
        """Whether a process is ready."""
        return self._is_up

    async def run(self, handler: CodexHandler, *, delay_s: float = 0.0) -> None:
        """Keep an app-server connected until cancelled.

        Args:
            handler: handles what it sends.
            delay_s: seconds until the first is started, unless `app` is called earlier.
        """
        self._handler = handler
        pause = FIRST_PAUSE_S
        try:
            if delay_s:
                await self._wait_to_retry(delay_s)
            while True:
                self._retry.clear()
                began = time.monotonic()
                if await self._start(handler):
                    await self._wait_for_end(handler)
                missing = isinstance(self._error, CodexMissing)
                steady = time.monotonic() - began > STEADY_S
                pause = FIRST_PAUSE_S if steady else pause
                await self._wait_to_retry(MISSING_PAUSE_S if missing else pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
        finally:
            for app in (self._app, self._cut_off):
                if app is not None:
                    await app.stop()

    async def app(self) -> AppServer:
        """Return the running process, waiting until it is ready; also where one has just died.

        Raises:
            CodexMissing: no Codex is installed.
            CodexDied: no process stays up.
        """
        if self._is_up:
            return self._settled()
        self._error = None
        self._retry.set()
        try:
            async with asyncio.timeout(self._ready_timeout_s), self._changed:
                await self._changed.wait_for(self._is_settled)
        except TimeoutError as error:
            raise CodexDied("Codex is not up: its process keeps ending") from error
        return self._settled()

    async def call(self, call: Callable[[AppServer], Awaitable[_T]]) -> _T:
        """Make a call, and repeat it on the next process if Codex dies before it answers.

        For calls that leave nothing behind in a process that dies. Raises as `app` and
        `AppServer.call` do.
        """
        try:
            return await call(await self.app())
        except CodexDied:
            return await call(await self.app())

    def is_current(self, process: int) -> bool:
        """Return whether a process can still be answered, or will be once it is ready."""
        return process == self._process and not self._died.is_set()

    def respond(self, process: int, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request; False where the process that made it is gone."""
        if self._app is None or process != self._process:
            return False
        return self._app.respond(request_id, result)

    def refuse(self, process: int, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request with an error; False where the process that made it is gone."""
        if self._app is None or process != self._process:
            return False
        return self._app.refuse(request_id, code, message)

    async def end_commands(self, thread_id: str) -> None:
        """End the processes that commands of a thread have left behind.

        What others have started is not ours to kill: it is asked to end those that it knows.
        """
        if self._app is None:
            return
        if self._app.is_joined:
            await clean_terminals(self._app, thread_id)
            return
        async with self._app.ending_commands(thread_id):
            pass

    async def check_problem(self) -> None:
        """Ask Codex whether its configuration and its login are right, and set `problem`."""
        if self._app is None:
            return
        try:
            broken = await read_config_problem(self._app)
        except (CodexDied, MessageInvalid) as error:
            logger.warning("Codex did not say whether its configuration is right: %s", error)
            return
        self._config_is_broken = bool(broken)
        problem = broken or await self._read_login_problem(self._app)
        self.problem = self.problem if problem is None else problem
        self._login_is_missing = bool(problem)

    async def require_login(self, app: AppServer, provider: str = "") -> None:
        """Refuse a turn that Codex would retry for minutes because it is not logged in.

        Where its configuration is broken Codex itself refuses, and says why.

        Args:
            app: the running process.
            provider: the model provider of the turn's thread; empty for the configured one.

        Raises:
            CodexLoginMissing: the message says what to type.
        """
        if not self._login_is_missing:
            return
        await self.check_problem()
        if self._config_is_broken:
            return
        if problem := await self._read_login_problem(app, provider):
            raise CodexLoginMissing(problem)

    async def _read_login_problem(self, app: AppServer, provider: str = "") -> str | None:
        """Return what to type, empty where nothing has to be; None where Codex does not say."""
        home, env = self._settings.home, self._settings.env
        if app.is_joined and home is not None:
            home = app.home
        try:
            return await read_login_problem(app, self.binary, home=home, env=env, provider=provider)
        except (CodexFailed, CodexDied, MessageInvalid) as error:
            logger.warning("Codex did not say whether it is logged in: %s", error)
            return None

    async def _start(self, handler: CodexHandler) -> bool:
        """Start a process; False where it cannot be started."""
        self._process += 1
        self._died.clear()
        self._is_checked = False
        try:
            app = await self._connect(handler, self._process)
        except (CodexMissing, CodexDied, CodexFailed) as error:
            logger.warning("Codex cannot be started: %s", error)
            self._give_up(handler, str(error))
            await self._set_error(error)
            return False
        except Exception as error:
            # Nothing may end the restarts silently.
            logger.exception("Codex cannot be started")
            self._give_up(handler, f"Codex cannot be started: {error!r}")
            await self._set_error(CodexDied(f"Codex cannot be started: {error!r}"))
            return False
        self._broken = False
        if not self._died.is_set():
            await self._take(app, handler)
        return True

    def _give_up(self, handler: CodexHandler, reason: str) -> None:
        """End what was left open when the connection broke, as it is not to be had again."""
        if self._broken:
            self._broken = False
            handler.handle_exit(reason)

    async def _take(self, app: AppServer, handler: CodexHandler) -> None:
        """Use an app-server from here on."""
        self._app = app
        self._error = None
        self.problem = ""
        # No call may slip in before: without a login it would take minutes to fail.
        await self.check_problem()
        self._is_checked = True
        logger.info("Codex %s (%s) runs as process %s", app.version, self.attach, app.pid)
        await self._set_error(None)
        handler.handle_ready(app.version)

    async def _wait_for_end(self, handler: CodexHandler) -> None:
        """Wait until app-server is gone; move to Codex's daemon where that is to be used, and runs.

        Threads of our own Codex are locked by it, so that it is left before they are used there.
        """
        while not await _is_set(self._died, self._settings.daemon.look_s):
            if not self._connector.could_move:
                self._notices.discard(_DAEMON_RUNS)
            elif not await self._move(handler):
                self._notify(_DAEMON_RUNS)

    async def _move(self, handler: CodexHandler) -> bool:
        """Move to Codex's daemon, unless something goes on here. Calls wait meanwhile."""
        left = self._app
        if left is None or not self.is_idle():
            return False
        self._is_moving = True
        try:
            if await left.is_in_use() or not self.is_idle():
                return False
            try:
                joined = await self._connector.move(self._handlers(handler, self._process + 1))
            except (CodexMissing, CodexDied, CodexFailed) as error:
                self._notify(f"{error}. codextui stays on a Codex of its own.")
                return True
            if self._app is not left or left.is_calling or not self.is_idle():
                await joined.stop()
                return False
            await self._swap(left, joined, handler)
            return True
        finally:
            self._is_moving = False
            await self._set_error(None)

    async def _swap(self, left: AppServer, joined: AppServer, handler: CodexHandler) -> None:
        """Leave a Codex of our own for Codex's daemon."""
        self._app, self._process = None, self._process + 1
        self._connector.attach = AttachKind.DAEMON.value
        handler.handle_exit(f"codextui leaves its own Codex (pid {left.pid}) for Codex's daemon")
        await left.stop()
        self._is_checked = False
        self._notices.clear()
        if joined.has_ended:
            self._died.set()
            return
        await self._take(joined, handler)
        self._notify(_MOVED)

    async def _connect(self, handler: CodexHandler, process: int) -> AppServer:
        handlers = self._handlers(handler, process)
        reconnected = await self._reconnect(handlers)
        self.is_reconnected = reconnected is not None
        return reconnected or await self._connector.connect(handlers)

    def _handlers(self, handler: CodexHandler, process: int) -> AppServerHandlers:
        def on_exit(reason: str) -> None:
            if process != self._process:
                return  # it was not used yet
            was_joined, self._app = self.is_joined, None
            self._died.set()
            logger.warning("Codex ended: %s", reason)
            if was_joined:  # it may go on, and only the connection to it be gone
                self._broken = True
                handler.handle_cut(reason)
            else:
                handler.handle_exit(reason)

        def on_cut(app: AppServer, reason: str) -> None:
            self._app, self._cut_off = None, app
            self._died.set()
            logger.warning("%s", reason)
            handler.handle_cut(reason)

        return AppServerHandlers(
            on_notification=functools.partial(handler.handle_notification, process),
            on_request=functools.partial(handler.handle_request, process),
            on_exit=on_exit,
            on_cut=on_cut,
            wire=self._tap.wire(APP_SERVER, lambda: "codex"),
        )

    async def _reconnect(self, handlers: AppServerHandlers) -> AppServer | None:
        """Join a process of ours again whose connection is gone; None where there is none.

        One that cannot be joined, or hangs up again and again, is ended.
        """
        app = self._cut_off
        if app is None:
            return None
        now = time.monotonic()
        reason = f"the connection to codex app-server broke {RECONNECTIONS + 1} times in a minute"
        may_hang_up = len(self._cuts) < RECONNECTIONS
        if may_hang_up or now - self._cuts[0] > RECONNECTIONS_WITHIN_S:
            self._cuts.append(now)
            try:
                joined = await app.reconnect(handlers)
            except (CodexDied, CodexFailed) as error:
                reason = str(error)
            else:
                self._cut_off = None
                return joined
        await app.stop()
        self._cut_off = None
        logger.warning("Codex was ended: %s", reason)
        handlers.on_exit(reason)
        self._died.clear()
        return None

    def _notify(self, text: str) -> None:
        """Say something to people, once."""
        logger.warning("%s", text)
        if text not in self._notices and self._handler is not None:
            self._notices.add(text)
            self._handler.handle_notification(self._process, "warning", {"message": text})

    @property
    def _ready_timeout_s(self) -> float:
        daemon_s = self._settings.daemon.start_s if self._connector.uses_daemon else 0.0
        return READY_TIMEOUT_S + daemon_s

    @property
    def _is_up(self) -> bool:
        is_usable = self._app is not None and not self._app.has_ended
        return is_usable and self._is_checked and not self._is_moving

    def _is_settled(self) -> bool:
        return self._is_up or self._error is not None

    def _settled(self) -> AppServer:
        if self._app is None:
            raise self._error or CodexDied("Codex is not up: its process ended")
        return self._app

    async def _set_error(self, error: CodextuiError | None) -> None:
        async with self._changed:
            self._error = error
            if error is not None:
                self.problem = str(error)
            self._changed.notify_all()

    async def _wait_to_retry(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._retry.wait()
        except TimeoutError:
            pass


async def _is_set(event: asyncio.Event, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()


_DAEMON_RUNS = (
    "Codex's daemon runs now. codextui joins it once nothing goes on in its own Codex: no turn, no "
    "approval, no command in the background, no other program."
)
_MOVED = "codextui has moved from its own Codex to Codex's daemon, and its threads with it."
