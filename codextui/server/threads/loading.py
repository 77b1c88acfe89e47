"""Threads brought into the Codex process of now."""

from __future__ import annotations

from codextui.codex.calls import resume_thread
from codextui.codex.thread import StartedThread
from codextui.errors import CodexFailed, ServerRefused
from codextui.server.core import Core
from codextui.server.threads.record import ThreadRecord
from codextui.wire.thread import ThreadState


async def load(core: Core, record: ThreadRecord) -> None:
    """Have Codex load a thread, so that it can be told something and tells us of it.

    For who holds `record.busy`. Raises ServerRefused (a killed thread), CodexFailed (it says
    which thread), CodexMissing, CodexDied.
    """
    handle = record.info.handle
    if record.info.state is ThreadState.KILLED:
        raise ServerRefused(f"{handle} was killed: resume it first")
    if record.loaded:
        return
    app = await core.worker.app()
    try:
        with core.feed.opening():
            started = await resume_thread(app, record.info.thread_id)
    except CodexFailed as error:
        message = f"{handle} cannot be loaded again: {error}"
        raise CodexFailed(message, code=error.code, data=error.data) from error
    record.loaded = True
    take_settings(core, record, started)


def take_settings(core: Core, record: ThreadRecord, started: StartedThread) -> None:
    """Take over into a thread's row how Codex says that it runs."""
    core.registry.update(
        record,
        cwd=started.cwd,
        model=started.model,
        sandbox=started.sandbox,
        approval_policy=started.approval_policy,
    )
