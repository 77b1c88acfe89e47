"""Follows threads that other clients of the app-server have loaded too: who wants it, and how.

A thread is followed (`thread/resume`, which sends nothing that could change it) while there is a
reason: a session shows it, it waits for a person, or somebody acts on it. Its history is published
once, and what happens meanwhile waits until that is done. Our own threads are always followed, and
joined again by `rejoining`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from codextui.codex.app_server import AppServer
from codextui.codex.calls import is_at_rest, join_thread, leave_thread, read_turns
from codextui.codex.items import file_changes
from codextui.codex.notifications import TranslatedEvent, translate_history
from codextui.codex.threads import LoadedThread
from codextui.errors import CodexFailed, CodextuiError, ServerRefused, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.options import DEFAULT_LIMITS, FollowLimits
from codextui.server.threads.registry import ThreadApprovals, ThreadRecord, ThreadRegistry
from codextui.server.threads.turn_state import AT_REST
from codextui.server.worker import CodexWorker

WAITING: Final = "it waits for a person"
"""The reason to follow a thread whose status says that it waits for a decision."""

ACTED: Final = "somebody acts on it"
"""The reason to follow a thread that a client acts on, until the turn that it started ends."""

DECIDED: Final = "a decision is being carried out"
"""The reason to follow a thread until its item shows whose answer to an approval came first."""

_NOT_SHOWN = {WAITING, ACTED, DECIDED}
_TURN_ENDS = (ev.TurnCompleted, ev.TurnAborted)
_DELTAS = (ev.TextDelta, ev.ReasoningDelta, ev.PlanDelta, ev.OutputDelta, ev.PatchUpdated)

logger = logging.getLogger(__name__)


class FollowReasons:
    """Why which threads are followed. Pure.

    A reason is WAITING, ACTED, DECIDED, or a session that shows the thread.

    Args:
        limit: threads that sessions may show at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reasons: dict[str, set[Hashable]] = {}

    def __contains__(self, thread_id: str) -> bool:
        return thread_id in self._reasons

    def has(self, thread_id: str, reason: Hashable) -> bool:
        """Return whether a thread is followed for that reason."""
        return reason in self._reasons.get(thread_id, ())

    def add(self, thread_id: str, reason: Hashable) -> None:
        """Add a reason. Raises ServerRefused where sessions would show too many threads."""
        if reason not in _NOT_SHOWN and not self.is_shown(thread_id):
            shown = sum(map(self.is_shown, self._reasons))
            if shown >= self._limit:
                raise ServerRefused(
                    f"{shown} threads of other programs are followed, which is the limit: close "
                    "one first"
                )
        self._reasons.setdefault(thread_id, set()).add(reason)

    def remove(self, thread_id: str, reason: Hashable) -> None:
        """Remove a reason, if it is there."""
        reasons = self._reasons.get(thread_id)
        if reasons is not None:
            reasons.discard(reason)
            if not reasons:
                del self._reasons[thread_id]

    def remove_everywhere(self, reason: Hashable) -> list[str]:
        """Remove a reason from all threads, and return those that had it."""
        had = [thread_id for thread_id, reasons in self._reasons.items() if reason in reasons]
        for thread_id in had:
            self.remove(thread_id, reason)
        return had

    def drop(self, thread_id: str) -> None:
        """Forget a thread that is gone."""
        self._reasons.pop(thread_id, None)

    def is_shown(self, thread_id: str) -> bool:
        """Return whether a session shows a thread."""
        return bool(self._reasons.get(thread_id, set()) - _NOT_SHOWN)


