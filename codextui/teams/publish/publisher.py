"""Sends the events of a run's threads to the shared server (`codex-publish`)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from codextui.errors import ServerUnreachable
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.runs import RUN_PREFIX
from codextui.protocol.threads import ThreadInfo
from codextui.teams.publish.items import to_plain_json


def run_thread_id(run_id: str) -> str:
    """Return the id of a run's thread."""
    return f"{RUN_PREFIX}{run_id}"


def role_thread_id(run_id: str, role: str) -> str:
    """Return the id of a role's thread."""
    return f"{RUN_PREFIX}{run_id}/{role}"


@dataclass(frozen=True, slots=True)
class PublisherLimits:
    """Sizes and times of a publisher.

    Attributes:
        max_pending: events that wait before deltas are dropped.
        max_events: events that wait at all; beyond that the oldest half is dropped.
        max_batch: events of one call.
        max_batch_chars: characters of one call's events.
        gather_s: seconds for which events are gathered before a call.
        flush_s: seconds that `flush` waits by default.
        min_retry_s: seconds before the first retry; doubled with every further one.
        max_retry_s: seconds between retries at most.
    """

    max_pending: int = 5000
    max_events: int = 50_000
    max_batch: int = 100
    max_batch_chars: int = 200_000
    gather_s: float = 0.05
    flush_s: float = 5.0
    min_retry_s: float = 0.5
    max_retry_s: float = 30.0


class PublisherConnection(Protocol):
    """The part of a connection that a publisher uses, such as a `TeamConnection`."""

    async def call(self, tool: str, arguments: JsonObject) -> JsonObject:
        """Call a tool; waits for a while if the server is away."""

    def on_connected(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after every (re)connection; returns a function that ends that."""


class Publisher:
    """Publishes events in order, without blocking the run.

    The first event of every thread must be a `ThreadChanged`, and the run's thread must come
    before its roles'. After a reconnection, possibly to a new server, all threads are published
    again before the pending events. Events that were being sent when the connection broke are
    sent again, except deltas: the server identifies threads, turns and items by id, but may get
    a note twice. Failures never reach the run: the first one is reported.

    Attributes:
        run_id: the run's id, without its prefix.
        handles: the handles that the server gave the threads, by thread id.
    """

    def __init__(
        self,
        connection: PublisherConnection,
        run_id: str,
        *,
        on_error: Callable[[str], None] | None = None,
        on_handle: Callable[[str], None] | None = None,
        limits: PublisherLimits | None = None,
    ) -> None:
        """Create a publisher; entering it starts to send, leaving it flushes.

        Args:
            connection: the connection to the server.
            run_id: the run's id, without its prefix.
            on_error: called once, with a sentence, if the server does not take an event.
            on_handle: called with the handle of the run, and again when it is another one.
            limits: sizes and times.
        """
        self.run_id = run_id
        self.handles: dict[str, str] = {}
        self._connection = connection
        self._on_error = on_error
        self._on_handle = on_handle
        self._limits = limits or PublisherLimits()
        self._queue = PublishQueue(self._limits)
        self._threads: dict[str, ThreadInfo] = {}
        self._republish = False
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._sender: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._unsubscribe = self._connection.on_connected(self._handle_reconnection)
        self._sender = asyncio.create_task(self._send_forever(), name=f"publisher of {self.run_id}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._unsubscribe()
        await self.flush()
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)

    def publish(self, thread_id: str, turn_id: str, msg: ev.Msg) -> None:
        """Queue an event; returns at once.

        Args:
            thread_id: the thread's id (`run_thread_id`, `role_thread_id`).
            turn_id: the turn of the event; empty for none.
            msg: a message of a kind that `codex-publish` takes.
        """
        if isinstance(msg, ev.ThreadChanged):
            self._threads[thread_id] = msg.thread
        self._queue.put(PendingEvent(thread_id, turn_id, msg))
        self._flushed.clear()
        self._wake.set()

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until the server has all events; returns False on timeout."""
        with contextlib.suppress(TimeoutError):
            timeout_s = self._limits.flush_s if timeout_s is None else timeout_s
            await asyncio.wait_for(self._flushed.wait(), timeout_s)
        return self._flushed.is_set()

    def _handle_reconnection(self) -> None:
        if self._threads:
            self._republish = True
            self._flushed.clear()
            self._wake.set()

    async def _send_forever(self) -> None:
        retry_s = self._limits.min_retry_s
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self._limits.gather_s)
            try:
                await self._send_pending()
                retry_s = self._limits.min_retry_s
            except Exception as error:  # noqa: BLE001 - no failure may end the run
                self._report(f"the server does not hear of the run: {error}")
                self._republish = True
                self._wake.set()
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, self._limits.max_retry_s)

    async def _send_pending(self) -> None:
        while self._republish or self._queue:
            if self._republish:
                self._republish = False
                await self._send(self._current_state())
            await self._send_batch(self._queue.take_batch())
        self._flushed.set()

    async def _send_batch(self, events: list[PendingEvent]) -> None:
        """Send events; bisect a refused batch, and leave out the events that are refused alone."""
        parts = [events] if events else []
        try:
            while parts:
                try:
                    await self._send(parts[0])
                except ServerUnreachable:
                    raise
                except Exception as error:  # noqa: BLE001 - `_split` reports it
                    # If the server refuses the threads too, these events are not the reason.
                    await self._send(self._current_state())
                    parts[:1] = self._split(parts[0], error)
                else:
                    del parts[0]
        finally:
            self._queue.requeue(event for part in parts for event in part)

    def _split(self, events: list[PendingEvent], error: Exception) -> list[list[PendingEvent]]:
        if len(events) > 1:
            middle = len(events) // 2
            return [events[:middle], events[middle:]]
        kind = type(events[0].msg).__name__
        self._report(f"the server does not take a {kind} of {self.run_id}: {error}")
        return []

    def _current_state(self) -> list[PendingEvent]:
        """Return events that describe all threads and their running turns."""
        events = []
        for thread_id, thread in self._threads.items():
            events.append(PendingEvent(thread_id, "", ev.ThreadChanged(thread)))
            if thread.turn_id and thread.turn_started_at is not None:
                events.append(PendingEvent(thread_id, thread.turn_id, ev.TurnStarted()))
        return events

    async def _send(self, events: list[PendingEvent]) -> None:
        if not events:
            return
        run = run_thread_id(self.run_id)
        arguments = {"run": run, "events": [event.to_json() for event in events]}
        answer = await self._connection.call("codex-publish", arguments)
        handles = fields.as_object(answer.get("handles", {}), "handles")
        before = self.handles.get(run)
        self.handles.update((key, str(handle)) for key, handle in handles.items())
        handle = self.handles.get(run, "")
        if self._on_handle is not None and handle not in ("", before):
            self._on_handle(handle)

    def _report(self, problem: str) -> None:
        if self._on_error is not None:
            on_error, self._on_error = self._on_error, None
            on_error(problem)


