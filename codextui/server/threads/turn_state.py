"""The state machine of a turn: what an event changes about its thread. Pure.

Threads of Codex and the roles and runs that a program publishes take the same steps, but for one
difference: the state and the note of a Codex thread follow from its events, while a program
publishes those of its roles and runs itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from msgspec import structs

from codextui.codex.items import file_changes
from codextui.protocol import events as ev
from codextui.protocol.approvals import FileChange
from codextui.protocol.runs import RUN_PREFIX, TEAM_CLIENT_PREFIX, ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState, Usage
from codextui.server.threads.usage import count_tokens
from codextui.text.failures import error_in_words

MAX_NOTE = 300
"""Characters of the note that an error or a warning leaves on a thread."""

ENDED_STATES = (
    ThreadState.DONE,
    ThreadState.FAILED,
    ThreadState.INTERRUPTED,
    ThreadState.KILLED,
)
"""The states of a role or a run that has ended."""

AT_REST: Mapping[str, Any] = {"turn_started_at": None, "waits_for": "", "waits_since": None}
"""The fields of the info of a thread without a turn and without open approvals."""

TurnEnd: TypeAlias = ev.TurnCompleted | ev.TurnAborted

_STATE_AFTER_ABORT = {
    "interrupted": ThreadState.INTERRUPTED,
    "lost": ThreadState.INTERRUPTED,
    "killed": ThreadState.KILLED,
}


@dataclass(frozen=True, slots=True)
class TurnState:
    """The running turn of a thread, or what remains of the last one.

    Attributes:
        running_id: the running turn; empty where none runs.
        last_message: the agent's last message in the turn.
        patches: the file changes of the running turn, by item.
    """

    running_id: str = ""
    last_message: str = ""
    patches: Mapping[str, tuple[FileChange, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """The end of a turn.

    Attributes:
        turn_id: the turn.
        content: the agent's last message in it; empty where there was none.
        reason: empty for a normal end; otherwise `interrupted`, `failed`, `killed` or `lost`.
        message: what went wrong, in a sentence; empty where nothing did.
    """

    turn_id: str
    content: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """The changes that an event makes.

    Attributes:
        turn: the turn's state after it.
        msg: the event to publish; an end has the last message, and its reason may differ.
        changes: new values of the thread's info, by field.
        outcome: how a turn ended; None where none did.
    """

    turn: TurnState
    msg: ev.Msg
    changes: Mapping[str, object] = field(default_factory=dict)
    outcome: TurnOutcome | None = None


def advance(
    turn: TurnState,
    info: ThreadInfo,
    turn_id: str,
    msg: ev.Msg,
    *,
    now: float,
    needs_input: bool = False,
    killing: bool = False,
) -> Transition:
    """Return what an event on a thread changes.

    Args:
        turn: the state before it.
        info: the thread's info before it.
        turn_id: the turn that the event belongs to.
        msg: the event.
        now: unix seconds.
        needs_input: whether an approval is open on the thread.
        killing: whether the thread is being killed: an interrupted turn then counts as killed.
    """
    match msg:
        case ev.TurnStarted():
            return _begin(info, turn_id, now, needs_input=needs_input)
        case ev.TurnCompleted(message):
            outcome = TurnOutcome(turn_id, turn.last_message)
            return _end(turn, info, ev.TurnCompleted(message or turn.last_message), outcome)
        case ev.TurnAborted(reason, message):
            reason = "killed" if killing and reason == "interrupted" else reason
            outcome = TurnOutcome(turn_id, turn.last_message, reason, message)
            aborted = ev.TurnAborted(reason, message, details=msg.details)
            return _end(turn, info, aborted, outcome)
        case ev.ItemStarted({"type": "fileChange"} as item):
            return Transition(_with_patch(turn, str(item.get("id")), file_changes(item)), msg)
        case ev.PatchUpdated(item_id, changes):
            return Transition(_with_patch(turn, item_id, changes), msg)
        case ev.ItemCompleted({"type": "agentMessage", "text": str(text)}):
            return Transition(replace(turn, last_message=text), msg)
        case ev.TokensCounted():
            return Transition(turn, *count_tokens(info, msg, in_turn=turn.running_id == turn_id))
        case ev.ErrorRaised(text) | ev.Warned(text) if _follows_events(info):
            return Transition(turn, msg, {"note": _one_line(text)})
        case _:
            return Transition(turn, msg)


def with_usage(msg: TurnEnd, info: ThreadInfo) -> TurnEnd:
    """Return the end of a thread's running turn with what the turn has used."""
    used = None if info.turn_usage == Usage() else info.turn_usage
    return structs.replace(msg, usage=used, codex_usage=info.codex_usage)


def disconnected(info: ThreadInfo) -> ThreadInfo:
    """Return the info of a role or run whose program is gone."""
    if info.state in ENDED_STATES:
        return structs.replace(info, **AT_REST)
    note = "the program that ran it is gone"
    command = resume_command(info.client, info.parent or info.thread_id)
    return structs.replace(
        info,
        state=ThreadState.DISCONNECTED,
        **AT_REST,
        note=f"{note}: {command}" if command else note,
    )


def resume_command(client: str, run_id: str) -> str:
    """Return the command that resumes a client's run; empty where there is none."""
    if not client.startswith(TEAM_CLIENT_PREFIX):
        return ""
    return f"`codextui run --resume {run_id.removeprefix(RUN_PREFIX)}`"


def _begin(info: ThreadInfo, turn_id: str, now: float, *, needs_input: bool) -> Transition:
    turn, started_at = TurnState(turn_id), info.turn_started_at
    started: dict[str, object] = {}
    if info.turn_id != turn_id or started_at is None:
        started_at = now
        started = {"turn_id": turn_id, "turn_started_at": now, "turn_usage": Usage()}
    msg = ev.TurnStarted(started_at)
    if _follows_events(info):
        state = ThreadState.NEEDS_INPUT if needs_input else ThreadState.RUNNING
        return Transition(turn, msg, {**started, "state": state, "note": ""})
    return Transition(turn, msg, {} if info.state is ThreadState.KILLED else started)


def _end(
    turn: TurnState,
    info: ThreadInfo,
    msg: TurnEnd,
    outcome: TurnOutcome,
) -> Transition:
    changes: dict[str, object] = {}
    if outcome.turn_id == info.turn_id:
        msg = with_usage(msg, info)
    if not _follows_events(info):
        if info.turn_id == outcome.turn_id:
            changes = {"turn_started_at": None}
    elif turn.running_id in ("", outcome.turn_id):
        changes = {
            "state": _state_after(msg),
            "turn_id": outcome.turn_id,
            "turn_started_at": None,
            "note": _one_line(outcome.message) or info.note,
        }
    if turn.running_id == outcome.turn_id:
        turn = replace(turn, running_id="", patches={})
    return Transition(turn, msg, changes, outcome)


def _state_after(msg: TurnEnd) -> ThreadState:
    if isinstance(msg, ev.TurnCompleted):
        return ThreadState.IDLE
    return _STATE_AFTER_ABORT.get(msg.reason, ThreadState.FAILED)


def _follows_events(info: ThreadInfo) -> bool:
    return info.kind is ThreadKind.CODEX


def _with_patch(turn: TurnState, item_id: str, changes: tuple[FileChange, ...]) -> TurnState:
    return replace(turn, patches={**turn.patches, item_id: changes})


def _one_line(text: str) -> str:
    return " ".join(error_in_words(text).split())[:MAX_NOTE]