@dataclass(slots=True, eq=False)
class _Subscription:
    """The subscription to one thread.

    Attributes:
        lock: held while it changes.
        active: whether we are subscribed on the current connection.
        waiting: what waits until the thread is joined; None where it is not being joined.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    active: bool = False
    waiting: list[tuple[TranslatedEvent | None, Callable[[], None]]] | None = None


class Following:
    """Subscribes to threads while there is a reason, and publishes what they have said and done.

    Args:
        hub: knows what was published of a thread.
        registry: the threads.
        worker: the app-server.
        approvals: a thread with open ones stays followed.
        limits: sizes.
    """

    def __init__(
        self,
        hub: EventHub,
        registry: ThreadRegistry,
        worker: CodexWorker,
        approvals: ThreadApprovals,
        limits: FollowLimits = DEFAULT_LIMITS.follow,
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._worker = worker
        self._approvals = approvals
        self._limits = limits
        self._subscriptions: dict[str, _Subscription] = {}
        self.reasons = FollowReasons(limits.shown)

    @property
    def count(self) -> int:
        """Threads of other programs that we are subscribed to."""
        return sum(1 for record in self._registry if not record.info.ours and record.info.followed)

    def is_active(self, thread_id: str) -> bool:
        """Return whether we are subscribed to a thread, as far as this knows."""
        subscription = self._subscriptions.get(thread_id)
        return subscription is not None and subscription.active

    def defer(
        self, thread_id: str, handle: Callable[[], None], event: TranslatedEvent | None = None
    ) -> bool:
        """Let something wait while its thread is being joined; False where it is not.

        Args:
            thread_id: the thread.
            handle: handles it, after the thread's history.
            event: the event that it is, which is dropped where the history has it; None for
                anything else.
        """
        subscription = self._subscriptions.get(thread_id)
        if subscription is None or subscription.waiting is None:
            return False
        if len(subscription.waiting) < self._limits.buffered or event is None:
            subscription.waiting.append((event, handle))
        return True

    def is_wanted(self, record: ThreadRecord) -> bool:
        """Return whether there is a reason to follow a thread."""
        thread_id = record.thread_id
        return thread_id in self.reasons or bool(self._approvals.approvals_of(thread_id))

    async def sync(self, record: ThreadRecord) -> None:
        """Subscribe to a thread of another program or unsubscribe, as there is a reason or not.

        A thread without a turn cannot be followed; it is when its first turn begins. Nor can one
        that is not open, which this would load; it is when a program opens it.

        Raises:
            CodexFailed: Codex refused, died (CodexDied) or is missing (CodexMissing).
        """
        subscription = self._subscription(record.thread_id)
        async with subscription.lock:
            while self._registry.get(record.thread_id) is record and not record.info.ours:
                wanted = self.is_wanted(record)
                if wanted == subscription.active or (wanted and not record.loaded):
                    return
                app = await self._worker.app()
                if not wanted:
                    await self._leave(app, record, subscription)
                elif not await self._join(app, record, subscription):
                    return

    @asynccontextmanager
    async def acting_on(self, record: ThreadRecord) -> AsyncIterator[None]:
        """Follow a thread of another program while it is acted on, and until its turn has ended.

        Does nothing for a thread of ours. Raises as `sync` does.
        """
        if record.info.ours:
            yield
            return
        self.reasons.add(record.thread_id, ACTED)
        try:
            await self.sync(record)
            yield
        finally:
            if not record.turn.running_id and not record.info.state.has_turn:
                await self.rest(record)

    async def rest(self, record: ThreadRecord) -> None:
        """Remove the reason that a client acts on a thread: its turn has ended."""
        self.reasons.remove(record.thread_id, ACTED)
        try:
            await self.sync(record)
        except CodextuiError as error:
            logger.info("%s is still followed: %s", record.info.handle, error)

    def drop(self, thread_id: str) -> None:
        """Forget a thread that is gone."""
        self.reasons.drop(thread_id)
        self._subscriptions.pop(thread_id, None)

    def handle_exit(self) -> None:
        """The connection is gone, and every subscription with it; the reasons stay."""
        for subscription in self._subscriptions.values():
            subscription.active = False
        for record in self._registry:
            if not record.info.ours:
                state = ThreadState.DISCONNECTED
                self._registry.update(record, state=state, **AT_REST, followed=False)

    async def _join(
        self, app: AppServer, record: ThreadRecord, subscription: _Subscription
    ) -> bool:
        """Subscribe and publish the history; False where the thread has none yet, or is gone."""
        thread_id = record.thread_id
        subscription.waiting = []
        turns: list[JsonObject] | None = None
        try:
            loaded = await self._subscribe(app, record)
            turns = await self._read_turns(app, record)
        except ThreadUnknown:
            return False
        finally:
            waiting, subscription.waiting = subscription.waiting, None
            if turns is None:
                for _, handle in waiting:
                    handle()
        if self._registry.get(thread_id) is not record:  # it was closed meanwhile
            await leave_thread(app, thread_id)
            return False
        subscription.active = record.loaded = True
        self._describe(record, loaded)
        published = self._publish_history(record, turns, loaded)
        for event, handle in waiting:
            if event is None or not published.has(event):
                handle()
        return True

    async def _subscribe(self, app: AppServer, record: ThreadRecord) -> LoadedThread:
        """Subscribe to a thread; one whose first turn has just begun may not be known at once."""
        for pause_s in self._limits.join_pauses_s if record.info.state.has_turn else ():
            try:
                return await join_thread(app, record.thread_id, last_turns=1)
            except ThreadUnknown:
                await asyncio.sleep(pause_s)
        return await join_thread(app, record.thread_id, last_turns=1)

    async def _read_turns(self, app: AppServer, record: ThreadRecord) -> list[JsonObject]:
        try:
            turns = await read_turns(app, record.thread_id, limit=self._limits.history_turns)
        except (CodexFailed, ThreadUnknown) as error:
            warning = ev.Warned(f"What was said before cannot be shown: {error}")
            self._registry.publish(record, "", warning)
            return []
        if _running_turn(turns) and await is_at_rest(app, record.thread_id):
            turns[-1] = {**turns[-1], "status": "completed"}
        return turns

    async def _leave(
        self, app: AppServer, record: ThreadRecord, subscription: _Subscription
    ) -> None:
        await leave_thread(app, record.thread_id)
        subscription.active = False
        self._registry.update(record, followed=False)

    def _describe(self, record: ThreadRecord, loaded: LoadedThread) -> None:
        record.model_provider = loaded.model_provider
        self._registry.update(
            record,
            followed=True,
            cwd=loaded.cwd,
            model=loaded.model,
            sandbox=loaded.sandbox,
            approval_policy=loaded.approval_policy,
        )

    def _publish_history(
        self, record: ThreadRecord, turns: Sequence[JsonObject], loaded: LoadedThread
    ) -> _Published:
        """Publish what was not published before; the turn that runs is applied to the thread."""
        published = _Published(self._hub.events_of(record.thread_id))
        turns = [*turns[:-1], *(_with_patches(turn, loaded) for turn in turns[-1:])]
        for past in translate_history(record.thread_id, turns):
            if published.has(past):
                continue
            published.add(past)
            if past.turn_id and past.turn_id == record.turn.running_id:
                self._registry.apply(record, past.turn_id, past.msg)
            elif past.turn_id and past.turn_id == _running_turn(turns):
                self._begin(record, past, turns[-1])
            else:
                self._registry.publish(record, past.turn_id, past.msg)
        published.reopen(_running_turn(turns))
        self._settle(record, turns)
        return published

    def _begin(self, record: ThreadRecord, past: TranslatedEvent, turn: JsonObject) -> None:
        """Apply an event of the turn that runs, and since when it does."""
        self._registry.apply(record, past.turn_id, past.msg)
        started_at = turn.get("startedAt")
        if isinstance(past.msg, ev.TurnStarted) and isinstance(started_at, int | float):
            self._registry.update(record, turn_started_at=float(started_at))

    def _settle(self, record: ThreadRecord, turns: Sequence[JsonObject]) -> None:
        """Make the thread's turn the last one of its history."""
        if not turns:
            return
        running, last = _running_turn(turns), fields.text_or(turns[-1], "id")
        if running and record.turn.running_id != running:
            self._registry.begin_turn(record, running)
        elif not running:
            self._registry.update(record, turn_id=last)
        if running:
            _restore_patches(record, turns[-1])

    def _subscription(self, thread_id: str) -> _Subscription:
        return self._subscriptions.setdefault(thread_id, _Subscription())


