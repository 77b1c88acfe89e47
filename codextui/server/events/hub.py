"""Where every event of the server passes: it gets its number, is kept, and is told to all."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from codextui.protocol import events as ev
from codextui.protocol.events import Event, Msg, ThreadChanged, TurnAborted, TurnCompleted
from codextui.server.events.subscription import Subscription, merged

KEEP = 400_000
"""Events that are kept at most; beyond that the oldest are forgotten."""

_Place: TypeAlias = tuple[str, ...]
"""What an event is about: a thread, a turn of it, an item of that."""


class EventLog:
    """Events in order, without those that a later one has made superfluous.

    Gone are the deltas of an item that completed, every plan, diff, token count, patch and gate
    board but the latest, every span as it began where it is over, and every row of a thread but
    its first (so that the thread comes before what happened on it) and its latest.
    """

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._events: dict[int, ev.Event] = {}
        self._parts: defaultdict[_Place, list[int]] = defaultdict(list)
        self._latest: dict[_Place, int] = {}
        self._opened: dict[str, _Place] = {}
        self._unfinished: defaultdict[_Place, dict[str, int | None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: ev.Event) -> None:
        """Keep an event; its `seq` is above every one before."""
        self._supersede(event)
        self._events[event.seq] = event
        if len(self._events) > self._keep:
            self._drop(next(iter(self._events)))

    def after(self, seq: int) -> list[ev.Event]:
        """The events above `seq`, in order."""
        return [event for number, event in self._events.items() if number > seq]

    def of_thread(self, thread_id: str) -> list[ev.Event]:
        """The events of one thread, in order."""
        return [event for event in self._events.values() if event.thread_id == thread_id]

    def unfinished_of(self, thread_id: str, turn_id: str) -> list[ev.Event]:
        """What is known of the items of a turn that have not completed, item by item."""
        turn = (thread_id, turn_id)
        found: list[ev.Event] = []
        for item, started in self._unfinished.get(turn, {}).items():
            numbers = [*([] if started is None else [started]), *self._parts.get((*turn, item), ())]
            found += [self._events[number] for number in numbers if number in self._events]
        return found

    def _supersede(self, event: ev.Event) -> None:
        turn = (event.thread_id, event.turn_id)
        match event.msg:
            case (
                ev.TextDelta(item_id=item)
                | ev.ReasoningDelta(item_id=item)
                | ev.PlanDelta(item_id=item)
                | ev.OutputDelta(item_id=item)
            ):
                self._unfinished[turn].setdefault(item, None)
                self._parts[event.thread_id, event.turn_id, item].append(event.seq)
            case ev.PatchUpdated(item_id=item):
                self._unfinished[turn].setdefault(item, None)
                self._replace(event.seq, ("patch", *turn, item))
                self._parts[(*turn, item)].append(event.seq)
            case ev.ItemStarted(item):
                self._unfinished[turn][str(item.get("id"))] = event.seq
                self._start_item(event, (*turn, str(item.get("id"))))
            case ev.ItemCompleted(item):
                self._unfinished[turn].pop(str(item.get("id")), None)
                self._complete_item(event.thread_id, (*turn, str(item.get("id"))))
            case ev.TurnCompleted() | ev.TurnAborted():
                self._unfinished.pop(turn, None)
            case ev.ThreadChanged():
                self._change_thread(event)
            case _:
                place = _replaced(event)
                if place is not None:
                    self._replace(event.seq, place)

    def _start_item(self, event: ev.Event, place: _Place) -> None:
        self._opened[event.thread_id] = place
        self._latest[("started", *place)] = event.seq

    def _complete_item(self, thread_id: str, place: _Place) -> None:
        """Drop what the item was made of; its start only where nothing came after it."""
        for seq in self._parts.pop(place, ()):
            self._drop(seq)
        started = self._latest.pop(("started", *place), None)
        self._latest.pop(("patch", *place), None)
        if started is not None and self._opened.get(thread_id) == place:
            self._drop(started)

    def _change_thread(self, event: ev.Event) -> None:
        first = ("first", event.thread_id)
        if first in self._latest:
            self._replace(event.seq, ("row", event.thread_id))
        else:
            self._latest[first] = event.seq

    def _replace(self, seq: int, place: _Place) -> None:
        before = self._latest.get(place)
        if before is not None:
            self._drop(before)
        self._latest[place] = seq

    def _drop(self, seq: int) -> None:
        self._events.pop(seq, None)


def _replaced(event: ev.Event) -> _Place | None:
    """What an event shares with the one that it replaces; None where it replaces none."""
    match event.msg:
        case ev.DiffUpdated() | ev.PlanUpdated():
            return type(event.msg).__name__, event.thread_id, event.turn_id
        case ev.TokensCounted():
            return "tokens", event.thread_id
        case ev.GatesChecked():
            return "gates", event.thread_id
        case ev.SpanChanged(span):
            return "span", event.thread_id, span.span_id
        case _:
            return None


LONGEST_WAIT_S = 5.0
"""Seconds that a publisher waits at most for subscribers that lag."""

_ENDS = (TurnCompleted, TurnAborted)


class EventHub:
    """Numbers events, keeps the past, and hands each event to every subscriber's own queue.

    `keep` is told every event for good; of an item that has not completed when its turn ends,
    which nothing later will tell, `keep_part` is told what it was made of, in few pieces.

    Attributes:
        epoch: the id of this count of events; a server that starts anew counts anew.
        head: the number of the last event, 0 before the first.
    """

    def __init__(
        self,
        *,
        keep: Callable[[Event], None] = lambda _: None,
        keep_part: Callable[[Event], None] = lambda _: None,
        log: EventLog | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.epoch = secrets.token_hex(8)
        self.head = 0
        self._keep = keep
        self._keep_part = keep_part
        self._log = log if log is not None else EventLog()
        self._clock = clock
        self._subscriptions: set[Subscription] = set()

    def publish(self, thread_id: str, turn_id: str, msg: Msg) -> Event:
        """Tell everybody that something happened, now. Never waits."""
        if isinstance(msg, _ENDS):
            for part in merged(self._log.unfinished_of(thread_id, turn_id)):
                self._keep_part(part)
        event = self._number(thread_id, turn_id, msg, self._clock())
        self._keep(event)
        return event

    def restore(self, thread_id: str, turn_id: str, msg: Msg, at: float) -> Event:
        """Tell of something that happened before, `at` unix seconds: it is not kept again."""
        return self._number(thread_id, turn_id, msg, at)

    def subscribe(
        self, since: int, epoch: str, *, on_cut: Callable[[str], None] = lambda _: None
    ) -> Subscription:
        """Return the events after `since`, and all that follow.

        A `since` of another epoch, or one that was never reached, counts as 0.
        """
        past = self._log.after(self.resume_point(since, epoch))
        subscription = Subscription(past, self.head, on_cut=on_cut)
        self._subscriptions.add(subscription)
        return subscription

    def resume_point(self, since: int, epoch: str) -> int:
        """The number after which a subscriber with this `since` and epoch is told events."""
        return since if epoch == self.epoch and 0 <= since <= self.head else 0

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop telling a subscriber."""
        self._subscriptions.discard(subscription)
        subscription.end("it unsubscribed")

    async def keep_pace(self) -> None:
        """Wait until no subscriber lags, but not for long: one that never reads is cut off."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_S):
                while any(one.lags for one in self._subscriptions):  # noqa: ASYNC110 - any of many
                    await asyncio.sleep(0.02)

    def past_of(self, thread_id: str) -> list[Event]:
        """What is still worth telling of one thread, in order."""
        return self._log.of_thread(thread_id)

    def has_past(self, thread_id: str) -> bool:
        """Whether more is known of a thread than its row."""
        return any(not isinstance(e.msg, ThreadChanged) for e in self.past_of(thread_id))

    def _number(self, thread_id: str, turn_id: str, msg: Msg, at: float) -> Event:
        self.head += 1
        event = Event(self.head, thread_id, turn_id, at, msg)
        self._log.add(event)
        for subscription in tuple(self._subscriptions):
            subscription.push(event)
            if subscription.reason:
                self._subscriptions.discard(subscription)
        return event
