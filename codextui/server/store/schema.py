"""The tables of the journal, and the statements that fill them."""

from __future__ import annotations

VERSION = 1
"""The format of the file (`user_version`)."""

SCHEMA = f"""
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
PRAGMA user_version = {VERSION};
"""

PREPARE = "PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;"

THREAD_KEPT = """
INSERT INTO threads (thread_id, state, created_at, row) VALUES (?, ?, ?, ?)
ON CONFLICT (thread_id) DO UPDATE SET state = excluded.state, row = excluded.row
"""

EVENT_KEPT = """
INSERT OR REPLACE INTO events (slot, thread_id, turn_id, at, msg) VALUES (?, ?, ?, ?, ?)
"""

APPROVAL_OPENED = """
INSERT INTO approvals (approval_id, thread_id, turn_id, handle, kind, asked, asked_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

APPROVAL_RESOLVED = """
UPDATE approvals SET outcome = ?, by = ?, message = ?, waited = ?, resolved_at = ?
WHERE approval_id = ?
"""

THREADS = "SELECT row FROM threads ORDER BY created_at, rowid"

EVENTS_OF_LIVING = """
SELECT events.thread_id, turn_id, at, msg FROM events JOIN threads USING (thread_id)
WHERE threads.state != 'killed' ORDER BY events.id
"""

EVENTS_OF_THREAD = "SELECT thread_id, turn_id, at, msg FROM events WHERE thread_id = ? ORDER BY id"

OPEN_APPROVALS = "SELECT asked FROM approvals WHERE outcome IS NULL ORDER BY id"

LAST_APPROVAL = "SELECT coalesce(max(id), 0) FROM approvals"

FORGET_KILLED = """
DELETE FROM events WHERE thread_id IN
(SELECT thread_id FROM threads WHERE state = 'killed' AND created_at < ?)
"""
