"""Threads that come to be: started, forked, resumed from Codex's history."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from codextui.codex.calls import (
    fork_thread,
    read_turns,
    resume_thread,
    start_thread,
    unarchive_thread,
)
from codextui.codex.notifications import translate_history
from codextui.codex.threads import LoadedThread, ThreadOptions
from codextui.errors import CodexFailed, ServerRefused, ThreadUnknown
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.core import Core
from codextui.server.mcp.codex_events import LegacyListener
from codextui.server.threads.git_branch import find_branch
from codextui.server.threads.registry import ThreadRecord

_SANDBOXES = ("read-only", "workspace-write", "danger-full-access")
_POLICIES = ("untrusted", "on-request", "never")


async def load(core: Core, record: ThreadRecord) -> None:
    """Have Codex load a thread, so that it can be told something and tells us of it.

    For who holds `record.busy`. Raises ServerRefused (a killed thread), CodexFailed (it says
    which thread), ThreadUnknown (Codex has lost it), CodexMissing, CodexDied.
    """
    handle = record.info.handle
    if record.info.state is ThreadState.KILLED:
        raise ServerRefused(f"{handle} was killed: resume it first")
    if record.loaded:
        return
    app = await core.worker.app()
    try:
        with core.feed.opening():
            started = await resume_thread(app, record.info.thread_id, same_options(record.info))
    except CodexFailed as error:
        message = f"{handle} cannot be loaded again: {error}"
        raise CodexFailed(message, code=error.code, data=error.data) from error
    except ThreadUnknown as error:
        raise ThreadUnknown(f"{handle} cannot be loaded again: {error}") from error
    record.loaded = True
    take_settings(core, record, started)


def same_options(info: ThreadInfo) -> ThreadOptions:
    """The options with which Codex goes on as the thread was.

    It keeps the rest by itself, but not the sandbox: without being told, a resumed or forked
    thread runs in whatever the user's configuration has as default.
    """
    return ThreadOptions(
        sandbox=info.sandbox if info.sandbox in _SANDBOXES else None,
        approval_policy=info.approval_policy if info.approval_policy in _POLICIES else None,
        current_cwd=info.cwd or None,
    )


def take_settings(core: Core, record: ThreadRecord, started: LoadedThread) -> None:
    """Take over into a thread's row how Codex says that it runs."""
    core.registry.update(
        record,
        cwd=started.cwd,
        model=started.model,
        sandbox=started.sandbox,
        approval_policy=started.approval_policy,
    )


@dataclass(frozen=True, slots=True)
class NewThread:
    """A thread to be started.

    Attributes:
        options: how it is to run.
        client: who asks for it.
        handle: the handle that it should have; empty for any.
        parent: the id of the role that it works for; empty for none.
        prompt: what it will be told first, empty where nothing.
        listener: hears of it as the old server told it, from its beginning; None where nobody.
    """

    options: ThreadOptions
    client: str
    handle: str = ""
    parent: str = ""
    prompt: str = ""
    listener: LegacyListener | None = None


async def start(core: Core, new: NewThread) -> ThreadRecord:
    """Start a thread; no turn runs on it yet.

    Raises CodexMissing, CodexFailed, CodexDied.
    """
    app = await core.worker.app()
    options = replace(new.options, raw_events=new.listener is not None)
    with core.feed.opening(), core.legacy.opening(new.listener):
        started = await start_thread(app, options)
        if new.listener is not None:
            core.legacy.begin(started, new.listener)
        branch = await find_branch(started.cwd)
        record = _record(core, started, client=new.client, handle=new.handle, branch=branch)
        core.registry.note(record, parent=new.parent)
        core.registry.note_brief(record, new.prompt)
        core.registry.add(record)
    return record


