"""What an item of a transcript holds, one class a kind.

The kinds follow codex app-server's `ThreadItem`, with those added that only a console shows:
approvals, turn marks, errors and warnings. Bodies with growing text are changed in place by
`codextui.model.transcript` and by nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.model.growing_text import GrowingText
from codextui.wire.approval import Approval, FileChange
from codextui.wire.event import ApprovalResolved
from codextui.wire.fields import Json, JsonObject
from codextui.wire.run import RoleAction


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
