"""Where every event of the server passes: it gets its number, is kept, and is told to all."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from codextui.server.event_log import EventLog
from codextui.server.subscription import Subscription, merged
from codextui.wire.event import Event, Msg, ThreadChanged, TurnAborted, TurnCompleted

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