async def fork(core: Core, thread: str, *, turn_id: str, handle: str, client: str) -> ThreadRecord:
    """Fork a thread, as it is now or through a finished turn of it (inclusive).

    The source goes on undisturbed; a turn that runs there is in the fork as interrupted.
    Raises ThreadUnknown, ServerRefused (a thread without a past), CodexFailed (no such finished
    turn), CodexMissing, CodexDied.
    """
    source = core.registry.find_codex(thread).info
    if not source.turn_id:
        raise ServerRefused(f"{source.handle} has no past to fork: no turn has begun on it yet")
    app = await core.worker.app()
    with core.feed.opening():
        started = await fork_thread(
            app,
            source.thread_id,
            last_turn_id=turn_id or None,
            options=same_options(source),
        )
        turns = await read_turns(app, started.thread_id)
        branch = await find_branch(started.cwd)
        record = _record(
            core, started, client=client, handle=handle or f"{source.handle}-fork", branch=branch
        )
        core.registry.note(record, forked_from=source.thread_id, brief=source.brief)
        core.registry.add(record)
        _tell_past(core, record, turns)
    return record


async def resume(core: Core, thread: str, *, client: str) -> ThreadRecord:
    """Bring a thread back: one of ours, a killed one too, or any of Codex's own history.

    Raises ThreadUnknown, CodexFailed, CodexMissing, CodexDied.
    """
    try:
        record = core.registry.find_codex(thread)
    except ThreadUnknown:
        return await _import(core, thread, client)
    async with record.busy:
        if record.info.state is ThreadState.KILLED:
            await _revive(core, record)
        await load(core, record)
    return record


async def _revive(core: Core, record: ThreadRecord) -> None:
    app = await core.worker.app()
    thread_id = record.info.thread_id
    with suppress(
        CodexFailed, ThreadUnknown
    ):  # Where it was not archived, loading says whether it is there.
        await unarchive_thread(app, thread_id)
    with core.feed.opening():
        await resume_thread(app, thread_id, same_options(record.info))
        turns = await read_turns(app, thread_id)
    record.killing = False
    record.loaded = True
    core.registry.update(
        record,
        state=ThreadState.IDLE,
        handle=core.registry.unique_handle(record.info.handle),
        note="",
    )
    if not core.hub.has_past(thread_id):
        _tell_past(core, record, turns)


async def _import(core: Core, thread_id: str, client: str) -> ThreadRecord:
    app = await core.worker.app()
    with core.feed.opening():
        try:
            started = await resume_thread(app, thread_id)
        except (CodexFailed, ThreadUnknown) as error:
            raise ThreadUnknown(
                f"no thread here has the id or handle {thread_id!r}, and Codex's history has "
                f"none of that id: {error}"
            ) from error
        turns = await read_turns(app, started.thread_id)
        branch = await find_branch(started.cwd)
        known = core.registry.get(started.thread_id)
        if known is not None:  # two asked for it at once
            return known
        record = _record(core, started, client=client, handle=started.name, branch=branch)
        core.registry.note_brief(record, started.preview)
        core.registry.add(record)
        _tell_past(core, record, turns)
    return record


def _record(
    core: Core, started: LoadedThread, *, client: str, handle: str, branch: str
) -> ThreadRecord:
    info = ThreadInfo(
        thread_id=started.thread_id,
        handle=core.registry.unique_handle(handle),
        state=ThreadState.IDLE,
        client=client,
        branch=branch or started.branch,
        created_at=time.time(),
        forked_from=started.forked_from,
        cwd=started.cwd,
        model=started.model,
        sandbox=started.sandbox,
        approval_policy=started.approval_policy,
    )
    return ThreadRecord(info, loaded=True)


def _tell_past(core: Core, record: ThreadRecord, turns: Iterable[JsonObject]) -> None:
    """Tell what happened on a thread before the server knew it."""
    history = translate_history(record.info.thread_id, turns)
    for past in history:
        core.registry.publish(record, past.turn_id, past.msg)
    if history:
        core.registry.update(record, turn_id=history[-1].turn_id)
