"""Searches the items of a journal, the newest first, a bounded part of the file at a time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from codextui.errors import MessageInvalid
from codextui.jsonrpc.fields import as_object
from codextui.protocol.events import ErrorRaised, ItemCompleted, Msg, TurnAborted, Warned, parse_msg
from codextui.text.sanitize import one_line

MAX_LINE = 300
"""Characters of a line that is shown; longer ones are cut around the text."""

_BEFORE = 60
"""Characters that a cut line has before the text."""

_SELECT_LAST = "SELECT coalesce(max(id), 0) FROM events"

_SELECT_WINDOW = """
SELECT id, thread_id, turn_id, at, msg FROM events
WHERE id >= ? AND id < ? AND (? = '' OR thread_id = ?) AND ({likes}) ORDER BY id DESC
"""

_UNSEARCHED = frozenset(
    {"id", "type", "status", "cwd", "commandActions", "threadId", "callId", "processId", "source"}
)
"""Keys of items whose values nobody reads."""


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """Bounds of a search.

    Attributes:
        window: events that are searched between two looks at the clock.
        seconds: after which a page ends, however many matches it has.
    """

    window: int = 1_000
    seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Match:
    """An item that has the text.

    Attributes:
        thread_id: its thread.
        turn_id: its turn, empty if it belongs to none.
        item_id: Codex's id, empty for an error or a warning.
        at: unix seconds.
        kind: the type of the item, `error` or `warning`.
        line: the first line with the text, sanitized and cut to `MAX_LINE` characters.
        lines: how many lines have the text.
    """

    thread_id: str
    turn_id: str
    item_id: str
    at: float
    kind: str
    line: str
    lines: int


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of matches, the newest first; `cursor` is where the next begins, 0 for the end."""

    matches: tuple[Match, ...]
    cursor: int


def search_journal(
    path: Path,
    text: str,
    *,
    cursor: int | None = None,
    thread_id: str = "",
    limit: int = 50,
    limits: SearchLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> SearchPage:
    """Return a page of the items that have a text, in any case. Blocks: call it in a thread.

    Args:
        path: the journal.
        text: a part of a line, not empty.
        cursor: where the page begins; None for the newest item.
        thread_id: searches only this thread; empty for all.
        limit: matches of the page.
        limits: ends a page that finds little in much.
        clock: returns seconds.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    limits = limits or SearchLimits()
    matches: list[Match] = []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        (last,) = database.execute(_SELECT_LAST).fetchone()
        end = last + 1 if cursor is None else min(cursor, last + 1)
        until = clock() + limits.seconds
        while end > 1 and clock() < until:
            start = max(1, end - limits.window)
            for row in _window(database, text, start, end, thread_id):
                if (match := _match(text, row)) is not None:
                    matches.append(match)
                if len(matches) >= limit:
                    return SearchPage(tuple(matches), row[0] if row[0] > 1 else 0)
            end = start
    return SearchPage(tuple(matches), end if end > 1 else 0)


_Row = tuple[int, str, str, float, str]


def _window(
    database: sqlite3.Connection, text: str, start: int, end: int, thread_id: str
) -> Iterator[_Row]:
    """Yield the events of a window whose JSON may have the text; LIKE ignores case in ASCII."""
    patterns = sorted({_pattern(form) for form in (text, text.lower(), text.upper())})
    likes = " OR ".join(["msg LIKE ? ESCAPE '!'"] * len(patterns))
    values = (start, end, thread_id, thread_id, *patterns)
    yield from database.execute(_SELECT_WINDOW.format(likes=likes), values)


def _pattern(text: str) -> str:
    """Return the pattern of LIKE for a text as the journal's JSON has it."""
    escaped = json.dumps(text)[1:-1]
    for character in "!%_":
        escaped = escaped.replace(character, f"!{character}")
    return f"%{escaped}%"


def _match(text: str, row: _Row) -> Match | None:
    """Return the match of an event, None if the text is in none of its lines."""
    _, thread_id, turn_id, at, source = row
    try:
        msg = parse_msg(as_object(json.loads(source), "an event"))
    except (ValueError, MessageInvalid):
        return None
    item_id, kind = "", "warning" if isinstance(msg, Warned) else "error"
    if isinstance(msg, ItemCompleted):
        item_id, kind = str(msg.item.get("id", "")), str(msg.item.get("type", ""))
    lines = [line for line in _lines(msg) if text.casefold() in line.casefold()]
    if not lines:
        return None
    line = clip_line(lines[0], text)
    return Match(thread_id, turn_id, item_id, at, kind, line, len(lines))


def clip_line(line: str, text: str) -> str:
    """Return a line, sanitized, and cut so that it shows the text."""
    at = line.casefold().find(text.casefold())
    start = max(0, at - _BEFORE) if len(line) > MAX_LINE else 0
    shown = one_line(line[start:], MAX_LINE)
    return f"…{shown}" if start else shown


def _lines(msg: Msg) -> Iterator[str]:
    match msg:
        case ItemCompleted(item):
            for value in _strings(dict(item)):
                yield from value.split("\n")
        case ErrorRaised(message=message) | Warned(message=message) | TurnAborted(message=message):
            yield from message.split("\n")
        case _:
            return


def _strings(value: object) -> Iterator[str]:
    """Yield the texts in a value of JSON, without those that nobody reads."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _UNSEARCHED:
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
