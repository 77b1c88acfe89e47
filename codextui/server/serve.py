"""The shared server put together."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)

from codextui.errors import ServerUnreachable
from codextui.server.branch import find_branch
from codextui.server.broker import Broker
from codextui.server.core import Core
from codextui.server.host import Host
from codextui.server.hub import EventHub
from codextui.server.idle import end_when_idle
from codextui.server.journal import Journal
from codextui.server.legacy_streams import LegacyStreams
from codextui.server.lock import ServerLock
from codextui.server.memory import Memory, recall
from codextui.server.options import ServeOptions
from codextui.server.restoring import restore
from codextui.server.socket import SocketListener
from codextui.server.threads.asking import Asking, Requests
from codextui.server.threads.feed import Feed
from codextui.server.threads.record import ThreadRecord
from codextui.server.threads.registry import Registry
from codextui.server.worker import CodexSettings, CodexWorker
from codextui.wire.event import Warned

__all__ = ["ServeOptions", "serve"]

logger = logging.getLogger(__name__)


async def serve(options: ServeOptions) -> None:
    """Run the shared server until it is shut down (tool, SIGTERM, SIGINT, idle).

    It returns at once, and says so in its log, where another server of that name already runs.
    Raises ServerUnreachable where the socket, the lock, the journal or the HTTP that was asked
    for cannot be made, and ConfigInvalid where the token for it cannot be used.
    """
    lock = ServerLock(options.lock)
    with _logging(options):
        if not lock.take():
            logger.info("a server %r runs already", options.name)
            return
        try:
            await _run(options)
        finally:
            lock.release()


async def _run(options: ServeOptions) -> None:
    async with _journal(options) as (journal, memory):
        host = _assemble(options, journal, memory)
        restore(host.core, journal, memory)
        listener = SocketListener(host)
        await listener.open()
        logger.info("the server %r listens on %s", options.name, options.socket)
        with _signals(host):
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
        await host.background.close()


def _http(host: Host) -> AbstractAsyncContextManager[None]:
    if host.options.http is None:
        return nullcontext()
    from codextui.server.http import serving_http  # noqa: PLC0415 - for who has it

    return serving_http(host)


def _assemble(options: ServeOptions, journal: Journal, memory: Memory) -> Host:
    hub = EventHub(keep=journal.keep_event)
    journal.on_trouble = lambda trouble: hub.publish("", "", Warned(trouble))
    registry = Registry(hub, journal)
    broker = Broker(
        journal,
        Asking(hub, registry),
        last_number=memory.last_approval,
        unattended_s=options.unattended_timeout_s,
    )
    worker = CodexWorker(CodexSettings(options.codex_binary, options.codex_home, options.env))

    def look_at_branch(record: ThreadRecord) -> None:
        host.background.start(_refresh_branch(registry, record))

    feed = Feed(hub, registry, broker, on_rest=look_at_branch)
    legacy = LegacyStreams(registry.__contains__)
    requests = Requests(registry, broker, worker, legacy)
    core = Core(hub, registry, broker, worker, feed, requests, legacy)
    host = Host(options, core, started_at=time.time())
    return host


async def _refresh_branch(registry: Registry, record: ThreadRecord) -> None:
    """A turn may have changed the branch."""
    branch = await find_branch(record.info.cwd)
    registry.update(record, branch=branch)


@asynccontextmanager
async def _journal(options: ServeOptions) -> AsyncIterator[tuple[Journal, Memory]]:
    journal = Journal(options.journal)
    try:
        try:
            memory = await asyncio.to_thread(recall, options.journal)
        except sqlite3.Error as error:
            raise ServerUnreachable(
                f"the journal {options.journal} cannot be read ({error}): move it away"
            ) from error
        yield journal, memory
    finally:
        await journal.close()


@contextmanager
def _signals(host: Host) -> Iterator[None]:
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
def _logging(options: ServeOptions) -> Iterator[None]:
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
