"""`codextui decisions`: the audit log as a table, and one decision in full."""

from __future__ import annotations

import json
from typing import Any

from client.fake_server import FakeServer

from codextui.protocol.approvals import Approval, CommandAsked


def row(number: int, **changes: object) -> dict[str, object]:
    return {
        "approval_id": f"a{number}",
        "thread_id": "t",
        "handle": "backend",
        "kind": "command",
        "subject": "git push\x1b[31m",
        "asked_at": 1_780_000_000.0,
        "resolved_at": 1_780_000_075.0,
        "outcome": "denied",
        "by": "claude-code",
        "where": "client",
        "message": "",
        "waited": 75.0,
        "rule": "",
        "lost": False,
        "carried_out": "",
        **changes,
    }


async def test_decisions_are_a_table(server: FakeServer, run: Any) -> None:
    rows = [row(2), row(1, outcome="approved", by="", where="nobody", lost=True)]
    server.tools["codex-decisions"] = lambda _: {"decisions": rows, "cursor": ""}
    ran = await run("decisions")
    assert ran.code == 0
    header, first, second = ran.lines
    assert header.split()[:4] == ["ID", "WHEN", "OUTCOME", "BY"]
    assert "denied" in first
    assert first.split()[-5:] == ["1m", "15s", "backend", "git", "push"]
    assert "\x1b" not in first
    assert "approved, lost" in second
    assert " -  " in second


async def test_a_filter_and_a_limit_are_passed_on_page_by_page(
    server: FakeServer, run: Any
) -> None:
    asked: list[dict[str, Any]] = []

    def page(arguments: dict[str, Any]) -> dict[str, object]:
        asked.append(arguments)
        first = int(arguments.get("cursor", 0))
        return {"decisions": [row(first + n) for n in range(200)], "cursor": str(first + 200)}

    server.tools["codex-decisions"] = page
    ran = await run("decisions", "--json", "--limit", "250", "outcome:declined", "by:ada")
    rows = [json.loads(line) for line in ran.lines]
    assert [one["approval_id"] for one in rows] == [f"a{n}" for n in range(250)]
    assert asked == [
        {"filter": "outcome:declined by:ada", "limit": 200},
        {"filter": "outcome:declined by:ada", "limit": 200, "cursor": "200"},
    ]


async def test_one_is_shown_with_all_that_was_asked(server: FakeServer, run: Any) -> None:
    asked = CommandAsked("git push origin main", cwd="/srv/shop", reason="it is time")
    approval = Approval("a7", "t", "u", "", "backend", 1.0, asked)
    whole = row(7, message="not on a Friday", approval=approval.to_json())
    server.tools["codex-decisions"] = lambda _: {"decisions": [whole], "cursor": ""}
    ran = await run("decisions", "--show", "a7")
    text = "\n".join(ran.lines)
    for words in (
        "denied",
        "by claude-code (client)",
        "not on a Friday",
        "/srv/shop",
        "it is time",
    ):
        assert words in text


async def test_what_was_not_decided_is_an_error_that_says_so(server: FakeServer, run: Any) -> None:
    server.tools["codex-decisions"] = lambda _: {"decisions": [], "cursor": ""}
    ran = await run("decisions", "--show", "a9")
    assert ran.code != 0
    assert "a9 was not decided" in ran.err
    assert (await run("decisions", "outcome:always")).code == 0
