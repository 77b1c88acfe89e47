"""Events of a run reach the server in order, whatever the server does."""

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
from codextui.teams.publish.items import to_plain_json
from codextui.teams.publish.publisher import (
    PendingEvent,
    Publisher,
    PublisherLimits,
    PublishQueue,
    role_thread_id,
    run_thread_id,
)

WAIT_S = 20
LIMITS = PublisherLimits(max_pending=50, max_batch_chars=2000)
RUN = run_thread_id("r")
ROLE = role_thread_id("r", "boss")


class FakeConnection:
    """A server that records events, or fails as a test says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.calls = 0
        self.handle = "team-2"
        self.fail: Callable[[list[dict[str, Any]]], None] = lambda _: None
        self.connected: list[Callable[[], None]] = []

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        assert (tool, arguments["run"]) == ("codex-publish", RUN)
        events: Any = arguments["events"]
        self.calls += 1
        self.fail(events)
        self.events += events
        return {"handles": {RUN: self.handle}}

    def on_connected(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.connected.append(callback)
        return lambda: self.connected.remove(callback)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(one["threadId"], one["msg"]["type"]) for one in self.events]


def changed(
    thread_id: str, state: ThreadState = ThreadState.RUNNING, **more: Any
) -> ev.ThreadChanged:
    kind = ThreadKind.RUN if thread_id == RUN else ThreadKind.ROLE
    return ev.ThreadChanged(ThreadInfo(thread_id, "x", state, kind=kind, **more))


def note(text: str) -> ev.RunNoted:
    return ev.RunNoted("noted", "", text)


async def flushed(publisher: Publisher) -> None:
    assert await publisher.flush(WAIT_S)


async def test_events_are_sent_in_order_and_the_handles_are_known() -> None:
    connection = FakeConnection()
    async with Publisher(connection, "r") as publisher:
        publisher.publish(RUN, "", changed(RUN))
        publisher.publish(ROLE, "", changed(ROLE))
        publisher.publish(ROLE, "t1", ev.TurnStarted())
        publisher.publish(RUN, "t1", note("one"))
    assert connection.kinds == [
        (RUN, "thread_changed"),
        (ROLE, "thread_changed"),
        (ROLE, "task_started"),
        (RUN, "run_noted"),
    ]
    assert publisher.handles == {RUN: "team-2"}
    assert connection.connected == []


async def test_the_handle_of_the_run_is_told_once_and_when_it_changes() -> None:
    connection = FakeConnection()
    handles: list[str] = []
    async with Publisher(connection, "r", on_handle=handles.append) as publisher:
        for handle in ("team-2", "team-2", "mine", "mine", "team-2"):
            connection.handle = handle
            publisher.publish(RUN, "t1", note(handle))
            await flushed(publisher)
    assert handles == ["team-2", "mine", "team-2"]


async def test_only_deltas_are_merged() -> None:
    connection = FakeConnection()
    async with Publisher(connection, "r") as publisher:
        publisher.publish(RUN, "", changed(RUN))
        publisher.publish(ROLE, "", changed(ROLE))
        for part in ("a", "b", "c"):
            publisher.publish(ROLE, "t1", ev.TextDelta("i", part))
            publisher.publish(RUN, "t1", note(part))
    deltas = [one["msg"]["delta"] for one in connection.events if "delta" in one["msg"]]
    assert deltas == ["abc"]
    notes = [one["msg"] for one in connection.events if one["msg"]["type"] == "run_noted"]
    assert [note["text"] for note in notes] == ["a", "b", "c"]


async def test_threads_and_running_turns_are_sent_again_after_a_reconnection() -> None:
    connection = FakeConnection()
    async with Publisher(connection, "r") as publisher:
        publisher.publish(RUN, "", changed(RUN, turn_id="t1", turn_started_at=1.0))
        publisher.publish(ROLE, "", changed(ROLE, ThreadState.WAITING, turn_id="t4"))
        await flushed(publisher)
        connection.events.clear()
        connection.connected[0]()
        await flushed(publisher)
    assert connection.kinds == [
        (RUN, "thread_changed"),
        (RUN, "task_started"),
        (ROLE, "thread_changed"),
    ]


async def test_deltas_that_a_lost_server_may_have_got_are_not_sent_again() -> None:
    connection = FakeConnection()

    def lose(_: object) -> None:
        connection.fail = lambda _: None
        raise ServerUnreachable("gone")

    async with Publisher(connection, "r") as publisher:
        publisher.publish(RUN, "", changed(RUN))
        publisher.publish(ROLE, "", changed(ROLE))
        await flushed(publisher)
        connection.fail = lose
        publisher.publish(ROLE, "t1", ev.TextDelta("i", "half"))
        publisher.publish(ROLE, "t1", ev.ItemCompleted({"id": "i", "type": "agentMessage"}))
        await flushed(publisher)
    assert [kind for _, kind in connection.kinds][-1] == "item_completed"
    assert "agent_message_content_delta" not in [kind for _, kind in connection.kinds]


async def test_refused_events_are_left_out_and_reported_once() -> None:
    connection = FakeConnection()
    problems: list[str] = []

    def refuse(events: list[dict[str, Any]]) -> None:
        if any(event["msg"].get("text") == "bad" for event in events):
            raise ServerRefused("not that")

    connection.fail = refuse
    async with Publisher(connection, "r", on_error=problems.append) as publisher:
        publisher.publish(RUN, "", changed(RUN))
        for text in ("1", "bad", "2", "bad", "3"):
            publisher.publish(RUN, "t1", note(text))
        await flushed(publisher)
    texts = [one["msg"]["text"] for one in connection.events if one["msg"]["type"] == "run_noted"]
    assert texts == ["1", "2", "3"]
    assert problems == ["the server does not take a RunNoted of r: not that"]


async def test_an_event_that_cannot_be_encoded_costs_no_other() -> None:
    connection = FakeConnection()
    problems: list[str] = []

    def choke(events: list[dict[str, Any]]) -> None:
        if any(event["msg"].get("text") == "bad" for event in events):
            raise ValueError("cannot be written")

    connection.fail = choke
    async with Publisher(connection, "r", on_error=problems.append) as publisher:
        publisher.publish(RUN, "", changed(RUN))
        for text in ("1", "bad", "2"):
            publisher.publish(RUN, "t1", note(text))
        await flushed(publisher)
    texts = [one["msg"]["text"] for one in connection.events if one["msg"]["type"] == "run_noted"]
    assert texts == ["1", "2"]
    assert len(problems) == 1


async def test_values_without_a_json_form_are_sent_as_text() -> None:
    connection = FakeConnection()
    call = {"id": "i", "type": "mcpToolCall", "arguments": {"n": 2**60, "x": float("nan")}}
    async with Publisher(connection, "r") as publisher:
        publisher.publish(RUN, "", changed(RUN))
        publisher.publish(RUN, "t1", note("half \ud800"))
        publisher.publish(RUN, "t1", ev.ItemStarted({**call, "o": object}))
    half, started = (one["msg"] for one in connection.events[1:])
    assert half["text"] == "half \ufffd"
    assert started["item"]["arguments"] == {"n": str(2**60), "x": "nan"}


def test_values_that_are_nested_too_deep_are_sent_as_text() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = [deep]
    assert len(json.dumps(to_plain_json(deep))) > 500


async def test_a_server_that_refuses_everything_blocks_nothing_and_loses_nothing() -> None:
    connection, problems = FakeConnection(), asyncio.Queue[str]()

    def refuse(_: object) -> None:
        raise ServerRefused("run:r is run by another")

    connection.fail = refuse
    async with Publisher(connection, "r", on_error=problems.put_nowait) as publisher:
        publisher.publish(RUN, "", changed(RUN))
        publisher.publish(RUN, "t1", note("kept"))
        async with asyncio.timeout(WAIT_S):
            assert "run by another" in await problems.get()
        connection.fail = lambda _: None
        await flushed(publisher)
    assert (RUN, "run_noted") in connection.kinds


def test_a_batch_is_limited_in_size() -> None:
    queue = PublishQueue(LIMITS)
    for number in range(5):
        queue.put(PendingEvent(RUN, "t1", note(str(number) * (LIMITS.max_batch_chars // 2))))
    sizes = []
    while queue:
        sizes.append(len(queue.take_batch()))
    assert sizes == [1, 1, 1, 1, 1]


def test_only_deltas_are_dropped_when_too_many_events_wait() -> None:
    queue = PublishQueue(LIMITS)
    for number in range(LIMITS.max_pending):
        queue.put(PendingEvent(f"{RUN}/{number}", "t1", ev.TextDelta("i", "x")))
    queue.put(PendingEvent(RUN, "t1", note("kept")))
    assert [type(event.msg) for event in queue.take_batch()] == [ev.RunNoted]


def test_a_taken_batch_is_not_changed_by_later_events() -> None:
    queue = PublishQueue(LIMITS)
    queue.put(PendingEvent(ROLE, "t1", ev.TextDelta("i", "a")))
    (taken,) = queue.take_batch()
    queue.put(PendingEvent(ROLE, "t1", ev.TextDelta("i", "b")))
    assert taken.msg == ev.TextDelta("i", "a")
    assert [event.msg for event in queue.take_batch()] == [ev.TextDelta("i", "b")]
