"""The parts of a server put together, and taken down again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from codextui.errors import ServerUnreachable
from codextui.protocol.events import Warned
from codextui.server.approvals.broker import Broker
from codextui.server.approvals.codex_requests import ApprovalAudience, CodexRequests
from codextui.server.core import Core, Host, ServeOptions
from codextui.server.events.hub import EventHub
from codextui.server.mcp.codex_events import LegacyStreams
from codextui.server.runs.runs import Runs
from codextui.server.store.journal import Journal
from codextui.server.store.restore import Restored, recall, restore
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.git_branch import find_branch
from codextui.server.threads.registry import Registry, ThreadRecord
from codextui.server.worker import CodexSettings, CodexWorker


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


def _assemble(options: ServeOptions, journal: Journal, memory: Restored) -> Host:
    hub = EventHub(keep=journal.keep_event, keep_part=journal.keep_part)
    journal.on_trouble = lambda trouble: hub.publish("", "", Warned(trouble))
    registry = Registry(hub, journal)
    broker = Broker(
        journal,
        ApprovalAudience(hub, registry),
        last_number=memory.last_approval,
        unattended_s=options.unattended_timeout_s,
    )
    worker = CodexWorker(CodexSettings(options.codex_binary, options.codex_home, options.env))

    def look_at_branch(record: ThreadRecord) -> None:
        host.background.start(_refresh_branch(registry, record))

    feed = CodexNotifications(hub, registry, broker, on_rest=look_at_branch)
    legacy = LegacyStreams(registry.__contains__)
    requests = CodexRequests(registry, broker, worker, legacy)
    runs = Runs(registry, broker)
    core = Core(hub, registry, broker, worker, feed, requests, legacy, runs)
    host = Host(options, core, started_at=time.time())
    return host


async def _refresh_branch(registry: Registry, record: ThreadRecord) -> None:
    """A turn may have changed the branch."""
    branch = await find_branch(record.info.cwd)
    registry.update(record, branch=branch)


@asynccontextmanager
async def _journal(options: ServeOptions) -> AsyncIterator[tuple[Journal, Restored]]:
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
