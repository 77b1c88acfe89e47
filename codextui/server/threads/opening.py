"""Opens Codex threads: starts, forks and resumes them, and loads them into Codex."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from codextui.codex.calls import (
    fork_thread,
    join_thread,
    read_turns,
    resume_thread,
    start_thread,
    unarchive_thread,
)
from codextui.codex.login import chosen_provider
from codextui.codex.notifications import translate_history
from codextui.codex.threads import LoadedThread, ThreadOptions
from codextui.errors import CodexFailed, ServerRefused, ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage, handle_with_suffix
from codextui.server.events.hub import EventHub
from codextui.server.events.legacy import LegacyEventHub, LegacySubscriber
from codextui.server.threads.codex_notifications import CodexNotifications
from codextui.server.threads.git_branch import find_branch
from codextui.server.threads.others import OtherThreads
from codextui.server.threads.registry import ThreadRecord, ThreadRegistry
from codextui.server.worker import CodexWorker

_SANDBOXES = ("read-only", "workspace-write", "danger-full-access")
_JOIN_PAUSES_S = (0.05, 0.2, 1.0, 4.0)
_POLICIES = ("untrusted", "on-request", "never")


@dataclass(frozen=True, slots=True)
class ThreadSpec:
    """A thread to start.

    Attributes:
        options: its options for Codex.
        client: the name of the client that starts it.
        handle: the wanted handle; empty for any.
        numbered: whether a handle that is taken gets a number, instead of being refused.
        parent: the id of the role that it works for; empty for none.
        prompt: the first prompt that it will get; empty for none yet.
        subscriber: gets its legacy events from the first on; None for nobody.
    """

    options: ThreadOptions
    client: str
    handle: str = ""
    numbered: bool = False
    parent: str = ""
    prompt: str = ""
    subscriber: LegacySubscriber | None = None


@dataclass(frozen=True, slots=True)
class ThreadOpener:
    """Starts, forks, resumes and loads Codex threads.

    Beside the errors that they name, the methods raise CodexFailed, CodexMissing and CodexDied.

    Attributes:
        hub: knows which threads have a history.
        registry: gets the threads.
        worker: the Codex process.
        notifications: buffers the notifications of a thread that is being opened.
        legacy: sends the legacy events of a thread that is being started.
        others: the threads of other programs.
    """

    hub: EventHub
    registry: ThreadRegistry
    worker: CodexWorker
    notifications: CodexNotifications
    legacy: LegacyEventHub
    others: OtherThreads

    async def start(self, new: ThreadSpec) -> ThreadRecord:
        """Start a thread, without a turn.

        Raises:
            CodexLoginMissing: its first turn would need a login.
            ServerRefused: its handle is taken.
        """
        with self.registry.handles.claimed("" if new.numbered else new.handle):
            return await self._start(new)

    async def _start(self, new: ThreadSpec) -> ThreadRecord:
        app = await self.worker.app()
        if new.prompt:
            await self.worker.require_login(app, chosen_provider(app, new.options))
        options = replace(new.options, raw_events=new.subscriber is not None)
        with self.notifications.opening_thread(), self.legacy.opening_thread(new.subscriber):
            started = await self.worker.call(lambda app: start_thread(app, options))
            if new.subscriber is not None:
                self.legacy.begin(started, new.subscriber)
            branch = await find_branch(started.cwd)
            handle = new.handle
            if new.numbered or not handle:
                handle = self.registry.handles.unique(handle)
            record = self._new_record(started, client=new.client, handle=handle, branch=branch)
            self.registry.update_quietly(record, parent=new.parent, codex_usage=Usage())
            self.registry.set_brief(record, new.prompt)
            self.registry.add(record)
        return record

    async def fork(self, thread: str, *, turn_id: str, handle: str, client: str) -> ThreadRecord:
        """Fork a thread through a finished turn, inclusive; an empty `turn_id` is the last.

        The source is not disturbed; a turn that runs there is interrupted in the fork. Without a
        handle it gets one of its source's.

        Raises:
            ThreadUnknown: there is no such thread.
            ServerRefused: it has no turn yet, or the handle is taken.
            CodexFailed: it has no such finished turn.
        """
        source_record = self.registry.find_codex_thread(thread)
        with self.registry.handles.claimed(handle):
            async with self.others.acting_on(source_record):
                return await self._fork(
                    source_record.info, turn_id=turn_id, handle=handle, client=client
                )

    async def _fork(
        self, source: ThreadInfo, *, turn_id: str, handle: str, client: str
    ) -> ThreadRecord:
        if not source.turn_id:
            raise ServerRefused(f"{source.handle} has no past to fork: no turn has begun on it yet")
        app = await self.worker.app()
        with self.notifications.opening_thread():
            forked = await fork_thread(
                app,
                source.thread_id,
                last_turn_id=turn_id or None,
                options=_same_options(source),
            )
            turns = await read_turns(app, forked.thread_id)
            branch = await find_branch(forked.cwd)
            if not handle:
                forked_handle = handle_with_suffix(source.handle, "-fork")
                handle = self.registry.handles.unique(forked_handle)
            record = self._new_record(forked, client=client, handle=handle, branch=branch)
            self.registry.update_quietly(
                record,
                forked_from=source.thread_id,
                brief=source.brief,
                codex_usage=self._codex_usage(source.thread_id, turn_id),
            )
            self.registry.add(record)
            self._publish_history(record, turns)
        return record

    def _codex_usage(self, thread_id: str, turn_id: str) -> Usage | None:
        """Return Codex's count of a thread at the end of a turn, or now; None where unknown."""
        record = self.registry.get(thread_id)
        if record is None:
            return None
        if not turn_id:
            return record.info.codex_usage
        for event in self.hub.events_of(thread_id):
            match event.msg:
                case ev.TurnCompleted(codex_usage=Usage() as usage) if event.turn_id == turn_id:
                    return usage
                case ev.TurnAborted(codex_usage=Usage() as usage) if event.turn_id == turn_id:
                    return usage
                case _:
                    pass
        return self._codex_usage(record.info.forked_from, turn_id)

    async def resume(
        self, thread: str, *, client: str, options: ThreadOptions | None = None
    ) -> ThreadRecord:
        """Load a thread of the server, also one that was killed, or one of Codex's history.

        One that another program has open stays that program's.

        Args:
            thread: a thread id, a handle, or a unique beginning of an id.
            client: the name of the client that resumes it.
            options: its options if it is not loaded yet; None for those that it had.

        Raises:
            ThreadUnknown: neither has such a thread.
        """
        try:
            record = self.registry.find_codex_thread(thread)
        except ThreadUnknown:
            return await self._import(thread, client, options or ThreadOptions())
        async with record.lock:
            if record.info.state is ThreadState.KILLED:
                await self._revive(record, options)
            await self.load(record, options)
        return record

    async def load(self, record: ThreadRecord, options: ThreadOptions | None = None) -> None:
        """Load a thread into Codex, unless it is loaded. The caller holds `record.lock`.

        Args:
            record: the thread.
            options: its options; None for those that it had.

        Raises:
            ServerRefused: it was killed.
            CodexFailed: Codex cannot load it; the message names the thread.
            ThreadUnknown: Codex does not have it any more.
        """
        handle = record.info.handle
        if record.info.state is ThreadState.KILLED:
            raise ServerRefused(f"{handle} was killed: resume it first")
        if record.loaded or not record.info.ours:
            return
        thread_id, wanted = record.thread_id, options or _same_options(record.info)
        try:
            with self.notifications.opening_thread():
                loaded = await self.worker.call(lambda app: resume_thread(app, thread_id, wanted))
        except CodexFailed as error:
            message = f"{handle} cannot be loaded again: {error}"
            raise CodexFailed(message, code=error.code, data=error.data) from error
        except ThreadUnknown as error:
            raise ThreadUnknown(f"{handle} cannot be loaded again: {error}") from error
        record.loaded = True
        record.model_provider = loaded.model_provider
        self.registry.update(
            record,
            adopted=False,  # no other program had it open
            **_settings(loaded),
        )

    async def describe(self, record: ThreadRecord) -> None:
        """Complete what is known of a thread that Codex has started by itself."""
        loaded = await self._join(record.thread_id)
        branch = await find_branch(loaded.cwd) or loaded.branch
        info = record.info
        if not info.brief:
            self.registry.set_brief(record, loaded.preview)
        self.registry.update(
            record,
            parent=info.parent or loaded.parent,
            forked_from="" if loaded.parent else info.forked_from or loaded.forked_from,
            cwd=loaded.cwd,
            branch=branch,
            model=loaded.model,
            sandbox=loaded.sandbox,
            approval_policy=loaded.approval_policy,
        )
        self.registry.name_sub_agent(record, loaded.nickname)

    async def _join(self, thread_id: str) -> LoadedThread:
        """Subscribe to a thread that Codex is starting, and that it may not know at once."""
        app = await self.worker.app()
        for pause_s in _JOIN_PAUSES_S:
            try:
                return await join_thread(app, thread_id)
            except (CodexFailed, ThreadUnknown):
                await asyncio.sleep(pause_s)
        return await join_thread(app, thread_id)

    async def _revive(self, record: ThreadRecord, options: ThreadOptions | None) -> None:
        app = await self.worker.app()
        thread_id = record.thread_id
        # A thread that was not archived cannot be unarchived; loading it shows whether it exists.
        with suppress(CodexFailed, ThreadUnknown):
            await unarchive_thread(app, thread_id)
        with self.notifications.opening_thread():
            options = options or _same_options(record.info)
            loaded = await resume_thread(app, thread_id, options)
            turns = await read_turns(app, thread_id)
        record.killing = False
        record.loaded = True
        record.model_provider = loaded.model_provider
        self.registry.update(
            record,
            state=ThreadState.IDLE,
            handle=self.registry.handles.unique(record.info.handle),
            note="",
            **_settings(loaded),
        )
        if not self.hub.has_history(thread_id):
            self._publish_history(record, turns)

    async def _import(self, thread_id: str, client: str, options: ThreadOptions) -> ThreadRecord:
        open_elsewhere = await self.others.find(thread_id)
        if open_elsewhere is not None:
            return open_elsewhere
        with self.notifications.opening_thread():
            try:
                loaded = await self.worker.call(lambda app: resume_thread(app, thread_id, options))
            except (CodexFailed, ThreadUnknown) as error:
                raise ThreadUnknown(_unknown(thread_id, error)) from error
            turns = await read_turns(await self.worker.app(), loaded.thread_id)
            branch = await find_branch(loaded.cwd)
            known = self.registry.get(loaded.thread_id)
            if known is not None:  # another call has imported it meanwhile
                return known
            handle = self.registry.handles.unique(loaded.name)
            record = self._new_record(loaded, client=client, handle=handle, branch=branch)
            self.registry.set_brief(record, loaded.preview)
            if not loaded.forked_from:
                self.registry.update_quietly(record, codex_usage=Usage())
            self.registry.add(record)
            self._publish_history(record, turns)
        return record

    def _new_record(
        self, loaded: LoadedThread, *, client: str, handle: str, branch: str
    ) -> ThreadRecord:
        info = ThreadInfo(
            thread_id=loaded.thread_id,
            handle=handle,
            state=ThreadState.IDLE,
            client=client,
            branch=branch or loaded.branch,
            created_at=time.time(),
            forked_from=loaded.forked_from,
            cwd=loaded.cwd,
            model=loaded.model,
            sandbox=loaded.sandbox,
            approval_policy=loaded.approval_policy,
        )
        return ThreadRecord(info, loaded=True, model_provider=loaded.model_provider)

    def _publish_history(self, record: ThreadRecord, turns: Iterable[JsonObject]) -> None:
        """Publish what happened on a thread before the server had it."""
        history = translate_history(record.thread_id, turns)
        for past in history:
            self.registry.publish(record, past.turn_id, past.msg)
        if history:
            self.registry.update(record, turn_id=history[-1].turn_id)


def _same_options(info: ThreadInfo) -> ThreadOptions:
    """Return the options that Codex does not remember of a thread.

    Without a sandbox a resumed or forked thread runs in the default of the user's configuration.
    """
    return ThreadOptions(
        sandbox=info.sandbox if info.sandbox in _SANDBOXES else None,
        approval_policy=info.approval_policy if info.approval_policy in _POLICIES else None,
        current_cwd=info.cwd or None,
    )


def _settings(loaded: LoadedThread) -> dict[str, object]:
    """Return the fields of the info that a loaded thread says."""
    return {
        "cwd": loaded.cwd,
        "model": loaded.model,
        "sandbox": loaded.sandbox,
        "approval_policy": loaded.approval_policy,
    }


def _unknown(thread_id: str, error: Exception) -> str:
    """Return that nobody knows a thread, with what Codex says beyond that."""
    nowhere = f"no thread here has the id or handle {thread_id!r}, and Codex's history has none"
    said = str(error)
    return nowhere if thread_id in said else f"{nowhere}: {said}"
