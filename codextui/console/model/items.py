"""Contents of transcript items, one class per kind.

The kinds follow codex app-server's `ThreadItem`. The console adds approvals, turn marks, errors,
warnings and the events of team runs. Only `codextui.console.model.transcript` changes contents
in place.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TypeAlias

import msgspec

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.events import ApprovalCorrected, ApprovalResolved
from codextui.protocol.runs import RoleAction
from codextui.protocol.sub_agents import AgentCall

MAX_TEXT_LENGTH = 1_048_576
"""Characters stored of a single text (1 MiB if it is ASCII)."""

LEFT_RUNNING = "leftRunning"
"""Status of a command that was still running when its turn completed."""


class GrowingText:
    """Text built from deltas: constant-time appends, bounded to about the last `limit` characters.

    Attributes:
        dropped: characters dropped from the start.
        dropped_lines: newlines among the dropped characters.
        newlines: newlines in `text`.
    """

    __slots__ = (
        "_length",
        "_limit",
        "_pending",
        "_text",
        "dropped",
        "dropped_lines",
        "newlines",
    )

    def __init__(self, text: str = "", *, limit: int = MAX_TEXT_LENGTH) -> None:
        self._limit = limit
        self._text = ""
        self._pending: list[str] = []
        self._length = 0
        self.dropped = 0
        self.dropped_lines = 0
        self.newlines = 0
        self.append(text)

    def append(self, delta: str) -> None:
        """Add `delta` to the end."""
        if not delta:
            return
        self._pending.append(delta)
        self._length += len(delta)
        self.newlines += delta.count("\n")
        if self._length > self._limit + self._limit // 4:
            self._drop_start()

    @property
    def text(self) -> str:
        """The text without the dropped characters."""
        if self._pending:
            self._text = "".join((self._text, *self._pending))
            self._pending.clear()
        return self._text

    def __bool__(self) -> bool:
        return self._length > 0

    def __len__(self) -> int:
        return self._length

    def _drop_start(self) -> None:
        """Cut the text to `limit` characters, at the next newline if one is near."""
        text = self.text
        cut = len(text) - self._limit
        newline = text.find("\n", cut - 1, cut + 4096)
        cut = cut if newline < 0 else newline + 1
        self.dropped += cut
        lines = text.count("\n", 0, cut)
        self.dropped_lines += lines
        self.newlines -= lines
        self._text = text[cut:]
        self._length = len(self._text)


def clip(text: str) -> str:
    """Limit `text` to `MAX_TEXT_LENGTH` characters; a last line tells how many were cut."""
    if len(text) <= MAX_TEXT_LENGTH:
        return text
    more = len(text) - MAX_TEXT_LENGTH
    return f"{text[:MAX_TEXT_LENGTH]}\n… {more:,} more characters are not kept here"


def clip_change(change: FileChange) -> FileChange:
    """Return `change` with its diff clipped."""
    if len(change.diff) <= MAX_TEXT_LENGTH:
        return change
    return FileChange(change.path, change.kind, clip(change.diff), change.move_path)


class UserMessage(msgspec.Struct, frozen=True):
    """A message to the agent (`userMessage`).

    Attributes:
        text: the message; images, files and mentions appear in brackets.
        is_steer: whether it arrived while the turn was running.
    """

    text: str
    is_steer: bool = False


class AgentMessage(msgspec.Struct):
    """A message from the agent, as Markdown (`agentMessage`)."""

    text: GrowingText = msgspec.field(default_factory=GrowingText)


class Reasoning(msgspec.Struct):
    """The agent's reasoning (`reasoning`): paragraphs of the summary and of the raw text."""

    summary: list[GrowingText] = msgspec.field(default_factory=list)
    raw: list[GrowingText] = msgspec.field(default_factory=list)


class PlanText(msgspec.Struct):
    """A plan as Markdown (`plan`)."""

    text: GrowingText = msgspec.field(default_factory=GrowingText)


