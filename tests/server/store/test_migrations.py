from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.store.history import KILLED_RETENTION_S, read_journal, read_thread_events
from codextui.server.store.journal import Journal
from codextui.server.store.migrations import MIGRATIONS, migrate

CURRENT = len(MIGRATIONS)

VERSION_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS threads (
  thread_id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  created_at REAL NOT NULL,
  row TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slot TEXT UNIQUE,
  thread_id TEXT NOT NULL,
  turn_id TEXT NOT NULL,
  at REAL NOT NULL,
  msg TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_thread ON events (thread_id, id);
CREATE TABLE IF NOT EXISTS approvals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  approval_id TEXT UNIQUE NOT NULL,
  thread_id TEXT NOT NULL,
  turn_id TEXT NOT NULL,
  handle TEXT NOT NULL,
  kind TEXT NOT NULL,
  asked TEXT NOT NULL,
  asked_at REAL NOT NULL,
  outcome TEXT,
  by TEXT,
  message TEXT,
  waited REAL,
  resolved_at REAL
);
PRAGMA user_version = 1;
"""
"""The schema of version 1, as the first release had it in `server/journal_schema.py`."""

ASKED = (
    '{"approval_id":"%s","thread_id":"t","turn_id":"u","item_id":"i","handle":"codex-1",'
    '"asked_at":10.0,"asked":{"command":"make","cwd":"/work","reason":"","parsed":[],"rule":[],'
    '"network":"","permissions":{},"stdin":false},"kind":"command"}'
)
THREAD = (
    '{"thread_id":"%s","handle":"%s","state":"%s","client":"console","cwd":"/work",'
    '"created_at":1.0,"turn_id":"u"}'
)
DECISIONS = [
    ("a1", "approved_for_session", "console", "", 2.5, 12.5),
    ("a2", "denied", "codextui", "Nobody was there to decide, so it was declined.", 0.0, 13.0),
    ("a3", None, None, None, None, None),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "default.sqlite"


def write_version_1(path: Path) -> None:
    """Write two threads and three approvals as the first release wrote them."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
        for thread_id, handle, state in (("t", "backend", "idle"), ("k", "gone", "killed")):
            row = THREAD % (thread_id, handle, state)
            database.execute("INSERT INTO threads VALUES (?, ?, 1.0, ?)", (thread_id, state, row))
            done = '{"type":"task_complete","last_agent_message":"Done."}'
            database.execute(
                "INSERT INTO events (thread_id, turn_id, at, msg) VALUES (?, 'u', 5, ?)",
                (thread_id, done),
            )
        for approval_id, *decision in DECISIONS:
            database.execute(
                "INSERT INTO approvals (approval_id, thread_id, turn_id, handle, kind, asked,"
                " asked_at, outcome, by, message, waited, resolved_at)"
                " VALUES (?, 't', 'u', 'codex-1', 'command', ?, 10.0, ?, ?, ?, ?, ?)",
                (approval_id, ASKED % approval_id, *decision),
            )
        database.commit()
    path.chmod(0o600)


def decisions(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "SELECT approval_id, outcome, by, message, waited, resolved_at FROM approvals"
            " ORDER BY id"
        ).fetchall()


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def schema(path: Path) -> set[Any]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(kind, name, " ".join(str(sql).split())) for kind, name, sql in rows}


def test_a_new_file_gets_the_current_version_and_no_copy(path: Path):
    migrate(path)
    assert version(path) == CURRENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_file_of_the_first_release_is_found_again_with_its_decisions(path: Path):
    write_version_1(path)
    journal = Journal(path)
    assert version(path) == CURRENT
    assert decisions(path) == DECISIONS
    contents = read_journal(path)
    assert [info.handle for info in contents.threads] == ["backend", "gone"]
    assert [event.msg for event in contents.events] == [ev.TurnCompleted("Done.")]
    assert [approval.approval_id for approval in contents.open_approvals] == ["a3"]
    assert contents.open_approvals[0].asked == CommandAsked("make", "/work")
    assert contents.last_approval == 3
    await journal.record_decision(
        contents.open_approvals[0], ev.ApprovalResolved("a3", "denied", by="me"), at=20.0
    )
    journal.record_approval(Approval("a4", "t", "u", "i", "b", 1.0, CommandAsked("make")))
    journal.record_thread(ThreadInfo("t", "backend", ThreadState.RUNNING))
    await journal.close()
    assert decisions(path)[:2] == DECISIONS[:2]
    assert [row[:3] for row in decisions(path)[2:]] == [("a3", "denied", "me"), ("a4", None, None)]
    assert read_journal(path).threads[0].state is ThreadState.RUNNING


