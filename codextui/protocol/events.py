"""The `codex/event` notifications that the shared server sends to its supervisors.

An `Event` says where it belongs (`seq`, thread, turn, time) and carries one message, a `Msg`.
On the wire it has the envelope of `codex mcp-server`'s events:
`{"_meta": {"seq", "threadId", "at"}, "id": turnId, "msg": {"type": ...}}`. Items are passed on as
`codex app-server` sends them (its `ThreadItem`).

`codextui.codex.legacy` explains the other `codex/event` format, that of `codex mcp-server`.
"""

from __future__ import annotations

from typing import Any, Self, TypeAlias, get_args

import msgspec

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.codec import Message
from codextui.protocol.runs import Gate, RoleAction, Span
from codextui.protocol.threads import ThreadInfo, Usage

EVENT_METHOD = "codex/event"
"""The notification that carries an event."""


class ThreadChanged(Message, frozen=True, tag_field="type", tag="thread_changed"):
    """A thread is new, or its info changed. Carries the whole info."""

    thread: ThreadInfo


class ThreadLeft(Message, frozen=True, tag_field="type", tag="thread_left"):
    """A thread of another program is not open any more: it leaves the tree with all its events."""


class TurnStarted(Message, frozen=True, tag_field="type", tag="task_started"):
    """A turn began on the thread.

    Attributes:
        started_at: unix seconds, as `ThreadInfo.turn_started_at`; 0 where unknown.
    """

    started_at: float = 0.0


class _ItemMessage(Message, frozen=True):
    """Base of the messages that carry a whole item, which is passed on as it is."""

    item: JsonObject

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads. The item is not copied."""
        return {"type": self.__struct_config__.tag, "item": self.item}

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        """Read an item with an id and a type. Raises MessageInvalid."""
        item = fields.as_object(source.get("item"), "item")
        fields.text(item, "id")
        fields.text(item, "type")
        return cls(item)


class ItemStarted(_ItemMessage, frozen=True, tag_field="type", tag="item_started"):
    """An item began; deltas for it follow."""


class ItemCompleted(_ItemMessage, frozen=True, tag_field="type", tag="item_completed"):
    """An item is final. It replaces whatever its deltas had built."""


class TextDelta(Message, frozen=True, tag_field="type", tag="agent_message_content_delta"):
    """More of an agent's message."""

    item_id: str
    delta: str


class ReasoningDelta(Message, frozen=True, tag_field="type", tag="reasoning_content_delta"):
    """More of a reasoning item; `part` counts its paragraphs from 0, `raw` is no summary."""

    item_id: str
    delta: str
    part: int = 0
    raw: bool = False


class PlanDelta(Message, frozen=True, tag_field="type", tag="plan_delta"):
    """More of a plan item's text."""

    item_id: str
    delta: str


class OutputDelta(Message, frozen=True, tag_field="type", tag="exec_command_output_delta"):
    """More of a running command's output."""

    item_id: str
    delta: str


class PatchUpdated(Message, frozen=True, tag_field="type", tag="patch_updated"):
    """The proposed changes of a `fileChange` item; replaces the ones before."""

    item_id: str
    changes: tuple[FileChange, ...] = ()


class TokensCounted(Message, frozen=True, tag_field="type", tag="token_count"):
    """What a thread's model calls have used.

    Attributes:
        total: all of them, as `ThreadInfo.usage`.
        last: the last one.
        context_window: tokens the model can hold, None where unknown.
        context_tokens: tokens that it holds, 0 where unknown.
    """

    total: Usage = Usage()
    last: Usage = Usage()
    context_window: int | None = None
    context_tokens: int = 0


class DiffUpdated(Message, frozen=True, tag_field="type", tag="turn_diff"):
    """The unified diff of the whole turn so far; replaces the one before."""

    unified_diff: str = ""


class PlanStep(Message, frozen=True):
    """A step of a plan; `status` is `pending`, `inProgress` or `completed`."""

    step: str = ""
    status: str = ""


class PlanUpdated(Message, frozen=True, tag_field="type", tag="plan_update"):
    """The agent's plan for the turn; replaces the one before."""

    explanation: str = ""
    plan: tuple[PlanStep, ...] = ()


