"""One `codex app-server` process and the conversation with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from codextui.codex.binary import CodexBinary
from codextui.codex.rpc import RequestId
from codextui.wire.fields import JsonObject

NotificationHandler: TypeAlias = Callable[[str, JsonObject], None]
"""Told every notification: method, params. Called in wire order, must not block."""

RequestHandler: TypeAlias = Callable[[RequestId, str, JsonObject], None]
"""Told every request of Codex's: id, method, params. To be answered by respond or refuse."""

ExitHandler: TypeAlias = Callable[[str], None]
"""Told once, in one line, why the process ended although nobody had stopped it."""

FrameLog: TypeAlias = Callable[[str, bytes], None]
"""Told every line: `>` (to Codex) or `<` (from it), and its bytes without the newline."""


class AppServer:
    """One `codex app-server` process.

    Handlers are called synchronously by the reader, in wire order. What could not be read
    (malformed JSON, a line above 256 MiB) arrives as a `warning` notification of our own, so
    that it takes the same way to the person as Codex's warnings.
    """

    pid: int
    version: str

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
            home: `CODEX_HOME` for it; None leaves what the environment says.
            env: the whole environment; None hands down our own.
            on_notification: see NotificationHandler.
            on_request: see RequestHandler.
            on_exit: see ExitHandler.
            frame_log: see FrameLog.

        Raises CodexMissing where the binary cannot run or has no `app-server`, CodexDied where
        it ends before the handshake is through.
        """
        raise NotImplementedError

    async def call(self, method: str, params: JsonObject) -> JsonObject:
        """Call a method and return its result.

        Raises CodexFailed (Codex said no, or did not answer in time), CodexOverloaded (it kept
        saying so through the back-off), CodexDied.
        """
        raise NotImplementedError

    def respond(self, request_id: RequestId, result: JsonObject) -> bool:
        """Answer a request of Codex's. False where nobody is there to read it."""
        raise NotImplementedError

    def refuse(self, request_id: RequestId, code: int, message: str) -> bool:
        """Answer a request of Codex's with an error. False where nobody is there to read it."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End the process and every command it started. `on_exit` is not called."""
        raise NotImplementedError
