"""`codextui read`."""

from __future__ import annotations

import json
from typing import Any

from client.fake_server import FakeServer
from commands.command_line import ROLE, THREAD

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import Event

SPAWN = {
    "id": "4",
    "type": "collabAgentToolCall",
    "tool": "spawnAgent",
    "status": "completed",
    "receiverThreadIds": ["child"],
    "prompt": "Test it.",
    "agentsStates": {"child": {"status": "errored", "message": "no model"}},
}
SPAWNED = ["started the sub-agent child", "> Test it.", "child: failed: no model"]


async def test_read_prints_the_items_in_order(server: FakeServer, run: Any) -> None:
    run_item = {
        "id": "2",
        "type": "commandExecution",
        "command": "make test",
        "status": "completed",
        "aggregatedOutput": "all green\n",
        "exitCode": 0,
    }
    wires = [
        Event(seq, THREAD.thread_id, "u1", 1.0, msg).to_json()
        for seq, msg in enumerate(
            [
                ev.ThreadChanged(THREAD),
                ev.TurnStarted(),
                ev.ItemCompleted(run_item),
                ev.ItemCompleted(SPAWN),
                ev.ItemCompleted({"id": "3", "type": "agentMessage", "text": "It is done."}),
                ev.TurnCompleted("It is done."),
            ],
            1,
        )
    ]
    server.tools["codex-read"] = lambda _: {"thread": THREAD.to_json(), "events": wires}
    ran = await run("read", "backend")
    wanted = [
        "backend (01a2-thread)",
        "$ make test",
        "exit 0",
        "all green",
        *SPAWNED,
        "It is done.",
    ]
    places = [ran.out.index(words) for words in wanted]
    assert places == sorted(places)
    as_json = await run("read", "backend", "--json")
    thread, *events = as_json.objects
    assert thread == json.loads(json.dumps({"thread": THREAD.to_json()}))
    assert {key: events[1][key] for key in ("seq", "thread_id", "turn_id", "at")} == {
        "seq": 2,
        "thread_id": THREAD.thread_id,
        "turn_id": "u1",
        "at": 1.0,
    }
    assert [event["msg"] for event in events] == [
        json.loads(json.dumps(wire["msg"])) for wire in wires
    ]


async def test_read_shows_events_that_have_no_numbers(server: FakeServer, run: Any) -> None:
    said = [{"id": name, "type": "agentMessage", "text": name} for name in ("one", "two")]
    events = [Event(0, THREAD.thread_id, "u", 0.0, ev.ItemCompleted(item)) for item in said]
    wires = [event.to_json() for event in events]
    server.tools["codex-read"] = lambda _: {"thread": THREAD.to_json(), "events": wires}
    assert [line for line in (await run("read", "backend")).lines[1:] if line] == ["one", "two"]


async def test_read_shows_the_kind_of_a_role(server: FakeServer, run: Any) -> None:
    server.tools["codex-read"] = lambda _: {"thread": ROLE.to_json(), "events": []}
    assert (await run("read", "backend")).lines == ["backend (run:bugs-1/backend)  role, done"]


async def test_read_shows_the_last_state_of_progress_and_how_open_items_stand(
    server: FakeServer, run: Any
) -> None:
    def command(item_id: str, **values: Any) -> dict[str, Any]:
        return {"id": item_id, "type": "commandExecution", "command": "make", **values}

    progress = "10%\r50%\r100%\r\n"
    asked = Approval("a1", THREAD.thread_id, "u2", "3", "backend", 1.0, CommandAsked("make"))
    msgs: list[tuple[str, ev.Msg]] = [
        ("u1", ev.ItemCompleted(command("1", status="completed", aggregatedOutput=progress))),
        ("u1", ev.ItemStarted(command("2", status="inProgress"))),
        ("u1", ev.TurnAborted("interrupted", "")),
        ("u2", ev.ItemStarted(command("3", status="inProgress"))),
        ("u2", ev.ApprovalAsked(asked)),
        ("u2", ev.ItemStarted(command("4", status="inProgress"))),
    ]
    server.tools["codex-read"] = lambda _: {
        "thread": THREAD.to_json(),
        "events": [
            Event(seq, THREAD.thread_id, turn, 1.0, msg).to_json()
            for seq, (turn, msg) in enumerate(msgs, 1)
        ],
    }
    ran = await run("read", "backend")
    assert "  100%" in ran.lines
    assert "50%" not in ran.out
    states = [line.strip() for line in ran.lines if line.startswith("  [")]
    assert states == ["[completed]", "[interrupted]", "[waits for a decision]", "[running]"]


async def test_read_shows_that_another_answer_came_before_a_decision(
    server: FakeServer, run: Any
) -> None:
    asked = Approval("a1", THREAD.thread_id, "u", "i", "backend", 1.0, CommandAsked("make"))
    msgs: list[ev.Msg] = [
        ev.ApprovalAsked(asked),
        ev.ApprovalResolved("a1", "approved", "console", waited=2.0),
        ev.ApprovalCorrected("a1", "declined"),
    ]
    server.tools["codex-read"] = lambda _: {
        "thread": THREAD.to_json(),
        "events": [
            Event(seq, THREAD.thread_id, "u", 1.0, msg).to_json() for seq, msg in enumerate(msgs, 1)
        ],
    }
    ran = await run("read", "backend")
    said = [line.strip() for line in ran.lines if "approved by" in line or "came first" in line]
    assert said == [
        "approved by console after 2.0s",
        "another client's answer came first: declined there",
    ]
