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
from codextui.protocol.events import ApprovalAsked, ApprovalResolved, Msg, parse_msg
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

_SELECT_RESOLUTION = """
SELECT outcome, by, message, waited, lost_at FROM approvals WHERE approval_id = ?
"""

# Taken from the approval ids: the row ids count only the approvals that were written.
_SELECT_LAST_APPROVAL = """
SELECT coalesce(max(CAST(substr(approval_id, 2) AS INTEGER)), 0) FROM approvals
"""

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
    """The contents of a journal that a server restores when it starts.

    Attributes:
        threads: all threads, killed ones too, the oldest first.
        events: the events of the threads that were not killed, in order.
        open_approvals: the approvals that the audit log has no end of.
        unreported: the approvals whose end is in the audit log and not among the events, with
            that end: the server died in between.
        last_approval: the number of the last approval; ids are never given again.
    """

    threads: tuple[ThreadInfo, ...]
    events: tuple[StoredEvent, ...]
    open_approvals: tuple[Approval, ...]
    unreported: tuple[tuple[Approval, ApprovalResolved], ...]
    last_approval: int


def read_journal(path: Path, *, now: float | None = None) -> JournalContents:
    """Read the journal at `path`, after deleting the events of threads killed long ago.

    A row that cannot be read is logged and skipped. Blocks: call it in a thread.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    oldest = (time.time() if now is None else now) - KILLED_RETENTION_S
    with closing(sqlite3.connect(path)) as database:
        _delete_killed(database, oldest)
        (last,) = database.execute(_SELECT_LAST_APPROVAL).fetchone()
        events = _parse_events(database.execute(_SELECT_EVENTS))
        is_open = _parse_column(
            database.execute(_SELECT_OPEN_APPROVALS), "an approval", Approval.from_json
        )
        unrecorded, unreported = _reconcile(database, events)
        return JournalContents(
            threads=_parse_column(
                database.execute(_SELECT_THREADS), "a thread", ThreadInfo.from_json
            ),
            events=events,
            open_approvals=(*is_open, *unrecorded),
            unreported=tuple(unreported),
            last_approval=last,
        )


def read_thread_events(path: Path, thread_id: str) -> tuple[StoredEvent, ...]:
    """Read the events of one thread, killed or not. Blocks.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with closing(sqlite3.connect(path)) as database:
        return _parse_events(database.execute(_SELECT_EVENTS_OF_THREAD, (thread_id,)))


def _delete_killed(database: sqlite3.Connection, oldest: float) -> None:
    """Delete the events of threads that were killed before `oldest`, if the disk lets us."""
    try:
        with database:
            database.execute(_DELETE_KILLED, (oldest,))
    except sqlite3.OperationalError as error:
        logger.warning("the events of killed threads were not deleted: %s", error)


def _reconcile(
    database: sqlite3.Connection, events: Iterable[StoredEvent]
) -> tuple[list[Approval], list[tuple[Approval, ApprovalResolved]]]:
    """Compare the approvals without an end among the events to the audit log.

    Returns:
        those that it does not have, and those that it has the end of.
    """
    asked: dict[str, Approval] = {}
    for event in events:
        match event.msg:
            case ApprovalAsked(approval):
                asked[approval.approval_id] = approval
            case ApprovalResolved(approval_id):
                asked.pop(approval_id, None)
    unrecorded: list[Approval] = []
    unreported: list[tuple[Approval, ApprovalResolved]] = []
    for approval_id, approval in asked.items():
        row = database.execute(_SELECT_RESOLUTION, (approval_id,)).fetchone()
        if row is None:
            unrecorded.append(approval)
        elif row[0] is not None:
            unreported.append((approval, _parse_resolution(approval_id, row)))
    return unrecorded, unreported


def _parse_resolution(
    approval_id: str, row: tuple[str, str | None, str | None, float | None, float | None]
) -> ApprovalResolved:
    outcome, by, message, waited, lost_at = row
    if lost_at is not None:
        outcome = "lost"
    return ApprovalResolved(approval_id, outcome, by or "", message or "", waited or 0.0)


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
