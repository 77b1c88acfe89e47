"""Checks the journal, and reads from it how turns, waits and threads were; changes nothing."""

from __future__ import annotations

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from codextui.config import paths
from codextui.config.files import is_held
from codextui.doctor.findings import Finding, Place, Severity, fine
from codextui.doctor.machine import Machine
from codextui.server.store.decision_log import UNATTENDED_REASON
from codextui.server.store.migrations import MIGRATIONS

LOOK_S = 1.0
"""Seconds that are spent on looking for damage, and as many on reading the turns."""

_STEPS = 20_000

_SELECT_TURNS = """
SELECT thread_id, turn_id, at, substr(msg, 1, 24) FROM events
WHERE thread_id NOT LIKE 'run:%' AND (
  msg LIKE '{"type":"task_started"%' OR msg LIKE '{"type":"task_complete"%'
  OR msg LIKE '{"type":"turn_aborted"%'
  OR (length(msg) < 500 AND msg LIKE '%"type":"contextCompaction"%')
) ORDER BY id
"""

_SELECT_HANDLES = "SELECT thread_id, json_extract(row, '$.handle'), state FROM threads"

_SELECT_LONGEST_WAIT = """
SELECT coalesce(max(waited), 0) FROM approvals
WHERE outcome IN ('approved', 'approved_for_session', 'approved_always', 'denied', 'answered')
AND by != '' AND coalesce(message, '') NOT LIKE ?
"""

_SELECT_UNATTENDED = "SELECT count(*) FROM approvals WHERE message LIKE ?"


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn that has ended, or the compaction of a thread's history.

    Attributes:
        thread_id: its thread.
        started_at: unix seconds.
        ended_at: unix seconds; that of the start for a compaction.
        is_compaction: whether it is no turn.
    """

    thread_id: str
    started_at: float
    ended_at: float
    is_compaction: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What a journal tells of the days before.

    Attributes:
        turns: turns and compactions, in the order in which they ended.
        handles: the handles of threads that were not killed, by thread id.
        longest_wait_s: the longest that somebody took who decided.
        unattended: approvals that were declined because nobody was there.
    """

    turns: tuple[PastTurn, ...] = ()
    handles: dict[str, str] | None = None
    longest_wait_s: float = 0.0
    unattended: int = 0

    @property
    def longest_turn_s(self) -> float:
        """How long the longest turn took; 0 where there was none."""
        return max((turn.ended_at - turn.started_at for turn in self.turns), default=0.0)


def check_journal(machine: Machine) -> Iterator[Finding]:
    """Check that this codextui can read the journal, and that it is not damaged."""
    path = journal_location(machine)
    if not path.exists():
        yield fine("journal", "there is no journal yet")
        return
    if not path.is_file():
        yield _damaged(path, "it is no file")
        return
    if path.stat().st_size == 0:
        yield Finding(
            Severity.PROBLEM,
            "journal",
            "the journal is an empty file: what was in it is lost",
            Place(path),
            advice=f"Copies of earlier versions, if any, are {path.name}.v*.bak beside it.",
            command=f"ls -l {shlex.quote(str(path.parent))}",
        )
        return
    if not os.access(path, os.W_OK):
        yield Finding(
            Severity.PROBLEM,
            "journal",
            "the journal is read-only: nothing can be decided, and nothing new is saved",
            Place(path),
            command=f"chmod u+w {shlex.quote(str(path))}",
        )
        return
    try:
        with open_journal(path, is_in_use=_is_in_use(machine)) as database:
            yield _check_database(path, database)
    except sqlite3.Error as error:
        yield _damaged(path, str(error))


def _check_database(path: Path, database: sqlite3.Connection) -> Finding:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    current = len(MIGRATIONS)
    if version > current:
        return Finding(
            Severity.PROBLEM,
            "journal",
            f"the journal is of a newer codextui (version {version}; this one knows up to "
            f"{current}): no server starts with it",
            Place(path),
            advice="Update codextui, or move the file away to begin with an empty journal.",
            command=_move(path, "newer"),
        )
    damage, is_whole = _find_damage(database)
    if damage := damage or _find_absence(database, version):
        return _damaged(path, damage)
    size = f"{path.stat().st_size / 1024 / 1024:.1f} MB"
    extent = "the journal is sound"
    if not is_whole:
        extent = f"nothing wrong with the journal was seen in {LOOK_S:g} s"
    older = "" if version == current else f"; version {version}, which the next server migrates"
    return fine("journal", f"{extent}, {size}{older}", path)


