"""The end of a server that nobody needs any more."""

from __future__ import annotations

import asyncio
import logging

from codextui.server.host import Host

logger = logging.getLogger(__name__)


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
