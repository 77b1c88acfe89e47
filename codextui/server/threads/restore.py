"""Restores the threads of an earlier server from its journal."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from msgspec import structs

from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.server.events.hub import EventHub
from codextui.server.store.history import JournalContents, read_thread_events
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.threads.turn_state import AT_REST, disconnected, with_usage

_SERVER_ENDED = "The server ended during the turn."
_SERVER_WAS_LOST = "the server ended"


def restore_threads(
    hub: EventHub, registry: ThreadRegistry, journal: Journal, contents: JournalContents
) -> None:
    """Add the threads of the journal and publish their events; what was running is lost.

    The threads are loaded into Codex when they are needed.
    """
    for info in contents.threads:
        registry.restore(ThreadRecord(_with_own_usage(_at_rest(info))))
    for past in contents.events:
        hub.restore(past.thread_id, past.turn_id, past.msg, past.at)
    _restore_approvals(hub, journal, contents)
    for info in contents.threads:
        if _had_turn(info):
            aborted = with_usage(ev.TurnAborted("lost", _SERVER_ENDED), info)
            hub.publish(info.thread_id, info.turn_id, aborted)
        if info.state is not ThreadState.KILLED:
            registry.republish(info.thread_id)


async def read_events(hub: EventHub, journal: Path, record: ThreadRecord) -> list[ev.Event]:
    """Return the events of a thread, in order, from the log or else from the journal.

    Events from the journal, whose sequence numbers mean nothing any more, have the number 0.

    Raises:
        ServerRefused: the journal cannot be read.
    """
    thread_id = record.thread_id
    if hub.has_history(thread_id):
        return hub.events_of(thread_id)
    try:
        stored = await asyncio.to_thread(read_thread_events, journal, thread_id)
    except sqlite3.Error as error:
        raise ServerRefused(f"the journal {journal} cannot be read: {error}") from error
    return [ev.Event(0, past.thread_id, past.turn_id, past.at, past.msg) for past in stored]


def _restore_approvals(hub: EventHub, journal: Journal, contents: JournalContents) -> None:
    """Reconcile the ends of approvals in the audit log with those in the events.

    The server may have died after writing only one of them. An approval that has no end in either
    is lost; that of another program's thread is left to it.
    """
    for approval, resolved in contents.unreported:
        hub.publish(approval.thread_id, approval.turn_id, resolved)
    reported = {
        past.msg.approval_id: past.msg
        for past in contents.events
        if isinstance(past.msg, ev.ApprovalResolved)
    }
    for approval in contents.open_approvals:
        now = time.time()
        end = reported.get(approval.approval_id)
        waited = max(0.0, now - approval.asked_at)
        if end is None and approval.origin:  # its program still asks, and so will Codex here
            end = ev.ApprovalResolved(approval.approval_id, "left", waited=waited)
        elif end is None:
            end = ev.ApprovalResolved(
                approval.approval_id, "lost", message=_SERVER_WAS_LOST, waited=waited
            )
            hub.publish(approval.thread_id, approval.turn_id, end)
        journal.record_resolution(approval, end, at=now)


def _at_rest(info: ThreadInfo) -> ThreadInfo:
    if info.kind is not ThreadKind.CODEX:
        return disconnected(info)
    if info.state is ThreadState.KILLED or not info.state.has_turn:
        return structs.replace(info, **AT_REST)
    return structs.replace(info, state=ThreadState.INTERRUPTED, **AT_REST, note=_SERVER_ENDED)


def _with_own_usage(info: ThreadInfo) -> ThreadInfo:
    """Return the info of a journal in which Codex's own count was taken for what was used."""
    if info.kind is not ThreadKind.CODEX or info.codex_usage is not None:
        return info
    usage = info.usage if info.usage.is_call else Usage()
    return structs.replace(info, usage=usage, codex_usage=info.usage)


def _had_turn(info: ThreadInfo) -> bool:
    """Return whether a turn was running, which a role may have paused in."""
    held = info.kind is not ThreadKind.CODEX and info.state is not ThreadState.KILLED
    return (held or info.state.has_turn) and info.turn_started_at is not None
