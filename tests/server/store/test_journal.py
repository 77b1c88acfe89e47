from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from msgspec import structs

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.runs import Gate, Span, SpanKind, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.store.history import KILLED_RETENTION_S, read_journal, read_thread_events
from codextui.server.store.journal import Journal

APPROVAL = Approval("a1", "t", "u", "i", "codex-1", 10.0, CommandAsked("make"))


def event(msg: ev.Msg, thread_id: str = "t", turn_id: str = "u") -> ev.Event:
    return ev.Event(1, thread_id, turn_id, 5.0, msg)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


async def test_threads_and_their_events_are_restored(path: Path):
    journal = Journal(path)
    info = ThreadInfo("t", "backend", ThreadState.IDLE, created_at=1.0)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.RUNNING, created_at=1.0))
    journal.record_thread(info)
    item = ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "ä\n\x1b"})
    for msg in (ev.TurnStarted(), ev.TextDelta("i", "a"), item, ev.TurnCompleted("ä")):
        journal.record_event(event(msg))
    await journal.close()
    contents = read_journal(path)
    assert contents.threads == (info,)
    assert [past.msg for past in contents.events] == [
        ev.TurnStarted(),
        item,
        ev.TurnCompleted("ä"),
    ]
    assert {past.at for past in contents.events} == {5.0}


async def test_the_latest_diff_and_plan_of_each_turn_are_restored(path: Path):
    journal = Journal(path)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.IDLE))
    for number in range(3):
        journal.record_event(event(ev.DiffUpdated(f"diff {number}")))
    journal.record_event(event(ev.DiffUpdated("of another turn"), turn_id="v"))
    await journal.close()
    assert [past.msg for past in read_journal(path).events] == [
        ev.DiffUpdated("diff 2"),
        ev.DiffUpdated("of another turn"),
    ]


async def test_the_latest_gate_board_and_spans_are_restored(path: Path):
    journal = Journal(path)
    journal.record_thread(ThreadInfo("t", "bugs", ThreadState.RUNNING, kind=ThreadKind.RUN))
    board = ev.GatesChecked((Gate("spec.md", met=True),))
    one, other = Span("s1", "backend", SpanKind.MODEL), Span("s2", "tester", SpanKind.TOOL)
    ended = ev.SpanChanged(structs.replace(one, ended_at=5.0))
    for msg in (ev.GatesChecked(()), ev.SpanChanged(one), ev.SpanChanged(other), board, ended):
        journal.record_event(event(msg))
    await journal.close()
    assert [past.msg for past in read_journal(path).events] == [ev.SpanChanged(other), board, ended]


async def test_a_recorded_decision_is_on_the_disk(path: Path):
    journal = Journal(path)
    journal.record_approval(APPROVAL)
    resolved = ev.ApprovalResolved("a1", "denied", by="me", message="no", waited=2.5)
    await asyncio.wait_for(journal.record_decision(APPROVAL, resolved, at=12.5), 5)
    with sqlite3.connect(path) as database:
        row = database.execute(
            "SELECT kind, handle, outcome, by, message, waited, resolved_at FROM approvals"
        ).fetchone()
    assert row == ("command", "codex-1", "denied", "me", "no", 2.5, 12.5)
    database.close()
    await journal.close()


async def test_undecided_approvals_are_restored_as_open(path: Path):
    journal = Journal(path)
    journal.record_approval(APPROVAL)
    await journal.close()
    contents = read_journal(path)
    assert contents.open_approvals == (APPROVAL,)
    assert contents.last_approval == 1
    journal = Journal(path)
    journal.record_resolution(APPROVAL, ev.ApprovalResolved("a1", "lost"), at=1.0)
    await journal.close()
    assert read_journal(path).open_approvals == ()


async def test_the_events_of_a_killed_thread_are_retained_for_a_while_after_its_end(path: Path):
    journal = Journal(path, clock=lambda: 100.0)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.KILLED, created_at=-1e9))
    journal.record_event(event(ev.TurnStarted()))
    await journal.close()
    assert read_journal(path, now=101.0).events == ()
    assert len(read_thread_events(path, "t")) == 1
    assert len(read_journal(path, now=101.0 + KILLED_RETENTION_S).threads) == 1
    assert read_thread_events(path, "t") == ()


async def test_the_journal_is_private_to_its_user(path: Path):
    journal = Journal(path)
    journal.record_event(event(ev.TurnStarted()))
    await journal.close()
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


async def test_a_row_that_cannot_be_read_is_skipped(path: Path):
    journal = Journal(path)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.IDLE))
    journal.record_event(event(ev.TurnStarted()))
    await journal.close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO threads VALUES ('x', 'idle', 0, '{', 0)")
        database.execute("INSERT INTO events (thread_id, turn_id, at, msg) VALUES ('t','',0,'[]')")
    database.close()
    contents = read_journal(path)
    assert len(contents.threads) == len(contents.events) == 1


async def test_a_failed_write_is_reported_once_and_fails_no_other(path: Path):
    journal = Journal(path)
    troubles: list[str] = []
    journal.on_error = troubles.append
    journal.record_approval(APPROVAL)
    journal.record_approval(APPROVAL)  # the same id again cannot be kept
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.IDLE))
    await journal.record_decision(APPROVAL, ev.ApprovalResolved("a1", "denied"), at=1.0)
    journal.record_approval(APPROVAL)
    await journal.close()
    await asyncio.sleep(0)
    assert len(troubles) == 1
    assert len(read_journal(path).threads) == 1


async def test_recorded_parts_of_an_item_are_restored(path: Path):
    journal = Journal(path)
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.INTERRUPTED))
    for msg in (ev.TextDelta("i", "half a "), ev.TextDelta("i", "sentence")):
        journal.record_event(event(msg))
        journal.record_partial(event(msg))
    await journal.close()
    assert [past.msg for past in read_journal(path).events] == [
        ev.TextDelta("i", "half a "),
        ev.TextDelta("i", "sentence"),
    ]
