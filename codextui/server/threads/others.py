"""Threads that other programs started on the same app-server: which stand in the registry, and how.

Codex tells every client of every thread that is loaded: that it started, its status and its name.
A record of another program's thread follows from that and is never stored: the next server finds
it by Codex again. It leaves the registry when Codex unloads the thread. Nothing here ends, answers
or renames anything; what the threads say is read while they are followed (`following`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from codextui.codex.app_server import AppServer
from codextui.codex.calls import list_loaded, read_thread
from codextui.codex.notifications import TranslatedEvent
from codextui.codex.thread_notifications import NameChanged, StatusChanged, ThreadStarted
from codextui.codex.threads import ListedThread, ThreadStatus, parent_of
from codextui.errors import CodexFailed, CodextuiError, MessageInvalid, ServerRefused, ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import AWAY_NOTE, ThreadState
from codextui.server.events.hub import EventHub
from codextui.server.options import DEFAULT_LIMITS, FollowLimits
from codextui.server.threads.following import WAITING, Following
from codextui.server.threads.listed import (
    RememberedHandles,
    described_by,
    handle_of,
    new_info,
    state_of,
)
from codextui.server.threads.registry import ThreadApprovals, ThreadRecord, ThreadRegistry
from codextui.server.worker import CodexWorker

_LOADED = ThreadStatus(loaded=True)
_CLOSED = "The thread was closed by the program that it belongs to."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OthersOptions:
    """How the threads of other programs are watched.

    Attributes:
        start: starts a task that belongs to the server.
        rejoin: joins a thread of ours that another client has loaded.
        limits: sizes.
        clock: returns unix seconds.
    """

    start: Callable[[Coroutine[Any, Any, Any]], object]
    rejoin: Callable[[ThreadRecord], Coroutine[Any, Any, Any]]
    limits: FollowLimits = DEFAULT_LIMITS.follow
    clock: Callable[[], float] = time.time


class OtherThreads:
    """The threads of other programs.

    Args:
        hub: publishes notices.
        registry: gets the records.
        worker: the app-server.
        approvals: those of a thread that is gone are withdrawn.
        options: see OthersOptions.

    Attributes:
        following: the subscriptions to them.
        is_opening: returns whether a thread of ours is just being opened, so that one that is
            unknown may be that.
    """

    def __init__(
        self,
        hub: EventHub,
        registry: ThreadRegistry,
        worker: CodexWorker,
        approvals: ThreadApprovals,
        options: OthersOptions,
    ) -> None:
        self.following = Following(hub, registry, worker, approvals, options.limits)
        self._hub = hub
        self._registry = registry
        self._worker = worker
        self._approvals = approvals
        self._start = options.start
        self._rejoin = options.rejoin
        self._limits = options.limits
        self._clock = options.clock
        self._handles = RememberedHandles()
        self._unlisted = False
        self._discovering: set[str] = set()
        self._unidentified: set[str] = set()
        self._away: set[str] = set()
        self.is_opening: Callable[[], bool] = lambda: False

    @property
    def is_shared(self) -> bool:
        """Whether other programs may use the app-server too."""
        return self._worker.is_shared

    def is_foreign(self, thread_id: str) -> bool:
        """Return whether a thread is another program's; an unknown one is where they may be."""
        record = self._registry.get(thread_id)
        return self.is_shared if record is None else not record.info.ours

    # What Codex tells.

    async def refresh(self) -> None:
        """Find the threads that are loaded, on a new connection to an app-server.

        Those of other programs are added; those that are gone leave, unless a session shows them:
        its Codex was restarted, and the program that has it may open it there again.
        """
        if not self._worker.is_up:
            return  # it has just died, and the next one is another connection
        app = await self._worker.app()
        if not app.address:
            return
        known = [record for record in self._registry if not record.info.ours]
        ids = await list_loaded(app)  # a thread that starts meanwhile may be missing in it
        for record in known:
            if record.thread_id in ids or record.info.ours:
                continue
            if self.following.reasons.is_shown(record.thread_id):
                self._away.add(record.thread_id)
                self._registry.update(record, note=AWAY_NOTE)
            else:
                self._remove(record)
        await asyncio.gather(*map(self._refresh_thread, ids))

    async def _refresh_thread(self, thread_id: str) -> None:
        record = self._registry.get(thread_id)
        if record is not None and record.info.ours:
            return
        if record is not None or not self._is_full():
            await self._discover(thread_id)

    async def _discover(self, thread_id: str) -> None:
        """List a thread of which nothing is known but its id."""
        if thread_id in self._discovering:
            return
        self._discovering.add(thread_id)
        try:
            for pause_s in self._limits.join_pauses_s:
                if await self._read(thread_id):
                    return
                # Codex cannot read a thread whose first turn is just being written.
                await asyncio.sleep(pause_s)
            await self._read(thread_id)
        finally:
            self._discovering.discard(thread_id)

    async def _read(self, thread_id: str) -> bool:
        """Read a thread and list it; False where it cannot be read."""
        app = await self._worker.app()
        try:
            self._update(await read_thread(app, thread_id), app)
        except (CodexFailed, ThreadUnknown, MessageInvalid) as error:
            logger.info("thread %s cannot be read: %s", thread_id, error)
            return False
        return True

    def _update(self, thread: JsonObject, app: AppServer) -> None:
        """Add or update the record of a thread that `thread/read` returned."""
        listed = ListedThread.parse(thread, program=app.program)
        record = self._registry.get(listed.thread_id)
        if record is None:
            if listed.status.loaded and self.is_opening():
                self._unidentified.add(listed.thread_id)
            elif listed.status.loaded:
                self._add(listed)
            return
        self._registry.update(record, **described_by(record.info, listed))
        self._change_status(record, listed.status)

    def handle_started(self, started: ThreadStarted) -> None:
        """Add a thread that a client of the app-server, or one of its agents, has started."""
        try:
            listed = ListedThread.parse(started.thread, program=self._worker.program)
        except MessageInvalid as error:
            logger.info("a thread of another program cannot be read: %s", error)
            return
        record = self._registry.get(listed.thread_id)
        if record is None and listed.status.loaded:
            self._add(listed)
        elif record is not None and listed.status.loaded and not record.loaded:
            self._change_status(record, listed.status)

    def is_sub_agent_of_ours(self, started: ThreadStarted) -> bool:
        """Return whether a thread that started is a sub-agent of a thread of ours."""
        parent = self._registry.get(parent_of(started.thread) or "")
        return parent is not None and parent.info.ours

    def handle_status(self, changed: StatusChanged) -> None:
        """Apply a thread's status."""
        record = self._registry.get(changed.thread_id)
        if not self.is_shared:
            return
        self._unidentified.discard(changed.thread_id)
        if changed.status.loaded and self.is_opening() and (record is None or record.info.ours):
            self._unidentified.add(changed.thread_id)
            return
        if record is None:
            if changed.status.loaded and not self._is_full():
                self._start(self._discover(changed.thread_id))
            return
        if record.info.ours:
            if self._can_be_joined(record, changed.status):
                self._start(self._rejoin(record))
            return
        has_begun = record.info.state.has_turn or changed.status.state.has_turn
        self._change_status(record, changed.status, now=self._clock())
        if has_begun and not record.info.brief:
            self._start(self._describe(record))

    async def _describe(self, record: ThreadRecord) -> None:
        """Read what a thread is about, of which Codex sends no notification."""
        thread_id = record.thread_id
        if thread_id in self._discovering:
            return
        self._discovering.add(thread_id)
        try:
            for pause_s in self._limits.join_pauses_s:
                app = await self._worker.app()
                with suppress(CodexFailed, ThreadUnknown, MessageInvalid):
                    listed = ListedThread.parse(await read_thread(app, thread_id))
                    self._registry.update(record, **described_by(record.info, listed))
                if record.info.brief:
                    return
                # Codex is just writing the first prompt.
                await asyncio.sleep(pause_s)
        except CodextuiError as error:
            logger.info("%s cannot be read: %s", record.info.handle, error)
        finally:
            self._discovering.discard(thread_id)

    def handle_opened(self) -> None:
        """No thread of ours is being opened any more: find those that might have been one."""
        unidentified, self._unidentified = self._unidentified, set()
        for thread_id in unidentified:
            record = self._registry.get(thread_id)
            if record is None or not record.info.ours:
                self._start(self._refresh_thread(thread_id))
            elif self._can_be_joined(record, _LOADED):
                self._start(self._rejoin(record))

    def handle_name(self, changed: NameChanged) -> None:
        """Show the name that a thread got in Codex; its handle stays."""
        record = self._registry.get(changed.thread_id)
        if record is not None:
            self._registry.update(record, name=changed.name)

    def handle_unloaded(self, thread_id: str) -> None:
        """Remove the thread of another program that Codex has unloaded, archived or deleted."""
        record = self._registry.get(thread_id)
        if record is not None and not record.info.ours:
            self._remove(record)

    def handle_exit(self) -> None:
        """The connection is gone: nothing is followed any more, but what was is again later."""
        self._unidentified.clear()
        self.following.handle_exit()

    def handle_turn_end(self, record: ThreadRecord) -> None:
        """Follow a thread no longer that was acted on, when its turn has ended."""
        if not record.info.ours:
            self._start(self.following.rest(record))

    def defer(
        self, thread_id: str, handle: Callable[[], None], *, needs_item: bool = False
    ) -> bool:
        """Return whether a request or its end waits until its thread is joined.

        Args:
            thread_id: the thread that asks.
            handle: handles it then.
            needs_item: whether the request says too little without its item. Codex sends what
                sub-agents ask also to those who do not follow them: they are followed first.
        """
        record = self._registry.get(thread_id)
        if record is not None and record.deferred is not None:
            record.deferred.append(handle)
            return True
        if self.following.defer(thread_id, handle):
            return True
        if record is None or record.info.ours or not needs_item:
            return False
        if self.following.is_active(thread_id):
            return False
        record.deferred = [handle]
        self.following.reasons.add(thread_id, WAITING)
        self._start(self._follow_first(record, record.deferred))
        return True

    async def _follow_first(self, record: ThreadRecord, deferred: list[Callable[[], None]]) -> None:
        try:
            await self._sync(record)
        finally:
            record.deferred = None
            for handle in deferred:
                handle()

    def defer_event(self, event: TranslatedEvent, handle: Callable[[], None]) -> bool:
        """Return whether an event waits for the history of its thread, or concerns nobody."""
        if self.following.defer(event.thread_id, handle, event):
            return True
        record = self._registry.get(event.thread_id)
        return record is not None and not record.info.ours and not record.info.followed

    # What people ask for.

    async def follow(self, record: ThreadRecord, reason: Hashable) -> None:
        """Follow a thread for a reason, such as a session that shows it.

        Does nothing for one of ours. Raises ServerRefused beyond the limit, and as
        `Following.sync` does.
        """
        if record.info.ours:
            return
        self.following.reasons.add(record.thread_id, reason)
        try:
            await self.following.sync(record)
        except CodextuiError:
            if not self.following.is_active(record.thread_id):
                self.following.reasons.remove(record.thread_id, reason)
            raise

    async def unfollow(self, record: ThreadRecord, reason: Hashable) -> None:
        """End a reason to follow a thread. Raises as `Following.sync` does."""
        self.following.reasons.remove(record.thread_id, reason)
        if not record.info.ours:
            await self._sync_or_remove(record)

    def keep_following(self, thread_id: str, reason: Hashable) -> None:
        """Follow the thread of another program, which is followed now, for one more reason."""
        if (record := self._registry.get(thread_id)) is not None and not record.info.ours:
            self.following.reasons.add(thread_id, reason)

    def stop_following(self, thread_id: str, reason: Hashable) -> None:
        """End such a reason."""
        self.following.reasons.remove(thread_id, reason)
        if (record := self._registry.get(thread_id)) is not None and not record.info.ours:
            self._start(self._sync(record))

    def release(self, reason: Hashable) -> None:
        """End a reason everywhere: its session has disconnected."""
        for thread_id in self.following.reasons.remove_everywhere(reason):
            record = self._registry.get(thread_id)
            if record is not None:
                self._start(self._release(record))

    async def _release(self, record: ThreadRecord) -> None:
        try:
            await self._sync_or_remove(record)
        except CodextuiError as error:
            logger.info("%s is still followed: %s", record.info.handle, error)

    async def _sync_or_remove(self, record: ThreadRecord) -> None:
        """Follow a thread as there is a reason or not; one that is not open leaves without one."""
        if record.thread_id in self._away and not self.following.is_wanted(record):
            self._remove(record)
        else:
            await self.following.sync(record)

    async def adopt(self, record: ThreadRecord, *, client: str) -> None:
        """Make a thread of another program one of ours, with its past; nothing for one of ours.

        Raises:
            ServerRefused: no turn has begun on it, so that it cannot be joined.
            CodexFailed: Codex refused; see `Following.sync`.
        """
        if record.thread_id in self._away:  # nobody has it open
            self._away.discard(record.thread_id)
            self._registry.take_over(record, client=client)
            self._registry.update(record, state=ThreadState.IDLE, note="")
            self.following.drop(record.thread_id)
            return
        async with self.acting_on(record):
            if not record.info.followed:
                raise ServerRefused(
                    f"{record.info.handle} has no turn yet: adopt it when its first has begun"
                )
            self._registry.take_over(record, client=client)
            self._registry.update(record, adopted=True)
            self.following.reasons.drop(record.thread_id)

    @asynccontextmanager
    async def acting_on(self, record: ThreadRecord) -> AsyncIterator[None]:
        """Follow a thread while it is acted on; see `Following.acting_on`."""
        async with self.following.acting_on(record):
            yield

    async def find(self, thread_id: str) -> ThreadRecord | None:
        """Return the record of a thread that another client has loaded; None where none has."""
        app = await self._worker.app()
        if not app.address:
            return None
        await self._read(thread_id)
        record = self._registry.get(thread_id)
        return record if record is not None and not record.info.ours else None

    def remember_handle(self, record: ThreadRecord) -> None:
        """Give a thread that returns the handle that it has now."""
        if not record.info.ours:
            self._handles.add(record.thread_id, record.info.handle)

    # Records.

    def _is_full(self) -> bool:
        foreign = sum(1 for record in self._registry if not record.info.ours)
        if foreign < self._limits.listed:
            return False
        if not self._unlisted:
            self._unlisted = True
            notice = (
                f"More than {self._limits.listed:,} threads of other programs are open: the rest "
                "is not listed. `codextui history` finds them."
            )
            self._hub.publish("", "", ev.Warned(notice))
        return True

    def _add(self, listed: ListedThread) -> None:
        is_hidden = listed.is_internal and not listed.status.waits_for
        if is_hidden or self._is_full():
            return
        parent = self._registry.get(listed.parent)
        origin = parent.info.origin if parent is not None else ""
        wanted = self._handles.get(listed.thread_id) or handle_of(listed)
        info = new_info(listed, self._registry.handles.unique(wanted), origin or listed.origin)
        has_own_handle = parent is None or listed.thread_id in self._handles
        record = ThreadRecord(info, loaded=True, has_own_handle=has_own_handle)
        self._registry.set_brief(record, listed.preview)
        self._registry.update_quietly(record, **described_by(record.info, listed))
        self._registry.update_quietly(record, **state_of(record, listed.status))
        self._registry.add(record)
        if parent is not None and listed.nickname:
            self._registry.name_sub_agent(record, listed.nickname)
        self.remember_handle(record)
        self._follow_if_needed(record, listed.status)

    def _change_status(
        self, record: ThreadRecord, status: ThreadStatus, *, now: float | None = None
    ) -> None:
        """Apply a status, which has changed `now`, or before that where it is None."""
        if self._registry.get(record.thread_id) is not record or record.info.ours:
            return
        if not status.loaded:
            self._remove(record)
            return
        record.loaded = True
        if record.thread_id in self._away:
            self._away.discard(record.thread_id)
            self._registry.update_quietly(record, note="")
        self._registry.update(record, **state_of(record, status, now))
        self._follow_if_needed(record, status)

    def _follow_if_needed(self, record: ThreadRecord, status: ThreadStatus) -> None:
        """Follow a thread that waits for a person, so that the person can decide here."""
        reasons = self.following.reasons
        if status.waits_for:
            reasons.add(record.thread_id, WAITING)
        else:
            reasons.remove(record.thread_id, WAITING)
        if self.following.is_wanted(record) != self.following.is_active(record.thread_id):
            self._start(self._sync(record))

    async def _sync(self, record: ThreadRecord) -> None:
        try:
            await self.following.sync(record)
        except CodextuiError as error:
            logger.info("%s cannot be followed: %s", record.info.handle, error)

    def _can_be_joined(self, record: ThreadRecord, status: ThreadStatus) -> bool:
        """Return whether another client has loaded a thread of ours that we had not."""
        is_idle = not record.loaded and not record.lock.locked() and not self.is_opening()
        return status.loaded and is_idle and record.info.state is not ThreadState.KILLED

    def _remove(self, record: ThreadRecord) -> None:
        thread_id = record.thread_id
        self._approvals.withdraw(thread_id=thread_id)
        if record.turn.running_id:
            end = ev.TurnAborted("lost", _CLOSED)
            self._registry.apply(record, record.turn.running_id, end)
        self._away.discard(thread_id)
        self.following.drop(thread_id)
        self._registry.remove(record)
        self._unlisted = False
