from __future__ import annotations

import asyncio
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from codextui.protocol import events as ev
from codextui.protocol.extensions import NOW
from codextui.protocol.runs import Gate, Span, SpanKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.events.hub import EventHub, EventLog
from codextui.server.events.subscription import Subscription
from codextui.server.options import EventLimits

LIMITS = EventLimits()


async def take_all(subscription: Subscription) -> list[ev.Event]:
    events: list[ev.Event] = []
    while len(subscription):
        events += await subscription.next_batch()
    return events


def texts(events: list[ev.Event]) -> dict[tuple[str, str, str], str]:
    """Return the text of every item, joined from its deltas."""
    found: dict[tuple[str, str, str], str] = defaultdict(str)
    for event in events:
        if isinstance(event.msg, ev.TextDelta):
            found[event.thread_id, event.turn_id, event.msg.item_id] += event.msg.delta
    return found


async def test_none_of_twenty_thousand_events_is_lost():
    hub = EventHub()
    subscription = hub.subscribe(0, "")
    for number in range(20_000):
        hub.publish(f"t{number % 3}", "u", ev.TextDelta("i", f"{number} "))
    events = await take_all(subscription)
    for thread in range(3):
        numbers = [int(n) for n in texts(events)[f"t{thread}", "u", "i"].split()]
        assert numbers == list(range(thread, 20_000, 3))
    assert [event.seq for event in events] == list(range(1, 20_001))


async def test_a_slow_subscriber_gets_merged_deltas_and_all_other_events_unchanged():
    hub = EventHub()
    subscription = hub.subscribe(0, "")
    for number in range(5_000):
        hub.publish("t", "u", ev.TextDelta("i", f"{number} "))
    hub.publish("t", "u", ev.ErrorRaised("one"))
    hub.publish("t", "u", ev.ErrorRaised("one"))
    hub.publish("t", "u", ev.TurnCompleted("all"))
    assert len(subscription) < LIMITS.merge_above + 10
    events = await take_all(subscription)
    assert texts(events)["t", "u", "i"] == "".join(f"{n} " for n in range(5_000))
    assert [event.msg for event in events[-3:]] == [
        ev.ErrorRaised("one"),
        ev.ErrorRaised("one"),
        ev.TurnCompleted("all"),
    ]
    assert [event.seq for event in events] == sorted({event.seq for event in events})


def test_deltas_of_different_kinds_parts_and_turns_are_not_merged():
    deltas = [
        ev.Event(1, "t", "u", 0.0, ev.TextDelta("i", "a")),
        ev.Event(2, "t", "u", 0.0, ev.OutputDelta("i", "a")),
        ev.Event(3, "t", "u", 0.0, ev.ReasoningDelta("i", "a", part=0)),
        ev.Event(4, "t", "u", 0.0, ev.ReasoningDelta("i", "a", part=1)),
        ev.Event(5, "t", "v", 0.0, ev.ReasoningDelta("i", "a", part=1)),
        ev.Event(6, "s", "v", 0.0, ev.ReasoningDelta("i", "a", part=1)),
        ev.Event(7, "s", "v", 0.0, ev.ReasoningDelta("j", "a", part=1)),
    ]
    assert len(Subscription(deltas, 7)) == 7


_MESSAGES = st.one_of(
    st.builds(ev.TextDelta, st.sampled_from("ij"), st.text("xyz", max_size=3)),
    st.builds(ev.OutputDelta, st.sampled_from("ij"), st.text("xyz", max_size=3)),
    st.builds(ev.ErrorRaised, st.text("e", max_size=2)),
    st.sampled_from([ev.TurnStarted(), ev.TurnCompleted("done")]),
)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("uv"), _MESSAGES), max_size=60),
    st.integers(0, 60),
)
def test_a_subscriber_that_resumes_gets_every_event_once(
    published: list[tuple[str, str, ev.Msg]], leaves: int
):
    async def play() -> None:
        hub = EventHub()
        whole = hub.subscribe(0, "")
        first = hub.subscribe(0, "")
        for event in published[:leaves]:
            hub.publish(*event)
        heard = await take_all(first)
        hub.unsubscribe(first)
        for event in published[leaves:]:
            hub.publish(*event)
        heard += await take_all(hub.subscribe(heard[-1].seq if heard else 0, hub.epoch))
        wanted = await take_all(whole)
        assert texts(heard) == texts(wanted)
        assert outputs(heard) == outputs(wanted)
        assert others(heard) == others(wanted)
        assert [event.seq for event in heard] == sorted({event.seq for event in heard})

    asyncio.run(play())


def outputs(events: list[ev.Event]) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = defaultdict(str)
    for event in events:
        if isinstance(event.msg, ev.OutputDelta):
            found[event.thread_id, event.turn_id, event.msg.item_id] += event.msg.delta
    return found


