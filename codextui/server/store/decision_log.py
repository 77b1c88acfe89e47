"""Reads the audit log of a journal: what was decided, by whom, and when; newest first.

Approvals are read in the order in which they were asked, from the newest on, a bounded number at a
time, so that a log of any length answers at once.
"""

from __future__ import annotations

import json
import logging
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codextui.errors import MessageInvalid, ServerRefused
from codextui.jsonrpc.fields import JsonObject, as_object
from codextui.protocol.approval_text import describe_subject, lasting_rule
from codextui.protocol.approvals import KINDS, Approval, asked_to_json
from codextui.text.sanitize import one_line, to_json

MAX_SCANNED = 1_000
"""Approvals that are looked at for a page; the page says where the next one goes on."""

MAX_SUBJECT = 300
"""Characters of a decision's line of what was asked."""

MAX_FILTER = 500
"""Characters of a filter."""

UNATTENDED_REASON = "Nobody was there to decide"
"""What the reason of a decision begins with that a time-out made."""

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "approved": ("approved", "approved_for_session", "approved_always"),
    "once": ("approved",),
    "session": ("approved_for_session",),
    "always": ("approved_always",),
    "declined": ("denied",),
    "stopped": ("abort",),
    "answered": ("answered",),
    "elsewhere": ("answered_elsewhere",),
    "withdrawn": ("withdrawn",),
    "lost": ("lost",),
    "left": ("left",),
}
"""The words of `outcome:` and the outcomes that they stand for."""

WHERES = ("console", "client", "timeout", "elsewhere", "nobody")
"""The words of `where:`."""

_UNDECIDED = ("withdrawn", "lost", "left")
_OUR_CLIENTS = "codextui"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """What a decision must have to be found; what is empty is no condition.

    Attributes:
        outcomes: one of these.
        where: one of `WHERES`.
        kind: the kind of request.
        by: a part of who decided, in lower case.
        role: a part of the thread's handle, in lower case.
        thread: the beginning of the thread's id.
        words: each is in what was asked, who asked, who decided or the message; in lower case.
    """

    outcomes: tuple[str, ...] = ()
    where: str = ""
    kind: str = ""
    by: str = ""
    role: str = ""
    thread: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions, newest first, and where the next page begins: `cursor`, empty at the end."""

    decisions: tuple[JsonObject, ...]
    cursor: str


def parse_filter(text: str) -> DecisionFilter:
    """Parse words and `outcome:`, `by:`, `where:`, `kind:`, `role:`, `thread:`; all have to hold.

    Raises:
        ServerRefused: a value is none that there is.
    """
    values: dict[str, Any] = {}
    words: list[str] = []
    for word in _split(text[:MAX_FILTER]):
        name, colon, value = word.partition(":")
        match name if colon and value else "":
            case "outcome":
                values["outcomes"] = OUTCOMES[_one_of(name, value, OUTCOMES)]
            case "where":
                values["where"] = _one_of(name, value, WHERES)
            case "kind":
                values["kind"] = _one_of(name, value, KINDS)
            case "by" | "role":
                values[name] = value.lower()
            case "thread":
                values[name] = value
            case _:
                words.append(word.lower())
    return DecisionFilter(words=tuple(words), **values)


def read_decisions(
    path: Path,
    wanted: DecisionFilter,
    *,
    cursor: str = "",
    limit: int = 50,
    max_scanned: int = MAX_SCANNED,
) -> DecisionPage:
    """Read a page of what was decided. Blocks.

    Args:
        path: the journal.
        wanted: which decisions.
        cursor: where the page begins; empty for the newest.
        limit: decisions of the page; there may be fewer although more follow.
        max_scanned: approvals that are looked at.

    Raises:
        sqlite3.Error: the file cannot be read.
        ServerRefused: the cursor is none of ours.
    """
    found: list[JsonObject] = []
    scanned, last = 0, 0
    with closing(_connect(path)) as database:
        for row in _rows(database, wanted, _parse_cursor(cursor), max_scanned):
            scanned, last = scanned + 1, row["id"]
            if (decision := _read(row)) is not None and _matches(wanted, row, decision):
                found.append(_line(row, decision))
                if len(found) == limit:
                    break
    is_more = len(found) == limit or scanned == max_scanned
    return DecisionPage(tuple(found), str(last) if is_more else "")


def read_decision(path: Path, approval_id: str) -> JsonObject | None:
    """Read one decision with the whole approval; None if there is none of this id. Blocks.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with closing(_connect(path)) as database:
        row = database.execute(
            "SELECT * FROM approvals WHERE approval_id = ? AND outcome IS NOT NULL", (approval_id,)
        ).fetchone()
        approval = None if row is None else _read(row)
    return None if approval is None else {**_line(row, approval), "approval": approval.to_json()}


