"""The shared server put together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext

from codextui.server.foreground import logging_to_file, stopping_on_signals
from codextui.server.host import Host
from codextui.server.hosting import hosting
from codextui.server.idle import end_when_idle
from codextui.server.lock import ServerLock
from codextui.server.options import ServeOptions
from codextui.server.socket import SocketListener

__all__ = ["ServeOptions", "serve"]

logger = logging.getLogger(__name__)


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
    from codextui.server.http import serving_http  # noqa: PLC0415 - for who has it

    return serving_http(host)
