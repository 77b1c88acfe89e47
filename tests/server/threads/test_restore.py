from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.store.history import read_journal
from codextui.server.store.journal import Journal
from codextui.server.threads.registry import ThreadRegistry
from codextui.server.threads.restore import restore_threads

APPROVAL = Approval("a1", "t", "u", "i", "codex-1", 10.0, CommandAsked("make"))
DENIED = ev.ApprovalResolved("a1", "denied", by="me", message="no", waited=2.5)
LOST = "lost"


def event(msg: ev.Msg) -> ev.Event:
    return ev.Event(1, "t", "u", 5.0, msg)


async def die(path: Path, *, approval: bool, decision: bool, lost: bool, published: bool) -> None:
    """Write what a server had written when it died: each of these, or not."""
    journal = Journal(path)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.NEEDS_INPUT, turn_id="u"))
    if approval:
        journal.record_approval(APPROVAL)
    journal.record_event(event(ev.ApprovalAsked(APPROVAL)))
    if decision:
        await journal.record_decision(APPROVAL, DENIED, at=12.5)
    if lost:
        journal.record_loss("a1", at=13.0)
    if published:
        journal.record_event(event(DENIED))
    await journal.close()


async def restart(path: Path) -> list[ev.ApprovalResolved]:
    """Start a server on the journal, and return what it says became of the approval."""
    journal = Journal(path)
    hub = EventHub(record=journal.record_event)
    restore_threads(hub, ThreadRegistry(hub, journal), journal, read_journal(path))
    await journal.close()
    return [e.msg for e in hub.events_of("t") if isinstance(e.msg, ev.ApprovalResolved)]


@pytest.mark.parametrize(
    ("approval", "decision", "lost", "published", "outcome"),
    [
        (True, True, False, False, "denied"),  # the server died just after the decision
        (True, True, True, False, LOST),  # ... which had reached nobody
        (True, True, False, True, "denied"),
        (True, False, False, False, LOST),
        (True, False, False, True, "denied"),
        (False, False, False, False, LOST),  # the disk was full
    ],
)
async def test_the_audit_log_and_the_events_say_the_same_after_a_crash(
    tmp_path: Path, *, approval: bool, decision: bool, lost: bool, published: bool, outcome: str
):
    path = tmp_path / "journal.sqlite"
    await die(path, approval=approval, decision=decision, lost=lost, published=published)
    (resolved,) = await restart(path)
    assert resolved.outcome == outcome
    said = ("me", "no") if decision or published else ("", "the server ended")
    assert (resolved.by, resolved.message) == said
    with closing(sqlite3.connect(path)) as database:
        (row,) = database.execute("SELECT outcome, by, lost_at FROM approvals").fetchall()
    recorded = LOST if row[2] is not None else row[0]
    assert (recorded, row[1]) == (outcome, resolved.by)
    assert await restart(path) == [resolved]
    assert read_journal(path).open_approvals == ()


async def test_what_another_programs_thread_asked_before_a_crash_is_left_to_it(tmp_path: Path):
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.record_approval(structs.replace(APPROVAL, origin="Codex TUI"))
    await journal.close()
    assert await restart(path) == []
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT outcome, by FROM approvals").fetchall() == [("left", "")]
        assert database.execute("SELECT count(*) FROM events").fetchone() == (0,)
