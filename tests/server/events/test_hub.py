from __future__ import annotations

import asyncio
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from codextui.protocol import events as ev
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
    """What the deltas of every item come to."""
    found: dict[tuple[str, str, str], str] = defaultdict(str)
    for event in events:
        if isinstance(event.msg, ev.TextDelta):
            found[event.thread_id, event.turn_id, event.msg.item_id] += event.msg.delta
    return found


async def test_twenty_thousand_events_as_fast_as_they_come_lose_nothing():
    hub = EventHub()
    subscription = hub.subscribe(0, "")
    for number in range(20_000):
        hub.publish(f"t{number % 3}", "u", ev.TextDelta("i", f"{number} "))
    events = await take_all(subscription)
    for thread in range(3):
        numbers = [int(n) for n in texts(events)[f"t{thread}", "u", "i"].split()]
        assert numbers == list(range(thread, 20_000, 3))
    assert [event.seq for event in events] == list(range(1, 20_001))


async def test_a_slow_subscriber_gets_merged_deltas_and_everything_else_as_it_was():
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
def test_who_comes_back_with_its_last_number_has_heard_everything_once(
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


async def test_another_epoch_and_a_number_never_reached_begin_anew():
    hub = EventHub()
    hub.publish("", "", ev.Warned("one"))
    assert len(hub.subscribe(1, hub.epoch)) == 0
    assert len(hub.subscribe(1, "another")) == 1
    assert len(hub.subscribe(2, hub.epoch)) == 1
    assert len(hub.subscribe(-1, hub.epoch)) == 1


async def test_a_subscriber_that_never_reads_is_cut_off_and_the_others_hear_all():
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


async def test_a_subscription_waits_until_something_happens():
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


async def test_what_is_restored_is_told_but_not_kept_again():
    kept: list[ev.Event] = []
    hub = EventHub(record=kept.append)
    hub.restore("t", "u", ev.TurnStarted(), at=5.0)
    hub.publish("t", "u", ev.TurnCompleted())
    assert [event.msg for event in kept] == [ev.TurnCompleted()]
    assert next(event.at for event in hub.events_of("t")) == 5.0


def test_of_items_that_never_complete_the_pieces_are_kept_when_their_turn_ends():
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


async def test_a_replay_is_no_lag():
    hub = EventHub()
    for _ in range(LIMITS.lag_above + 1):
        hub.publish("t", "u", ev.TurnStarted())
    assert not hub.subscribe(0, "").lags
