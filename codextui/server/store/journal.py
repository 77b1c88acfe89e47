"""Writes threads, events and decisions to a SQLite file, in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.threads import ThreadInfo
from codextui.server.store.migrations import migrate

MAX_BATCH = 1_000
"""Statements that are written in one transaction."""

_Statement: TypeAlias = tuple[str, tuple[object, ...]]

_CONFIGURE = "PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;"

_UPSERT_THREAD = """
INSERT INTO threads (thread_id, state, created_at, row, updated_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (thread_id) DO UPDATE
SET state = excluded.state, row = excluded.row, updated_at = excluded.updated_at
"""

_INSERT_EVENT = """
INSERT OR REPLACE INTO events (slot, thread_id, turn_id, at, msg) VALUES (?, ?, ?, ?, ?)
"""

_INSERT_APPROVAL = """
INSERT INTO approvals (approval_id, thread_id, turn_id, handle, kind, asked, asked_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_RESOLVE_APPROVAL = """
UPDATE approvals SET outcome = ?, by = ?, message = ?, waited = ?, resolved_at = ?
WHERE approval_id = ?
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    """A statement, and what to call when it is on the disk or has failed."""

    statement: _Statement
    on_done: Callable[[Exception | None], None] | None = None


class Journal:
    """A SQLite file (mode 0600) that a thread of its own writes to.

    Only `record_decision` and `close` wait for the disk. A write that fails is logged, and the
    server goes on without that record. The methods for approvals make this an
    `approvals.broker.AuditLog`.

    Args:
        path: the file; it is created, or migrated from an older version.
        clock: returns unix seconds.

    Attributes:
        on_error: called with a sentence about the first write that failed.

    Raises:
        ServerUnreachable: the file cannot be used as a journal.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        migrate(path)
        self._path = path
        self._clock = clock
        self.on_error: Callable[[str], object] = logger.warning
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def record_event(self, event: ev.Event) -> None:
        """Store an event, unless it is a delta or repeats what the thread's info says."""
        slot = _slot(event)
        if slot is not None:
            self._store(event, slot)

    def record_partial(self, event: ev.Event) -> None:
        """Store an event of any kind: a part of an item that will never complete."""
        self._store(event, "")

    def record_thread(self, info: ThreadInfo) -> None:
        """Store a thread's info in place of the earlier one."""
        row = json.dumps(info.to_json(), separators=(",", ":"))
        values = (info.thread_id, info.state.value, info.created_at, row, self._clock())
        self._writes.put(_Write((_UPSERT_THREAD, values)))

    def record_approval(self, approval: Approval) -> None:
        """Store what is asked."""
        row = json.dumps(approval.to_json(), separators=(",", ":"))
        values = (
            approval.approval_id,
            approval.thread_id,
            approval.turn_id,
            approval.handle,
            kind_of(approval.asked),
            row,
            approval.asked_at,
        )
        self._writes.put(_Write((_INSERT_APPROVAL, values)))

    def record_resolution(self, resolved: ev.ApprovalResolved, *, at: float) -> None:
        """Store how an approval ended, `at` unix seconds."""
        self._writes.put(_Write((_RESOLVE_APPROVAL, _resolution(resolved, at))))

    async def record_decision(self, resolved: ev.ApprovalResolved, *, at: float) -> None:
        """Store a decision and return when it is on the disk.

        Raises:
            sqlite3.Error: it could not be written.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        statement = (_RESOLVE_APPROVAL, _resolution(resolved, at))
        self._writes.put(_Write(statement, lambda error: self._resolve(future, error)))
        await future

    async def close(self) -> None:
        """Write what is left and close the file."""
        self._writes.put(None)
        await asyncio.to_thread(self._thread.join)

    def _store(self, event: ev.Event, slot: str) -> None:
        message = json.dumps(event.msg.to_json(), separators=(",", ":"))
        values = (slot or None, event.thread_id, event.turn_id, event.at, message)
        self._writes.put(_Write((_INSERT_EVENT, values)))

    def _run(self) -> None:
        """Run the thread: write everything that waits in one transaction, until None comes."""
        database = sqlite3.connect(self._path, isolation_level=None)
        database.executescript(_CONFIGURE)
        running = True
        while running:
            batch = [self._writes.get()]
            while not self._writes.empty() and len(batch) < MAX_BATCH:
                batch.append(self._writes.get())
            running = None not in batch
            writes = [write for write in batch if write is not None]
            if _execute(database, writes) is None:
                for write in writes:
                    self._finish(write, None)
            else:
                for write in writes:  # one of them cannot be written: the others can
                    self._finish(write, _execute(database, [write]))
        database.close()

    def _finish(self, write: _Write, error: Exception | None) -> None:
        if error is not None:
            self._call(functools.partial(self._report, error))
        if write.on_done is not None:
            write.on_done(error)

    def _resolve(self, future: asyncio.Future[None], error: Exception | None) -> None:
        def resolve() -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._call(resolve)

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            logger.warning("the journal was still written to after the server had ended")

    def _report(self, error: Exception) -> None:
        logger.error("the journal %s cannot be written: %s", self._path, error)
        if not self._failed:
            self._failed = True
            self.on_error(f"the journal {self._path} cannot be written: {error}")


def _execute(database: sqlite3.Connection, writes: list[_Write]) -> Exception | None:
    """Execute all statements in one transaction; return the error where none was written."""
    try:
        database.execute("BEGIN")
        for write in writes:
            database.execute(*write.statement)
        database.execute("COMMIT")
    except sqlite3.Error as error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        return error
    return None


def _resolution(resolved: ev.ApprovalResolved, at: float) -> tuple[object, ...]:
    return (
        resolved.outcome,
        resolved.by,
        resolved.message,
        resolved.waited,
        at,
        resolved.approval_id,
    )


def _slot(event: ev.Event) -> str | None:
    """Return the key that an event shares with the one it replaces.

    Empty for an event that replaces none; None for one that is not stored.
    """
    match event.msg:
        case (
            ev.TextDelta()
            | ev.OutputDelta()
            | ev.ReasoningDelta()
            | ev.PlanDelta()
            | ev.ThreadChanged()
            | ev.TokensCounted()
            | ev.ItemStarted()
            | ev.PatchUpdated()
            | ev.CodexLost()
            | ev.CodexReady()
        ):
            return None
        case ev.DiffUpdated() | ev.PlanUpdated():
            return f"{type(event.msg).__name__} {event.thread_id} {event.turn_id}"
        case ev.GatesChecked():
            return f"GatesChecked {event.thread_id}"
        case ev.SpanChanged(span):
            return f"SpanChanged {event.thread_id} {span.span_id}"
        case _:
            return "" if event.thread_id else None