class TurnCompleted(Message, frozen=True, tag_field="type", tag="task_complete"):
    """The turn completed.

    Attributes:
        last_agent_message: the agent's last message in it.
        usage: what its model calls have used; None where unknown.
        codex_usage: Codex's count of the whole thread at that point (`ThreadInfo.codex_usage`).
    """

    last_agent_message: str = ""
    usage: Usage | None = None
    codex_usage: Usage | None = None


class TurnAborted(Message, frozen=True, tag_field="type", tag="turn_aborted"):
    """The turn ended early.

    Attributes:
        reason: `interrupted`, `failed`, `killed` or `lost`.
        message: what went wrong, in a sentence; empty where nothing did.
        usage: as in `TurnCompleted`.
        codex_usage: as in `TurnCompleted`.
        details: the end of `message`, on lines of its own, where Codex gave details.
    """

    reason: str = ""
    message: str = ""
    usage: Usage | None = None
    codex_usage: Usage | None = None
    details: str = ""


class ErrorRaised(Message, frozen=True, tag_field="type", tag="error"):
    """Codex reported an error. With `will_retry` the turn goes on by itself.

    `details` is the end of `message`, on lines of its own, where Codex gave details.
    """

    message: str = ""
    will_retry: bool = False
    details: str = ""


class Warned(Message, frozen=True, tag_field="type", tag="warning", omit_defaults=True):
    """A warning of Codex or the server, for a person to read.

    Attributes:
        message: the whole text.
        kind: the notification of Codex that it came with; empty for a warning of the server.
        details: the end of `message` that Codex gave as details.
    """

    message: str = ""
    kind: str = ""
    details: str = ""


class ApprovalAsked(Message, frozen=True, tag_field="type", tag="approval_asked"):
    """An approval was opened; its thread waits for a person."""

    approval: Approval

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {"type": "approval_asked", "approval": self.approval.to_json()}

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        """Read what `to_json` returned. Raises MessageInvalid."""
        return cls(Approval.from_json(fields.as_object(source.get("approval"), "approval")))


class ApprovalResolved(Message, frozen=True, tag_field="type", tag="approval_resolved"):
    """An approval ended.

    Attributes:
        approval_id: the id of the approval.
        outcome: `approved`, `approved_for_session`, `approved_always`, `denied`, `abort`,
            `answered`, or, where nobody decided here, `withdrawn`, `lost`, `answered_elsewhere`
            (another program on the same Codex did) or `left` (the server ended, and the thread of
            another program still asks).
        by: the client whose answer it was, empty where nobody decided.
        message: what the agent was told with a decline; why it was lost, where nobody decided.
        waited: seconds from asking to the end.
    """

    approval_id: str
    outcome: str = ""
    by: str = ""
    message: str = ""
    waited: float = 0.0


class ApprovalCorrected(Message, frozen=True, tag_field="type", tag="approval_corrected"):
    """A decision was not the one that Codex carried out: another client's answer came first.

    Attributes:
        approval_id: the id of the approval, which ended with an `ApprovalResolved` before.
        carried_out: `approved` or `declined`, as that answer was; `unknown` where the turn was
            stopped and nothing tells whether the decision had been carried out.
    """

    approval_id: str
    carried_out: str

    @property
    def description(self) -> str:
        """What happened, as a line of its own."""
        match self.carried_out:
            case "approved" | "declined" as word:
                return f"another client's answer came first: {word} there"
            case _:
                return "its turn was stopped, so that nobody knows whether this was carried out"


class CodexLost(Message, frozen=True, tag_field="type", tag="codex_lost"):
    """The Codex process behind the threads ended; the server is starting another."""

    message: str = ""


class CodexReady(Message, frozen=True, tag_field="type", tag="codex_ready"):
    """Codex's app-server is up (again)."""

    version: str = ""


class HandedOff(Message, frozen=True, tag_field="type", tag="handed_off"):
    """A role handed off to another; published on the run's thread and the source's."""

    source: str
    target: str


class HandoffRefused(Message, frozen=True, tag_field="type", tag="handoff_refused"):
    """A handoff was refused, because something that its target requires is missing.

    Published on the run's thread and the source's.

    Attributes:
        source: the role that goes on.
        target: the role that could not begin.
        missing: a line for each condition that is not met, with whose job it is.
    """

    source: str
    target: str
    missing: tuple[str, ...] = ()


