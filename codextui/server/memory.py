"""What the journal remembers of the server before this one."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import WireInvalid
from codextui.server import journal_schema as sql
from codextui.wire.approval import Approval
from codextui.wire.event import Msg
from codextui.wire.event_json import parse_msg
from codextui.wire.fields import as_object
from codextui.wire.thread import ThreadInfo

logger = logging.getLogger(__name__)

KILLED_KEPT_S = 30 * 24 * 3600.0
"""Seconds after which the events of a killed thread are let go; its decisions never are."""


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event of before, without a number."""

    thread_id: str
    turn_id: str
    at: float
    msg: Msg


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered.

    Attributes:
        threads: every thread, killed ones too, the oldest first.
        events: what happened on those that were not killed, in order.
        open_approvals: what was still asked when the server ended.
        last_approval: how many approvals there have ever been.
    """

    threads: tuple[ThreadInfo, ...]
    events: tuple[PastEvent, ...]
    open_approvals: tuple[Approval, ...]
    last_approval: int


def recall(path: Path, *, now: float | None = None) -> Memory:
    """Read the journal at `path`, and let go of what is too old. Blocks: call it in a thread.

    A row that cannot be read is skipped, and the log says so. Raises sqlite3.Error.
    """
    oldest = (time.time() if now is None else now) - KILLED_KEPT_S
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute(sql.FORGET_KILLED, (oldest,))
        threads = [_parse_thread(row) for (row,) in database.execute(sql.THREADS)]
        approvals = [_parse_approval(row) for (row,) in database.execute(sql.OPEN_APPROVALS)]
        (last,) = database.execute(sql.LAST_APPROVAL).fetchone()
        return Memory(
            threads=tuple(thread for thread in threads if thread is not None),
            events=_events(database.execute(sql.EVENTS_OF_LIVING)),
            open_approvals=tuple(approval for approval in approvals if approval is not None),
            last_approval=last,
        )
    finally:
        database.close()


def recall_events(path: Path, thread_id: str) -> tuple[PastEvent, ...]:
    """Read what happened on one thread, killed or not. Blocks. Raises sqlite3.Error."""
    database = sqlite3.connect(path)
    try:
        return _events(database.execute(sql.EVENTS_OF_THREAD, (thread_id,)))
    finally:
        database.close()


def _events(rows: sqlite3.Cursor) -> tuple[PastEvent, ...]:
    events: list[PastEvent] = []
    for thread_id, turn_id, at, msg in rows:
        try:
            parsed = parse_msg(as_object(json.loads(msg), "msg"))
        except (ValueError, WireInvalid) as error:
            logger.warning("an event of %s in the journal cannot be read: %s", thread_id, error)
            continue
        events.append(PastEvent(thread_id, turn_id, at, parsed))
    return tuple(events)


def _parse_thread(row: str) -> ThreadInfo | None:
    try:
        return ThreadInfo.parse(as_object(json.loads(row), "thread"))
    except (ValueError, WireInvalid) as error:
        logger.warning("a thread in the journal cannot be read: %s", error)
        return None


def _parse_approval(row: str) -> Approval | None:
    try:
        return Approval.parse(as_object(json.loads(row), "approval"))
    except (ValueError, WireInvalid) as error:
        logger.warning("an approval in the journal cannot be read: %s", error)
        return None
