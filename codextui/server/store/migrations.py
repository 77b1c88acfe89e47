"""The tables of the journal, and the migration of files that an older release wrote.

`PRAGMA user_version` holds the version of a file; 0 is a new one. Every migration raises it by one
within one transaction, so an interrupted migration leaves the version that was reached before, and
the next start goes on from there. New files take the same steps.

Before a file with content is migrated it is copied to `NAME.v<version>.bak`; no copy is ever
overwritten. A file of a newer release is not touched.

Rules for a new migration: append it, never change one that was released; delete nothing from
`approvals`, which is the audit log; add a test that migrates a file of the version before.
"""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from codextui.config.files import is_disk_full
from codextui.errors import ServerUnreachable

Migration: TypeAlias = Callable[[sqlite3.Connection], None]
"""Changes the tables by one version, within the transaction that `migrate` has begun."""

logger = logging.getLogger(__name__)


def _create_tables(database: sqlite3.Connection) -> None:
    """Version 1. `IF NOT EXISTS`: the first releases created these tables without a transaction."""
    database.execute("""
        CREATE TABLE IF NOT EXISTS threads (
          thread_id TEXT PRIMARY KEY,
          state TEXT NOT NULL,
          created_at REAL NOT NULL,
          row TEXT NOT NULL
        )
    """)
    database.execute("""
        CREATE TABLE IF NOT EXISTS events (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          slot TEXT UNIQUE,
          thread_id TEXT NOT NULL,
          turn_id TEXT NOT NULL,
          at REAL NOT NULL,
          msg TEXT NOT NULL
        )
    """)
    database.execute("CREATE INDEX IF NOT EXISTS events_of_thread ON events (thread_id, id)")
    database.execute("""
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
        )
    """)


def _add_update_times(database: sqlite3.Connection) -> None:
    """Version 2: when a thread changed last, and an index of the open approvals.

    The events of a killed thread are retained from its end on, not from its beginning, and a
    start no longer reads the whole audit log. When earlier threads were killed is not known, so
    their time begins now.
    """
    database.execute("ALTER TABLE threads ADD COLUMN updated_at REAL NOT NULL DEFAULT 0")
    database.execute("UPDATE threads SET updated_at = ?", (time.time(),))
    database.execute("CREATE INDEX open_approvals ON approvals (id) WHERE outcome IS NULL")


def _guard_decisions(database: sqlite3.Connection) -> None:
    """Version 3: an approval is decided once, and the audit log is never rewritten.

    That a decision reached nobody is noted beside it, in `lost_at`; before, it was written over
    who had decided what.
    """
    database.execute("ALTER TABLE approvals ADD COLUMN lost_at REAL")
    database.execute("""
        CREATE TRIGGER decided_once BEFORE UPDATE OF outcome, by, message, waited, resolved_at
        ON approvals WHEN OLD.outcome IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'this approval was decided before'); END
    """)
    database.execute("""
        CREATE TRIGGER asked_once
        BEFORE UPDATE OF approval_id, thread_id, turn_id, handle, kind, asked, asked_at
        ON approvals
        BEGIN SELECT RAISE(ABORT, 'what was asked is not changed afterwards'); END
    """)
    database.execute("""
        CREATE TRIGGER kept_for_good BEFORE DELETE ON approvals
        BEGIN SELECT RAISE(ABORT, 'nothing is deleted from the audit log'); END
    """)


def _add_corrections(database: sqlite3.Connection) -> None:
    """Version 4: that another client's answer came before a decision, and what it was.

    It is noted beside the decision, once: what Codex carried out (`ApprovalCorrected`).
    """
    database.execute("ALTER TABLE approvals ADD COLUMN carried_out TEXT")
    database.execute("ALTER TABLE approvals ADD COLUMN corrected_at REAL")
    database.execute("""
        CREATE TRIGGER corrected_once BEFORE UPDATE OF carried_out, corrected_at
        ON approvals WHEN OLD.carried_out IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'this decision was corrected before'); END
    """)


MIGRATIONS: tuple[Migration, ...] = (
    _create_tables,
    _add_update_times,
    _guard_decisions,
    _add_corrections,
)
"""The migration to version 1, to version 2, and so on."""


def migrate(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Create the journal at `path` (mode 0600), or bring it to the current version in place.

    Blocks: a large file takes seconds.

    Raises:
        ServerUnreachable: the file cannot be used, or is of a newer release. It is unchanged.
    """
    is_new = not path.exists()
    try:
        _create_private(path)
        database = sqlite3.connect(path, isolation_level=None)
        try:
            _migrate(database, path, migrations)
        finally:
            database.close()
    except sqlite3.Error as error:
        if is_new and path.stat().st_size == 0:
            path.unlink()  # or the next start takes it for a journal that was emptied
        raise unusable(path, error) from error
    except OSError as error:
        verb = "written" if path.exists() else "made"
        raise ServerUnreachable(f"{path} cannot be {verb}: {error.strerror}") from error


def unusable(path: Path, error: sqlite3.Error) -> ServerUnreachable:
    """Return the error to raise where the journal at `path` cannot be used, and what to do."""
    advice = "make room on its disk" if is_disk_full(path) else "move it away"
    return ServerUnreachable(f"{path} cannot be used as journal ({error}): {advice}")


def _migrate(database: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    version, current = _version(database), len(migrations)
    if version > current:
        raise ServerUnreachable(
            f"the journal {path} is of a newer codextui (version {version}, this codextui knows "
            f"up to {current}), and was left as it is: update codextui, or move the file away to "
            "start with an empty journal"
        )
    if 0 < version < current:
        _migrate_old(database, path, version, migrations)
    else:
        database.execute("PRAGMA journal_mode = WAL")
        _run(database, version, migrations)


def _migrate_old(
    database: sqlite3.Connection, path: Path, version: int, migrations: Sequence[Migration]
) -> None:
    backup = _back_up(database, path, version)
    logger.info("the journal %s (version %d) was copied to %s", path, version, backup)
    try:
        _run(database, version, migrations)
    except sqlite3.Error as error:
        if _version(database) == version:
            backup.unlink()  # nothing has changed: the next start makes a copy of its own
        raise ServerUnreachable(
            f"the journal {path} could not be migrated from version {version} to "
            f"{len(migrations)} ({error}); nothing in it is lost"
        ) from error
    logger.info("the journal %s was migrated to version %d", path, len(migrations))


def _run(database: sqlite3.Connection, version: int, migrations: Sequence[Migration]) -> None:
    for number, migration in enumerate(migrations[version:], start=version + 1):
        _step(database, migration, number)


def _step(database: sqlite3.Connection, migration: Migration, version: int) -> None:
    """Migrate to `version` completely or, where it fails, not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        migration(database)
        database.execute(f"PRAGMA user_version = {version}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _back_up(database: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy the journal, with what is in its write-ahead log, and return the copy's path."""
    partial = path.with_name(f"{path.name}.v{version}.bak.partial")
    partial.unlink(missing_ok=True)  # of a start that was interrupted
    _create_private(partial)
    copy = sqlite3.connect(partial)
    try:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    finally:
        copy.close()
    backup = _unused_name(path, version)
    partial.rename(backup)
    return backup


def _unused_name(path: Path, version: int) -> Path:
    names = itertools.chain(
        [f"{path.name}.v{version}.bak"],
        (f"{path.name}.v{version}.{n}.bak" for n in itertools.count(2)),
    )
    return next(copy for name in names if not (copy := path.with_name(name)).exists())


def _create_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
