"""Threads that are killed."""

from __future__ import annotations

import logging

from codextui.codex.calls import archive_thread, clean_terminals
from codextui.errors import CodextuiError, TurnNotRunning
from codextui.server.core import Core
from codextui.server.threads.record import ThreadRecord
from codextui.server.threads.turns import stop_turn
from codextui.wire.thread import ThreadState

logger = logging.getLogger(__name__)


async def kill(core: Core, thread: str) -> ThreadRecord:
    """End a thread for good: its turn, its processes, its approvals; then archive it.

    What Codex cannot do any more does not keep a thread alive. Raises ThreadUnknown,
    ServerRefused (a role or a run).
    """
    record = core.registry.find_codex(thread)
    async with record.busy:
        record.killing = True
        try:
            await _stop(core, record)
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
        core.broker.withdraw(thread_id=record.info.thread_id)
        await _archive(core, record)
        record.loaded = False
        core.registry.update(record, state=ThreadState.KILLED, turn_started_at=None, waits_for="")
    return record


async def _stop(core: Core, record: ThreadRecord) -> None:
    """End the running turn; where none runs, the processes that earlier ones left."""
    try:
        await stop_turn(core, record)
    except TurnNotRunning:
        if record.loaded:
            await clean_terminals(await core.worker.app(), record.info.thread_id)


async def _archive(core: Core, record: ThreadRecord) -> None:
    try:
        await archive_thread(await core.worker.app(), record.info.thread_id)
    except CodextuiError as error:
        logger.warning("%s was not archived: %s", record.info.handle, error)
