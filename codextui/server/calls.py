"""The tools `codex` and `codex-reply`: a turn, and its answer when it ends."""

from __future__ import annotations

from pathlib import Path

from codextui.codex.thread import ThreadOptions
from codextui.errors import ServerRefused, ThreadUnknown
from codextui.server.host import Host
from codextui.server.output_schema import OutputSchema
from codextui.server.session import Caller
from codextui.server.threads.opening import NewThread, resume, start
from codextui.server.threads.record import ThreadRecord
from codextui.server.turn_call import TurnCall, listener_of
from codextui.wire import fields
from codextui.wire.fields import JsonObject


async def codex(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Start a thread, and answer with what its first turn comes to."""
    prompt = fields.text(arguments, "prompt")
    schema = OutputSchema.of(arguments)
    listener = listener_of(caller)
    options = thread_options(arguments, caller)
    new = NewThread(options, caller.client, prompt=prompt, listener=listener)
    call = TurnCall(host, caller, prompt, schema, start(host.core, new))
    return await call.run(listener)


async def codex_reply(host: Host, caller: Caller, arguments: JsonObject) -> dict[str, object]:
    """Say something to a thread, and answer with what the turn comes to.

    A thread that this server does not know is looked for in Codex's history.
    """
    thread = fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
    if not thread:
        raise ServerRefused("codex-reply: threadId is missing")
    schema = OutputSchema.of(arguments)
    prompt = fields.text(arguments, "prompt")
    call = TurnCall(host, caller, prompt, schema, _find(host, thread, caller.client))
    return await call.run(listener_of(caller))


async def _find(host: Host, thread: str, client: str) -> ThreadRecord:
    try:
        return host.core.registry.find_codex(thread)
    except ThreadUnknown:
        return await resume(host.core, thread, client=client)


def thread_options(arguments: JsonObject, caller: Caller) -> ThreadOptions:
    """The options of a thread that are in a tool's arguments.

    Where the caller works is the cwd where the arguments name none, and what a relative one is
    relative to; settings of its own hold where the arguments have none.
    `on-failure`, which Codex no longer has, becomes `on-request`: it asks before, not after.
    """
    policy = fields.maybe_text(arguments, "approval-policy")
    cwd = Path(caller.cwd, Path(fields.text_or(arguments, "cwd")).expanduser())
    return ThreadOptions(
        model=fields.maybe_text(arguments, "model"),
        cwd=None if cwd == Path() else str(cwd.absolute()),
        sandbox=fields.maybe_text(arguments, "sandbox"),
        approval_policy="on-request" if policy == "on-failure" else policy,
        base_instructions=fields.maybe_text(arguments, "base-instructions"),
        developer_instructions=fields.maybe_text(arguments, "developer-instructions"),
        compact_prompt=fields.maybe_text(arguments, "compact-prompt"),
        profile=fields.maybe_text(arguments, "profile"),
        config={**caller.channel.config, **fields.as_object(arguments.get("config", {}), "config")},
    )
