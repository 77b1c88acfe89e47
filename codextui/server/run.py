"""Runs a server: shared on a unix socket and HTTP, or private for one client."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from codextui.config.address import HttpAddress
from codextui.config.files import FileLock
from codextui.errors import ConfigInvalid, ServerRunning, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.events import Warned
from codextui.protocol.frames import MCP
from codextui.server.app import open_server, start_codex
from codextui.server.clients import Session
from codextui.server.mcp.app import build_app, serve_session
from codextui.server.options import ServerOptions
from codextui.server.state import ServerState
from codextui.server.transports.socket import SocketListener
from codextui.server.transports.stream import StreamChannel

GC_THRESHOLD = 50_000
"""New objects between two garbage collections of cycles; Python's default is 700."""

_IDLE_CHECK_S = 5.0
"""Longest time in seconds between two checks whether the server is idle."""

logger = logging.getLogger(__name__)


async def serve(options: ServerOptions) -> None:
    """Run the shared server until it is shut down (tool, signal, idle time-out).

    Raises:
        ServerRunning: a server of that name runs already.
        ServerUnreachable: the socket, the lock, the journal or the required HTTP address cannot
            be used.
        ConfigInvalid: the token of the required HTTP cannot be used.
    """
    lock = FileLock(options.lock)
    with _log_to_file(options):
        if not _acquire(lock, options.lock):
            raise ServerRunning(f"the server {options.name!r} runs already")
        try:
            await _serve_shared(options)
        finally:
            lock.release()


@dataclass(frozen=True, slots=True)
class PrivateOptions:
    """The options of a private server.

    Attributes:
        codex_binary: see `ServerOptions`.
        codex_home: see `ServerOptions`.
        client_details: what a relay would say of its client (`protocol.extensions.RELAYED_METHOD`).
    """

    codex_binary: Path | None
    codex_home: Path | None
    client_details: JsonObject


async def serve_private(
    options: PrivateOptions, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Serve one client until it closes its end; its turns end with it.

    No other client can connect, so an approval that this one cannot decide is declined at once.
    The journal is temporary; a later `codex-reply` finds the threads in Codex's history.
    """
    with tempfile.TemporaryDirectory(prefix="codextui-") as folder:
        server_options = _private_options(options, Path(folder))
        with _log_to_file(server_options):
            async with open_server(server_options) as server:
                start_codex(server)
                channel = StreamChannel(reader, writer)
                channel.set_relay_details(options.client_details)
                with _stop_on_signals(server):
                    await _serve_client(server, channel)


def tune_garbage_collection() -> None:
    """Collect cycles less often; in a flood of events this took a fifth of the process's time.

    Almost all objects of an event are either retained for long or freed at once.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def _acquire(lock: FileLock, path: Path) -> bool:
    try:
        return lock.acquire()
    except OSError as error:
        raise ServerUnreachable(f"{path} cannot be locked: {error.strerror}") from error


async def _serve_shared(options: ServerOptions) -> None:
    async with open_server(options) as server:
        listener = SocketListener(server)
        # First the signals: whoever sees the socket may send one.
        with _stop_on_signals(server):
            await listener.open()
            logger.info("the server %r listens on %s", options.name, options.socket)
            await _serve_until_stopped(server, listener)
    logger.info("the server %r has ended", options.name)


async def _serve_until_stopped(server: ServerState, listener: SocketListener) -> None:
    start_codex(server)
    if server.options.idle_timeout_s:
        server.background.start(_stop_when_idle(server, server.options.idle_timeout_s))
    try:
        async with AsyncExitStack() as http:
            server.http.listen = lambda address: _listen(server, address, http)
            _listen_as_configured(server)
            await server.stopping.wait()
            await asyncio.sleep(0)  # lets the response to `codex-shutdown` out
    finally:
        await listener.close()


def _listen(server: ServerState, address: HttpAddress, open_listeners: AsyncExitStack) -> None:
    """Listen for HTTP clients on an address, until the stack is closed. See `open_listener`."""
    from codextui.server.transports.http.app import open_listener  # noqa: PLC0415 - slow to import

    open_listeners.push_async_callback(open_listener(server, address).close)


def _listen_as_configured(server: ServerState) -> None:
    """Listen for HTTP clients where the options say so.

    Where it is not required, a failure becomes a warning to every supervisor.
    """
    address, listen = server.options.http, server.http.listen
    if address is None or listen is None or server.http.url:
        return
    try:
        listen(address)
    except (ConfigInvalid, ServerUnreachable) as error:
        if server.options.http_required:
            raise
        logger.warning("%s", error)
        server.hub.publish("", "", Warned(str(error)))


async def _serve_client(server: ServerState, channel: StreamChannel) -> None:
    """Serve a private client until it disconnects or the server is to stop."""
    session = Session(channel)
    channel.wire = server.frames.tap.wire(MCP, lambda: session.name)
    server.add_session(session)
    serving = server.background.start(serve_session(build_app(server), session, channel))
    stopping = asyncio.create_task(server.stopping.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.sleep(0)  # lets the response to `codex-shutdown` out


def _private_options(options: PrivateOptions, folder: Path) -> ServerOptions:
    return ServerOptions(
        name="",
        socket=folder / "none.sock",
        lock=folder / "none.lock",
        journal=folder / "journal.sqlite",
        codex_binary=options.codex_binary,
        codex_home=options.codex_home,
        unattended_timeout_s=0.0,
    )


@contextmanager
def _stop_on_signals(server: ServerState) -> Iterator[None]:
    """Stop the server on SIGTERM, SIGINT and SIGHUP."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, server.stopping.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def _log_to_file(options: ServerOptions) -> Iterator[None]:
    """Write the log of codextui, and of no library, to the log file or to stderr."""
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


async def _stop_when_idle(server: ServerState, timeout_s: float) -> None:
    """Stop the server after `timeout_s` seconds in which nothing needs it."""
    while not server.stopping.is_set():
        server.sessions_changed.clear()
        if server.is_needed():
            await _wait_for_sessions(server, min(timeout_s, _IDLE_CHECK_S))
            continue
        await _wait_for_sessions(server, timeout_s)
        if not server.sessions_changed.is_set() and not server.is_needed():
            logger.info(
                "nobody was connected and nothing ran for %g seconds: the server ends", timeout_s
            )
            server.stopping.set()


async def _wait_for_sessions(server: ServerState, seconds: float) -> None:
    """Wait until a client connects or disconnects, at most so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await server.sessions_changed.wait()
    except TimeoutError:
        pass
