"""The journal is searched page by page, and a page takes a bounded time."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.protocol import events as ev
from codextui.server.store.journal import Journal
from codextui.server.store.search import (
    MAX_LINE,
    SearchLimits,
    SearchPage,
    clip_line,
    search_journal,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


async def write(path: Path, *msgs: ev.Msg, thread_id: str = "t") -> None:
    journal = Journal(path)
    for number, msg in enumerate(msgs):
        journal.record_event(ev.Event(number, thread_id, "u", 5.0 + number, msg))
    await journal.close()


def said(text: str, item_id: str = "m") -> ev.Msg:
    return ev.ItemCompleted({"id": item_id, "type": "agentMessage", "text": text})


def ids(page: SearchPage) -> list[str]:
    return [match.item_id for match in page.matches]


async def test_the_newest_item_comes_first_with_the_line_that_has_the_text(path: Path) -> None:
    await write(path, said("old Gate", "m1"), said("no\nthe GATE\ngate", "m2"), said("no", "m3"))
    page = search_journal(path, "gate")
    assert [(m.item_id, m.line, m.lines, m.at) for m in page.matches] == [
        ("m2", "the GATE", 2, 6.0),
        ("m1", "old Gate", 1, 5.0),
    ]
    assert page.cursor == 0
    assert (page.matches[0].thread_id, page.matches[0].turn_id) == ("t", "u")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('say "hi"', 'he said: say "hi"'),
        ("100%", "it is 100% done"),
        ("a_b", "call a_b()"),
        ("back\\slash", "a back\\slash"),
        ("ÉTÉ", "en été"),
        ("it!", "do it!"),
    ],
)
async def test_any_text_is_found_as_it_is(path: Path, text: str, line: str) -> None:
    await write(path, said("call axb, 100 done"), said(line, "m2"))
    assert ids(search_journal(path, text)) == ["m2"]


async def test_commands_diffs_errors_and_warnings_are_searched_and_names_of_fields_not(
    path: Path,
) -> None:
    run = {"id": "c", "type": "commandExecution", "command": "ls", "aggregatedOutput": "x needle"}
    patch = {"id": "f", "type": "fileChange", "changes": [{"path": "a", "diff": "+ needle"}]}
    call = {"id": "k", "type": "mcpToolCall", "arguments": {"q": ["needle"]}}
    other = {"id": "needle", "type": "agentMessage", "text": "", "cwd": "/needle"}
    failed = (ev.ErrorRaised("needle 1"), ev.Warned("needle 2"), ev.TurnAborted("failed", "needle"))
    items = [ev.ItemCompleted(item) for item in (run, patch, call, other)]
    await write(path, *items, *failed)
    kinds = [match.kind for match in search_journal(path, "needle").matches]
    assert kinds == ["error", "warning", "error", "mcpToolCall", "fileChange", "commandExecution"]
    assert search_journal(path, "aggregatedOutput").matches == ()


async def test_pages_follow_each_other_without_a_gap(path: Path) -> None:
    await write(path, *(said(f"needle {n}", f"m{n}") for n in range(25)))
    found: list[str] = []
    cursor: int | None = None
    while cursor != 0:
        page = search_journal(path, "needle", cursor=cursor, limit=4, limits=SearchLimits(window=3))
        found += ids(page)
        cursor = page.cursor
    assert found == [f"m{n}" for n in range(24, -1, -1)]


async def test_a_page_ends_when_its_time_is_up(path: Path) -> None:
    await write(path, said("needle"), *(said("hay", f"m{n}") for n in range(50)))
    ticks = itertools.count()
    limits = SearchLimits(window=10, seconds=3.0)
    page = search_journal(path, "needle", limits=limits, clock=lambda: float(next(ticks)))
    assert page.matches == ()
    assert page.cursor == 32
    rest = search_journal(path, "needle", cursor=page.cursor)
    assert ids(rest) == ["m"]


async def test_one_thread_can_be_searched(path: Path) -> None:
    await write(path, said("needle"))
    await write(path, said("needle", "m2"), thread_id="other")
    assert ids(search_journal(path, "needle", thread_id="other")) == ["m2"]


async def test_what_cannot_be_read_is_left_out(path: Path) -> None:
    await write(path, said("needle"))
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO events (thread_id, turn_id, at, msg) VALUES ('t', 'u', 1, '{needle')"
        )
    database.close()
    assert ids(search_journal(path, "needle")) == ["m"]


def test_a_journal_that_is_not_there_is_not_created(path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        search_journal(path, "x")
    assert not path.exists()


@given(st.text(max_size=900), st.text(max_size=900))
def test_a_cut_line_shows_the_text_and_obeys_nothing(before: str, after: str) -> None:
    line = clip_line(f"{before}needle{after}".replace("\n", " "), "needle")
    assert len(line) <= MAX_LINE + 2
    assert "\x1b" not in line
    if before.isascii() and before.isprintable():
        assert "needle" in line
