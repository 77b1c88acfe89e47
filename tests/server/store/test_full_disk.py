"""The journal on a disk without room: a decision fails, everything else is written later."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from contract.serving import until
from server.store.small_disk import SmallDisk, small_disk

from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.store.history import read_journal
from codextui.server.store.journal import Journal

APPROVAL = Approval("a1", "t", "u", "i", "codex-1", 10.0, CommandAsked("make"))
APPROVED = ev.ApprovalResolved("a1", "approved", by="me", waited=2.5)
RETRY_S = 0.05


@pytest.fixture(params=["real", "injected"])
def disk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SmallDisk]:
    if request.param == "injected":
        monkeypatch.setenv("PATH", "")
    with small_disk(tmp_path / "disk", monkeypatch) as disk:
        if request.param == "real" and not disk.is_real:
            pytest.skip("nothing can be mounted here")
        yield disk


@pytest.fixture
def path(disk: SmallDisk) -> Path:
    return disk.folder / "journal.sqlite"


async def failing(journal: Journal) -> None:
    await until(lambda: journal.problem != "")


async def working(journal: Journal) -> None:
    await until(lambda: journal.problem == "")


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT approval_id, outcome, by FROM approvals").fetchall()


def event(number: int) -> ev.Event:
    return ev.Event(number, "t", "u", 5.0, ev.Warned(f"{number} " + 5_000 * "x"))


async def test_a_decision_that_there_is_no_room_for_fails_and_is_not_made_later(
    disk: SmallDisk, path: Path
):
    journal = Journal(path, retry_s=RETRY_S)
    disk.fill()
    journal.record_approval(APPROVAL)
    with pytest.raises(sqlite3.Error, match=r"full|I/O"):
        await journal.record_decision(APPROVAL, APPROVED, at=12.5)
    disk.free()
    await working(journal)
    await journal.close()
    assert rows(path) == [("a1", None, None)]
    assert read_journal(path).open_approvals == (APPROVAL,)


async def test_a_decision_is_whole_where_there_was_no_room_for_what_was_asked(
    disk: SmallDisk, path: Path
):
    journal = Journal(path, retry_s=3600)
    disk.fill()
    journal.record_approval(APPROVAL)
    await failing(journal)
    disk.free()
    await journal.record_decision(APPROVAL, APPROVED, at=12.5)
    assert rows(path) == [("a1", "approved", "me")]
    await journal.close()
    assert rows(path) == [("a1", "approved", "me")]


async def test_what_there_was_no_room_for_is_written_when_there_is(disk: SmallDisk, path: Path):
    journal = Journal(path, retry_s=RETRY_S)
    reported: list[str] = []
    journal.on_error = reported.append
    disk.fill()
    for state in (ThreadState.RUNNING, ThreadState.NEEDS_INPUT, ThreadState.IDLE):
        journal.record_thread(ThreadInfo("t", "codex-1", state))
    for number in range(20):
        journal.record_event(event(number))
    await failing(journal)
    disk.free()
    await working(journal)
    assert [info.state for info in read_journal(path).threads] == [ThreadState.IDLE]
    stored = [past.msg for past in read_journal(path).events]
    assert stored == [event(number).msg for number in range(20)]
    assert ["cannot be written" in reported[0], "nothing is missing" in reported[1]] == [True, True]
    disk.fill()
    journal.record_thread(ThreadInfo("u", "codex-2", ThreadState.IDLE, brief=50_000 * "x"))
    journal.record_event(event(20))
    await failing(journal)
    assert len(reported) == 3
    disk.free()
    await journal.close()
    assert [info.handle for info in read_journal(path).threads] == ["codex-1", "codex-2"]


async def test_the_latest_state_of_a_thread_wins_however_the_writes_fail(
    disk: SmallDisk, path: Path
):
    journal = Journal(path, retry_s=RETRY_S)
    disk.fill()
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.RUNNING, brief=50_000 * "x"))
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.IDLE))
    await failing(journal)
    disk.free()
    await working(journal)
    await journal.close()
    assert [info.state for info in read_journal(path).threads] == [ThreadState.IDLE]


async def test_the_oldest_events_go_where_too_many_wait_and_their_number_is_told(
    disk: SmallDisk, path: Path
):
    journal = Journal(path, retry_s=RETRY_S, max_deferred_events=3)
    reported: list[str] = []
    journal.on_error = reported.append
    disk.fill()
    for number in range(10):
        journal.record_event(event(number))
    journal.record_thread(ThreadInfo("t", "codex-1", ThreadState.IDLE))
    await failing(journal)
    await asyncio.sleep(3 * RETRY_S)
    disk.free()
    await working(journal)
    await journal.close()
    stored = [past.msg for past in read_journal(path).events]
    lost = 10 - len(stored)
    assert stored[-3:] == [event(number).msg for number in range(7, 10)]
    assert f"{lost} events are missing" in reported[-1]


async def test_a_decision_is_made_once_and_that_it_was_lost_is_noted_beside_it(path: Path):
    journal = Journal(path)
    journal.record_approval(APPROVAL)
    await journal.record_decision(APPROVAL, APPROVED, at=12.5)
    with pytest.raises(sqlite3.IntegrityError, match="decided before"):
        await journal.record_decision(APPROVAL, ev.ApprovalResolved("a1", "denied"), at=13.0)
    journal.record_loss("a1", at=14.0)
    await journal.close()
    with closing(sqlite3.connect(path)) as database:
        (row,) = database.execute("SELECT outcome, by, lost_at FROM approvals").fetchall()
        assert row == ("approved", "me", 14.0)
        for change in (
            "DELETE FROM approvals",
            "UPDATE approvals SET outcome = 'denied'",
            "UPDATE approvals SET by = 'somebody'",
            "UPDATE approvals SET asked = '{}'",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(change)


async def test_a_server_does_not_start_on_a_full_disk_and_says_so(disk: SmallDisk, path: Path):
    if not disk.is_real:
        pytest.skip("needs a real disk")
    disk.fill()
    with pytest.raises(ServerUnreachable, match=r"full.*: make room on its disk"):
        Journal(path)
    disk.free()
    journal = Journal(path)
    assert journal.notice == ""
    await journal.close()


async def test_nothing_is_decided_where_the_file_was_moved_away(path: Path):
    journal = Journal(path)
    other = Approval("a2", "t", "u", "i", "codex-1", 10.0, CommandAsked("make"))
    await journal.record_decision(other, ev.ApprovalResolved("a2", "denied"), at=12.5)
    path.rename(path.with_suffix(".old"))
    with pytest.raises(sqlite3.Error, match="moved or deleted"):
        await journal.record_decision(APPROVAL, APPROVED, at=12.5)
    assert "moved or deleted" in journal.problem
    path.with_suffix(".old").rename(path)
    await journal.record_decision(APPROVAL, APPROVED, at=12.5)
    await working(journal)
    await journal.close()
    assert rows(path) == [("a2", "denied", ""), ("a1", "approved", "me")]


async def test_an_emptied_file_is_no_new_journal(path: Path):
    journal = Journal(path)
    assert journal.notice == ""
    journal.record_approval(APPROVAL)
    await journal.close()
    path.with_name("journal.sqlite.v1.bak").touch()
    path.write_bytes(b"")
    journal = Journal(path)
    assert "was an empty file" in journal.notice
    assert "journal.sqlite.v1.bak" in journal.notice
    await journal.close()
    journal = Journal(path)
    assert journal.notice == ""
    await journal.close()


async def test_numbers_of_approvals_are_not_given_again_where_rows_are_missing(path: Path):
    journal = Journal(path)
    journal.record_approval(Approval("a7", "t", "u", "i", "codex-1", 10.0, CommandAsked("make")))
    await journal.close()
    assert read_journal(path).last_approval == 7