def test_a_migrated_file_has_the_tables_and_indexes_of_a_new_one(path: Path, tmp_path: Path):
    write_version_1(path)
    migrate(path)
    migrate(tmp_path / "new.sqlite")
    with (
        closing(sqlite3.connect(path)) as old,
        closing(sqlite3.connect(tmp_path / "new.sqlite")) as new,
    ):
        for table in ("threads", "events", "approvals"):
            columns = f"PRAGMA table_info({table})"
            assert old.execute(columns).fetchall() == new.execute(columns).fetchall()
    assert {name for _, name, _ in schema(path)} == {
        name for _, name, _ in schema(tmp_path / "new.sqlite")
    }


def write_version_2(path: Path) -> None:
    """Write what the first release wrote, brought to version 2 and with a later decision."""
    write_version_1(path)
    migrate(path, MIGRATIONS[:2])
    path.with_name(f"{path.name}.v1.bak").unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE approvals SET outcome = 'lost' WHERE approval_id = 'a1'")
        database.commit()


async def test_version_2_gets_an_audit_log_that_is_never_rewritten(path: Path):
    write_version_2(path)
    before = decisions(path)
    migrate(path)
    assert version(path) == CURRENT
    assert decisions(path) == before
    assert path.with_name("default.sqlite.v2.bak").exists()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT DISTINCT lost_at FROM approvals").fetchall() == [(None,)]
        for change in ("DELETE FROM approvals", "UPDATE approvals SET outcome = 'denied'"):
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(change)
    journal = Journal(path)
    (open_approval,) = read_journal(path).open_approvals
    await journal.record_decision(open_approval, ev.ApprovalResolved("a3", "denied"), at=20.0)
    await journal.close()
    assert decisions(path)[2][:2] == ("a3", "denied")


async def test_version_3_gets_corrections_which_are_made_once_and_leave_the_decision(path: Path):
    write_version_2(path)
    migrate(path, MIGRATIONS[:3])
    before = decisions(path)
    migrate(path)
    assert (version(path), decisions(path)) == (CURRENT, before)
    journal = Journal(path)
    (approval,) = read_journal(path).open_approvals
    await journal.record_decision(approval, ev.ApprovalResolved("a3", "approved"), at=20.0)
    journal.record_correction(ev.ApprovalCorrected("a3", "declined"), at=21.0)
    journal.record_correction(ev.ApprovalCorrected("a3", "approved"), at=22.0)
    await journal.close()
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT outcome, carried_out, corrected_at FROM approvals WHERE approval_id = 'a3'"
        assert database.execute(query).fetchall() == [("approved", "declined", 21.0)]


def test_the_old_file_is_copied_first_for_its_user_alone(path: Path):
    write_version_1(path)
    migrate(path)
    copy = path.with_name("default.sqlite.v1.bak")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert version(copy) == 1
    assert decisions(copy) == DECISIONS
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, copy.name]
    migrate(path)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, copy.name]


def test_the_copy_has_what_a_killed_server_left_in_the_write_ahead_log(path: Path):
    write_version_1(path)
    program = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute(\"UPDATE approvals SET outcome = 'denied' WHERE approval_id = 'a3'\")\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, path], check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    migrate(path)
    for file in (path, path.with_name("default.sqlite.v1.bak")):
        assert decisions(file)[2][:2] == ("a3", "denied")


def test_a_copy_that_was_interrupted_is_made_again(path: Path):
    write_version_1(path)
    path.with_name("default.sqlite.v1.bak.partial").write_text("half a copy")
    migrate(path)
    copy = path.with_name("default.sqlite.v1.bak")
    assert decisions(copy) == DECISIONS
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, copy.name]


