"""What people ask of roles and runs: told to the program that runs them, which does it."""

from __future__ import annotations

import asyncio
import logging

from codextui.errors import CodextuiError, ServerRefused
from codextui.protocol.events import RoleRequested
from codextui.protocol.runs import RoleAction, ThreadKind
from codextui.protocol.threads import ThreadState
from codextui.server.core import Core
from codextui.server.runs.runs import OVER, Run, how_to_resume
from codextui.server.threads import turns as ending
from codextui.server.threads.registry import ThreadRecord

logger = logging.getLogger(__name__)

MAX_TEXT = 100_000
"""Characters of a message to a role."""

_NAMED = 3
_HELD = (ThreadState.PAUSED, ThreadState.INTERRUPTED)


def direct(
    core: Core, record: ThreadRecord, action: RoleAction, text: str = "", *, by: str
) -> ThreadRecord:
    """Ask something of a role or a run; its program tells what comes of it.

    Raises ServerRefused where that can come to nothing.
    """
    if record.in_codex:
        raise ServerRefused(f"{record.info.handle} is a Codex thread, not a role of a team")
    if action is RoleAction.MESSAGE and not text.strip():
        raise ServerRefused("the message is empty")
    if len(text) > MAX_TEXT:
        raise ServerRefused(f"a message may have {MAX_TEXT} characters, not {len(text)}")
    run = core.runs.run_of(record)
    _check_ready(run, record, action)
    core.registry.publish(record, record.info.turn_id, RoleRequested(action, text, by))
    return record


async def kill(core: Core, record: ThreadRecord, *, by: str) -> ThreadRecord:
    """End a run for good: its roles, what was asked for them, and the Codex threads they used.

    Its program is asked to stop. Raises ServerRefused for a role alone.
    """
    run = core.runs.run_of(record)
    own = run.rows.get(run.run_id)
    if record.info.kind is not ThreadKind.RUN or own is None:
        name = own.info.handle if own is not None else run.run_id
        raise ServerRefused(
            f"{record.info.handle} is a role of {name}: stop it, or kill the whole run"
        )
    if run.owner is not None and own.info.state not in OVER:
        core.registry.publish(own, own.info.turn_id, RoleRequested(RoleAction.STOP, "", by))
    core.runs.kill(run)
    workers = [r for r in core.registry if r.in_codex and r.info.parent in run.rows]
    living = [r for r in workers if r.info.state is not ThreadState.KILLED]
    await asyncio.gather(*(_kill_worker(core, worker) for worker in living))
    return own


def resume(core: Core, record: ThreadRecord, *, by: str) -> ThreadRecord:
    """Ask that a role or a run goes on which is paused or was stopped.

    Raises ServerRefused, which says how its program is started where that is gone.
    """
    run = core.runs.run_of(record)
    own = record.told or record.info  # while something is asked, the row says that instead
    if run.owner is not None and own.state in _HELD:
        return direct(core, record, RoleAction.RESUME, by=by)
    if run.owner is not None:
        raise ServerRefused(f"{record.info.handle} is not paused: {run.owner.name} runs it")
    how = how_to_resume(record.info.client, run.run_id)
    which = run.run_id if record.info.thread_id == run.run_id else f"its run, {run.run_id},"
    raise ServerRefused(f"{how} goes on with it" if how else f"only its program can run {which}")


def refuse_fork(core: Core, record: ThreadRecord) -> ServerRefused:
    """Why a role or a run cannot be forked, and what of it can."""
    own = record.info
    below = core.runs.run_of(record).rows if own.kind is ThreadKind.RUN else (own.thread_id,)
    workers = [r.info.handle for r in core.registry if r.in_codex and r.info.parent in below]
    such = f", such as {' and '.join(workers[:_NAMED])}" if workers else ""
    return ServerRefused(
        f"{own.handle} is a {own.kind.value} of a team: only Codex threads can be forked{such}"
    )


def _check_ready(run: Run, record: ThreadRecord, action: RoleAction) -> None:
    handle, state = record.info.handle, record.info.state
    if run.owner is None:
        how = how_to_resume(record.info.client, run.run_id)
        ending = f": {how} goes on with it" if how else ""
        raise ServerRefused(f"the program that ran {handle} is gone{ending}")
    own = run.rows[run.run_id].info
    if own.state in OVER and (action is not RoleAction.RERUN or own.state is ThreadState.KILLED):
        raise ServerRefused(f"{own.handle} is over ({own.state.value}): nobody is at work there")
    if state in OVER and action in (RoleAction.PAUSE, RoleAction.STOP):
        raise ServerRefused(f"{handle} is not at work ({state.value})")


async def _kill_worker(core: Core, worker: ThreadRecord) -> None:
    try:
        await ending.kill(core, worker.info.thread_id)
    except CodextuiError as error:
        logger.warning("%s was not killed: %s", worker.info.handle, error)
