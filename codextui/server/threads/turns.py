"""Turns: begun, steered, interrupted, waited for."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from codextui.codex.calls import (
    archive_thread,
    clean_terminals,
    interrupt_turn,
    start_turn,
    steer_turn,
)
from codextui.errors import CodextuiError, ServerRefused, ThreadUnknown, TurnNotRunning
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadState
from codextui.server.core import Core
from codextui.server.threads.opening import load
from codextui.server.threads.registry import ThreadRecord, new_message_id

logger = logging.getLogger(__name__)

INTERRUPT_TIMEOUT_S = 15.0
"""Seconds that Codex has to end a turn."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a message went.

    Attributes:
        record: the thread.
        turn_id: the turn that it started or steered.
        steered: whether that turn ran before.
    """

    record: ThreadRecord
    turn_id: str
    steered: bool


async def send(
    core: Core, thread: str, prompt: str, *, output_schema: JsonObject | None = None
) -> Sent:
    """Say something to a thread: steer the turn that runs, otherwise start one.

    A thread that Codex does not have loaded is loaded first. Raises ThreadUnknown,
    ServerRefused (a killed thread; a schema for a turn that runs), CodexFailed, CodexMissing,
    CodexDied.
    """
    record = core.registry.find_codex(thread)
    async with record.busy:
        if record.running and output_schema is not None:
            raise ServerRefused(
                f"a turn runs on {record.info.handle}, and output-schema is for a turn from its "
                "beginning: reply without it, or when the turn has ended"
            )
        if record.running:
            try:
                return Sent(record, await _steer(core, record, prompt), steered=True)
            except TurnNotRunning:
                pass  # It ended in this moment: the message starts the next one.
        await load(core, record)
        try:
            turn_id = await _start(core, record, prompt, output_schema)
        except ThreadUnknown:
            record.loaded = False  # Codex has let it go without a word
            await load(core, record)
            turn_id = await _start(core, record, prompt, output_schema)
        return Sent(record, turn_id, steered=False)


async def steer(core: Core, thread: str, prompt: str) -> Sent:
    """Say something to the running turn. Raises ThreadUnknown, TurnNotRunning, CodexFailed."""
    record = core.registry.find_codex(thread)
    async with record.busy:
        return Sent(record, await _steer(core, record, prompt), steered=True)


async def interrupt(core: Core, thread: str) -> ThreadRecord:
    """End the running turn, and every process that its commands left; return when both are gone.

    Raises ThreadUnknown, TurnNotRunning, ServerRefused (the turn does not end), CodexFailed.
    """
    record = core.registry.find_codex(thread)
    async with record.busy:
        await stop_turn(core, record)
    return record


async def stop_turn(core: Core, record: ThreadRecord) -> None:
    """As `interrupt`, for who holds `record.busy`."""
    turn_id = _running(record)
    ended = record.outcome_of(turn_id)
    app = await core.worker.app()
    try:
        await interrupt_turn(app, record.info.thread_id, turn_id)
        async with asyncio.timeout(INTERRUPT_TIMEOUT_S):
            await asyncio.shield(ended)
    except TimeoutError as error:
        raise ServerRefused(
            f"Codex did not end the turn of {record.info.handle} "
            f"within {INTERRUPT_TIMEOUT_S:.0f} seconds"
        ) from error
    except TurnNotRunning:
        pass  # It ended by itself in this moment.
    finally:
        await clean_terminals(app, record.info.thread_id)


async def _steer(core: Core, record: ThreadRecord, prompt: str) -> str:
    turn_id = _running(record)
    app = await core.worker.app()
    await steer_turn(
        app, record.info.thread_id, turn_id, prompt, client_message_id=new_message_id()
    )
    return turn_id


async def _start(
    core: Core, record: ThreadRecord, prompt: str, output_schema: JsonObject | None
) -> str:
    app = await core.worker.app()
    before = record.info.state
    if not record.info.brief:
        core.registry.note_brief(record, prompt)
    core.registry.update(record, state=ThreadState.STARTING)
    try:
        turn_id = await start_turn(
            app,
            record.info.thread_id,
            prompt,
            client_message_id=new_message_id(),
            output_schema=output_schema,
        )
    except CodextuiError:
        core.registry.update(record, state=before)
        raise
    # Codex may have told of the turn's start, and even of its end, before its answer was read.
    if record.running != turn_id and not record.outcome_of(turn_id).done():
        record.begin_turn(turn_id)
        core.registry.begin_turn(record, turn_id)
    return turn_id


def _running(record: ThreadRecord) -> str:
    if not record.running:
        raise TurnNotRunning(f"no turn runs on {record.info.handle}")
    return record.running


async def kill(core: Core, thread: str) -> ThreadRecord:
    """End a thread for good: its turn, its processes, its approvals; then archive it.

    What Codex cannot do any more does not keep a thread alive. Raises ThreadUnknown,
    ServerRefused (a role or a run).
    """
    record = core.registry.find_codex(thread)
    async with record.busy:
        record.killing = True
        try:
            await _stop(core, record)
        except CodextuiError as error:
            logger.warning("the turn of %s was not ended: %s", record.info.handle, error)
        core.broker.withdraw(thread_id=record.info.thread_id)
        await _archive(core, record)
        record.loaded = False
        core.registry.update(record, state=ThreadState.KILLED, turn_started_at=None, waits_for="")
    return record


async def _stop(core: Core, record: ThreadRecord) -> None:
    """End the running turn; where none runs, the processes that earlier ones left."""
    try:
        await stop_turn(core, record)
    except TurnNotRunning:
        if record.loaded:
            await clean_terminals(await core.worker.app(), record.info.thread_id)


async def _archive(core: Core, record: ThreadRecord) -> None:
    try:
        await archive_thread(await core.worker.app(), record.info.thread_id)
    except CodextuiError as error:
        logger.warning("%s was not archived: %s", record.info.handle, error)
