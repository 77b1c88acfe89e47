"""What the journal remembers of the server before this one."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from codextui.errors import MessageInvalid, ServerRefused
from codextui.jsonrpc.fields import as_object
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval
from codextui.protocol.events import Event, Msg, parse_msg
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.core import Core
from codextui.server.runs.runs import left_alone
from codextui.server.store import schema as sql
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import ThreadRecord

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
class Restored:
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


def recall(path: Path, *, now: float | None = None) -> Restored:
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
        return Restored(
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
        except (ValueError, MessageInvalid) as error:
            logger.warning("an event of %s in the journal cannot be read: %s", thread_id, error)
            continue
        events.append(PastEvent(thread_id, turn_id, at, parsed))
    return tuple(events)


def _parse_thread(row: str) -> ThreadInfo | None:
    try:
        return ThreadInfo.from_json(as_object(json.loads(row), "thread"))
    except (ValueError, MessageInvalid) as error:
        logger.warning("a thread in the journal cannot be read: %s", error)
        return None


def _parse_approval(row: str) -> Approval | None:
    try:
        return Approval.from_json(as_object(json.loads(row), "approval"))
    except (ValueError, MessageInvalid) as error:
        logger.warning("an approval in the journal cannot be read: %s", error)
        return None


_LOST = "The server ended during the turn."


def restore(core: Core, journal: Journal, memory: Restored) -> None:
    """Bring the threads back with their past; what was going on then is marked as lost.

    They are loaded into Codex when they are needed.
    """
    for info in memory.threads:
        core.registry.restore(ThreadRecord(_at_rest(info)))
    for past in memory.events:
        core.hub.restore(past.thread_id, past.turn_id, past.msg, past.at)
    for approval in memory.open_approvals:
        waited = max(0.0, time.time() - approval.asked_at)
        lost = ev.ApprovalResolved(approval.approval_id, "lost", waited=waited)
        journal.resolve_approval(lost, at=time.time())
        core.hub.publish(approval.thread_id, approval.turn_id, lost)
    for info in memory.threads:
        if _had_turn(info):
            aborted = ev.TurnAborted("lost", _LOST)
            core.hub.publish(info.thread_id, info.turn_id, aborted)
        if info.state is not ThreadState.KILLED:
            core.registry.tell_again(info.thread_id)


def _at_rest(info: ThreadInfo) -> ThreadInfo:
    if info.kind is not ThreadKind.CODEX:
        return left_alone(info)
    if info.state is ThreadState.KILLED or not info.state.has_turn:
        return structs.replace(info, turn_started_at=None, waits_for="")
    state = ThreadState.INTERRUPTED
    return structs.replace(info, state=state, turn_started_at=None, waits_for="", note=_LOST)


def _had_turn(info: ThreadInfo) -> bool:
    """Whether a turn ran. A role can be held in the middle of one."""
    held = info.kind is not ThreadKind.CODEX and info.state is not ThreadState.KILLED
    return (held or info.state.has_turn) and info.turn_started_at is not None


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
