"""Writes threads, events and decisions to a SQLite file, in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import logging
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.threads import ThreadInfo
from codextui.server.store.migrations import migrate

MAX_BATCH = 1_000
"""Statements that are written in one transaction."""

RETRY_S = 2.0
"""Seconds between two attempts to write what the disk had no room for."""

MAX_DEFERRED_EVENTS = 100_000
"""Events that wait for room on the disk; beyond that the oldest are lost."""

_Statement: TypeAlias = tuple[str, tuple[object, ...]]

_CONFIGURE = "PRAGMA busy_timeout = 5000"

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

# A decision carries what is asked, so that it is whole where the approval itself was not written.
# The journal's triggers refuse a second one.
_RESOLVE_APPROVAL = """
INSERT INTO approvals (approval_id, thread_id, turn_id, handle, kind, asked, asked_at,
  outcome, by, message, waited, resolved_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (approval_id) DO UPDATE
SET outcome = excluded.outcome, by = excluded.by, message = excluded.message,
  waited = excluded.waited, resolved_at = excluded.resolved_at
"""

_LOSE_DECISION = "UPDATE approvals SET lost_at = ? WHERE approval_id = ?"

_CORRECT_DECISION = """
UPDATE approvals SET carried_out = ?, corrected_at = ? WHERE approval_id = ?
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    """A statement, and what to call when it is on the disk or has failed.

    Attributes:
        statement: the SQL and its values.
        key: of the writes with one key only the last matters; empty for an event.
        on_done: called with the error, None for success. Whoever waits for a write repeats it.
    """

    statement: _Statement
    key: str = ""
    on_done: Callable[[Exception | None], None] | None = None


class Journal:
    """A SQLite file (mode 0600) that a thread of its own writes to.

    Only `record_decision` and `close` wait for the disk. Writes that the disk has no room for are
    deferred, except for a decision, which fails. Another write that fails is logged, and the
    server goes on without that record. The methods for approvals make this an
    `approvals.parties.AuditLog`.

    Args:
        path: the file; it is created, or migrated from an older version.
        clock: returns unix seconds.
        retry_s: seconds between two attempts to write what the disk had no room for.
        max_deferred_events: events that wait until there is room.

    Attributes:
        notice: that the file had been emptied, as a sentence; empty where it had not.
        problem: why nothing can be written, as a sentence; empty where it can.
        on_error: called with a sentence about the first write that failed, and whenever the disk
            has no room or has room again.
        is_recorded: returns whether the events of a thread are stored.

    Raises:
        ServerUnreachable: the file cannot be used as a journal.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        retry_s: float = RETRY_S,
        max_deferred_events: int = MAX_DEFERRED_EVENTS,
    ) -> None:
        self.notice = _emptied(path)
        if self.notice:
            logger.warning("%s", self.notice)
        migrate(path)
        self._path = path
        self._file = path.stat()
        self._clock = clock
        self._retry_s = retry_s
        self.problem = ""
        self.on_error: Callable[[str], object] = logger.warning
        self.is_recorded: Callable[[str], bool] = lambda _: True
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._deferred = _DeferredWrites(max_deferred_events)
        self._loop = asyncio.get_running_loop()
        self._failed = False
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def record_event(self, event: ev.Event) -> None:
        """Store an event, unless it is a delta or repeats what the thread's info says."""
        slot = _slot(event)
        if slot is not None and self.is_recorded(event.thread_id):
            self._store(event, slot)

    def record_partial(self, event: ev.Event) -> None:
        """Store an event of any kind: a part of an item that will never complete."""
        if self.is_recorded(event.thread_id):
            self._store(event, "")

    def record_thread(self, info: ThreadInfo) -> None:
        """Store a thread's info in place of the earlier one."""
        row = json.dumps(info.to_json(), separators=(",", ":"))
        values = (info.thread_id, info.state.value, info.created_at, row, self._clock())
        self._writes.put(_Write((_UPSERT_THREAD, values), f"thread {info.thread_id}"))

    def record_approval(self, approval: Approval) -> None:
        """Store what is asked."""
        self._writes.put(_Write((_INSERT_APPROVAL, _approval_values(approval)), _key(approval)))

    def record_resolution(
        self, approval: Approval, resolved: ev.ApprovalResolved, *, at: float
    ) -> None:
        """Store that an approval ended without a decision, `at` unix seconds."""
        values = (*_approval_values(approval), *_resolution_values(resolved, at))
        self._writes.put(_Write((_RESOLVE_APPROVAL, values), _key(approval)))

    async def record_decision(
        self, approval: Approval, resolved: ev.ApprovalResolved, *, at: float
    ) -> None:
        """Store a decision and return when it is on the disk.

        Raises:
            sqlite3.Error: it could not be written, or the approval was decided before.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        values = (*_approval_values(approval), *_resolution_values(resolved, at))
        self._writes.put(
            _Write(
                (_RESOLVE_APPROVAL, values),
                _key(approval),
                lambda error: self._resolve(future, error),
            )
        )
        await future

    def record_loss(self, approval_id: str, *, at: float) -> None:
        """Store that a decision reached nobody; who decided what stays on record."""
        self._writes.put(_Write((_LOSE_DECISION, (at, approval_id)), f"loss {approval_id}"))

    def record_correction(self, correction: ev.ApprovalCorrected, *, at: float) -> None:
        """Store that another answer came before a decision, which stays on record."""
        approval_id = correction.approval_id
        values = (correction.carried_out, at, approval_id)
        self._writes.put(_Write((_CORRECT_DECISION, values), f"correction {approval_id}"))

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
        database.execute(_CONFIGURE)
        tried_at = 0.0
        running = True
        while running:
            batch = self._next_batch()
            running = None not in batch
            self._write(database, [write for write in batch if write is not None])
            if self._deferred and (not running or time.monotonic() - tried_at >= self._retry_s):
                self._write_deferred(database)
                tried_at = time.monotonic()
        if self._deferred:
            logger.error("the journal %s misses the latest of this server", self._path)
        database.close()

    def _next_batch(self) -> list[_Write | None]:
        """Return what waits; wait for something, but no longer than until the next attempt."""
        try:
            batch = [self._writes.get(timeout=self._retry_s if self._deferred else None)]
        except queue.Empty:
            return []
        while not self._writes.empty() and len(batch) < MAX_BATCH:
            batch.append(self._writes.get())
        return batch

    def _write(self, database: sqlite3.Connection, writes: list[_Write]) -> None:
        if not self._deferred and self._execute(database, writes) is None:
            for write in writes:
                self._finish(write, None)
            self._recover()
            return
        for write in writes:  # one of them cannot be written: the others can
            if self._deferred and write.on_done is None:
                self._deferred.add(write)  # after what was deferred before
            else:
                self._write_alone(database, write)

    def _write_alone(self, database: sqlite3.Connection, write: _Write) -> None:
        error = self._execute(database, [write])
        if _is_temporary(error):
            self._is_failing = True
            self._call(functools.partial(self._report_problem, str(error)))
            if write.on_done is None:
                self._deferred.add(write)
                return
        self._finish(write, error)
        if error is None:
            self._recover()

    def _recover(self) -> None:
        """Report that everything is written again, after a failure."""
        if self._is_failing and not self._deferred:
            self._is_failing = False
            self._call(functools.partial(self._report_room, self._deferred.take_lost()))

    def _execute(self, database: sqlite3.Connection, writes: list[_Write]) -> Exception | None:
        """Execute all statements in one transaction; return the error where none was written.

        What somebody waits for is on the disk afterwards, even if the machine loses its power.
        """
        is_awaited = any(write.on_done is not None for write in writes)
        if is_awaited and not self._is_in_place():
            return _moved()
        return _execute(database, writes, sync=is_awaited)

    def _is_in_place(self) -> bool:
        """Return whether the file is still what its path names; sqlite would not notice."""
        try:
            return os.path.samestat(self._path.stat(), self._file)
        except OSError:
            return False

    def _write_deferred(self, database: sqlite3.Connection) -> None:
        while chunk := self._deferred.first(MAX_BATCH):
            if self._execute(database, chunk) is None:
                self._deferred.remove(chunk)
                continue
            for write in chunk:  # one of them cannot be written: the others can
                error = self._execute(database, [write])
                if _is_temporary(error):
                    return
                self._deferred.remove([write])
                self._finish(write, error)
        self._recover()

    def _finish(self, write: _Write, error: Exception | None) -> None:
        if error is None and write.on_done is not None:
            self._deferred.discard(write.key)  # the approval itself, which a decision contains
        if error is not None and not _is_temporary(error):
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

    def _report_problem(self, reason: str) -> None:
        if not self.problem:
            self.problem = (
                f"the journal {self._path} cannot be written ({reason}): until it can, nothing "
                "is decided and nothing new is saved"
            )
            logger.error("%s", self.problem)
            self.on_error(self.problem)

    def _report_room(self, lost: int) -> None:
        if self.problem:
            self.problem = ""
            missing = f", but {lost} events are missing" if lost else ", and nothing is missing"
            message = f"the journal {self._path} is written again{missing}"
            logger.warning("%s", message)
            self.on_error(message)


class _DeferredWrites:
    """Writes that wait for room on the disk: the last one of each key, and the latest events."""

    def __init__(self, max_events: int) -> None:
        self._rows: dict[str, _Write] = {}
        self._events: deque[_Write] = deque()
        self._max_events = max_events
        self._lost = 0

    def __bool__(self) -> bool:
        return bool(self._rows or self._events)

    def add(self, write: _Write) -> None:
        if write.key:
            self._rows.pop(write.key, None)
            self._rows[write.key] = write
            return
        self._events.append(write)
        if len(self._events) > self._max_events:
            self._events.popleft()
            self._lost += 1

    def first(self, count: int) -> list[_Write]:
        """Return what to write first: the rows before the events."""
        return list(itertools.islice(itertools.chain(self._rows.values(), self._events), count))

    def remove(self, written: Iterable[_Write]) -> None:
        """Remove the first writes, as `first` returned them."""
        for write in written:
            if write.key:
                del self._rows[write.key]
            else:
                self._events.popleft()

    def discard(self, key: str) -> None:
        """Remove the write with a key, if there is one."""
        self._rows.pop(key, None)

    def take_lost(self) -> int:
        """Return how many events there was no place for since the last call."""
        lost, self._lost = self._lost, 0
        return lost


def _emptied(path: Path) -> str:
    """Return a sentence where a journal has lost its content, which sqlite takes for a new one."""
    if not (path.exists() and path.stat().st_size == 0):
        return ""
    backups = sorted(copy.name for copy in path.parent.glob(f"{path.name}.*.bak"))
    where = f"; older copies beside it: {', '.join(backups)}" if backups else ""
    return f"the journal {path} was an empty file: the threads and decisions in it are lost{where}"


def _moved() -> sqlite3.Error:
    error = sqlite3.OperationalError("the file was moved or deleted while the server runs")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
    return error


def _execute(database: sqlite3.Connection, writes: list[_Write], *, sync: bool) -> Exception | None:
    try:
        database.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
        database.execute("BEGIN")
        for write in writes:
            database.execute(*write.statement)
        database.execute("COMMIT")
    except (sqlite3.Error, ValueError, OverflowError) as error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        return error if isinstance(error, sqlite3.Error) else sqlite3.DataError(str(error))
    return None


def _is_temporary(error: Exception | None) -> bool:
    """Return whether a write may succeed later: the disk is full, read-only or failing."""
    if not isinstance(error, sqlite3.OperationalError):
        return False
    return error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR


def _key(approval: Approval) -> str:
    return f"approval {approval.approval_id}"


def _approval_values(approval: Approval) -> tuple[object, ...]:
    return (
        approval.approval_id,
        approval.thread_id,
        approval.turn_id,
        approval.handle,
        kind_of(approval.asked),
        json.dumps(approval.to_json(), separators=(",", ":")),
        approval.asked_at,
    )


def _resolution_values(resolved: ev.ApprovalResolved, at: float) -> tuple[object, ...]:
    return (resolved.outcome, resolved.by, resolved.message, resolved.waited, at)


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
            | ev.ThreadLeft()
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
