"""What is told of a run reaches the server in order, whatever the server does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from codextui.errors import ServerRefused, ServerUnreachable
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.teams.publish.items import plain
from codextui.teams.publish.publisher import (
    MOST_CHARS_IN_BATCH,
    MOST_WAITING,
    Letter,
    Outbox,
    Publisher,
    role_thread,
    run_thread,
)

WAIT_S = 20
RUN = run_thread("r")
ROLE = role_thread("r", "boss")


class FakeWire:
    """A server that keeps what it is told, or fails as a test says."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.calls = 0
        self.fail: Callable[[list[dict[str, Any]]], None] = lambda _: None
        self.connected: list[Callable[[], None]] = []

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        assert (tool, arguments["run"]) == ("codex-publish", RUN)
        events: Any = arguments["events"]
        self.calls += 1
        self.fail(events)
        self.told += events
        return {"handles": {RUN: "team-2"}}

    def on_connected(self, tell: Callable[[], None]) -> Callable[[], None]:
        self.connected.append(tell)
        return lambda: self.connected.remove(tell)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(one["threadId"], one["msg"]["type"]) for one in self.told]


def row(thread_id: str, state: ThreadState = ThreadState.RUNNING, **more: Any) -> ev.ThreadChanged:
    kind = ThreadKind.RUN if thread_id == RUN else ThreadKind.ROLE
    return ev.ThreadChanged(ThreadInfo(thread_id, "x", state, kind=kind, **more))


def note(text: str) -> ev.RunNoted:
    return ev.RunNoted("noted", "", text)


async def flushed(publisher: Publisher) -> None:
    assert await publisher.flush(WAIT_S)


async def test_everything_is_told_in_order_and_the_handles_are_known() -> None:
    wire = FakeWire()
    async with Publisher(wire, "r") as publisher:
        publisher.tell(RUN, "", row(RUN))
        publisher.tell(ROLE, "", row(ROLE))
        publisher.tell(ROLE, "t1", ev.TurnStarted())
        publisher.tell(RUN, "t1", note("one"))
    assert wire.kinds == [
        (RUN, "thread_changed"),
        (ROLE, "thread_changed"),
        (ROLE, "task_started"),
        (RUN, "run_noted"),
    ]
    assert publisher.handles == {RUN: "team-2"}
    assert wire.connected == []


async def test_growing_texts_are_merged_and_nothing_else_is() -> None:
    wire = FakeWire()
    async with Publisher(wire, "r") as publisher:
        publisher.tell(RUN, "", row(RUN))
        publisher.tell(ROLE, "", row(ROLE))
        for part in ("a", "b", "c"):
            publisher.tell(ROLE, "t1", ev.TextDelta("i", part))
            publisher.tell(RUN, "t1", note(part))
    deltas = [one["msg"]["delta"] for one in wire.told if "delta" in one["msg"]]
    assert deltas == ["abc"]
    assert [one["msg"].get("text") for one in wire.told if one["msg"]["type"] == "run_noted"] == [
        "a",
        "b",
        "c",
    ]


async def test_after_a_reconnect_the_rows_and_the_turns_that_run_are_told_again() -> None:
    wire = FakeWire()
    async with Publisher(wire, "r") as publisher:
        publisher.tell(RUN, "", row(RUN, turn_id="t1", turn_started_at=1.0))
        publisher.tell(ROLE, "", row(ROLE, ThreadState.WAITING, turn_id="t4"))
        await flushed(publisher)
        wire.told.clear()
        wire.connected[0]()
        await flushed(publisher)
    assert wire.kinds == [
        (RUN, "thread_changed"),
        (RUN, "task_started"),
        (ROLE, "thread_changed"),
    ]


async def test_what_a_lost_server_may_have_heard_of_a_text_is_not_told_twice() -> None:
    wire = FakeWire()

    def lose(_: object) -> None:
        wire.fail = lambda _: None
        raise ServerUnreachable("gone")

    async with Publisher(wire, "r") as publisher:
        publisher.tell(RUN, "", row(RUN))
        publisher.tell(ROLE, "", row(ROLE))
        await flushed(publisher)
        wire.fail = lose
        publisher.tell(ROLE, "t1", ev.TextDelta("i", "half"))
        publisher.tell(ROLE, "t1", ev.ItemCompleted({"id": "i", "type": "agentMessage"}))
        await flushed(publisher)
    assert [kind for _, kind in wire.kinds][-1] == "item_completed"
    assert "agent_message_content_delta" not in [kind for _, kind in wire.kinds]


