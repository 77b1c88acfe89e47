"""What an item of a transcript holds, one class a kind.

The kinds follow codex app-server's `ThreadItem`, with those added that only a console shows:
approvals, turn marks, errors and warnings. Bodies with growing text are changed in place by
`codextui.console.model.transcript` and by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.jsonrpc.fields import Json, JsonObject
from codextui.protocol.approvals import Approval, FileChange
from codextui.protocol.events import ApprovalResolved
from codextui.protocol.runs import RoleAction

LIMIT = 1_048_576
"""Characters of one text that are kept (1 MiB where they are ASCII)."""


class GrowingText:
    """Text built from deltas, appended in constant time, bounded to about its last `limit`.

    What is dropped is counted, so that whoever shows the text can say so.

    Attributes:
        dropped: characters that were forgotten, from the start of the text.
        dropped_lines: line ends among them.
        line_ends: line ends in what is kept.
    """

    __slots__ = (
        "_limit",
        "_pending",
        "_size",
        "_text",
        "dropped",
        "dropped_lines",
        "line_ends",
    )

    def __init__(self, text: str = "", *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._text = ""
        self._pending: list[str] = []
        self._size = 0
        self.dropped = 0
        self.dropped_lines = 0
        self.line_ends = 0
        self.append(text)

    def append(self, delta: str) -> None:
        """Add to the end."""
        if not delta:
            return
        self._pending.append(delta)
        self._size += len(delta)
        self.line_ends += delta.count("\n")
        if self._size > self._limit + self._limit // 4:
            self._forget()

    @property
    def text(self) -> str:
        """What is kept; the end of it where `dropped` is not 0."""
        if self._pending:
            self._text = "".join((self._text, *self._pending))
            self._pending.clear()
        return self._text

    @property
    def end(self) -> int:
        """Characters ever appended: a position for `since` that never goes back."""
        return self.dropped + self._size

    def since(self, position: int) -> str:
        """What came after `position`; less where it was dropped already."""
        return self.text[max(0, position - self.dropped) :]

    def __bool__(self) -> bool:
        return self._size > 0

    def __len__(self) -> int:
        return self._size

    def _forget(self) -> None:
        """Cut the beginning, after a line end where one is near."""
        text = self.text
        cut = len(text) - self._limit
        line_end = text.find("\n", cut - 1, cut + 4096)
        cut = cut if line_end < 0 else line_end + 1
        self.dropped += cut
        line_ends = text.count("\n", 0, cut)
        self.dropped_lines += line_ends
        self.line_ends -= line_ends
        self._text = text[cut:]
        self._size = len(self._text)


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What a person or a client told the agent (`userMessage`).

    Attributes:
        text: the text; images, files and mentions stand in it as words in brackets.
        steer: whether it came while the turn was running.
    """

    text: str
    steer: bool = False


@dataclass(slots=True)
class AgentMessage:
    """What the agent says, as Markdown (`agentMessage`).

    Attributes:
        text: as far as it has come.
        phase: `commentary`, `partial_answer`, `final_answer`, or empty where Codex did not say.
    """

    text: GrowingText = field(default_factory=GrowingText)
    phase: str = ""


@dataclass(slots=True)
class Reasoning:
    """What the agent thinks (`reasoning`): paragraphs of the summary, or the raw thoughts."""

    summary: list[GrowingText] = field(default_factory=list)
    raw: list[GrowingText] = field(default_factory=list)


@dataclass(slots=True)
class PlanText:
    """A plan written as Markdown (`plan`)."""

    text: GrowingText = field(default_factory=GrowingText)


LEFT_RUNNING = "leftRunning"
"""A command that its turn did not wait for: it goes on until it ends or the thread is killed."""


@dataclass(slots=True)
class CommandRun:
    """A command and its output (`commandExecution`).

    Attributes:
        command: the whole command line; empty while only output has been seen.
        cwd: where it runs.
        status: `inProgress`, `completed`, `failed`, `declined`, or `LEFT_RUNNING`.
        output: standard output and error as far as it has come, its end where it is very long.
        exit_code: None while it runs, or where there is none.
        duration_ms: None while it runs.
        source: `agent`, `userShell`, `unifiedExecStartup` or `unifiedExecInteraction`.
    """

    command: str = ""
    cwd: str = ""
    status: str = "inProgress"
    output: GrowingText = field(default_factory=GrowingText)
    exit_code: int | None = None
    duration_ms: int | None = None
    source: str = ""