class CommandExecution(msgspec.Struct):
    """A command and its output (`commandExecution`).

    Attributes:
        command: the full command line; empty if only output has arrived so far.
        status: `inProgress`, `completed`, `failed`, `declined`, or `LEFT_RUNNING`.
        output: standard output and error so far.
        exit_code: None while running, or if Codex reported none.
        duration_ms: None while running.
    """

    command: str = ""
    status: str = "inProgress"
    output: GrowingText = msgspec.field(default_factory=GrowingText)
    exit_code: int | None = None
    duration_ms: int | None = None


class FileChanges(msgspec.Struct):
    """Changes to files (`fileChange`).

    Attributes:
        changes: one per file.
        status: `inProgress` (proposed or being applied), `completed`, `failed` or `declined`.
    """

    changes: tuple[FileChange, ...] = ()
    status: str = "inProgress"


class ToolCall(msgspec.Struct, frozen=True):
    """A call of an MCP tool or of a client's tool (`mcpToolCall`, `dynamicToolCall`).

    Attributes:
        server: the MCP server or the namespace; may be empty.
        tool: the tool's name.
        arguments: as JSON.
        status: `inProgress`, `completed` or `failed`.
        result: the joined text parts of the result, or else the result as JSON; None if there
            is none yet.
        error: the error message of a failed call, otherwise empty.
        duration_ms: None while running.
    """

    server: str
    tool: str
    arguments: Json = None
    status: str = "inProgress"
    result: Json = None
    error: str = ""
    duration_ms: int | None = None


class SubAgentCall(msgspec.Struct, frozen=True):
    """What an agent did with its sub-agents (`collabAgentToolCall`, `subAgentActivity`).

    Attributes:
        call: what it did, with whom.
        prompt: what it wrote to them, as much as is kept.
    """

    call: AgentCall
    prompt: str = ""

    @property
    def answers(self) -> list[str]:
        """What the sub-agents were doing afterwards, a line for each of which that is known."""
        return [
            ": ".join(part for part in (agent.name, agent.state, agent.message) if part)
            for agent in self.call.agents
            if agent.message or agent.state not in ("", "starting")
        ]


class WebSearch(msgspec.Struct, frozen=True):
    """A web search or an opened page (`webSearch`).

    Attributes:
        query: the search query.
        action: `search`, `openPage`, `findInPage` or `other`; empty while running.
        url: the opened page, otherwise empty.
        pattern: the text searched for in the page, otherwise empty.
    """

    query: str
    action: str = ""
    url: str = ""
    pattern: str = ""


class ContextCompaction(msgspec.Struct, frozen=True):
    """Codex summarised the conversation to fit the context window (`contextCompaction`)."""


class Remark(msgspec.Struct, frozen=True):
    """What Codex did besides, in words.

    It is made of `imageView`, `imageGeneration`, `sleep`, `hookPrompt`, `enteredReviewMode` and
    `exitedReviewMode`.
    """

    text: str


class ApprovalItem(msgspec.Struct):
    """An approval and its outcome, None while it is open.

    `correction` says that another answer came before that outcome; None where none did.
    """

    approval: Approval
    outcome: ApprovalResolved | None = None
    correction: ApprovalCorrected | None = None


class TurnStart(msgspec.Struct, frozen=True):
    """The start of a turn; `number` counts the turns this console has seen, from 1."""

    number: int


class TurnEnd(msgspec.Struct, frozen=True):
    """The end of a turn.

    Attributes:
        number: as in `TurnStart`.
        reason: `completed`, `interrupted`, `failed`, `killed`, `lost`, or `rejoined`: it was lost,
            and went on.
        message: why the turn did not complete, otherwise empty.
        seconds: its duration, None if its start was not seen.
        tokens: tokens it used, None if unknown.
    """

    number: int
    reason: str
    message: str = ""
    seconds: float | None = None
    tokens: int | None = None


class ErrorMessage(msgspec.Struct, frozen=True):
    """An error reported by Codex (`error`); with `will_retry`, Codex retries by itself."""

    message: str
    will_retry: bool = False


class WarningMessage(msgspec.Struct, frozen=True):
    """A warning from Codex or the server (`warning`)."""

    message: str


class Handoff(msgspec.Struct, frozen=True):
    """A handoff from the role `source` to the role `target`."""

    source: str
    target: str


