"""One subscriber's own bounded queue of events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from codextui.protocol import events as ev
from codextui.server.options import DEFAULT_LIMITS, EventLimits


class Subscription:
    """The events that one subscriber has not taken yet.

    Nothing is lost or reordered. While the subscriber lags, adjacent deltas of one item are
    merged. Where it does not catch up it is disconnected: `end_reason` says why, and it resumes
    by `seq` when it comes back.

    Args:
        past: the events to replay first, in order.
        head: the number of the last of them.
        on_disconnect: called with the reason where the subscriber is disconnected for lagging.
        limits: sizes.

    Attributes:
        head: the number of the last event of the replay.
        end_reason: why the subscription ended; empty while it is open.
    """

    def __init__(
        self,
        past: Iterable[ev.Event],
        head: int,
        *,
        on_disconnect: Callable[[str], None] = lambda _: None,
        limits: EventLimits = DEFAULT_LIMITS.events,
    ) -> None:
        self.head = head
        self.end_reason = ""
        self._on_disconnect = on_disconnect
        self._limits = limits
        self._queue: deque[ev.Event] = deque()
        self._chars = 0
        self._filled = asyncio.Event()
        for event in past:
            self._append(event, merge=True)
        self._max_queued = limits.queued + len(self._queue)
        self._lag_above = limits.lag_above + len(self._queue)
        self._chars = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def caught_up(self) -> bool:
        """Whether the whole replay has been taken."""
        return not self._queue or self._queue[0].seq > self.head

    @property
    def lags(self) -> bool:
        """Whether so much waits that publishers should slow down."""
        return len(self._queue) > self._lag_above

    def push(self, event: ev.Event) -> None:
        """Add an event; disconnects the subscriber where too much waits already."""
        if self.end_reason:
            return
        self._append(event, merge=len(self._queue) > self._limits.merge_above)
        if len(self._queue) > self._max_queued or self._chars > self._limits.queued_chars:
            self.disconnect(f"it does not keep up: {len(self._queue)} events wait for it")

    def disconnect(self, reason: str) -> None:
        """End the subscription because the subscriber lags, and call `on_disconnect`."""
        self.close(reason)
        self._on_disconnect(reason)

    def close(self, reason: str) -> None:
        """End the subscription and discard what waits."""
        self.end_reason = self.end_reason or reason
        self._queue.clear()
        self._filled.set()

    async def next_batch(self) -> list[ev.Event]:
        """Wait for events and return some, in order; an empty list after the end."""
        await self._filled.wait()
        if self.end_reason:
            return []
        size = min(self._limits.batch, len(self._queue))
        batch = [self._queue.popleft() for _ in range(size)]
        self._chars = max(0, self._chars - sum(len(_delta(event.msg)) for event in batch))
        if not self._queue:
            self._chars = 0
            self._filled.clear()
        return batch

    def _append(self, event: ev.Event, *, merge: bool) -> None:
        merged = None
        if merge and self._queue:
            merged = _merge(self._queue[-1], event, self._limits.merged_chars)
        if merged is None:
            self._queue.append(event)
        else:
            self._queue[-1] = merged
        self._chars += len(_delta(event.msg))
        self._filled.set()


def merge_adjacent(events: Iterable[ev.Event], max_chars: int) -> list[ev.Event]:
    """Return the events with adjacent deltas of one item merged up to `max_chars` characters."""
    found: list[ev.Event] = []
    for event in events:
        merged = _merge(found[-1], event, max_chars) if found else None
        if merged is None:
            found.append(event)
        else:
            found[-1] = merged
    return found


def _merge(before: ev.Event, after: ev.Event, max_chars: int) -> ev.Event | None:
    """Return both as one event with the later `seq`; None where they cannot be merged."""
    if (before.thread_id, before.turn_id) != (after.thread_id, after.turn_id):
        return None
    if len(_delta(before.msg)) >= max_chars:
        return None
    msg = ev.merge_deltas(before.msg, after.msg)
    if msg is None:
        return None
    return ev.Event(after.seq, after.thread_id, after.turn_id, after.at, msg)


def _delta(msg: ev.Msg) -> str:
    match msg:
        case ev.TextDelta() | ev.OutputDelta() | ev.PlanDelta() | ev.ReasoningDelta():
            return msg.delta
        case _:
            return ""
