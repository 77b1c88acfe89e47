"""`codextui search`."""

from __future__ import annotations

import json
import time
from typing import Any

from client.fake_server import FakeServer


def match(number: int, **changes: object) -> dict[str, object]:
    return {
        "thread_id": f"01a22350-{number}",
        "turn_id": "u",
        "item_id": f"m{number}",
        "at": time.time() - 7,
        "kind": "agentMessage",
        "line": f"line {number}",
        "lines": 1,
        "handle": "backend",
        "state": "idle",
        **changes,
    }


async def test_the_matches_are_a_table(server: FakeServer, run: Any) -> None:
    matches = [match(1, line="a \x1b[31mred"), match(2, handle="", lines=3)]
    server.tools["codex-search"] = lambda _: {"matches": matches, "cursor": ""}
    ran = await run("search", "red")
    assert ran.code == 0
    header, first, second = ran.lines
    assert header.split() == ["THREAD", "AGE", "KIND", "LINE"]
    assert first.startswith("backend ")
    assert first.endswith("a red")
    assert second.startswith("01a22350-2 ")
    assert second.endswith("line 2 (+2)")


async def test_pages_are_read_up_to_the_limit_also_empty_ones(server: FakeServer, run: Any) -> None:
    asked: list[dict[str, Any]] = []
    pages = [[match(1), match(2)], [], [match(3), match(4)]]

    def page(arguments: dict[str, Any]) -> dict[str, object]:
        asked.append(dict(arguments))
        return {"matches": pages[len(asked) - 1], "cursor": str(len(asked))}

    server.tools["codex-search"] = page
    ran = await run("search", "x", "--thread", "backend", "--limit", "3", "--json")
    assert [json.loads(line)["item_id"] for line in ran.lines] == ["m1", "m2", "m3"]
    assert [one.get("cursor") for one in asked] == [None, "1", "2"]
    assert all((one["text"], one["thread"]) == ("x", "backend") for one in asked)


async def test_nothing_found_is_said(server: FakeServer, run: Any) -> None:
    server.tools["codex-search"] = lambda _: {"matches": [], "cursor": ""}
    ran = await run("search", "x")
    assert ran.code == 0
    assert "nothing has that text" in ran.err