class RunNoted(Message, frozen=True, tag_field="type", tag="run_noted"):
    """Anything else that happened in a run; published on the run's thread.

    Attributes:
        kind: a `RunEventKind`; a newer program may publish kinds that are not known here.
        role: the role it concerns; empty for the run as a whole.
        text: a description.
    """

    kind: str
    role: str = ""
    text: str = ""


class GatesChecked(Message, frozen=True, tag_field="type", tag="gates_checked"):
    """All gates of a run; published on the run's thread. Replaces the previous list."""

    gates: tuple[Gate, ...] = ()


class SpanChanged(Message, frozen=True, tag_field="type", tag="span_changed"):
    """A span of a run began or ended; published on the run's thread. Replaces it by id."""

    span: Span


class RoleRequested(Message, frozen=True, tag_field="type", tag="role_requested"):
    """A person requested something of a role or a run; published on its thread by the server.

    The program that runs the team carries it out, and publishes the result on the role's thread
    and as `RunNoted`.
    """

    action: RoleAction
    text: str = ""
    by: str = ""


class UnknownEvent(Message, frozen=True):
    """An event of an unknown kind, with its whole payload so that it stays visible."""

    kind: str
    payload: JsonObject = msgspec.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `parse_msg` reads."""
        return {"type": self.kind, "payload": self.payload}


Msg: TypeAlias = (
    ThreadChanged
    | ThreadLeft
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
    | ApprovalCorrected
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


class Event(Message, frozen=True):
    """A message with its sequence number, thread, turn and time.

    Attributes:
        seq: the server's sequence number; it only grows, with gaps where events were merged.
        thread_id: empty for what concerns the whole server.
        turn_id: empty for what concerns the whole thread. Turn ids are unique within a thread
            only: a fork's turns have the ids of its source's.
        at: unix seconds at the server.
        msg: what happened.
    """

    seq: int
    thread_id: str
    turn_id: str
    at: float
    msg: Msg

    def to_json(self) -> dict[str, Any]:
        """Return the parameters of a `codex/event` notification."""
        return {
            "_meta": {"seq": self.seq, "threadId": self.thread_id, "at": self.at},
            "id": self.turn_id,
            "msg": self.msg.to_json(),
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        """Read the parameters of a `codex/event` notification. Raises MessageInvalid."""
        meta = fields.as_object(source.get("_meta"), "_meta")
        return cls(
            seq=fields.integer_or(meta, "seq"),
            thread_id=fields.text_or(meta, "threadId"),
            turn_id=fields.text_or(source, "id"),
            at=fields.number_or(meta, "at"),
            msg=parse_msg(fields.as_object(source.get("msg"), "msg")),
        )


def parse_msg(source: JsonObject) -> Msg:
    """Read a message by its `type`; one of an unknown type becomes `UnknownEvent`.

    Raises MessageInvalid.
    """
    kind = fields.text(source, "type")
    known = _KINDS.get(kind)
    if known is not None:
        return known.from_json(source)
    payload = source.get("payload")
    rest = {key: value for key, value in source.items() if key != "type"}
    return UnknownEvent(kind, payload if isinstance(payload, dict) else rest)


def merge_deltas(before: Msg, after: Msg) -> Msg | None:
    """Return two adjacent deltas of one item as one, None where they are not that."""
    match before, after:
        case TextDelta(), TextDelta() if before.item_id == after.item_id:
            return TextDelta(after.item_id, before.delta + after.delta)
        case PlanDelta(), PlanDelta() if before.item_id == after.item_id:
            return PlanDelta(after.item_id, before.delta + after.delta)
        case OutputDelta(), OutputDelta() if before.item_id == after.item_id:
            return OutputDelta(after.item_id, before.delta + after.delta)
        case ReasoningDelta(), ReasoningDelta() if _place(before) == _place(after):
            delta = before.delta + after.delta
            return ReasoningDelta(after.item_id, delta, after.part, after.raw)
        case _:
            return None


def _place(delta: ReasoningDelta) -> tuple[str, int, bool]:
    return delta.item_id, delta.part, delta.raw


_KINDS: dict[str, type[Msg]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Msg) if kind is not UnknownEvent
}