@dataclass(slots=True)
class FileChanges:
    """Changes to files (`fileChange`).

    Attributes:
        changes: file by file.
        status: `inProgress` (asked for or being applied), `completed`, `failed` or `declined`.
    """

    changes: tuple[FileChange, ...] = ()
    status: str = "inProgress"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of an MCP tool or of a client's tool (`mcpToolCall`, `dynamicToolCall`).

    Attributes:
        server: the MCP server, or the namespace; may be empty.
        tool: the tool's name.
        arguments: as JSON.
        status: `inProgress`, `completed` or `failed`.
        result: the text parts of the result, or the result as JSON; None while there is none.
        error: why it failed, empty otherwise.
        duration_ms: None while it runs.
    """

    server: str
    tool: str
    arguments: Json = None
    status: str = "inProgress"
    result: Json = None
    error: str = ""
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class WebSearch:
    """A search or a page opened (`webSearch`).

    Attributes:
        query: what was searched.
        action: `search`, `openPage`, `findInPage` or `other`; empty while it runs.
        url: the page opened, empty otherwise.
        pattern: what was looked for in the page, empty otherwise.
    """

    query: str
    action: str = ""
    url: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Compaction:
    """The conversation was summarised to fit the model (`contextCompaction`)."""


@dataclass(slots=True)
class ApprovalMark:
    """An approval that was asked, and what became of it; `outcome` is None while it is open."""

    approval: Approval
    outcome: ApprovalResolved | None = None


@dataclass(frozen=True, slots=True)
class TurnStart:
    """A turn began; `number` counts from 1 in what this console has seen."""

    number: int


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """A turn ended.

    Attributes:
        number: as in its `TurnStart`.
        reason: `completed`, `interrupted`, `failed`, `killed` or `lost`.
        message: why, empty where it completed.
        seconds: how long it took, None where its start was not seen.
        tokens: what it used, None where unknown.
    """

    number: int
    reason: str
    message: str = ""
    seconds: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Codex reported an error (`error`); with `will_retry` the turn goes on by itself."""

    message: str
    will_retry: bool = False


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that a person should read (`warning`)."""

    message: str


@dataclass(frozen=True, slots=True)
class Handoff:
    """A role handed off to another."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class HandoffRefusal:
    """A handoff was refused; `missing` has a line for each condition that is not met."""

    source: str
    target: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunNote:
    """Something else happened in a run.

    Attributes:
        kind: the word for it (`role_started`, `sent_back`, …).
        role: whom it concerns, empty for the run as a whole.
        text: in words.
    """

    kind: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """A person asked something of a role, or of a run: what, the message, and who asked."""

    action: RoleAction
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An item or event of a kind that has no class here, shown as it came.

    Attributes:
        kind: its type on the wire.
        payload: the whole of it.
    """

    kind: str
    payload: JsonObject


Body: TypeAlias = (
    UserMessage
    | AgentMessage
    | Reasoning
    | PlanText
    | CommandRun
    | FileChanges
    | ToolCall
    | WebSearch
    | Compaction
    | ApprovalMark
    | TurnStart
    | TurnEnd
    | Failure
    | Caution
    | Handoff
    | HandoffRefusal
    | RunNote
    | RoleRequest
    | Unknown
)
"""What an item holds."""

Note: TypeAlias = Failure | Caution | Handoff | HandoffRefusal | RunNote | RoleRequest | Unknown
"""What is no item: it is told once, and does not grow."""


@dataclass(slots=True, eq=False)
class TranscriptItem:
    """An item in its place. Changed by its transcript alone.

    Attributes:
        turn_id: the turn it belongs to, empty where none.
        item_id: Codex's id, or ours (`approval:a7`, `turn:3`); unique within its turn.
        ordinal: its place in the transcript, from 0; never changes and is never used again.
        body: what it holds. Growing bodies change in place; `version` tells.
        version: the transcript's version when it last changed; equal versions, equal looks.
        done: whether it is final.
        unfinished: whether its turn ended before it did.
        at: unix seconds at the server when it began.
        weight: characters it holds, about.
    """

    turn_id: str
    item_id: str
    ordinal: int
    body: Body
    version: int
    done: bool = False
    unfinished: bool = False
    at: float = 0.0
    weight: int = 0
