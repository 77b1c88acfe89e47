"""The command `queue` on a fake server."""

from __future__ import annotations

from typing import Any

import pytest
from commands.command_line import FakeServer, record_calls
from msgspec import structs

from codextui.errors import TurnRunning
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import QueuedMessage, ThreadInfo, ThreadState, WholeQueuedMessage

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


async def test_a_message_is_shown_and_edited_by_its_number(server: FakeServer, run: Any) -> None:
    whole = WholeQueuedMessage("q2", "look\nat it\x1b[2J", 2, "v1")
    given = record_calls(server, "codex-queue", {**result(QUEUED), "message": whole.to_json()})
    ran = await run("queue", "backend", "--show", "2")
    assert given[-1] == {"thread": "backend", "action": "show", "message": "q2"}
    assert ran.out == "look\nat it\n"
    (shown,) = (await run("queue", "backend", "--show", "2", "--json")).objects
    assert shown["message"]["version"] == "v1"
    await run("queue", "backend", "--edit", "1", "fix that")
    assert given[-1] == {
        "thread": "backend",
        "action": "edit",
        "message": "q1",
        "prompt": "fix that",
    }


async def test_a_message_is_moved_to_a_number(server: FakeServer, run: Any) -> None:
    three = (*QUEUED.queued, QueuedMessage("q3", "test"))
    given = record_calls(server, "codex-queue", result(structs.replace(QUEUED, queued=three)))
    for place, before in (("1", "q1"), ("2", "q3"), ("3", None)):
        await run("queue", "backend", "--move", "2", place)
        expected = {"thread": "backend", "action": "move", "message": "q2"}
        assert given[-1] == {**expected, **({"before": before} if before else {})}
    count = len(given)
    ran = await run("queue", "backend", "--move", "2", "4")
    assert (ran.code, len(given)) == (2, count + 1)
    assert "no message 4 is queued: there are 3" in ran.err


@pytest.mark.parametrize(
    "line",
    [
        ["x", "--remove", "1", "--start"],
        ["x", "now", "--start"],
        ["x", "-i", "/a.png"],
        ["x", "--edit", "one", "now"],
        ["x", "--edit", "1", "now", "-i", "/a.png"],
        ["x", "--edit", "1", "now", "--show", "1"],
        ["x", "now", "--move", "1", "2"],
    ],
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
