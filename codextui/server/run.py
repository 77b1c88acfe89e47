"""The shared server put together."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from mcp.server.runner import serve_dual_era_loop

from codextui.errors import ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.server.app import hosting
from codextui.server.core import Host, ServeOptions
from codextui.server.mcp.app import build_app
from codextui.server.mcp.session import Session
from codextui.server.transports.socket import SocketListener
from codextui.server.transports.stream import StreamChannel

logger = logging.getLogger(__name__)

COLLECTED_AFTER = 50_000
"""New objects after which Python looks for garbage in cycles; by itself it looks after 700."""


def collect_seldom() -> None:
    """Look for garbage in cycles seldom: of a flood of events, a fifth of the time went there.

    What a server makes for an event is kept for long or freed at once. For the process's owner.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 20, 20)


@contextmanager
def stopping_on_signals(host: Host) -> Iterator[None]:
    """Stop the server on SIGTERM, SIGINT and SIGHUP."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, host.stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def logging_to_file(options: ServeOptions) -> Iterator[None]:
    """Write the log of the server, and of nobody else, to its file or to stderr."""
    handler: logging.Handler
    if options.log is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        options.log.touch(mode=0o600)
        handler = logging.FileHandler(options.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger("codextui")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        handler.close()


async def end_when_idle(host: Host, timeout_s: float) -> None:
    """Stop the server after `timeout_s` seconds without a client, a turn and an approval."""
    while not host.stop.is_set():
        host.stirred.clear()
        if _needed(host):
            await _sleep(host, min(timeout_s, 5.0))
            continue
        await _sleep(host, timeout_s)
        if not host.stirred.is_set() and not _needed(host):
            logger.info(
                "nobody was connected and nothing ran for %g seconds: the server ends", timeout_s
            )
            host.stop.set()


def _needed(host: Host) -> bool:
    running = any(record.info.state.has_turn for record in host.core.registry)
    return bool(host.sessions or host.core.broker.approvals or running)


async def _sleep(host: Host, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await host.stirred.wait()
    except TimeoutError:
        pass


class ServerLock:
    """A locked file. The lock is let go when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self) -> bool:
        """Take the lock; False where another process holds it. Raises ServerUnreachable."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(self._path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            raise ServerUnreachable(f"{self._path} cannot be locked: {error.strerror}") from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
        return True

    def release(self) -> None:
        """Let the lock go. The file stays: who removes a lock file makes room for two locks."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


__all__ = ["ServeOptions", "serve"]


async def serve(options: ServeOptions) -> None:
    """Run the shared server until it is shut down (tool, SIGTERM, SIGINT, idle).

    It returns at once, and says so in its log, where another server of that name already runs.
    Raises ServerUnreachable where the socket, the lock, the journal or the HTTP that was asked
    for cannot be made, and ConfigInvalid where the token for it cannot be used.
    """
    lock = ServerLock(options.lock)
    with logging_to_file(options):
        if not lock.take():
            logger.info("a server %r runs already", options.name)
            return
        try:
            await _run(options)
        finally:
            lock.release()


async def _run(options: ServeOptions) -> None:
    async with hosting(options) as host:
        listener = SocketListener(host)
        # Who sees the socket may end the server.
        with stopping_on_signals(host):
            await listener.open()
            logger.info("the server %r listens on %s", options.name, options.socket)
            await _until_stopped(host, listener)
    logger.info("the server %r has ended", options.name)


async def _until_stopped(host: Host, listener: SocketListener) -> None:
    host.background.start(host.core.worker.run(host.core))
    if host.options.idle_timeout_s:
        host.background.start(end_when_idle(host, host.options.idle_timeout_s))
    try:
        async with _http(host):
            await host.stop.wait()
            await asyncio.sleep(0)  # lets the answer to the shutdown out
    finally:
        await listener.close()


def _http(host: Host) -> AbstractAsyncContextManager[None]:
    if host.options.http is None:
        return nullcontext()
    from codextui.server.transports.http.app import serving_http  # noqa: PLC0415 - for who has it

    return serving_http(host)


@dataclass(frozen=True, slots=True)
class Alone:
    """How a server for one client is to run.

    Attributes:
        codex_binary: see ServeOptions.
        codex_home: see ServeOptions.
        about: what there is to know of the client: see `wire.tools.RELAYED_METHOD`.
    """

    codex_binary: Path | None
    codex_home: Path | None
    about: JsonObject


async def serve_alone(
    alone: Alone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve the client until it closes its end; its turns end with it.

    Nobody else can come, so what the client cannot answer is declined at once. Nothing is kept
    but what Codex itself keeps: a later `codex-reply` finds the threads in its history.
    """
    with tempfile.TemporaryDirectory(prefix="codextui-") as folder:
        options = _options(alone, Path(folder))
        with logging_to_file(options):
            async with hosting(options) as host:
                host.background.start(host.core.worker.run(host.core))
                channel = StreamChannel(reader, writer)
                channel.introduce(alone.about)
                with stopping_on_signals(host):
                    await _serve(host, channel)


async def _serve(host: Host, channel: StreamChannel) -> None:
    """Serve until the client's end, or until the server is told to stop."""
    session = Session(channel)
    host.sessions.add(session)
    app = build_app(host)
    serving = host.background.start(
        serve_dual_era_loop(
            app,
            channel,
            channel,
            lifespan_state=session,
            init_options=app.create_initialization_options(),
        )
    )
    stopping = asyncio.create_task(host.stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.sleep(0)  # lets the answer to a shutdown out


def _options(alone: Alone, folder: Path) -> ServeOptions:
    return ServeOptions(
        name="",
        socket=folder / "none.sock",
        lock=folder / "none.lock",
        journal=folder / "journal.sqlite",
        codex_binary=alone.codex_binary,
        codex_home=alone.codex_home,
        unattended_timeout_s=0.0,
    )