def test_a_copy_is_never_overwritten(path: Path):
    earlier = path.with_name("default.sqlite.v1.bak")
    earlier.write_text("an earlier journal")
    write_version_1(path)
    migrate(path)
    assert earlier.read_text() == "an earlier journal"
    assert decisions(path.with_name("default.sqlite.v1.2.bak")) == DECISIONS


def test_the_events_of_threads_killed_before_the_migration_are_retained_from_now_on(path: Path):
    write_version_1(path)
    migrate(path)
    read_journal(path, now=time.time() + KILLED_RETENTION_S - 60)
    assert len(read_thread_events(path, "k")) == 1
    read_journal(path, now=time.time() + KILLED_RETENTION_S + 60)
    assert read_thread_events(path, "k") == ()
    assert decisions(path) == DECISIONS


CRASHING = """
import os, pathlib, sys
from codextui.server.store import migrations
def crash(database):
    migrations.MIGRATIONS[1](database)
    database.execute("DELETE FROM approvals")
    os._exit(9)
migrations.migrate(pathlib.Path(sys.argv[1]), (migrations.MIGRATIONS[0], crash))
"""


def test_a_crash_in_the_middle_of_a_migration_loses_nothing(path: Path):
    write_version_1(path)
    crashed = subprocess.run([sys.executable, "-c", CRASHING, path], check=False)
    assert crashed.returncode == 9
    assert version(path) == 1
    assert decisions(path) == DECISIONS
    migrate(path)
    assert version(path) == CURRENT
    assert decisions(path) == DECISIONS


def test_a_migration_that_fails_changes_nothing_and_says_so(path: Path):
    def fail(database: sqlite3.Connection) -> None:
        MIGRATIONS[1](database)
        database.execute("DELETE FROM approvals")
        raise sqlite3.OperationalError("database or disk is full")

    write_version_1(path)
    with pytest.raises(ServerUnreachable, match=r"from version 1 to 2 .*disk is full.* is lost"):
        migrate(path, (MIGRATIONS[0], fail))
    assert version(path) == 1
    assert decisions(path) == DECISIONS
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_versions_before_a_failed_migration_are_reached(path: Path):
    def fail(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("no")

    write_version_1(path)
    with pytest.raises(ServerUnreachable, match="nothing in it is lost"):
        migrate(path, (*MIGRATIONS, fail))
    assert version(path) == CURRENT
    assert decisions(path) == DECISIONS
    assert decisions(path.with_name("default.sqlite.v1.bak")) == DECISIONS


def test_the_creation_of_a_file_can_be_interrupted(path: Path):
    tables = VERSION_1.partition("CREATE TABLE IF NOT EXISTS approvals")[0]
    with closing(sqlite3.connect(path)) as database:
        database.executescript(tables)  # as the first release did, without a transaction
    migrate(path)
    assert version(path) == CURRENT
    assert read_journal(path).last_approval == 0


def test_a_file_of_a_newer_release_is_left_alone(path: Path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE decisions (what TEXT)")
        database.execute("PRAGMA user_version = 99")
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(ServerUnreachable) as refused:
        migrate(path)
    for words in (str(path), "version 99", f"up to {CURRENT}", "update codextui", "move the file"):
        assert words in str(refused.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_is_not_a_journal_is_refused_in_a_sentence(path: Path):
    path.write_text("this is no database, but it is long enough to be looked at\n" * 100)
    with pytest.raises(ServerUnreachable, match="cannot be used as journal"):
        migrate(path)


def test_a_folder_that_does_not_exist_is_named(path: Path):
    with pytest.raises(ServerUnreachable, match=r"gone/default\.sqlite cannot be made"):
        migrate(path.parent / "gone" / path.name)