def others(events: list[ev.Event]) -> list[tuple[str, str, ev.Msg]]:
    return [
        (event.thread_id, event.turn_id, event.msg)
        for event in events
        if not isinstance(event.msg, ev.TextDelta | ev.OutputDelta)
    ]


async def test_another_epoch_and_numbers_never_reached_replay_everything():
    hub = EventHub()
    hub.publish("", "", ev.Warned("one"))
    assert len(hub.subscribe(1, hub.epoch)) == 0
    assert len(hub.subscribe(1, "another")) == 1
    assert len(hub.subscribe(2, hub.epoch)) == 1
    assert len(hub.subscribe(-2, hub.epoch)) == 1


async def test_the_past_can_be_skipped_whatever_the_epoch():
    hub = EventHub()
    hub.publish("", "", ev.Warned("one"))
    subscription = hub.subscribe(NOW, "")
    assert hub.resume_point(NOW, "") == hub.head == 1
    hub.publish("", "", ev.Warned("two"))
    assert [event.msg for event in await subscription.next_batch()] == [ev.Warned("two")]


async def test_a_subscriber_that_never_reads_is_disconnected_and_others_get_everything():
    hub = EventHub(log=EventLog(10))
    reasons: list[str] = []
    deaf = hub.subscribe(0, "", on_disconnect=reasons.append)
    good = hub.subscribe(0, "")
    heard = 0
    for number in range(60_000):
        hub.publish("t", "u", ev.ErrorRaised(str(number)))
        if number % 1_000 == 0:
            heard += len(await take_all(good))
    heard += len(await take_all(good))
    assert heard == 60_000
    assert len(reasons) == 1
    assert "does not keep up" in deaf.end_reason
    assert await deaf.next_batch() == []
    assert len(deaf) == 0


async def test_a_subscription_waits_for_the_next_event():
    hub = EventHub()
    subscription = hub.subscribe(0, "")
    waiting = asyncio.create_task(subscription.next_batch())
    await asyncio.sleep(0)
    assert not waiting.done()
    hub.publish("", "", ev.Warned("now"))
    (event,) = await asyncio.wait_for(waiting, 5)
    assert event.msg == ev.Warned("now")
    hub.unsubscribe(subscription)
    assert await asyncio.wait_for(subscription.next_batch(), 5) == []


async def test_restored_events_are_published_and_not_recorded_again():
    kept: list[ev.Event] = []
    hub = EventHub(record=kept.append)
    hub.restore("t", "u", ev.TurnStarted(), at=5.0)
    hub.publish("t", "u", ev.TurnCompleted())
    assert [event.msg for event in kept] == [ev.TurnCompleted()]
    assert next(event.at for event in hub.events_of("t")) == 5.0


def test_the_parts_of_unfinished_items_are_recorded_when_their_turn_ends():
    kept: list[ev.Msg] = []
    hub = EventHub(record_partial=lambda event: kept.append(event.msg))
    started = ev.ItemStarted({"id": "cut", "type": "agentMessage", "text": ""})
    command = ev.ItemStarted({"id": "run", "type": "commandExecution", "command": "make"})
    for msg in (
        started,
        ev.ItemStarted({"id": "done", "type": "agentMessage", "text": ""}),
        ev.TextDelta("cut", "half a "),
        ev.TextDelta("done", "whole"),
        ev.TextDelta("cut", "sentence"),
        ev.ItemCompleted({"id": "done", "type": "agentMessage", "text": "whole"}),
        command,
        ev.OutputDelta("run", "said"),
        ev.OutputDelta("unseen", "of an item that nobody saw begin"),
    ):
        hub.publish("t", "u", msg)
    hub.publish("t", "another", ev.TurnCompleted(""))
    assert kept == []
    hub.publish("t", "u", ev.TurnAborted("interrupted"))
    assert kept == [
        started,
        ev.TextDelta("cut", "half a sentence"),
        command,
        ev.OutputDelta("run", "said"),
        ev.OutputDelta("unseen", "of an item that nobody saw begin"),
    ]
    hub.publish("t", "u", ev.TurnAborted("interrupted"))
    assert len(kept) == 5


async def test_a_publisher_waits_for_a_subscriber_that_lags():
    hub = EventHub()
    subscription = hub.subscribe(0, "")
    for _ in range(LIMITS.lag_above + 1):
        hub.publish("t", "u", ev.TurnStarted())
    waiting = asyncio.create_task(hub.wait_for_subscribers())
    await asyncio.sleep(0)
    assert not waiting.done()
    await take_all(subscription)
    async with asyncio.timeout(30):
        await waiting


async def test_a_publisher_waits_only_so_long():
    hub = EventHub(limits=EventLimits(publisher_wait_s=0.0))
    subscription = hub.subscribe(0, "")
    for _ in range(LIMITS.lag_above + 1):
        hub.publish("t", "u", ev.TurnStarted())
    async with asyncio.timeout(30):
        await hub.wait_for_subscribers()
    assert subscription.lags


