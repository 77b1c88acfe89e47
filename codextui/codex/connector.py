"""Comes by an app-server: Codex's daemon, one at an address, or a process of our own.

`[codex] attach` says which. What has no daemon to join gets a process of its own by `auto`, and a
problem that says what to type by `daemon`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codextui.codex.app_server import AppServer, AppServerHandlers
from codextui.codex.binary import CodexBinary, find_codex
from codextui.codex.daemon import DAEMON_LIMITS, START_HINT, Daemon, DaemonLimits
from codextui.codex.endpoint import AppServerLimits
from codextui.codex.versions import parse_version, require_supported
from codextui.config.attach import OWN, Attach, AttachKind
from codextui.errors import CodexDied, CodexFailed, CodexMissing, CodexUnreachable

JOIN_LIMITS = AppServerLimits(handshake_s=10.0)
"""Limits of an app-server that others have started: it is up, or never answers."""


@dataclass(frozen=True, slots=True)
class CodexSettings:
    """Which Codex to use, and how; see `ServerOptions`.

    Attributes:
        binary: the Codex binary; None finds one.
        home: `CODEX_HOME` for Codex; None leaves it to the environment.
        env: the whole environment of Codex; None passes on our own.
        owner: marks what it starts (`codextui.codex.process_marks.owner_of`).
        attach: which app-server to use.
        token_env: the environment variable with the token of an app-server at an address.
        listen: where others can join a process of our own; None for nowhere.
        daemon: the times that Codex's daemon may take.
        join: the limits of an app-server that others have started.
    """

    binary: Path | None = None
    home: Path | None = None
    env: Mapping[str, str] | None = None
    owner: str = ""
    attach: Attach = OWN
    token_env: str | None = None
    listen: Path | None = None
    daemon: DaemonLimits = DAEMON_LIMITS
    join: AppServerLimits = JOIN_LIMITS


@dataclass(slots=True)
class CodexConnector:
    """Connects to the app-server that the settings say.

    Attributes:
        settings: the settings.
        on_notice: called with notices for people: fallbacks, and versions that differ.
        attach: `own`, `daemon` or `address`: the current or last attachment; empty for none yet.
        binary: the current or last binary; None if none was needed or found.
    """

    settings: CodexSettings
    on_notice: Callable[[str], None]
    attach: str = ""
    binary: CodexBinary | None = None
    _daemon: Daemon = field(init=False)
    _not_started: tuple[float, CodexUnreachable] | None = None
    _was_registered: bool = False
    _avoided: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self._daemon = Daemon(settings.home, settings.env, settings.daemon)

    @property
    def uses_daemon(self) -> bool:
        """Whether a daemon may be started, which takes long."""
        return self.settings.attach.kind in (AttachKind.AUTO, AttachKind.DAEMON)

    @property
    def was_stopped(self) -> bool:
        """Whether the daemon was stopped by the user and not started again."""
        return self._was_registered and not self._daemon.is_registered

    @property
    def could_move(self) -> bool:
        """Whether a process of our own is used where the daemon would be, and that runs now."""
        if self.settings.attach.kind is not AttachKind.AUTO or self.attach != AttachKind.OWN.value:
            return False
        socket = self._daemon.socket
        return socket is not None and socket != self._avoided

    async def move(self, handlers: AppServerHandlers) -> AppServer:
        """Join the daemon, while a process of our own is still used.

        Raises:
            CodexMissing: it is too old.
            CodexDied, CodexFailed: it cannot be joined.
        """
        socket = self._daemon.socket
        try:
            return await self._join_now(handlers)
        except (CodexDied, CodexFailed, CodexMissing):
            self._avoided = socket
            raise

    async def connect(self, handlers: AppServerHandlers) -> AppServer:
        """Connect.

        Raises:
            CodexMissing: no Codex is installed, or the one to join is too old.
            CodexUnreachable: the one to join cannot be joined; the message says what to type.
            CodexDied: it ended before the connection was initialized.
            CodexFailed: it refused to initialize it.
        """
        attach = self.settings.attach
        missing = await self._find_binary()
        match attach.kind:
            case AttachKind.OWN | AttachKind.PRIVATE:
                return await self._start_own(handlers, missing)
            case AttachKind.ADDRESS:
                return await self._join_address(handlers, attach.address)
            case AttachKind.DAEMON:
                return await self._join_daemon(handlers)
            case AttachKind.AUTO:
                return await self._join_or_start(handlers, missing)

    async def _find_binary(self) -> CodexMissing | None:
        """Find the binary, also where only `codex login` is to be typed with it."""
        try:
            self.binary = await asyncio.to_thread(find_codex, self.settings.binary)
        except CodexMissing as error:
            self.binary = None
            return error
        return None

    async def _join_or_start(
        self, handlers: AppServerHandlers, missing: CodexMissing | None
    ) -> AppServer:
        """Join the daemon, start it where Codex would, or start a process of our own."""
        try:
            return await self._join_running(handlers)
        except (CodexDied, CodexFailed, CodexMissing) as error:
            is_absent = isinstance(error, CodexUnreachable) and error.absent
            if not is_absent:
                self._avoided = self._daemon.socket
                self.on_notice(f"{error}. codextui runs a Codex of its own instead.")
                return await self._start_own(handlers, missing)
        if self.was_stopped:
            self.on_notice(_STOPPED)
            return await self._start_own(handlers, missing)
        if self.binary is None or not await self._daemon.would_start(self.binary):
            _LOG.info("Codex's daemon does not run, and this Codex starts none by itself")
            return await self._start_own(handlers, missing)
        try:
            return await self._start_daemon(handlers)
        except (CodexDied, CodexFailed, CodexMissing) as error:
            self.on_notice(f"{error}. codextui runs a Codex of its own instead.")
            return await self._start_own(handlers, missing)

    async def _join_daemon(self, handlers: AppServerHandlers) -> AppServer:
        """Join the daemon, or start it."""
        try:
            return await self._join_running(handlers)
        except CodexUnreachable as error:
            if not error.absent:
                raise
        if self.was_stopped:
            raise CodexUnreachable(f"Codex's daemon was stopped. Type: {START_HINT}", absent=True)
        hint = f'Type: {START_HINT}   or set attach = "auto" under [codex]'
        if self.binary is None:
            raise CodexUnreachable(f"Codex's daemon does not run. {hint}")
        try:
            return await self._start_daemon(handlers)
        except CodexUnreachable as error:
            raise CodexUnreachable(f"Codex's daemon does not run. {error}. {hint}") from error

    async def _join_running(self, handlers: AppServerHandlers) -> AppServer:
        """Join the daemon if it runs; one that has gone may be back in a moment."""
        limits = self._daemon.limits
        was_joined, self.attach = self.attach == _DAEMON, _DAEMON
        gives_up_at = time.monotonic() + (limits.restart_s if was_joined else 0.0)
        while True:
            try:
                return await self._join_now(handlers)
            except CodexUnreachable as error:
                left_s = gives_up_at - time.monotonic()
                is_over = self.was_stopped and left_s < limits.restart_s - limits.stop_s
                if not error.absent or left_s <= 0 or is_over:
                    raise
            await asyncio.sleep(limits.restart_poll_s)

    async def _join_now(self, handlers: AppServerHandlers) -> AppServer:
        app = await self._join(handlers, self._daemon.address, name=_DAEMON_NAME)
        self._was_registered = self._daemon.is_registered
        return app

    async def _start_daemon(self, handlers: AppServerHandlers) -> AppServer:
        """Start the daemon and join it; not at once again where that has just failed."""
        assert self.binary is not None  # noqa: S101 - checked by the callers
        if self._not_started is not None:
            failed_at, failure = self._not_started
            if time.monotonic() < failed_at + self._daemon.limits.retry_s:
                raise failure
        try:
            await self._daemon.start(self.binary)
            return await self._join_now(handlers)
        except CodexUnreachable as error:
            self._not_started = (time.monotonic(), error)
            raise

    async def _join_address(self, handlers: AppServerHandlers, address: str) -> AppServer:
        self.attach = AttachKind.ADDRESS.value
        token = ""
        if variable := self.settings.token_env:
            token = (self.settings.env or os.environ).get(variable, "")
            if not token:
                raise CodexUnreachable(
                    f"{address} cannot be joined: the environment variable {variable} "
                    "(token_env under [codex]) is not set where the server was started"
                )
        app = await self._join(handlers, address, token=token)
        home = self._daemon.codex_home
        if app.home.resolve() != home.resolve():
            self.on_notice(
                f"The Codex at {address} uses the CODEX_HOME {app.home}, not {home}: its login, "
                "its configuration and its profiles count."
            )
        return app

    async def _join(
        self, handlers: AppServerHandlers, address: str, *, name: str = "", token: str = ""
    ) -> AppServer:
        app = await AppServer.join(
            address,
            handlers,
            name=name,
            token=token,
            limits=self.settings.join,
        )
        what = name or f"The Codex at {address}"
        version = parse_version(app.version)
        if version is not None:
            try:
                require_supported(version, what)
            except CodexMissing:
                await app.stop()
                raise
        if self.binary is not None and app.version != self.binary.version_text:
            self.on_notice(
                f"{what} is Codex {app.version}, and the Codex at {self.binary.path} is "
                f"{self.binary.version_text}. What runs is {app.version}."
            )
        return app

    async def _start_own(
        self, handlers: AppServerHandlers, missing: CodexMissing | None
    ) -> AppServer:
        self.attach = AttachKind.OWN.value
        settings = self.settings
        if self.binary is None:
            raise missing or CodexMissing("no Codex was found")
        listen = settings.listen if settings.attach.kind is not AttachKind.PRIVATE else None
        if listen is not None:
            try:
                await asyncio.to_thread(listen.parent.mkdir, mode=0o700, exist_ok=True)
            except OSError as error:
                _LOG.warning("Codex cannot listen in %s: %s", listen.parent, error)
                listen = None
        return await AppServer.start(
            self.binary,
            handlers,
            home=settings.home,
            env=settings.env,
            listen=listen,
            owner=settings.owner,
        )


_DAEMON = AttachKind.DAEMON.value
_STOPPED = (
    "Codex's daemon was stopped: codextui runs a Codex of its own until the daemon runs again."
)
_DAEMON_NAME = "Codex's daemon"
_LOG = logging.getLogger(__name__)
