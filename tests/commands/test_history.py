"""`codextui history`, `archive` and `unarchive`, and what the other commands say of strangers."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from client.fake_server import FakeServer
from commands.command_line import THREAD, record_calls

from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.threads import ThreadInfo, ThreadState


def row(number: int, **changes: object) -> dict[str, object]:
    return {
        "thread_id": f"01a22350-{number}",
        "name": "",
        "brief": f"task {number}",
        "origin": "Codex TUI",
        "cwd": "/work",
        "branch": "main",
        "model": "m",
        "created_at": time.time() - 100,
        "recent_at": time.time() - 7,
        "archived": False,
        "loaded": False,
        "state": "",
        "handle": "",
        **changes,
    }


async def test_the_history_is_a_table(server: FakeServer, run: Any) -> None:
    rows = [
        row(1, name="Fix\x1b[31m it", handle="tui", loaded=True),
        row(2, origin="", loaded=True),
        row(3),
    ]
    server.tools["codex-history"] = lambda _: {"threads": rows, "cursor": ""}
    ran = await run("history")
    assert ran.code == 0
    header, first, second, third = ran.lines
    assert header.split()[:3] == ["ID", "AGE", "OPEN"]
    assert "  tui  " in first
    assert "/work@main" in first
    assert first.endswith("Fix it")
    assert "elsewhere" in second
    assert "this server" in second
    assert third.endswith("task 3")


async def test_the_history_is_read_page_by_page_up_to_the_limit(
    server: FakeServer, run: Any
) -> None:
    asked: list[dict[str, Any]] = []

    def page(arguments: dict[str, Any]) -> dict[str, object]:
        asked.append(arguments)
        first = int(arguments.get("cursor", "0"))
        rows = [row(first + number) for number in range(2)]
        return {"threads": rows, "cursor": str(first + 2)}

    server.tools["codex-history"] = page
    ran = await run("history", "--search", "bug", "--archived", "--limit", "5", "--json")
    assert [json.loads(line)["brief"] for line in ran.lines] == [f"task {n}" for n in range(5)]
    assert [one.get("cursor") for one in asked] == [None, "2", "4"]
    assert all((one["search"], one["archived"]) == ("bug", True) for one in asked)


async def test_bare_words_search_the_history(server: FakeServer, run: Any) -> None:
    asked: list[dict[str, Any]] = []
    server.tools["codex-history"] = lambda one: asked.append(one) or {"threads": [row(1)]}
    for words in (["flaky", "test"], ["--search", "flaky test"], ["flaky", "--search", "test"], []):
        assert (await run("history", *words)).code == 0
    assert [one.get("search") for one in asked] == ["flaky test"] * 3 + [None]


async def test_an_empty_history_is_said(server: FakeServer, run: Any) -> None:
    server.tools["codex-history"] = lambda _: {"threads": [], "cursor": ""}
    ran = await run("history")
    assert (ran.code, ran.lines) == (0, [])


@pytest.mark.parametrize(("command", "archived"), [("archive", True), ("unarchive", False)])
async def test_a_thread_is_archived_and_brought_back(
    server: FakeServer, run: Any, command: str, archived: bool
) -> None:
    result = {"thread_id": "t1", "archived": archived}
    calls = record_calls(server, "codex-archive", result)
    ran = await run(command, "tui")
    assert ran.lines == [f"{command}d t1"]
    assert calls == [{"thread": "tui", "archived": archived}]


async def test_ps_says_which_program_a_thread_belongs_to(server: FakeServer, run: Any) -> None:
    theirs = ThreadInfo("t2", "tui", ThreadState.IDLE, origin="Codex TUI", ours=False)
    server.tools["codex-threads"] = lambda _: {"threads": [THREAD.to_json(), theirs.to_json()]}
    lines = (await run("ps")).lines
    assert "  codex  " in lines[1]
    assert "  Codex TUI  " in lines[2]
    shown = [json.loads(line) for line in (await run("ps", "--json")).lines]
    assert [(one["ours"], one["origin"]) for one in shown] == [(True, ""), (False, "Codex TUI")]


async def test_approvals_say_which_program_asks(server: FakeServer, run: Any) -> None:
    asked = CommandAsked("ls", "/work")
    approval = Approval("a1", "t2", "u", "i", "tui", time.time(), asked, "Codex TUI")
    server.tools["codex-approvals"] = lambda _: {"approvals": [approval.to_json()]}
    assert (await run("approvals")).lines[0].startswith("a1  tui (Codex TUI)  command")
