"""One call of `codex` or `codex-reply`, done once however often it is begun."""

from __future__ import annotations

import dataclasses

from codextui.errors import ServerRefused, ServerUnreachable, ThreadUnknown
from codextui.teams.call_log import CallLog, CodexCall
from codextui.teams.link import ServerLink, TurnEnd
from codextui.teams.terms import Terms
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import ThreadInfo

_ATTEMPTS = 5


async def run_call(
    link: ServerLink, log: CallLog, terms: Terms, call_id: str, arguments: JsonObject
) -> tuple[str, TurnEnd]:
    """Do a call, or go on with one that was begun before; return its thread and its turn's end.

    First a thread without a turn is made and kept in the log, then the prompt is sent: whoever
    finds the call in the log knows by the thread's last turn whether that has happened.

    Args:
        link: the way to the server.
        log: what became of earlier calls.
        terms: what a new thread gets.
        call_id: the call's id, unique in the log.
        arguments: what the model gave; `threadId` in them makes it a reply.

    Raises:
        CodextuiError: as the server's tools do; ServerUnreachable where it stays away.
    """
    prompt = fields.text(arguments, "prompt")
    for attempt in range(_ATTEMPTS):
        try:
            call = log.get(call_id) or await _open(link, log, terms, call_id, arguments)
            if not call.turn_id:
                call = log.note(call_id, await _send(link, call, prompt))
            return call.thread_id, await link.end_of(call.thread_id, call.turn_id)
        except ThreadUnknown:
            # A thread without a turn does not outlive its Codex process; nothing was begun.
            if _thread_of(arguments) or attempt == _ATTEMPTS - 1:
                raise
            log.forget(call_id)
        except ServerUnreachable:
            if attempt == _ATTEMPTS - 1:
                raise
    raise ServerUnreachable("the server did not take the call")


async def _open(
    link: ServerLink, log: CallLog, terms: Terms, call_id: str, arguments: JsonObject
) -> CodexCall:
    """Find or make the thread, and keep in the log that this call is its."""
    known = _thread_of(arguments)
    if known:
        thread = await _at_rest(link, known)
        _check_own(log, terms, thread)
        return log.note(call_id, CodexCall(thread.thread_id, before=thread.turn_id))
    answer = await link.call("codex-start", terms.arguments(arguments))
    thread = ThreadInfo.parse(fields.as_object(answer.get("thread"), "thread"))
    return log.note(call_id, CodexCall(thread.thread_id))


async def _at_rest(link: ServerLink, name: str) -> ThreadInfo:
    """Wait until a thread's turn is over, so that what is said to it begins one of its own."""
    thread = await link.find(name)
    while thread.state.has_turn and thread.turn_id:
        await link.end_of(thread.thread_id, thread.turn_id)
        before, thread = thread, await link.find(name)
        if thread.turn_id == before.turn_id:
            break
    return thread


def _check_own(log: CallLog, terms: Terms, thread: ThreadInfo) -> None:
    if terms.confined and thread.thread_id not in log.threads:
        raise ServerRefused(f"thread {thread.thread_id} is none of this team's: start one of yours")


async def _send(link: ServerLink, call: CodexCall, prompt: str) -> CodexCall:
    thread = await link.find(call.thread_id)
    if thread.turn_id and thread.turn_id != call.before:
        return dataclasses.replace(call, turn_id=thread.turn_id)
    answer = await link.call("codex-send", {"thread": call.thread_id, "prompt": prompt})
    return dataclasses.replace(call, turn_id=fields.text(answer, "turnId"))


def _thread_of(arguments: JsonObject) -> str:
    return fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
