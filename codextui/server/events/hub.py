"""Assigns sequence numbers to events, logs them and fans them out to subscribers."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from codextui.protocol import events as ev
from codextui.protocol.extensions import NOW
from codextui.server.events.subscription import Subscription, merge_adjacent
from codextui.server.options import DEFAULT_LIMITS, EventLimits

_TURN_ENDS = (ev.TurnCompleted, ev.TurnAborted)

_Key: TypeAlias = tuple[str, ...]
"""Identifies what an event is about: a thread, a turn of it, an item of that turn."""


class EventHub:
    """Assigns sequence numbers, logs events and fans them out to subscribers.

    Args:
        record: stores an event for good.
        record_partial: stores, when a turn ends, what is known of an item that did not complete
            in it: its start and its deltas, merged. No later event has that content.
        log: the log; None creates one.
        clock: returns unix seconds.
        limits: sizes and times.

    Attributes:
        epoch: identifies this sequence of numbers; every server process has its own.
        head: the number of the last event; 0 before the first.
    """

    def __init__(
        self,
        *,
        record: Callable[[ev.Event], None] = lambda _: None,
        record_partial: Callable[[ev.Event], None] = lambda _: None,
        log: EventLog | None = None,
        clock: Callable[[], float] = time.time,
        limits: EventLimits = DEFAULT_LIMITS.events,
    ) -> None:
        self.epoch = secrets.token_hex(8)
        self.head = 0
        self._record = record
        self._record_partial = record_partial
        self._log = log if log is not None else EventLog(limits.logged)
        self._clock = clock
        self._limits = limits
        self._subscriptions: set[Subscription] = set()

    def publish(self, thread_id: str, turn_id: str, msg: ev.Msg) -> ev.Event:
        """Publish and record what happens now. Never waits."""
        if isinstance(msg, _TURN_ENDS):
            unfinished = self._log.unfinished_items(thread_id, turn_id)
            for event in merge_adjacent(unfinished, self._limits.merged_chars):
                self._record_partial(event)
        event = self._emit(thread_id, turn_id, msg, self._clock())
        self._record(event)
        return event

    def restore(self, thread_id: str, turn_id: str, msg: ev.Msg, at: float) -> ev.Event:
        """Publish what happened `at` unix seconds and was recorded then."""
        return self._emit(thread_id, turn_id, msg, at)

    def subscribe(
        self, since: int, epoch: str, *, on_disconnect: Callable[[str], None] = lambda _: None
    ) -> Subscription:
        """Return the events after `since` and all that follow.

        A `since` of another epoch, or above `head`, counts as 0, and `NOW` as `head`.
        """
        past = self._log.after(self.resume_point(since, epoch))
        subscription = Subscription(
            past, self.head, on_disconnect=on_disconnect, limits=self._limits
        )
        self._subscriptions.add(subscription)
        return subscription

    def resume_point(self, since: int, epoch: str) -> int:
        """Return the number after which `subscribe` with these arguments begins."""
        if since == NOW:
            return self.head
        return since if epoch == self.epoch and 0 <= since <= self.head else 0

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription."""
        self._subscriptions.discard(subscription)
        subscription.close("it unsubscribed")

    async def wait_for_subscribers(self) -> None:
        """Wait until no subscriber lags, at most `limits.publisher_wait_s` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.publisher_wait_s):
                while any(one.lags for one in self._subscriptions):  # noqa: ASYNC110 - any of many
                    await asyncio.sleep(0.02)

    def events_of(self, thread_id: str) -> list[ev.Event]:
        """Return the logged events of one thread, in order."""
        return self._log.of_thread(thread_id)

    def forget(self, thread_id: str) -> None:
        """Drop the logged events of a thread that has left, and publish that it has."""
        self._log.drop_thread(thread_id)
        self.publish(thread_id, "", ev.ThreadLeft())

    def has_history(self, thread_id: str) -> bool:
        """Return whether the log has more of a thread than its info."""
        return any(not isinstance(e.msg, ev.ThreadChanged) for e in self.events_of(thread_id))

    def _emit(self, thread_id: str, turn_id: str, msg: ev.Msg, at: float) -> ev.Event:
        self.head += 1
        event = ev.Event(self.head, thread_id, turn_id, at, msg)
        self._log.add(event)
        for subscription in tuple(self._subscriptions):
            subscription.push(event)
            if subscription.end_reason:
                self._subscriptions.discard(subscription)
        return event


class EventLog:
    """Events in order, without those that a later one has superseded.

    Dropped are the deltas of an item that completed; every plan, diff, token count, patch and
    gate board but the latest; the start of every span that ended; and all infos of a thread but
    the first, so that the thread comes before its events, and the latest.

    Args:
        limit: events to retain; beyond that the oldest are dropped.
    """

    def __init__(self, limit: int = DEFAULT_LIMITS.events.logged) -> None:
        self._limit = limit
        self._events: dict[int, ev.Event] = {}
        self._parts: defaultdict[_Key, list[int]] = defaultdict(list)
        self._latest: dict[_Key, int] = {}
        self._opened: dict[str, _Key] = {}
        self._told: set[str] = set()
        self._unfinished: defaultdict[_Key, dict[str, int | None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: ev.Event) -> None:
        """Add an event, whose `seq` is above that of every earlier one."""
        self._supersede(event)
        self._events[event.seq] = event
        if not isinstance(event.msg, ev.ThreadChanged | ev.ThreadLeft):
            self._told.add(event.thread_id)
        if len(self._events) > self._limit:
            self._drop(next(iter(self._events)))

    def after(self, seq: int) -> list[ev.Event]:
        """Return the events above `seq`, in order."""
        return [event for number, event in self._events.items() if number > seq]

    def of_thread(self, thread_id: str) -> list[ev.Event]:
        """Return the events of one thread, in order."""
        return [event for event in self._events.values() if event.thread_id == thread_id]

    def drop_thread(self, thread_id: str) -> None:
        """Drop all events of one thread, and what is known of them."""
        if thread_id not in self._told:  # the usual case: nobody followed it
            for kind in ("first", "info"):
                self._drop(self._latest.pop((kind, thread_id), 0))
            return
        self._told.discard(thread_id)
        for event in self.of_thread(thread_id):
            self._drop(event.seq)
        self._latest = {key: seq for key, seq in self._latest.items() if thread_id not in key[:3]}
        for parts in (self._parts, self._unfinished):
            for key in [key for key in parts if key[0] == thread_id]:
                del parts[key]
        self._opened.pop(thread_id, None)

    def unfinished_items(self, thread_id: str, turn_id: str) -> list[ev.Event]:
        """Return the starts and deltas of a turn's items that have not completed, by item."""
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
            case ev.ThreadLeft():
                self._replace(event.seq, ("info", event.thread_id))
            case _:
                key = _superseded_key(event)
                if key is not None:
                    self._replace(event.seq, key)

    def _start_item(self, event: ev.Event, item: _Key) -> None:
        self._opened[event.thread_id] = item
        self._latest[("started", *item)] = event.seq

    def _complete_item(self, thread_id: str, item: _Key) -> None:
        """Drop an item's deltas, and its start where nothing else began after it."""
        for seq in self._parts.pop(item, ()):
            self._drop(seq)
        started = self._latest.pop(("started", *item), None)
        self._latest.pop(("patch", *item), None)
        if started is not None and self._opened.get(thread_id) == item:
            self._drop(started)

    def _change_thread(self, event: ev.Event) -> None:
        first = ("first", event.thread_id)
        if first in self._latest:
            self._replace(event.seq, ("info", event.thread_id))
        else:
            self._latest[first] = event.seq

    def _replace(self, seq: int, key: _Key) -> None:
        before = self._latest.get(key)
        if before is not None:
            self._drop(before)
        self._latest[key] = seq

    def _drop(self, seq: int) -> None:
        self._events.pop(seq, None)


def _superseded_key(event: ev.Event) -> _Key | None:
    """Return the key that an event shares with the one it replaces; None for other kinds."""
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
