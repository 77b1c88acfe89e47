"""One call of `codex` or `codex-reply`, done once however often it is begun."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from codextui.errors import ServerRefused, ServerUnreachable, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import ThreadInfo
from codextui.teams.codex.connection import TeamConnection, TurnEnd
from codextui.teams.codex.terms import Terms


@dataclass(frozen=True, slots=True)
class CodexCall:
    """One call, as far as it got.

    Attributes:
        thread_id: the thread that works on it.
        before: that thread's last turn before the call, empty where it had none.
        turn_id: the call's own turn, empty until that is known.
    """

    thread_id: str
    before: str = ""
    turn_id: str = ""


class CallLog:
    """The calls of a run by their ids; every change is kept before anything else happens.

    Args:
        calls: those that are known from before.
        save: keeps all of it; called at every change.
    """

    def __init__(
        self,
        calls: Mapping[str, CodexCall] | None = None,
        save: Callable[[JsonObject], None] | None = None,
    ) -> None:
        self._calls = dict(calls or {})
        self._save = save

    def get(self, call_id: str) -> CodexCall | None:
        """What is known of a call; None where it never began."""
        return self._calls.get(call_id)

    def note(self, call_id: str, call: CodexCall) -> CodexCall:
        """Keep how far a call got, and return it."""
        self._calls[call_id] = call
        if self._save is not None:
            self._save(self.to_wire())
        return call

    def forget(self, call_id: str) -> None:
        """Forget a call that never reached a thread."""
        self._calls.pop(call_id, None)

    @property
    def threads(self) -> frozenset[str]:
        """The threads that worked for this run."""
        return frozenset(call.thread_id for call in self._calls.values())

    def to_wire(self) -> dict[str, object]:
        """The JSON object that `parse_calls` reads."""
        return {call_id: asdict(call) for call_id, call in self._calls.items()}


def parse_calls(source: JsonObject) -> dict[str, CodexCall]:
    """Read what `CallLog.to_wire` wrote. Raises WireInvalid."""
    return {call_id: _parse(fields.as_object(value, call_id)) for call_id, value in source.items()}


def _parse(source: JsonObject) -> CodexCall:
    return CodexCall(
        thread_id=fields.text(source, "thread_id"),
        before=fields.text_or(source, "before"),
        turn_id=fields.text_or(source, "turn_id"),
    )


_ATTEMPTS = 5


async def run_call(
    link: TeamConnection, log: CallLog, terms: Terms, call_id: str, arguments: JsonObject
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
    link: TeamConnection, log: CallLog, terms: Terms, call_id: str, arguments: JsonObject
) -> CodexCall:
    """Find or make the thread, and keep in the log that this call is its."""
    known = _thread_of(arguments)
    if known:
        thread = await _at_rest(link, known)
        _check_own(log, terms, thread)
        return log.note(call_id, CodexCall(thread.thread_id, before=thread.turn_id))
    answer = await link.call("codex-start", terms.arguments(arguments))
    thread = ThreadInfo.from_json(fields.as_object(answer.get("thread"), "thread"))
    return log.note(call_id, CodexCall(thread.thread_id))


async def _at_rest(link: TeamConnection, name: str) -> ThreadInfo:
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


async def _send(link: TeamConnection, call: CodexCall, prompt: str) -> CodexCall:
    thread = await link.find(call.thread_id)
    if thread.turn_id and thread.turn_id != call.before:
        return dataclasses.replace(call, turn_id=thread.turn_id)
    answer = await link.call("codex-send", {"thread": call.thread_id, "prompt": prompt})
    return dataclasses.replace(call, turn_id=fields.text(answer, "turnId"))


def _thread_of(arguments: JsonObject) -> str:
    return fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
