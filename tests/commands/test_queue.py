"""The command `queue` on a fake server."""

from __future__ import annotations

from typing import Any

import pytest
from commands.command_line import FakeServer, record_calls
from msgspec import structs

from codextui.errors import TurnRunning
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import QueuedMessage, ThreadInfo, ThreadState

THREAD = ThreadInfo("01a2-thread", "backend", ThreadState.RUNNING)
QUEUED = structs.replace(
    THREAD, queued=(QueuedMessage("q1", "fix it"), QueuedMessage("q2", "look", 2))
)


def result(info: ThreadInfo) -> JsonObject:
    return {"thread": info.to_json()}


async def test_queue_adds_and_lists_what_is_queued(server: FakeServer, run: Any) -> None:
    given = record_calls(server, "codex-queue", result(QUEUED))
    ran = await run("queue", "backend", "fix it", "-i", "/a.png")
    assert given == [
        {"thread": "backend", "action": "add", "prompt": "fix it", "images": ["/a.png"]}
    ]
    assert ran.out == "1  fix it\n2  look (+2 files)\n"
    ran = await run("queue", "backend", "--json")
    assert given[-1] == {"thread": "backend", "action": "list"}
    (shown,) = ran.objects
    assert [one["queued_id"] for one in shown["thread"]["queued"]] == ["q1", "q2"]


async def test_an_empty_queue_is_a_note(server: FakeServer, run: Any) -> None:
    record_calls(server, "codex-queue", result(THREAD))
    ran = await run("queue", "backend", "--start")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing is queued for backend" in ran.err


async def test_a_message_that_waits_for_nothing_is_said_to_be_sent(
    server: FakeServer, run: Any
) -> None:
    record_calls(server, "codex-queue", result(THREAD))
    ran = await run("queue", "backend", "fix it")
    assert "it was sent at once: nothing is queued for backend" in ran.err


async def test_a_message_is_removed_by_its_number(server: FakeServer, run: Any) -> None:
    given = record_calls(server, "codex-queue", result(QUEUED))
    await run("queue", "backend", "--remove", "2")
    assert given[-1] == {"thread": "backend", "action": "remove", "message": "q2"}
    ran = await run("queue", "backend", "--remove", "3")
    assert (ran.code, len(given)) == (2, 3)
    assert "no message 3 is queued: there are 2" in ran.err


@pytest.mark.parametrize(
    "line",
    [["x", "--remove", "1", "--start"], ["x", "now", "--start"], ["x", "-i", "/a.png"]],
)
async def test_what_cannot_be_done_at_once_is_wrong_usage(
    server: FakeServer, run: Any, line: list[str]
) -> None:
    given = record_calls(server, "codex-queue", result(THREAD))
    assert (await run("queue", *line)).code == 2
    assert given == []


async def test_a_refusal_is_printed(server: FakeServer, run: Any) -> None:
    def refuse(_: object) -> JsonObject:
        raise TurnRunning("a turn runs on backend: what is queued follows by itself")

    server.tools["codex-queue"] = refuse
    ran = await run("queue", "backend", "--start")
    assert ran.code == 1
    assert "follows by itself" in ran.err
