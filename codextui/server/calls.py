"""The tools `codex` and `codex-reply`: a turn, and its answer when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from codextui.codex.thread import ThreadOptions
from codextui.errors import ServerRefused, TurnNotRunning
from codextui.server.host import Host
from codextui.server.reply import failed_turn, plain
from codextui.server.session import Caller
from codextui.server.threads.opening import NewThread, start
from codextui.server.threads.record import ThreadRecord, TurnOutcome
from codextui.server.threads.turns import Sent, interrupt, send
from codextui.wire import fields
from codextui.wire.fields import JsonObject


async def codex(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Start a thread, and answer with what its first turn comes to."""
    prompt = fields.text(arguments, "prompt")
    new = NewThread(thread_options(arguments, caller.cwd), caller.client, prompt=prompt)
    record = await host.background.finish(start(host.core, new))
    return await _attend(host, caller, record, prompt)


async def codex_reply(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Say something to a thread, and answer with what the turn comes to."""
    thread = fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
    if not thread:
        raise ServerRefused("codex-reply: threadId is missing")
    record = host.core.registry.find(thread)
    return await _attend(host, caller, record, fields.text(arguments, "prompt"))


def thread_options(arguments: JsonObject, folder: str = "") -> ThreadOptions:
    """The options of a thread that are in a tool's arguments.

    `folder` is where the caller works: the cwd where the arguments name none, and what a
    relative one is relative to.
    `on-failure`, which Codex no longer has, becomes `on-request`: it asks before, not after.
    """
    policy = fields.maybe_text(arguments, "approval-policy")
    cwd = Path(folder, Path(fields.text_or(arguments, "cwd")).expanduser())
    return ThreadOptions(
        model=fields.maybe_text(arguments, "model"),
        cwd=None if cwd == Path() else str(cwd.absolute()),
        sandbox=fields.maybe_text(arguments, "sandbox"),
        approval_policy="on-request" if policy == "on-failure" else policy,
        base_instructions=fields.maybe_text(arguments, "base-instructions"),
        developer_instructions=fields.maybe_text(arguments, "developer-instructions"),
        compact_prompt=fields.maybe_text(arguments, "compact-prompt"),
        profile=fields.maybe_text(arguments, "profile"),
        config=fields.as_object(arguments.get("config", {}), "config"),
    )


async def _attend(
    host: Host, caller: Caller, record: ThreadRecord, prompt: str
) -> dict[str, object]:
    """Say the prompt and wait for the turn's end; meanwhile the caller can be asked.

    The turn is the server's: it goes on where the caller hangs up, and is interrupted where
    the caller takes its call back.
    """
    thread_id = record.info.thread_id
    # A supervisor is asked about every thread already.
    answerer = None if caller.supervises else caller.answerer(thread_id)
    if answerer is not None:
        host.core.broker.attach(answerer)
    sending = host.background.start(send(host.core, thread_id, prompt))
    try:
        sent = await asyncio.shield(sending)
        return _answer(record, await record.wait_for(sent.turn_id))
    except asyncio.CancelledError:
        if caller.took_back:
            host.background.start(_take_back(host, caller, record, sending))
        raise
    finally:
        if answerer is not None:
            host.core.broker.detach(answerer)


def _answer(record: ThreadRecord, outcome: TurnOutcome) -> dict[str, object]:
    thread_id = record.info.thread_id
    if outcome.reason:
        return failed_turn(thread_id, outcome)
    return plain(outcome.content, {"threadId": thread_id, "content": outcome.content})


async def _take_back(
    host: Host, caller: Caller, record: ThreadRecord, sending: asyncio.Task[Sent]
) -> None:
    """Interrupt the turn that the call started, and answer the call.

    A call that steered the turn of another leaves it to that one.
    """
    sent = await sending
    if not sent.steered:
        with contextlib.suppress(TurnNotRunning):
            await interrupt(host.core, record.info.thread_id)
    content = record.last_message
    outcome = TurnOutcome(sent.turn_id, content, "interrupted", "The call was cancelled.")
    caller.session.peer.answer_late(caller.request_id, _answer(record, outcome))