def where_decided(outcome: str, by: str, message: str) -> str:
    """Return where an approval was decided: one of `WHERES`.

    `console` is any client of ours, the command line too; `client` another MCP client;
    `elsewhere` another program on the same Codex.
    """
    if outcome in _UNDECIDED:
        return "nobody"
    if outcome == "answered_elsewhere":
        return "elsewhere"
    if by == _OUR_CLIENTS and message.startswith(UNATTENDED_REASON):
        return "timeout"
    return "console" if by.startswith(_OUR_CLIENTS) else "client"


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    return database


def _rows(
    database: sqlite3.Connection, wanted: DecisionFilter, before: int | None, limit: int
) -> Iterator[sqlite3.Row]:
    """Yield the newest rows that have what columns can say."""
    conditions, values = ["outcome IS NOT NULL"], list[object]()
    if before is not None:
        conditions, values = [*conditions, "id < ?"], [*values, before]
    if wanted.outcomes:
        places = ", ".join("?" * len(wanted.outcomes))
        conditions.append(f"outcome IN ({places})")
        values += wanted.outcomes
    for column, value in (("kind", wanted.kind), ("substr(thread_id, 1, ?)", wanted.thread)):
        if value:
            conditions.append(f"{column} = ?")
            values += [len(value), value] if "?" in column else [value]
    select = f"SELECT * FROM approvals WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608 - of constants
    yield from database.execute(select, (*values, limit))


def _matches(wanted: DecisionFilter, row: sqlite3.Row, approval: Approval) -> bool:
    by, message = row["by"] or "", row["message"] or ""
    if wanted.where and wanted.where != where_decided(row["outcome"], by, message):
        return False
    if wanted.by not in by.lower() or wanted.role not in approval.handle.lower():
        return False
    if not wanted.words:
        return True
    parts = (approval.approval_id, approval.handle, approval.origin, by, message)
    text = "\n".join([*parts, to_json(asked_to_json(approval.asked))]).lower()
    return all(word in text for word in wanted.words)


def _line(row: sqlite3.Row, approval: Approval) -> JsonObject:
    by, message = row["by"] or "", row["message"] or ""
    rule = lasting_rule(approval.asked) if row["outcome"] == "approved_always" else None
    correction = row["carried_out"] if "carried_out" in row.keys() else None  # noqa: SIM118 - values
    return {
        "approval_id": approval.approval_id,
        "thread_id": approval.thread_id,
        "handle": approval.handle,
        "origin": approval.origin,
        "kind": approval.kind,
        "subject": describe_subject(approval.asked, MAX_SUBJECT),
        "asked_at": row["asked_at"],
        "resolved_at": row["resolved_at"] or row["asked_at"],
        "outcome": row["outcome"],
        "by": by,
        "where": where_decided(row["outcome"], by, message),
        "message": message,
        "waited": row["waited"] or 0.0,
        "rule": "" if rule is None else rule.allowed,
        "lost": row["lost_at"] is not None,
        "carried_out": correction or "",
    }


def _read(row: sqlite3.Row) -> Approval | None:
    """Read what was asked; None, and a line in the server's log, if that is impossible."""
    try:
        return Approval.from_json(as_object(json.loads(row["asked"]), "asked"))
    except (ValueError, MessageInvalid) as error:
        logger.warning("an approval in the journal cannot be read: %s", error)
        return None


def _parse_cursor(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ServerRefused(f"there is no such page: {one_line(cursor, 40)!r}")
    return int(cursor)


def _split(text: str) -> list[str]:
    """Split at blanks, except in quotes; a quote that is not closed yet is a character."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _one_of(name: str, value: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    word = value.lower()
    if word not in known:
        raise ServerRefused(
            f"{name}:{one_line(value, 40)} is not known; there are {', '.join(known)}"
        )
    return word
