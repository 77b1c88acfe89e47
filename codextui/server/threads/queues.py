"""The queues of Codex threads: changes them as asked, and follows what Codex does with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from weakref import WeakValueDictionary

from codextui.codex.queue import (
    Queued,
    add_to_queue,
    edit_queued,
    read_queue,
    remove_from_queue,
    reorder_queue,
    start_queue,
)
from codextui.errors import (
    CodexDied,
    CodextuiError,
    ServerRefused,
    ThreadUnknown,
    TurnNotRunning,
    TurnRunning,
)
from codextui.protocol.threads import QueuedMessage, ThreadState, WholeQueuedMessage
from codextui.server.threads.budgets import Budgets
from codextui.server.threads.opening import ThreadOpener
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry, new_message_id
from codextui.server.worker import CodexWorker

MAX_QUEUED = 50
"""Messages that may wait in a thread's queue."""

MAX_MOVES = 5
"""Attempts to move a message while others change the queue."""

MAX_QUEUED_TEXT = 500
"""Characters of a queued message that a thread's info has. Every change of the thread sends it."""

logger = logging.getLogger(__name__)


class ThreadQueues:
    """The queues of threads. Codex stores them, and sends their messages.

    Beside the errors that they name, the methods raise ThreadUnknown and ServerRefused where the
    registry finds no such Codex thread, and CodexFailed, CodexMissing and CodexDied.

    Args:
        registry: finds the threads, and shows their queues.
        worker: the Codex process.
        opener: loads a thread.
        budgets: refuse a message for a thread that has used its budget.
        max_queued: messages that a queue may hold.
    """

    def __init__(
        self,
        registry: ThreadRegistry,
        worker: CodexWorker,
        opener: ThreadOpener,
        budgets: Budgets,
        *,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self._registry = registry
        self._worker = worker
        self._opener = opener
        self._budgets = budgets
        self._max_queued = max_queued
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reading: set[str] = set()
        self._stale: set[str] = set()

    async def add(self, thread: str, prompt: str, images: Sequence[str] = ()) -> ThreadRecord:
        """Queue a message once. A thread at rest gets it at once.

        Raises:
            ServerRefused: the queue is full, or the thread was killed.
            CodexLoginMissing: Codex is not logged in, and the thread is at rest.
        """
        record = self._registry.find_codex_thread(thread)
        async with record.lock:
            self._budgets.check(record)
            if len(record.info.queued) >= self._max_queued:
                raise ServerRefused(
                    f"{self._max_queued} messages are queued for {record.info.handle} already"
                )
            await self._opener.load(record)
            if not record.turn.running_id:
                await self._worker.require_login(await self._worker.app(), record.model_provider)
                if not record.info.brief:
                    self._registry.set_brief(record, prompt)
            await self._add_once(record, prompt, images)
            await self._read(record)
        return record

    async def remove(self, thread: str, queued_id: str) -> ThreadRecord:
        """Remove a message from a queue.

        Raises:
            ServerRefused: it is not in the queue (any more).
        """
        record = self._registry.find_codex_thread(thread)
        app = await self._worker.app()
        removed = await remove_from_queue(app, record.thread_id, queued_id)
        await self._read(record)
        if not removed:
            raise _not_queued(record)
        return record

    async def show(self, thread: str, queued_id: str) -> tuple[ThreadRecord, WholeQueuedMessage]:
        """Return a message in full.

        Raises:
            ServerRefused: it is not in the queue (any more).
        """
        record = self._registry.find_codex_thread(thread)
        queued = await self._find(record, queued_id)
        whole = WholeQueuedMessage(queued_id, queued.text, queued.images, queued.version)
        return record, whole

    async def edit(
        self,
        thread: str,
        queued_id: str,
        prompt: str,
        images: Sequence[str] = (),
        *,
        version: str = "",
    ) -> ThreadRecord:
        """Replace the text of a message; the images and files that go with it stay.

        Args:
            thread: the thread.
            queued_id: the message.
            prompt: its new text.
            images: paths of more images.
            version: that of the message that was edited; empty to replace whatever it says.

        Raises:
            ServerRefused: it is not in the queue (any more), there is no text, or the message has
                another version by now. Of a change that another client of the same app-server makes
                in the same moment the last one stays: Codex does not compare.
        """
        if not prompt.strip():
            raise ServerRefused("the message would be empty: remove it from the queue instead")
        record = self._registry.find_codex_thread(thread)
        async with record.lock:
            queued = await self._find(record, queued_id)
            if version not in ("", queued.version):
                raise ServerRefused(
                    f"that message of {record.info.handle} says something else by now: "
                    "another client has edited it"
                )
            app = await self._worker.app()
            is_there = await edit_queued(app, record.thread_id, queued, prompt, images)
            await self._read(record)
        if not is_there:
            raise _not_queued(record)
        return record

    async def move(self, thread: str, queued_id: str, *, before: str = "") -> ThreadRecord:
        """Put a message before another one, or at the end of the queue.

        Raises:
            ServerRefused: one of the two is not in the queue (any more), or others change it all
                the time.
        """
        record = self._registry.find_codex_thread(thread)
        async with record.lock:
            try:
                await self._move(record, queued_id, before)
            finally:
                await self._read(record)
        return record

    async def start(self, thread: str) -> ThreadRecord:
        """Send the next message of a thread at rest, such as one that was interrupted.

        Raises:
            TurnRunning: a turn runs, and the queue goes on by itself.
            TurnNotRunning: the queue is empty.
        """
        record = self._registry.find_codex_thread(thread)
        async with record.lock:
            handle = record.info.handle
            follows = f"a turn runs on {handle}: what is queued follows by itself"
            if record.turn.running_id:
                raise TurnRunning(follows)
            self._budgets.check(record)
            was_loaded, had_queue = record.loaded, bool(record.info.queued)
            await self._opener.load(record)
            app = await self._worker.app()
            await self._worker.require_login(app, record.model_provider)
            try:
                await start_queue(app, record.thread_id)
            except (TurnNotRunning, TurnRunning) as error:
                if was_loaded or not had_queue:  # loading it has started its queue otherwise
                    is_empty = isinstance(error, TurnNotRunning)
                    reason = f"nothing is queued for {handle}" if is_empty else follows
                    raise type(error)(reason) from error
            await self._read(record)
        return record

    async def list(self, thread: str) -> ThreadRecord:
        """Return a thread whose info has its queue as it is now."""
        record = self._registry.find_codex_thread(thread)
        await self._read(record)
        return record

    async def clear(self, record: ThreadRecord) -> None:
        """Remove what is queued for a thread that is being killed. Failures are logged."""
        try:
            app = await self._worker.app()
            for queued in await read_queue(app, record.thread_id):
                await remove_from_queue(app, record.thread_id, queued.queued_id)
        except CodextuiError as error:
            logger.info("the queue of %s was not emptied: %s", record.info.handle, error)
        else:
            self._show(record, ())

    async def refresh(self, thread_id: str) -> None:
        """Show a queue that has changed, and again where it changes meanwhile."""
        self._stale.add(thread_id)
        record = self._registry.get(thread_id)
        if record is None or thread_id in self._reading:
            return
        self._reading.add(thread_id)
        try:
            while thread_id in self._stale:
                self._stale.discard(thread_id)
                await self._read(record)
        except CodextuiError as error:
            logger.info("the queue of %s was not read: %s", record.info.handle, error)
        finally:
            self._reading.discard(thread_id)

    async def refresh_all(self) -> None:
        """Show the queues that there were when Codex ended."""
        for record in self._registry:
            if record.info.queued:
                await self.refresh(record.thread_id)

    async def _add_once(self, record: ThreadRecord, prompt: str, images: Sequence[str]) -> None:
        message_id, last_turn = new_message_id(), record.info.turn_id
        try:
            await self._add(record, prompt, message_id, images)
        except (ThreadUnknown, CodexDied):
            # Codex has unloaded it without a notification, or died, maybe after it stored this.
            app = await self._worker.app()
            queue = await read_queue(app, record.thread_id)
            if any(queued.message_id == message_id for queued in queue):
                return
            if record.info.turn_id != last_turn:
                raise  # a turn has begun, maybe with it
            record.loaded = False
            await self._opener.load(record)
            await self._add(record, prompt, message_id, images)

    async def _add(
        self, record: ThreadRecord, prompt: str, message_id: str, images: Sequence[str]
    ) -> None:
        app = await self._worker.app()
        await add_to_queue(app, record.thread_id, prompt, message_id=message_id, images=images)

    async def _move(self, record: ThreadRecord, queued_id: str, before: str) -> None:
        for _ in range(MAX_MOVES):
            app = await self._worker.app()
            ids = [one.queued_id for one in await read_queue(app, record.thread_id)]
            order = _moved(ids, queued_id, before)
            if order is None:
                raise _not_queued(record)
            if order == ids or await reorder_queue(app, record.thread_id, order):
                return
        raise ServerRefused(f"others change the queue of {record.info.handle} all the time")

    async def _find(self, record: ThreadRecord, queued_id: str) -> Queued:
        """Return a message of a queue. Raises ServerRefused where it is not in it."""
        queue = await read_queue(await self._worker.app(), record.thread_id)
        for queued in queue:
            if queued.queued_id == queued_id:
                return queued
        await self._read(record)
        raise _not_queued(record)

    async def _read(self, record: ThreadRecord) -> None:
        lock = self._locks.setdefault(record.thread_id, asyncio.Lock())
        async with lock:  # so that an older answer never replaces a newer one
            self._show(record, await read_queue(await self._worker.app(), record.thread_id))

    def _show(self, record: ThreadRecord, queue: Sequence[Queued]) -> None:
        shown = tuple(_message(queued) for queued in queue[: self._max_queued])
        if record.info.state is not ThreadState.KILLED or not shown:
            self._registry.update(record, queued=shown)


def _not_queued(record: ThreadRecord) -> ServerRefused:
    return ServerRefused(
        f"that message is not in the queue of {record.info.handle}: it may have been sent"
    )


def _moved(ids: Sequence[str], moved: str, before: str) -> list[str] | None:
    """Return ids with one before another, or at the end; None where one of the two is missing."""
    if moved not in ids or (before and before not in ids):
        return None
    if moved == before:
        return list(ids)
    rest = [one for one in ids if one != moved]
    at = rest.index(before) if before else len(rest)
    return [*rest[:at], moved, *rest[at:]]


def _message(queued: Queued) -> QueuedMessage:
    text = queued.text
    if len(text) > MAX_QUEUED_TEXT:
        text = text[: MAX_QUEUED_TEXT - 1] + "…"
    return QueuedMessage(queued.queued_id, text, queued.images)
