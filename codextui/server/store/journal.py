"""What outlives the server: threads, what happened on them, and every decision ever made."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, kind_of
from codextui.protocol.threads import ThreadInfo
from codextui.server.store.schema import (
    APPROVAL_OPENED,
    APPROVAL_RESOLVED,
    EVENT_KEPT,
    PREPARE,
    SCHEMA,
    THREAD_KEPT,
    VERSION,
)

logger = logging.getLogger(__name__)

_Statement: TypeAlias = tuple[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Work:
    """One write: what to execute, and whom to tell when it is on the disk."""

    statement: _Statement
    done: Callable[[Exception | None], None] | None = None


class Journal:
    """A SQLite file (mode 0600) that a thread of its own writes to.

    Nothing here waits for the disk but `decide` and `close`. A write that fails is logged, and
    the server goes on without a memory.

    Attributes:
        on_trouble: told the first write that failed, in a sentence.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.on_trouble: Callable[[str], object] = logger.warning
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._troubled = False
        self._prepare()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def keep_event(self, event: ev.Event) -> None:
        """Keep an event, if it is worth keeping: deltas and what a thread's row says are not."""
        slot = _slot(event)
        if slot is not None:
            self._keep(event, slot)

    def keep_part(self, event: ev.Event) -> None:
        """Keep a piece of an item that will never complete, whatever its kind."""
        self._keep(event, "")

    def _keep(self, event: ev.Event, slot: str) -> None:
        message = json.dumps(event.msg.to_json(), separators=(",", ":"))
        values = (slot or None, event.thread_id, event.turn_id, event.at, message)
        self._work.put(_Work((EVENT_KEPT, values)))

    def keep_thread(self, info: ThreadInfo) -> None:
        """Keep a thread's row; replaces the one before."""
        row = json.dumps(info.to_json(), separators=(",", ":"))
        values = (info.thread_id, info.state.value, info.created_at, row)
        self._work.put(_Work((THREAD_KEPT, values)))

    def open_approval(self, approval: Approval) -> None:
        """Keep that something was asked."""
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
        self._work.put(_Work((APPROVAL_OPENED, values)))

    def resolve_approval(self, resolved: ev.ApprovalResolved, *, at: float) -> None:
        """Keep how an approval ended."""
        self._work.put(_Work((APPROVAL_RESOLVED, _resolution(resolved, at))))

    async def decide(self, resolved: ev.ApprovalResolved, *, at: float) -> None:
        """Keep a decision, and return when it is on the disk. Raises sqlite3.Error."""
        future: asyncio.Future[None] = self._loop.create_future()
        statement = (APPROVAL_RESOLVED, _resolution(resolved, at))
        self._work.put(_Work(statement, lambda error: self._tell(future, error)))
        await future

    async def close(self) -> None:
        """Write what is left, and close the file."""
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)

    def _prepare(self) -> None:
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            self._path.chmod(0o600)
            with sqlite3.connect(self._path, isolation_level=None) as database:
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version not in (0, VERSION):
                    raise ServerUnreachable(
                        f"{self._path} was written by another version of codextui "
                        f"(format {version}, this one knows {VERSION}): move it away"
                    )
                database.executescript(SCHEMA)
            database.close()
        except sqlite3.Error as error:
            raise ServerUnreachable(
                f"{self._path} cannot be used as journal ({error}): move it away"
            ) from error
        except OSError as error:
            raise ServerUnreachable(f"{self._path} cannot be made: {error.strerror}") from error

    def _write(self) -> None:
        """The thread: take all the work there is, and write it in one transaction."""
        database = sqlite3.connect(self._path, isolation_level=None)
        database.executescript(PREPARE)
        going = True
        while going:
            batch = [self._work.get()]
            while not self._work.empty() and len(batch) < 1_000:
                batch.append(self._work.get())
            going = None not in batch
            work = [item for item in batch if item is not None]
            if _execute(database, work) is not None:
                for item in work:  # one of them cannot be written: the others can
                    self._finish(item, _execute(database, [item]))
            else:
                for item in work:
                    self._finish(item, None)
        database.close()

    def _finish(self, item: _Work, error: Exception | None) -> None:
        if error is not None:
            self._call(functools.partial(self._trouble, error))
        if item.done is not None:
            item.done(error)

    def _tell(self, future: asyncio.Future[None], error: Exception | None) -> None:
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

    def _trouble(self, error: Exception) -> None:
        logger.error("the journal %s cannot be written: %s", self._path, error)
        if not self._troubled:
            self._troubled = True
            self.on_trouble(f"the journal {self._path} cannot be written: {error}")


def _execute(database: sqlite3.Connection, work: list[_Work]) -> Exception | None:
    """Write in one transaction: everything, or nothing and why."""
    try:
        database.execute("BEGIN")
        for item in work:
            database.execute(*item.statement)
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
    """None for what is not kept; where an event replaces an earlier one, what they share."""
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
