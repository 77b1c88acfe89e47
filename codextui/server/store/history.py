"""Reads a journal: the threads, events and approvals of earlier servers."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import JsonObject, as_object
from codextui.protocol.approvals import Approval
from codextui.protocol.events import Msg, parse_msg
from codextui.protocol.threads import ThreadInfo

KILLED_RETENTION_S = 30 * 24 * 3600.0
"""Seconds after which the events of a killed thread are deleted; its decisions never are."""

_SELECT_THREADS = "SELECT row FROM threads ORDER BY created_at, rowid"

_SELECT_EVENTS = """
SELECT events.thread_id, turn_id, at, msg FROM events JOIN threads USING (thread_id)
WHERE threads.state != 'killed' ORDER BY events.id
"""

_SELECT_EVENTS_OF_THREAD = """
SELECT thread_id, turn_id, at, msg FROM events WHERE thread_id = ? ORDER BY id
"""

_SELECT_OPEN_APPROVALS = "SELECT asked FROM approvals WHERE outcome IS NULL ORDER BY id"

_SELECT_LAST_APPROVAL = "SELECT coalesce(max(id), 0) FROM approvals"

_DELETE_KILLED = """
DELETE FROM events WHERE thread_id IN
(SELECT thread_id FROM threads WHERE state = 'killed' AND updated_at < ?)
"""

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of an earlier server, whose sequence number means nothing any more."""

    thread_id: str
    turn_id: str
    at: float
    msg: Msg


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a server restores when it starts.

    Attributes:
        threads: all threads, killed ones too, the oldest first.
        events: the events of the threads that were not killed, in order.
        open_approvals: the approvals that were open when the server ended.
        last_approval: the number of the last approval; ids are never given again.
    """

    threads: tuple[ThreadInfo, ...]
    events: tuple[StoredEvent, ...]
    open_approvals: tuple[Approval, ...]
    last_approval: int


def read_journal(path: Path, *, now: float | None = None) -> JournalContents:
    """Read the journal at `path`, after deleting the events of threads killed long ago.

    A row that cannot be read is logged and skipped. Blocks: call it in a thread.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    oldest = (time.time() if now is None else now) - KILLED_RETENTION_S
    with closing(sqlite3.connect(path)) as database:
        with database:
            database.execute(_DELETE_KILLED, (oldest,))
        (last,) = database.execute(_SELECT_LAST_APPROVAL).fetchone()
        return JournalContents(
            threads=_parse_column(
                database.execute(_SELECT_THREADS), "a thread", ThreadInfo.from_json
            ),
            events=_parse_events(database.execute(_SELECT_EVENTS)),
            open_approvals=_parse_column(
                database.execute(_SELECT_OPEN_APPROVALS), "an approval", Approval.from_json
            ),
            last_approval=last,
        )


def read_thread_events(path: Path, thread_id: str) -> tuple[StoredEvent, ...]:
    """Read the events of one thread, killed or not. Blocks.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with closing(sqlite3.connect(path)) as database:
        return _parse_events(database.execute(_SELECT_EVENTS_OF_THREAD, (thread_id,)))


def _parse_events(rows: Iterable[tuple[str, str, float, str]]) -> tuple[StoredEvent, ...]:
    events: list[StoredEvent] = []
    for thread_id, turn_id, at, text in rows:
        msg = _parse(text, f"an event of {thread_id}", parse_msg)
        if msg is not None:
            events.append(StoredEvent(thread_id, turn_id, at, msg))
    return tuple(events)


def _parse_column(
    rows: Iterable[tuple[str]], what: str, parse: Callable[[JsonObject], _T]
) -> tuple[_T, ...]:
    parsed = (_parse(text, what, parse) for (text,) in rows)
    return tuple(value for value in parsed if value is not None)


def _parse(text: str, what: str, parse: Callable[[JsonObject], _T]) -> _T | None:
    """Parse a JSON object; None, and a warning in the log, for what cannot be parsed."""
    try:
        return parse(as_object(json.loads(text), what))
    except (ValueError, MessageInvalid) as error:
        logger.warning("%s in the journal cannot be read: %s", what, error)
        return None