class HandoffRefusal(msgspec.Struct, frozen=True):
    """A refused handoff; `missing` has one line per unmet condition."""

    source: str
    target: str
    missing: tuple[str, ...]


class RunNote(msgspec.Struct, frozen=True):
    """Any other event of a team run.

    Attributes:
        kind: `role_started`, `sent_back`, …, as in `codextui run --json`.
        role: the role concerned, empty for the whole run.
        text: a description.
    """

    kind: str
    role: str
    text: str


class RoleRequest(msgspec.Struct, frozen=True):
    """A person's request to a role or a run: the action, its message, and who made it."""

    action: RoleAction
    text: str
    by: str


class UnknownItem(msgspec.Struct, frozen=True):
    """An item or event of an unknown kind, shown as received.

    Attributes:
        kind: its type on the wire.
        payload: the whole JSON object.
    """

    kind: str
    payload: JsonObject


ItemContent: TypeAlias = (
    UserMessage
    | AgentMessage
    | Reasoning
    | PlanText
    | CommandExecution
    | FileChanges
    | ToolCall
    | SubAgentCall
    | WebSearch
    | ContextCompaction
    | Remark
    | ApprovalItem
    | TurnStart
    | TurnEnd
    | ErrorMessage
    | WarningMessage
    | Handoff
    | HandoffRefusal
    | RunNote
    | RoleRequest
    | UnknownItem
)
"""Content of a transcript item."""

Note: TypeAlias = (
    ErrorMessage | WarningMessage | Handoff | HandoffRefusal | RunNote | RoleRequest | UnknownItem
)
"""Content made from a single event; it never grows."""


class Progress(StrEnum):
    """How an item stands whose outcome is not known, in the words that are shown."""

    RUNNING = "running"
    WAITING = "waits for a decision"
    INTERRUPTED = "interrupted"
    LOST = "cut off, the server stopped"


class TranscriptItem(msgspec.Struct, eq=False):
    """An item of a transcript, changed only by the transcript.

    Attributes:
        turn_id: its turn, empty if it belongs to none.
        item_id: Codex's id, or one of ours (`approval:a7`, `turn`); unique within its turn.
        ordinal: its position in the transcript, from 0; never changes and is never reused.
        content: may change in place; compare `version`.
        version: the transcript's version at the item's last change.
        done: whether it is final.
        unfinished: whether its turn ended before it did.
        lost: whether the server was lost before it was complete.
        waits: whether an approval of it is open.
        size: approximate number of characters it holds.
    """

    turn_id: str
    item_id: str
    ordinal: int
    content: ItemContent
    version: int
    done: bool = False
    unfinished: bool = False
    lost: bool = False
    waits: bool = False
    size: int = 0

    @property
    def progress(self) -> Progress:
        """How it stands while its outcome is not known."""
        if self.lost:
            return Progress.LOST
        if self.unfinished:
            return Progress.INTERRUPTED
        return Progress.WAITING if self.waits else Progress.RUNNING


def content_size(content: ItemContent) -> int:
    """Return the approximate number of characters `content` holds."""
    match content:
        case AgentMessage(text=text) | PlanText(text=text):
            return len(text)
        case Reasoning(summary, raw):
            return sum(len(part) for part in (*summary, *raw))
        case CommandExecution():
            return len(content.command) + len(content.output)
        case FileChanges(changes):
            return sum(len(change.path) + len(change.diff) for change in changes)
        case UserMessage(text=str(words)) | RoleRequest(text=str(words)):
            return len(words)
        case ApprovalItem(approval):
            return len(repr(approval.asked))
        case ToolCall():
            return _json_size(content.arguments) + _json_size(content.result)
        case SubAgentCall(prompt=prompt):
            return len(prompt) + sum(map(len, content.answers))
        case UnknownItem(_, payload):
            return _json_size(payload)
        case _:
            return _note_size(content)


def _note_size(content: ItemContent) -> int:
    match content:
        case ErrorMessage(message=str(words)) | WarningMessage(message=words):
            return len(words)
        case RunNote(text=words) | Remark(text=words):
            return len(words)
        case HandoffRefusal(missing=missing):
            return sum(len(line) for line in missing)
        case _:
            return 0


def _json_size(value: Json) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, default=str))
