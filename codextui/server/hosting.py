"""The parts of a server put together, and taken down again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codextui.errors import ServerUnreachable
from codextui.server.branch import find_branch
from codextui.server.broker import Broker
from codextui.server.core import Core
from codextui.server.host import Host
from codextui.server.hub import EventHub
from codextui.server.journal import Journal
from codextui.server.legacy_streams import LegacyStreams
from codextui.server.memory import Memory, recall
from codextui.server.options import ServeOptions
from codextui.server.restoring import restore
from codextui.server.runs.runs import Runs
from codextui.server.threads.asking import Asking, Requests
from codextui.server.threads.feed import Feed
from codextui.server.threads.record import ThreadRecord
from codextui.server.threads.registry import Registry
from codextui.server.worker import CodexSettings, CodexWorker
from codextui.wire.event import Warned


@asynccontextmanager
async def hosting(options: ServeOptions) -> AsyncIterator[Host]:
    """Have threads, as they were, and a Codex process for them; it ends with this.

    Raises ServerUnreachable where the journal cannot be used.
    """
    async with _journal(options) as (journal, memory):
        host = _assemble(options, journal, memory)
        restore(host.core, journal, memory)
        try:
            yield host
        finally:
            host.core.feed.lose_all("The server ended during the turn.")
            await host.background.close()


def _assemble(options: ServeOptions, journal: Journal, memory: Memory) -> Host:
    hub = EventHub(keep=journal.keep_event, keep_part=journal.keep_part)
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
    runs = Runs(registry, broker)
    core = Core(hub, registry, broker, worker, feed, requests, legacy, runs)
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
