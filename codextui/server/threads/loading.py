"""Threads brought into the Codex process of now."""

from __future__ import annotations

from codextui.codex.calls import resume_thread
from codextui.codex.thread import StartedThread, ThreadOptions
from codextui.errors import CodexFailed, ServerRefused, ThreadUnknown
from codextui.server.core import Core
from codextui.server.threads.record import ThreadRecord
from codextui.wire.thread import ThreadInfo, ThreadState

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
        folder=info.cwd or None,
    )


def take_settings(core: Core, record: ThreadRecord, started: StartedThread) -> None:
    """Take over into a thread's row how Codex says that it runs."""
    core.registry.update(
        record,
        cwd=started.cwd,
        model=started.model,
        sandbox=started.sandbox,
        approval_policy=started.approval_policy,
    )
