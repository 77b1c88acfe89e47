"""Calls of `codex` and `codex-reply` that survive a crash of the caller.

Every call has a key that is unique in the run and the same when the call is made again. The log
records the thread and the turn of a call before they are used, so that a repeated call waits for
the turn that was started before instead of starting another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from msgspec import structs

from codextui.errors import ServerRefused, ServerUnreachable, ThreadUnknown
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.codec import Message
from codextui.protocol.threads import ThreadInfo
from codextui.teams.codex.connection import TeamConnection, TurnResult
from codextui.teams.codex.settings import ThreadSettings

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """Identifies a conversation of a run of the Agents SDK, as the scope of its call ids.

    Attributes:
        name: the conversation's name.
        revision: how often the conversation was rewound; calls made before belong to another
            revision.
    """

    name: str = ""
    revision: int = 0

    def __str__(self) -> str:
        return f"{self.name}~{self.revision}" if self.revision else self.name

    def call_key(self, call_id: str) -> str:
        """Return a key for a call that is unique in the run; models reuse ids."""
        return f"{self}/{call_id}" if self.name else call_id


CURRENT_CONVERSATION: ContextVar[ConversationKey] = ContextVar(
    "CURRENT_CONVERSATION",
    default=ConversationKey(),  # noqa: B039 - frozen
)
"""The conversation in which the current task runs."""


class CodexCall(Message, frozen=True, rename={"previous_turn_id": "before"}):
    """The progress of one call.

    Attributes:
        thread_id: the thread that works on it.
        previous_turn_id: the thread's last turn before the call; empty for a new thread.
        turn_id: the turn of the call; empty until it is known.
    """

    thread_id: str
    previous_turn_id: str = ""
    turn_id: str = ""


class CallLog:
    """The calls of a run by their keys.

    Args:
        calls: the calls recorded by earlier processes.
        store: stores the whole log; called on every change, before the call continues.
    """

    def __init__(
        self,
        calls: Mapping[str, CodexCall] | None = None,
        store: Callable[[JsonObject], None] | None = None,
    ) -> None:
        self._calls = dict(calls or {})
        self._store = store

    def get(self, key: str) -> CodexCall | None:
        """Return the progress of a call, None if it has not begun."""
        return self._calls.get(key)

    def record(self, key: str, call: CodexCall) -> CodexCall:
        """Record the progress of a call, and return it."""
        self._calls[key] = call
        if self._store is not None:
            self._store(self.to_json())
        return call

    def forget(self, key: str) -> None:
        """Remove a call that has not reached its thread."""
        self._calls.pop(key, None)

    @property
    def thread_ids(self) -> frozenset[str]:
        """The ids of the run's threads."""
        return frozenset(call.thread_id for call in self._calls.values())

    def to_json(self) -> dict[str, object]:
        """Return the JSON object that `parse_calls` reads."""
        return {key: call.to_json() for key, call in self._calls.items()}


def parse_calls(source: JsonObject) -> dict[str, CodexCall]:
    """Read what `CallLog.to_json` returned. Raises MessageInvalid."""
    return {key: CodexCall.from_json(fields.as_object(source[key], key)) for key in source}


async def run_call(
    connection: TeamConnection,
    log: CallLog,
    settings: ThreadSettings,
    key: str,
    arguments: JsonObject,
) -> tuple[str, TurnResult]:
    """Make a call, or continue one that was begun; return its thread's id and its turn's end.

    A new thread is started without a turn and recorded before the prompt is sent. The
    thread's last turn shows whether the prompt of a recorded call was sent.

    Args:
        connection: the connection to the server.
        log: the calls of the run.
        settings: the settings of a new thread.
        key: the call's key, unique in the log.
        arguments: the tool's arguments; with a `threadId` they are a reply.

    Raises:
        CodextuiError: as the server's tools raise; ServerUnreachable after several attempts.
    """
    prompt = fields.text(arguments, "prompt")
    for attempt in range(_ATTEMPTS):
        try:
            call = log.get(key) or await _open_thread(connection, log, settings, key, arguments)
            if not call.turn_id:
                call = log.record(key, await _send_prompt(connection, call, prompt))
            return call.thread_id, await connection.wait_for_turn(call.thread_id, call.turn_id)
        except ThreadUnknown:
            # A thread without a turn does not outlive its Codex process; nothing was begun.
            if _thread_id(arguments) or attempt == _ATTEMPTS - 1:
                raise
            log.forget(key)
        except ServerUnreachable:
            if attempt == _ATTEMPTS - 1:
                raise
    raise ServerUnreachable("the server did not take the call")


async def _open_thread(
    connection: TeamConnection,
    log: CallLog,
    settings: ThreadSettings,
    key: str,
    arguments: JsonObject,
) -> CodexCall:
    thread_id = _thread_id(arguments)
    if thread_id:
        thread = await _wait_until_idle(connection, thread_id)
        _check_own_thread(log, settings, thread)
        return log.record(key, CodexCall(thread.thread_id, previous_turn_id=thread.turn_id))
    answer = await connection.call("codex-start", settings.start_arguments(arguments))
    thread = ThreadInfo.from_json(fields.as_object(answer.get("thread"), "thread"))
    return log.record(key, CodexCall(thread.thread_id))


async def _wait_until_idle(connection: TeamConnection, thread_id: str) -> ThreadInfo:
    """Wait until a thread's turn has ended, so that the next prompt begins a turn of its own."""
    thread = await connection.find_thread(thread_id)
    while thread.state.has_turn and thread.turn_id:
        await connection.wait_for_turn(thread.thread_id, thread.turn_id)
        before, thread = thread, await connection.find_thread(thread_id)
        if thread.turn_id == before.turn_id:
            break
    return thread


def _check_own_thread(log: CallLog, settings: ThreadSettings, thread: ThreadInfo) -> None:
    if settings.confined and thread.thread_id not in log.thread_ids:
        raise ServerRefused(f"thread {thread.thread_id} is none of this team's: start one of yours")


async def _send_prompt(connection: TeamConnection, call: CodexCall, prompt: str) -> CodexCall:
    thread = await connection.find_thread(call.thread_id)
    if thread.turn_id and thread.turn_id != call.previous_turn_id:
        return structs.replace(call, turn_id=thread.turn_id)
    answer = await connection.call("codex-send", {"thread": call.thread_id, "prompt": prompt})
    return structs.replace(call, turn_id=fields.text(answer, "turnId"))


def _thread_id(arguments: JsonObject) -> str:
    return fields.text_or(arguments, "threadId") or fields.text_or(arguments, "conversationId")