async def test_a_message_that_the_server_refuses_is_left_out_and_told_of_once() -> None:
    wire = FakeWire()
    troubles: list[str] = []

    def refuse(events: list[dict[str, Any]]) -> None:
        if any(event["msg"].get("text") == "bad" for event in events):
            raise ServerRefused("not that")

    wire.fail = refuse
    async with Publisher(wire, "r", on_trouble=troubles.append) as publisher:
        publisher.tell(RUN, "", row(RUN))
        for text in ("1", "bad", "2", "bad", "3"):
            publisher.tell(RUN, "t1", note(text))
        await flushed(publisher)
    texts = [one["msg"]["text"] for one in wire.told if one["msg"]["type"] == "run_noted"]
    assert texts == ["1", "2", "3"]
    assert troubles == ["the server does not take a RunNoted of r: not that"]


async def test_a_message_that_cannot_be_written_costs_no_other() -> None:
    wire = FakeWire()
    troubles: list[str] = []

    def choke(events: list[dict[str, Any]]) -> None:
        if any(event["msg"].get("text") == "bad" for event in events):
            raise ValueError("cannot be written")

    wire.fail = choke
    async with Publisher(wire, "r", on_trouble=troubles.append) as publisher:
        publisher.tell(RUN, "", row(RUN))
        for text in ("1", "bad", "2"):
            publisher.tell(RUN, "t1", note(text))
        await flushed(publisher)
    texts = [one["msg"]["text"] for one in wire.told if one["msg"]["type"] == "run_noted"]
    assert texts == ["1", "2"]
    assert len(troubles) == 1


async def test_what_json_has_no_words_for_is_told_as_text() -> None:
    wire = FakeWire()
    call = {"id": "i", "type": "mcpToolCall", "arguments": {"n": 2**60, "x": float("nan")}}
    async with Publisher(wire, "r") as publisher:
        publisher.tell(RUN, "", row(RUN))
        publisher.tell(RUN, "t1", note("half \ud800"))
        publisher.tell(RUN, "t1", ev.ItemStarted({**call, "o": object}))
    half, started = (one["msg"] for one in wire.told[1:])
    assert half["text"] == "half \ufffd"
    assert started["item"]["arguments"] == {"n": str(2**60), "x": "nan"}


def test_what_is_nested_too_deep_is_told_as_text() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = [deep]
    assert len(json.dumps(plain(deep))) > 500


async def test_a_server_that_takes_nothing_keeps_nobody_waiting_and_nothing_is_lost() -> None:
    wire, troubles = FakeWire(), asyncio.Queue[str]()

    def refuse(_: object) -> None:
        raise ServerRefused("run:r is run by another")

    wire.fail = refuse
    async with Publisher(wire, "r", on_trouble=troubles.put_nowait) as publisher:
        publisher.tell(RUN, "", row(RUN))
        publisher.tell(RUN, "t1", note("kept"))
        async with asyncio.timeout(WAIT_S):
            assert "run by another" in await troubles.get()
        wire.fail = lambda _: None
        await flushed(publisher)
    assert (RUN, "run_noted") in wire.kinds


def test_a_call_holds_no_more_than_it_may() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put(Letter(RUN, "t1", note(str(number) * (MOST_CHARS_IN_BATCH // 2))))
    sizes = []
    while outbox:
        sizes.append(len(outbox.take()))
    assert sizes == [1, 1, 1, 1, 1]


def test_where_too_much_waits_only_the_growing_of_texts_is_left_out() -> None:
    outbox = Outbox()
    for number in range(MOST_WAITING):
        outbox.put(Letter(f"{RUN}/{number}", "t1", ev.TextDelta("i", "x")))
    outbox.put(Letter(RUN, "t1", note("kept")))
    assert [type(letter.msg) for letter in outbox.take()] == [ev.RunNoted]


def test_what_was_taken_is_not_changed_by_what_comes_after() -> None:
    outbox = Outbox()
    outbox.put(Letter(ROLE, "t1", ev.TextDelta("i", "a")))
    (taken,) = outbox.take()
    outbox.put(Letter(ROLE, "t1", ev.TextDelta("i", "b")))
    assert taken.msg == ev.TextDelta("i", "a")
    assert [letter.msg for letter in outbox.take()] == [ev.TextDelta("i", "b")]