def _find_damage(database: sqlite3.Connection) -> tuple[str, bool]:
    """Return what SQLite finds wrong, empty for nothing, and whether it has seen the whole file."""
    try:
        with _within(database, LOOK_S):
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return "", False
        raise
    return ("" if found == "ok" else str(found)), True


def _find_absence(database: sqlite3.Connection, version: int) -> str:
    """Return what a journal of that version has and this database has not; empty for nothing."""
    with closing(sqlite3.connect(":memory:")) as model:
        for change in MIGRATIONS[:version]:
            change(model)
        wanted = _columns(model)
    found = _columns(database)
    for table, columns in wanted.items():
        if table not in found:
            return f"it has no table {table}"
        if missing := columns - found[table]:
            return f"its table {table} has no {', '.join(sorted(missing))}"
    return ""


def _columns(database: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the names of the columns by table."""
    tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    select = "SELECT name FROM pragma_table_info(?)"
    return {table: {name for (name,) in database.execute(select, (table,))} for (table,) in tables}


def _damaged(path: Path, what: str) -> Finding:
    return Finding(
        Severity.PROBLEM,
        "journal",
        f"the journal cannot be used: {' '.join(what.split())}",
        Place(path),
        advice="End the server, and move the file away: the next one begins with an empty "
        "journal. Codex's own history of the threads is not in it.",
        command=_move(path, "damaged"),
    )


def _move(path: Path, ending: str) -> str:
    return shlex.join(["mv", str(path), f"{path}.{ending}"])


def journal_location(machine: Machine) -> Path:
    """Return the journal's path; nothing is made."""
    return paths.state_location() / f"{machine.server}.sqlite"


def read_past(machine: Machine) -> Past:
    """Read the turns, waits and threads of a journal; nothing where it cannot be read."""
    path = journal_location(machine)
    if not path.is_file():
        return Past()
    try:
        is_in_use = _is_in_use(machine)
        with open_journal(path, is_in_use=is_in_use) as database, _within(database, LOOK_S):
            return _read_past(database)
    except sqlite3.Error:
        return Past()


def _read_past(database: sqlite3.Connection) -> Past:
    begun = f"{UNATTENDED_REASON}%"
    (wait,) = database.execute(_SELECT_LONGEST_WAIT, (begun,)).fetchone()
    (unattended,) = database.execute(_SELECT_UNATTENDED, (begun,)).fetchone()
    handles = {
        thread_id: str(handle)
        for thread_id, handle, state in database.execute(_SELECT_HANDLES)
        if state != "killed"
    }
    turns = tuple(_pair_turns(database.execute(_SELECT_TURNS)))
    return Past(turns, handles, float(wait), int(unattended))


def _pair_turns(rows: Iterator[tuple[str, str, float, str]]) -> Iterator[PastTurn]:
    started: dict[tuple[str, str], float] = {}
    for thread_id, turn_id, at, head in rows:
        if "task_started" in head:
            started[thread_id, turn_id] = at
        elif "item_completed" in head:
            yield PastTurn(thread_id, at, at, is_compaction=True)
        elif (begun := started.pop((thread_id, turn_id), None)) is not None:
            yield PastTurn(thread_id, begun, max(begun, at))


@contextmanager
def open_journal(path: Path, *, is_in_use: bool) -> Iterator[sqlite3.Connection]:
    """Open a journal so that nothing beside it is made or changed.

    SQLite makes files beside a journal even to read it, unless it is told that nobody writes.
    """
    log = path.with_name(f"{path.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0
    mode = "mode=ro" if is_in_use or has_log else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as database:
        yield database


def _is_in_use(machine: Machine) -> bool:
    lock = paths.runtime_location() / f"{machine.server}.lock"
    try:
        return is_held(lock)
    except OSError:
        return True


@contextmanager
def _within(database: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Interrupt what the database does after some seconds."""
    until = time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)
