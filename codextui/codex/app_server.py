"""One `codex app-server` process and the conversation with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from codextui import __version__
from codextui.codex.binary import CodexBinary, missing_app_server
from codextui.codex.notifications import WARNINGS
from codextui.codex.process import CodexProcess, printable
from codextui.errors import CodexDied, CodexMissing
from codextui.jsonrpc import fields
from codextui.jsonrpc.endpoint import (
    ANSWER_TIMEOUT,
    FrameLog,
    JsonLines,
    NotificationHandler,
    RequestHandler,
    RequestId,
    reported,
)
from codextui.jsonrpc.fields import JsonObject

ExitHandler: TypeAlias = Callable[[str], None]
"""Told once, in one line, why the process ended although nobody had stopped it."""

HANDSHAKE_TIMEOUT = 30.0
"""Seconds until a process that has not answered `initialize` is given up."""

_LAST_LINES = 3
_KEPT_WARNINGS = 50
_COMPARED_CHARS = 300
_SHORTEST_WARNING = 12


class AppServer:
    """One `codex app-server` process.

    Handlers are called synchronously by the reader, in wire order, and not any more once `stop`
    was called or the process has ended. What could not be read (malformed JSON, a line above
    256 MiB) arrives as a `warning` notification of our own, so that it takes the same way to
    the person as Codex's warnings.

    Attributes:
        pid: the process id.
        version: the binary's version, such as `0.163.0`.
        home: its CODEX_HOME, as it says itself.
    """

    def __init__(self, binary: CodexBinary, on_exit: ExitHandler) -> None:
        """Use `start`."""
        self.version = binary.version_text
        self.pid = 0
        self.home = Path()
        self._on_exit = on_exit
        self._warned: deque[str] = deque(maxlen=_KEPT_WARNINGS)
        self._ready = False
        self._stopping = False
        self._rpc: JsonLines
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
        frame_log: FrameLog | None = None,
    ) -> AppServer:
        """Start the process and shake hands with it (`initialize`, `initialized`).

        Args:
            binary: what to run.
            home: `CODEX_HOME` for it, which must exist; None leaves what the environment says.
            env: the whole environment; None hands down our own.
            on_notification: see NotificationHandler.
            on_request: see RequestHandler.
            on_exit: see ExitHandler.
            frame_log: see FrameLog.

        Raises:
            CodexMissing: the binary cannot be run, or has no `app-server`.
            CodexDied: it ended before the handshake was through.
            CodexFailed: it refused the handshake.
        """
        app = cls(binary, on_exit)
        environ = dict(os.environ if env is None else env)
        if home is not None:
            environ["CODEX_HOME"] = str(home)
        try:
            process = await CodexProcess.spawn([str(binary.path), "app-server"], environ, app._feed)
        except OSError as error:
            raise CodexMissing(f"{binary.path} cannot be run: {error}") from error
        app._process = process
        app.pid = process.pid

        def hear(method: str, params: JsonObject) -> None:
            app._note_warning(method, params)
            on_notification(method, params)

        app._rpc = JsonLines(
            process, on_notification=hear, on_request=on_request, frame_log=frame_log
        )
        app._watching = asyncio.create_task(app._watch())
        await app._shake_hands(binary)
        return app

    async def call(
        self, method: str, params: JsonObject, *, timeout_s: float = ANSWER_TIMEOUT
    ) -> JsonObject:
        """Call a method and return its result.

        Raises CodexFailed (Codex said no, or nothing within `timeout_s` seconds: NO_ANSWER),
        CodexOverloaded (it kept saying so through the back-off), CodexDied.
        """
        return await self._rpc.call(method, params, timeout_s=timeout_s)

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request of Codex's. False where nobody is there to read it."""
        return self._rpc.respond(request_id, result)

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request of Codex's with an error. False where nobody is there to read it."""
        return self._rpc.refuse(request_id, code, message)

    async def stop(self) -> None:
        """End the process and every command it started. `on_exit` is not called.

        Calls that wait for an answer fail with CodexDied.
        """
        self._stopping = True
        self._rpc.close("codex app-server was stopped")
        await self._process.end()
        await self._watching

    def _feed(self, data: bytes) -> None:
        self._rpc.feed(data)

    def _note_warning(self, method: str, params: JsonObject) -> None:
        """Remember what Codex warned of: it says the same on its standard error."""
        if method in WARNINGS:
            text = params.get("summary") or params.get("message")
            first = text.strip().partition("\n")[0] if isinstance(text, str) else ""
            if len(first) >= _SHORTEST_WARNING:
                self._warned.append(printable(first[:_COMPARED_CHARS]))

    async def _shake_hands(self, binary: CodexBinary) -> None:
        client = {"name": "codextui", "title": "codextui", "version": __version__}
        params = {"clientInfo": client, "capabilities": {"experimentalApi": True}}
        try:
            told = await self._rpc.call("initialize", params, timeout_s=HANDSHAKE_TIMEOUT)
            self.home = Path(fields.text_or(told, "codexHome"))
            self._rpc.notify("initialized")
            self._ready = True
        except BaseException as error:
            await self.stop()
            missing = missing_app_server(binary, self._process.last_errors)
            if isinstance(error, CodexDied) and missing is not None:
                raise missing from error
            raise

    async def _watch(self) -> None:
        """Wait for the end of the process, and tell of it once nothing is left of it."""
        code = await self._process.wait()
        reason = _reason(self.pid, code, self._last_words())
        self._rpc.close(reason)
        await self._process.kill_orphans()
        if self._ready and not self._stopping:
            with reported("the end of app-server"):
                self._on_exit(reason)

    def _last_words(self) -> tuple[str, ...]:
        """What it wrote just before its end, but for what it had warned of by a notification."""
        words = self._process.last_words
        return tuple(line for line in words if not any(said in line for said in self._warned))


def _reason(pid: int, code: int, last_words: tuple[str, ...]) -> str:
    """One line that says how the process ended, and what it said last."""
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
    else:
        how = f"ended with exit code {code}"
    said = " | ".join(last_words[-_LAST_LINES:])
    return f"codex app-server (pid {pid}) {how}" + (f": {said}" if said else "")