class _Published:
    """What was published of a thread: its turns and items, with how far they were."""

    def __init__(self, events: Sequence[ev.Event]) -> None:
        self._keys: set[tuple[str, ...]] = set()
        for event in events:
            self.add(TranslatedEvent(event.thread_id, event.turn_id, event.msg))

    def add(self, event: TranslatedEvent) -> None:
        key = _key(event)
        if key is not None:
            self._keys.add(key)

    def reopen(self, turn_id: str) -> None:
        """Forget that a turn ended: it was lost with a connection, and runs on."""
        self._keys.discard(("end", turn_id))

    def has(self, event: TranslatedEvent) -> bool:
        """Return whether that, or what replaces it, was published."""
        turn, msg = event.turn_id, event.msg
        key = _key(event)
        if key is not None and key in self._keys:
            return True
        match msg:
            case ev.ItemStarted({"id": str(item)}):
                return ("item", turn, item) in self._keys
            case _ if isinstance(msg, _DELTAS):
                return ("item", turn, msg.item_id) in self._keys
            case _:
                return False


def _key(event: TranslatedEvent) -> tuple[str, ...] | None:
    """Return what identifies an event in a thread; None for kinds that may come again."""
    match event.msg:
        case ev.TurnStarted():
            return ("start", event.turn_id)
        case ev.TurnCompleted() | ev.TurnAborted():
            return ("end", event.turn_id)
        case ev.ItemCompleted({"id": str(item)}):
            return ("item", event.turn_id, item)
        case ev.ItemStarted({"id": str(item)}):
            return ("begun", event.turn_id, item)
        case _:
            return None


def _running_turn(turns: Sequence[JsonObject]) -> str:
    """Return the id of the last turn if it still runs; empty otherwise."""
    if not turns or turns[-1].get("status") != "inProgress":
        return ""
    turn_id = turns[-1].get("id")
    return turn_id if isinstance(turn_id, str) else ""


def _restore_patches(record: ThreadRecord, turn: JsonObject) -> None:
    """Let the thread know the file changes of its running turn, also if they were published."""
    items = turn.get("items")
    patches = {
        str(item.get("id")): file_changes(item)
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and _is_patch(item)
    }
    record.turn = replace(record.turn, patches={**patches, **record.turn.patches})


def _is_patch(item: JsonObject) -> bool:
    return item.get("type") == "fileChange"


def _with_patches(turn: JsonObject, loaded: LoadedThread) -> JsonObject:
    """Return the running turn with its file changes, which only `thread/resume` has."""
    resumed = next((one for one in loaded.turns if one.get("id") == turn.get("id")), None)
    items = turn.get("items")
    if resumed is None or not isinstance(items, list) or turn.get("status") != "inProgress":
        return turn
    known = {item.get("id") for item in items if isinstance(item, dict)}
    more = [
        item
        for item in fields.objects(resumed, "items")
        if _is_patch(item) and item.get("id") not in known
    ]
    return {**turn, "items": [*items, *more]}