async def test_a_replay_does_not_count_as_lag():
    hub = EventHub()
    for _ in range(LIMITS.lag_above + 1):
        hub.publish("t", "u", ev.TurnStarted())
    assert not hub.subscribe(0, "").lags


def logged(*messages: ev.Msg, limit: int = 100) -> tuple[EventLog, list[ev.Msg]]:
    log = EventLog(limit)
    for seq, msg in enumerate(messages, 1):
        log.add(ev.Event(seq, "t", "u", 0.0, msg))
    return log, [event.msg for event in log.after(0)]


def changed(note: str) -> ev.ThreadChanged:
    return ev.ThreadChanged(ThreadInfo("t", "codex-1", ThreadState.IDLE, note=note))


STARTED = ev.ItemStarted({"id": "i", "type": "agentMessage"})
COMPLETED = ev.ItemCompleted({"id": "i", "type": "agentMessage", "text": "ab"})


def test_the_deltas_of_a_completed_item_are_dropped():
    _, left = logged(STARTED, ev.TextDelta("i", "a"), ev.TextDelta("i", "b"), COMPLETED)
    assert left == [COMPLETED]


def test_the_start_of_an_item_stays_before_items_that_began_later():
    other = ev.ItemStarted({"id": "j", "type": "reasoning"})
    _, left = logged(STARTED, other, COMPLETED)
    assert left == [STARTED, other, COMPLETED]


def test_the_deltas_of_a_running_item_are_retained():
    deltas = (ev.TextDelta("i", "a"), ev.ReasoningDelta("r", "b"), ev.TextDelta("i", "c"))
    _, left = logged(STARTED, *deltas)
    assert left == [STARTED, *deltas]


def test_only_the_latest_diff_plan_and_patch_are_retained():
    _, left = logged(
        ev.DiffUpdated("one"),
        ev.PlanUpdated("", ()),
        ev.DiffUpdated("two"),
        ev.PatchUpdated("p", ()),
        ev.PlanUpdated("new", ()),
        ev.PatchUpdated("p", ()),
    )
    assert left == [ev.DiffUpdated("two"), ev.PlanUpdated("new", ()), ev.PatchUpdated("p", ())]


def test_the_latest_gate_board_and_the_end_of_a_span_are_retained():
    def span(span_id: str, ended_at: float | None = None) -> ev.SpanChanged:
        return ev.SpanChanged(Span(span_id, "backend", SpanKind.MODEL, ended_at=ended_at))

    board = ev.GatesChecked((Gate("spec.md", met=True),))
    _, left = logged(ev.GatesChecked(()), span("1"), span("2"), board, span("1", 5.0))
    assert left == [span("2"), board, span("1", 5.0)]


def test_the_first_and_the_latest_info_of_a_thread_are_retained():
    _, left = logged(changed("1"), ev.TurnStarted(), changed("2"), changed("3"))
    assert left == [changed("1"), ev.TurnStarted(), changed("3")]


def test_an_item_completed_in_another_turn_supersedes_nothing():
    log = EventLog()
    log.add(ev.Event(1, "t", "u", 0.0, ev.TextDelta("i", "a")))
    log.add(ev.Event(2, "t", "v", 0.0, COMPLETED))
    log.add(ev.Event(3, "other", "u", 0.0, COMPLETED))
    assert [event.seq for event in log.after(0)] == [1, 2, 3]


def test_the_oldest_events_are_dropped_above_the_limit():
    log, left = logged(*(ev.Warned(str(n)) for n in range(10)), limit=4)
    assert [msg.message for msg in left if isinstance(msg, ev.Warned)] == ["6", "7", "8", "9"]
    assert len(log) == 4


def test_a_thread_that_left_leaves_nothing_but_that_and_may_return():
    hub = EventHub()
    for thread in ("left", "quiet", "stays"):
        hub.publish(thread, "", changed("a"))
        hub.publish(thread, "", changed("b"))
    for thread in ("left", "stays"):
        hub.publish(thread, "u", ev.TurnStarted())
        hub.publish(thread, "u", ev.TextDelta("i", "half"))
    stays = hub.events_of("stays")
    for thread in ("left", "quiet"):
        hub.forget(thread)
        assert [event.msg for event in hub.events_of(thread)] == [ev.ThreadLeft()]
        assert not hub._log.unfinished_items(thread, "u")
    assert hub.events_of("stays") == stays
    for note in ("c", "d", "e"):
        hub.publish("left", "", changed(note))
    assert [event.msg for event in hub.events_of("left")] == [changed("c"), changed("e")]
    hub.forget("left")
    assert [event.msg for event in hub.events_of("left")] == [ev.ThreadLeft()]
