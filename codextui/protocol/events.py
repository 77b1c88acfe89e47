"""The `codex/event` messages that the shared server sends to its supervisors.

One event is an `Event`: where it belongs (`seq`, thread, turn, time) and a message, one of the
`Msg` kinds. `codextui.protocol.event_json` reads and writes them. Items travel as
`codex app-server` gives them (its `ThreadItem`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.runs import Gate, RoleAction, Span
from codextui.protocol.threads import ThreadInfo, Usage


@dataclass(frozen=True, slots=True)
class ThreadChanged:
    """A thread is new, or something about it changed. Always the whole row."""

    thread: ThreadInfo


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn began on the thread."""


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """An item began; deltas for it follow."""

    item: JsonObject


@dataclass(frozen=True, slots=True)
class ItemCompleted:
    """An item is final. It replaces whatever its deltas had built."""

    item: JsonObject


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of an agent's message."""

    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of a reasoning item; `part` counts its paragraphs from 0, `raw` is no summary."""

    item_id: str
    delta: str
    part: int = 0
    raw: bool = False


@dataclass(frozen=True, slots=True)
class PlanDelta:
    """More of a plan item's text."""

    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class OutputDelta:
    """More of a running command's output."""

    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class PatchUpdated:
    """What a file change would do, as far as it is known now; replaces what was said before."""

    item_id: str
    changes: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class TokensCounted:
    """Tokens of the thread so far, and of its last model call."""

    total: Usage
    last: Usage
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class DiffUpdated:
    """The unified diff of the whole turn so far; replaces the one before."""

    unified_diff: str


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step of a plan; `status` is `pending`, `inProgress` or `completed`."""

    step: str
    status: str


@dataclass(frozen=True, slots=True)
class PlanUpdated:
    """The agent's plan for the turn; replaces the one before."""

    explanation: str
    plan: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """The turn ended as it should."""

    last_agent_message: str = ""


@dataclass(frozen=True, slots=True)
class TurnAborted:
    """The turn ended early: `reason` is `interrupted`, `failed`, `killed` or `lost`."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ErrorRaised:
    """Codex reported an error. With `will_retry` the turn goes on by itself."""

    message: str
    will_retry: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """Codex or the server warned of something, for a person to read."""

    message: str


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The thread waits for a person."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalResolved:
    """An approval is over.

    Attributes:
        approval_id: which.
        outcome: `approved`, `approved_for_session`, `approved_always`, `denied`, `abort`,
            `answered`, or, where nobody decided, `withdrawn` or `lost`.
        by: the client whose answer it was, empty where nobody decided.
        message: what the agent was told with a decline.
        waited: seconds from asking to the end.
    """

    approval_id: str
    outcome: str
    by: str = ""
    message: str = ""
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class CodexLost:
    """The Codex process behind the threads ended; the server is starting another."""

    message: str


@dataclass(frozen=True, slots=True)
class CodexReady:
    """A Codex process is up (again)."""

    version: str


@dataclass(frozen=True, slots=True)
class HandedOff:
    """A role handed off to another. Told on the run's thread and on the role's that handed off."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class HandoffRefused:
    """A handoff was refused, because something that its target requires is missing.

    Told on the run's thread and on that of the role that wanted to hand off.

    Attributes:
        source: the role that goes on.
        target: the role that could not begin.
        missing: a line for each condition that is not met, with whose job it is.
    """

    source: str
    target: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunNoted:
    """Something else happened in a run; told on the run's thread.

    Attributes:
        kind: the word for it, as in `codextui run --json` (`role_started`, `sent_back`, …).
        role: whom it concerns, empty for the run as a whole.
        text: in words.
    """

    kind: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class GatesChecked:
    """The gate board of a run, all of it; told on the run's thread. Replaces the one before."""

    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class SpanChanged:
    """A span of a run began or ended; told on the run's thread. Replaces that of the same id."""

    span: Span


@dataclass(frozen=True, slots=True)
class RoleRequested:
    """A person asked something of a role, or of a whole run; told on its thread by the server.

    The program that runs the team reads it, does it, and tells what came of it by the role's
    row and by `RunNoted`.
    """

    action: RoleAction
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a kind that we do not know, kept whole so that it stays visible."""

    kind: str
    payload: JsonObject = field(default_factory=dict)


Msg: TypeAlias = (
    ThreadChanged
    | TurnStarted
    | ItemStarted
    | ItemCompleted
    | TextDelta
    | ReasoningDelta
    | PlanDelta
    | OutputDelta
    | PatchUpdated
    | TokensCounted
    | DiffUpdated
    | PlanUpdated
    | TurnCompleted
    | TurnAborted
    | ErrorRaised
    | Warned
    | ApprovalAsked
    | ApprovalResolved
    | CodexLost
    | CodexReady
    | HandedOff
    | HandoffRefused
    | RunNoted
    | GatesChecked
    | SpanChanged
    | RoleRequested
    | UnknownEvent
)
"""One kind of message."""


@dataclass(frozen=True, slots=True)
class Event:
    """A message and where it belongs.

    Attributes:
        seq: the server's count, ever growing, with gaps where events were merged.
        thread_id: empty for what concerns the whole server.
        turn_id: empty for what concerns the whole thread. Turn ids are unique in a thread
            only: a fork's turns have the ids of its source's.
        at: unix seconds at the server.
        msg: what happened.
    """

    seq: int
    thread_id: str
    turn_id: str
    at: float
    msg: Msg