@dataclass(slots=True)
class PendingEvent:
    """An event that waits to be sent."""

    thread_id: str
    turn_id: str
    msg: ev.Msg

    def to_json(self) -> dict[str, object]:
        """Return the event as one of the `events` of `codex-publish`."""
        return {
            "threadId": self.thread_id,
            "turnId": self.turn_id,
            "msg": to_plain_json(self.msg.to_json()),
        }


class PublishQueue:
    """Events that wait to be sent, in order.

    Adjacent deltas of an item are merged, and a `ThreadChanged` replaces the one just before it
    on the same thread. Nothing else is merged. If too many events wait, deltas are dropped:
    the completed item has the whole text.
    """

    def __init__(self, limits: PublisherLimits | None = None) -> None:
        self._limits = limits or PublisherLimits()
        self._events: list[PendingEvent] = []
        self._last: dict[str, PendingEvent] = {}

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: PendingEvent) -> None:
        """Add an event at the end."""
        before = self._last.get(event.thread_id)
        merged = None if before is None else _merge(before, event)
        if before is not None and merged is not None:
            before.msg = merged
            return
        if len(self._events) >= self._limits.max_pending:
            self._events = _without_deltas(self._events)
            self._index()
        if len(self._events) >= self._limits.max_events:
            # The server has been away for very long; it will get the threads again anyway.
            del self._events[: self._limits.max_events // 2]
            self._index()
        self._events.append(event)
        self._last[event.thread_id] = event

    def take_batch(self) -> list[PendingEvent]:
        """Remove and return the events of the next call: at least one unless there is none."""
        sizes = itertools.accumulate(
            len(json.dumps(event.to_json())) for event in self._events[: self._limits.max_batch]
        )
        count = sum(1 for size in sizes if size <= self._limits.max_batch_chars)
        batch = self._events[: max(count, 1)]
        del self._events[: len(batch)]
        self._index()
        return batch

    def requeue(self, events: Iterable[PendingEvent]) -> None:
        """Insert events at the front again, without deltas, which the server may have got."""
        self._events[:0] = _without_deltas(events)
        self._index()

    def _index(self) -> None:
        # Events that were taken must not be changed any more.
        self._last = {event.thread_id: event for event in self._events}


_DELTAS = (ev.TextDelta, ev.ReasoningDelta, ev.PlanDelta, ev.OutputDelta)


def _without_deltas(events: Iterable[PendingEvent]) -> list[PendingEvent]:
    return [event for event in events if not isinstance(event.msg, _DELTAS)]


def _merge(before: PendingEvent, event: PendingEvent) -> ev.Msg | None:
    """Return one message for two adjacent ones, None if they cannot be merged."""
    match before.msg, event.msg:
        case ev.ThreadChanged(), ev.ThreadChanged():
            return event.msg
        case _ if before.turn_id != event.turn_id:
            return None
        case _:
            return ev.merge_deltas(before.msg, event.msg)
