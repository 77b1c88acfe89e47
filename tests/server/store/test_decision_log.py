"""The audit log is read newest first, by the page, as the filter says."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, Asked, CommandAsked, FileChange, PatchAsked
from codextui.protocol.events import ApprovalResolved
from codextui.server.approvals.broker import UNATTENDED, _unattended_reason
from codextui.server.store.decision_log import (
    OUTCOMES,
    UNATTENDED_REASON,
    WHERES,
    DecisionFilter,
    parse_filter,
    read_decision,
    read_decisions,
    where_decided,
)
from codextui.server.store.journal import Journal

TIMED_OUT = _unattended_reason(1800)
DECIDED = [
    ("approved", "codextui", "", CommandAsked("npm test")),
    ("denied", "codextui", "not on a Friday", CommandAsked("git push origin main")),
    ("denied", "claude-code", "", PatchAsked((FileChange("src/a.py", "update"),))),
    ("approved_always", "codextui #2", "", CommandAsked("git push", rule=("git", "push"))),
    ("denied", UNATTENDED, TIMED_OUT, CommandAsked("sleep 1")),
    ("withdrawn", "", "", CommandAsked("ls")),
    ("answered_elsewhere", "another program", "", CommandAsked("make")),
    ("abort", "cursor", "", CommandAsked("rm -rf build")),
]


def approval(number: int, asked: Asked, handle: str = "backend") -> Approval:
    return Approval(f"a{number}", f"0199-{number % 3}", "u", "", handle, float(number), asked)


async def fill(path: Path, decided: list[tuple[str, str, str, Asked]]) -> None:
    journal = Journal(path)
    for number, (outcome, by, message, asked) in enumerate(decided, 1):
        one = approval(number, asked, "tester" if number % 2 else "backend")
        journal.record_approval(one)
        resolved = ApprovalResolved(one.approval_id, outcome, by, message, waited=number / 2)
        journal.record_resolution(one, resolved, at=number + number / 2)
    journal.record_approval(approval(len(decided) + 1, CommandAsked("still open")))
    await journal.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    await fill(tmp_path / "journal.sqlite", DECIDED)
    return tmp_path / "journal.sqlite"


def ids(path: Path, text: str = "", **options: int) -> list[str]:
    page = read_decisions(path, parse_filter(text), **options)  # type: ignore[arg-type]
    return [str(one["approval_id"]) for one in page.decisions]


async def test_decisions_come_newest_first_and_what_is_open_is_none(path: Path) -> None:
    assert ids(path) == [f"a{n}" for n in range(8, 0, -1)]
    page = read_decisions(path, DecisionFilter())
    assert page.cursor == ""
    assert page.decisions[-1] == {
        "approval_id": "a1",
        "thread_id": "0199-1",
        "handle": "tester",
        "origin": "",
        "kind": "command",
        "subject": "npm test",
        "asked_at": 1.0,
        "resolved_at": 1.5,
        "outcome": "approved",
        "by": "codextui",
        "where": "console",
        "message": "",
        "waited": 0.5,
        "rule": "",
        "lost": False,
        "carried_out": "",
    }
    assert page.decisions[4]["rule"] == "git push"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("outcome:declined", ["a5", "a3", "a2"]),
        ("outcome:approved", ["a4", "a1"]),
        ("outcome:once", ["a1"]),
        ("outcome:always", ["a4"]),
        ("outcome:stopped", ["a8"]),
        ("outcome:Declined by:claude", ["a3"]),
        ("by:codextui", ["a5", "a4", "a2", "a1"]),
        ("where:console", ["a4", "a2", "a1"]),
        ("where:timeout", ["a5"]),
        ("where:client", ["a8", "a3"]),
        ("where:elsewhere", ["a7"]),
        ("where:nobody", ["a6"]),
        ("kind:patch", ["a3"]),
        ("role:test", ["a7", "a5", "a3", "a1"]),
        ("thread:0199-1", ["a7", "a4", "a1"]),
        ("thread:0199-1 role:tester outcome:approved", ["a1"]),
        ("push", ["a4", "a2"]),
        ("PUSH main", ["a2"]),
        ('"push origin"', ["a2"]),
        ("friday", ["a2"]),
        ("src/a.py", ["a3"]),
        ("a8", ["a8"]),
        ("outcome:", []),
        ("http://x", []),
        ('"unclosed', []),
        ("", [f"a{n}" for n in range(8, 0, -1)]),
    ],
)
async def test_a_filter_finds_what_has_all_of_it(path: Path, text: str, found: list[str]) -> None:
    assert ids(path, text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outcome:maybe", "outcome:maybe is not known; there are approved, once"),
        ("where:here", "where:here is not known; there are console, client"),
        ("kind:cmd", "kind:cmd is not known; there are command, patch"),
    ],
)
def test_an_unknown_value_is_refused_with_those_that_there_are(text: str, words: str) -> None:
    with pytest.raises(ServerRefused, match=words):
        parse_filter(text)


@given(st.text(max_size=700))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with contextlib.suppress(ServerRefused):
        assert len(parse_filter(text).words) <= len(text)


def test_the_reason_of_a_time_out_is_recognised() -> None:
    for seconds in (0, 30, 1800):
        reason = _unattended_reason(seconds)
        assert reason.startswith(UNATTENDED_REASON)
        assert where_decided("denied", UNATTENDED, reason) == "timeout"
    assert where_decided("denied", UNATTENDED, "no") == "console"
    outcomes = [one for words in OUTCOMES.values() for one in words]
    assert {where_decided(one, "x", "") for one in outcomes} <= set(WHERES)


async def test_one_decision_is_read_with_all_that_was_asked(path: Path) -> None:
    decision = read_decision(path, "a3")
    assert decision is not None
    source: JsonObject = decision["approval"]  # type: ignore[assignment]
    assert Approval.from_json(source) == approval(3, DECIDED[2][3], "tester")
    assert read_decision(path, "a9") is None, "it is still open"
    assert read_decision(path, "' OR 1=1 --") is None


async def test_pages_have_every_decision_once(path: Path) -> None:
    for limit, scanned in ((1, 1000), (3, 1000), (50, 2), (2, 3)):
        found: list[str] = []
        cursor = ""
        for _ in range(30):
            page = read_decisions(
                path, DecisionFilter(), cursor=cursor, limit=limit, max_scanned=scanned
            )
            found += [str(one["approval_id"]) for one in page.decisions]
            cursor = page.cursor
            if not cursor:
                break
        assert found == [f"a{n}" for n in range(8, 0, -1)]


@pytest.mark.parametrize("cursor", ["x", "-1", "1; DROP TABLE approvals", "9" * 30, "\uff11"])
def test_a_cursor_of_somebody_else_is_refused(tmp_path: Path, cursor: str) -> None:
    (tmp_path / "j").touch()
    with pytest.raises(ServerRefused, match="no such page"):
        read_decisions(tmp_path / "j", DecisionFilter(), cursor=cursor)


async def test_a_decision_that_reached_nobody_or_cannot_be_read_is_told_or_skipped(
    path: Path,
) -> None:
    journal = Journal(path)
    journal.record_loss("a1", at=9.0)
    await journal.close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO approvals (approval_id, thread_id, turn_id, handle, kind, asked, asked_at,"
            " outcome) VALUES ('a90', 't', 'u', 'h', 'command', '{\"x\": 1}', 1.0, 'denied')"
        )
    page = read_decisions(path, DecisionFilter())
    assert [one["lost"] for one in page.decisions] == [False] * 7 + [True]


async def test_10000_decisions_are_read_by_bounded_pages_also_by_a_rare_word(
    tmp_path: Path,
) -> None:
    journal_path = tmp_path / "journal.sqlite"
    long = "x" * 500
    await fill(
        journal_path,
        [("approved", "codextui", "", CommandAsked(f"make {n} {long}")) for n in range(10_000)],
    )
    newest = read_decisions(journal_path, DecisionFilter(), limit=50)
    assert newest.decisions[0]["approval_id"] == "a10000"
    assert len(newest.decisions) == 50
    wanted, cursor, pages = parse_filter('"make 7 "'), "", 0
    found: list[JsonObject] = []
    while pages == 0 or cursor:
        page = read_decisions(journal_path, wanted, cursor=cursor)
        found, cursor, pages = [*found, *page.decisions], page.cursor, pages + 1
    assert [one["approval_id"] for one in found] == ["a8"]
    assert pages == 11
    assert ids(journal_path, "outcome:declined") == []
