"""What happened on a thread, also where it is only in the journal any more."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from codextui.errors import ServerRefused
from codextui.server.core import Core
from codextui.server.memory import recall_events
from codextui.server.threads.record import ThreadRecord
from codextui.wire.event import Event


async def past_of(core: Core, journal: Path, record: ThreadRecord) -> list[Event]:
    """Return what is still worth telling of a thread, in order.

    Events from before this server, which it does not keep in memory, have the number 0. Raises
    ServerRefused where the journal cannot be read.
    """
    thread_id = record.info.thread_id
    if core.hub.has_past(thread_id):
        return core.hub.past_of(thread_id)
    try:
        remembered = await asyncio.to_thread(recall_events, journal, thread_id)
    except sqlite3.Error as error:
        raise ServerRefused(f"the journal {journal} cannot be read: {error}") from error
    return [Event(0, past.thread_id, past.turn_id, past.at, past.msg) for past in remembered]
