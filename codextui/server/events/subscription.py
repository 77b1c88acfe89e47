"""One subscriber's own queue of events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from codextui.protocol import events as ev

MERGE_ABOVE = 1_024
"""Events waiting for a subscriber above which adjacent deltas of one item are merged."""

MERGED_CHARS = 16 * 1024
"""Characters that a merged delta may have, so that merging costs the same for every delta."""

MAX_EVENTS = 50_000
"""Events that may wait for a subscriber beside its replay; then it is cut off."""

LAGS_ABOVE = MAX_EVENTS // 5
"""Events waiting beside its replay above which a subscriber lags, and publishers wait for it."""

MAX_CHARS = 64 * 1024 * 1024
"""Characters of deltas that may wait for a subscriber; then it is cut off."""

BATCH = 256
"""Events that are handed over at once."""


class Subscription:
    """The events that one subscriber has not been told yet.

    Nothing is lost and nothing out of order: where the subscriber lags, adjacent deltas of one
    item become one. Where it lags for good it is cut off: `reason` says why, and it catches up
    by `seq` when it comes back.

    Attributes:
        head: the last event of the past; what is above it happens now.
        reason: why it ended; empty while it is open.
    """

    def __init__(
        self,
        past: Iterable[ev.Event],
        head: int,
        *,
        limit: int = MAX_EVENTS,
        on_cut: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Put the past into the queue.

        Args:
            past: the events that come first, in order.
            head: the number of the last of them.
            limit: how many events may wait beside them.
            on_cut: told why, where the subscriber is cut off because it lags for good.
        """
        self.head = head
        self.reason = ""
        self._on_cut = on_cut
        self._queue: deque[ev.Event] = deque()
        self._chars = 0
        self._filled = asyncio.Event()
        for event in past:
            self._append(event, merge=True)
        self._limit = limit + len(self._queue)
        self._lags_above = LAGS_ABOVE + len(self._queue)
        self._chars = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def caught_up(self) -> bool:
        """Whether everything of the past has been handed over."""
        return not self._queue or self._queue[0].seq > self.head

    @property
    def lags(self) -> bool:
        """Whether so much waits that whoever can should tell it less."""
        return len(self._queue) > self._lags_above

    def push(self, event: ev.Event) -> None:
        """Add an event; ends the subscription where too many wait already."""
        if self.reason:
            return
        self._append(event, merge=len(self._queue) > MERGE_ABOVE)
        if len(self._queue) > self._limit or self._chars > MAX_CHARS:
            self.cut(f"it does not keep up: {len(self._queue)} events wait for it")

    def cut(self, reason: str) -> None:
        """End the subscription against the subscriber's will, because it lags for good."""
        self.end(reason)
        self._on_cut(reason)

    def end(self, reason: str) -> None:
        """End the subscription; what waits is let go."""
        self.reason = self.reason or reason
        self._queue.clear()
        self._filled.set()

    async def next_batch(self) -> list[ev.Event]:
        """Wait for events and return some, in order; an empty list after the end."""
        await self._filled.wait()
        if self.reason:
            return []
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._chars = max(0, self._chars - sum(len(_text(event.msg)) for event in batch))
        if not self._queue:
            self._chars = 0
            self._filled.clear()
        return batch

    def _append(self, event: ev.Event, *, merge: bool) -> None:
        merged = _merge(self._queue[-1], event) if merge and self._queue else None
        if merged is None:
            self._queue.append(event)
        else:
            self._queue[-1] = merged
        self._chars += len(_text(event.msg))
        self._filled.set()


def merged(events: Iterable[ev.Event]) -> list[ev.Event]:
    """The events with adjacent deltas of one item as one, as far as that may grow."""
    found: list[ev.Event] = []
    for event in events:
        one = _merge(found[-1], event) if found else None
        if one is None:
            found.append(event)
        else:
            found[-1] = one
    return found


def _merge(before: ev.Event, after: ev.Event) -> ev.Event | None:
    """The two as one event with the later `seq`; None where they do not belong together."""
    if (before.thread_id, before.turn_id) != (after.thread_id, after.turn_id):
        return None
    if len(_text(before.msg)) >= MERGED_CHARS:
        return None
    msg = ev.merge_deltas(before.msg, after.msg)
    if msg is None:
        return None
    return ev.Event(after.seq, after.thread_id, after.turn_id, after.at, msg)


def _text(msg: ev.Msg) -> str:
    match msg:
        case ev.TextDelta() | ev.OutputDelta() | ev.PlanDelta() | ev.ReasoningDelta():
            return msg.delta
        case _:
            return ""
