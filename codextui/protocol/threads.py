"""A thread of the shared server: its state, its settings and its usage."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from codextui.protocol.codec import Message
from codextui.protocol.runs import ThreadKind

MAX_HANDLE = 40
"""Characters of a handle."""

_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U000e0100-\U000e01ef]"
)
"""Letters and marks that cannot be seen."""

AWAY_NOTE = "not open since its Codex was restarted"
"""The note of another program's thread that is shown here, and open nowhere."""

MARK_VARIABLE = "CODEXTUI_APP_SERVER"
"""Environment variable that marks what the agents of a server start; empty marks it as no one's."""


class ThreadState(StrEnum):
    """The state of a thread, derived from messages of the protocol and never from text."""

    STARTING = "starting"
    WAITING = "waiting"  # of a role only: it has not begun, or waits for other roles
    RUNNING = "running"
    NEEDS_INPUT = "needs input"
    PAUSED = "paused"  # of a role only: a person holds it before its next step
    IDLE = "idle"
    DONE = "done"  # of a role or a run only
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    KILLED = "killed"
    DISCONNECTED = "disconnected"

    @property
    def has_turn(self) -> bool:
        """Whether a turn is running in this state."""
        return self in (ThreadState.STARTING, ThreadState.RUNNING, ThreadState.NEEDS_INPUT)


class Usage(Message, frozen=True):
    """Tokens, as Codex counts them (`thread/tokenUsage/updated`).

    `cached_input` was read from the provider's cache and `cache_write` written to it; both are
    among `input`.
    """

    total: int = 0
    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_write: int = 0

    @property
    def is_call(self) -> bool:
        """Whether a model was called: a mere size of its context has neither input nor output."""
        return bool(self.input or self.output)


def add_usage(left: Usage, right: Usage) -> Usage:
    """Return the sum of two usages."""
    return sum_usage((left, right))


def subtract_usage(left: Usage, right: Usage) -> Usage:
    """Return the difference of two usages; no count is less than 0."""
    counts = zip(_counts(left), _counts(right), strict=True)
    return Usage(*(max(0, more - less) for more, less in counts))


def sum_usage(usages: Iterable[Usage]) -> Usage:
    """Return the sum of usages."""
    counts = [_counts(usage) for usage in usages]
    return Usage(*map(sum, zip(*counts, strict=True))) if counts else Usage()


def _counts(usage: Usage) -> tuple[int, ...]:
    return (
        usage.total,
        usage.input,
        usage.cached_input,
        usage.output,
        usage.reasoning,
        usage.cache_write,
    )


class QueuedMessage(Message, frozen=True):
    """A message that Codex sends to its thread after the running turn.

    Attributes:
        queued_id: Codex's id of it.
        text: the beginning of the message.
        images: how many images and files go with it.
    """

    queued_id: str
    text: str
    images: int = 0


class WholeQueuedMessage(Message, frozen=True):
    """All that a queued message says.

    Attributes:
        queued_id: Codex's id of it.
        text: the message.
        images: how many images and files go with it.
        version: another one after each change of it.
    """

    queued_id: str
    text: str
    images: int = 0
    version: str = ""


class ThreadInfo(Message, frozen=True):
    """Everything about a thread except its transcript.

    Runs of teams and their roles are threads too (`kind`). A turn of theirs lasts from when they
    begin to work until they stop; fields that only Codex threads have are empty.

    Attributes:
        thread_id: Codex's id, unique.
        handle: the short name people use (a role such as `backend`, or `codex-3`); unique on
            the server, so it can stand where a thread id can.
        state: what it is doing.
        client: the name of the MCP client that started it.
        cwd: its working folder, absolute.
        branch: the git branch of `cwd`, empty where there is none.
        model: the model's name.
        sandbox: `read-only`, `workspace-write` or `danger-full-access`.
        approval_policy: `untrusted`, `on-request`, `never` or `granular`.
        brief: the beginning of the first prompt it was given.
        created_at: unix seconds.
        turn_id: the running turn, or the last one; empty before the first.
        turn_started_at: unix seconds, None where no turn runs.
        waits_for: what a person has to do, empty where nothing (`approval`, `answer`).
        waits_since: unix seconds when the oldest open approval was asked, None where none is.
        forked_from: the thread it was forked from, empty otherwise.
        kind: whether it is a Codex thread, a role or a run.
        parent: the id of a role's run, of the role that a Codex thread works for, or of the
            thread whose sub-agent it is; empty for others.
        usage: tokens that its model calls have used over its whole life; those of the thread
            that it was forked from are not among them.
        turn_usage: those of the running turn, or of the last one.
        codex_usage: Codex's own count, which a fork begins with that of its source; None where
            it is unknown. `usage` follows from its increases.
        context_window: tokens the model can hold, None where unknown.
        context_tokens: tokens that it holds, 0 where unknown.
        note: the last error or warning in one line, empty where all is well.
        origin: the program that started it, where that is no client of this server (`Codex TUI`,
            `IDE`, `exec`, the name that a client gave itself); empty otherwise.
        ours: whether it was started or taken over through this server. Of a thread that is not,
            approvals never time out unless the user says so (`[approvals] others`).
        followed: whether the server gets its events; of a thread that is not, only the state,
            the settings and the name are known.
        name: the name that it has in Codex (`thread/name/set`), empty where none.
        recent_at: unix seconds of the last activity that Codex reports, None where unknown.
        queued: the messages in its queue, the next one first.
        effort: the reasoning effort, empty where it was not chosen here or is unknown.
        cost_usd: dollars that it was charged, by Codex when `codex-usage` asked; None before.
        budget: tokens that it and its sub-agents may use, None for any number.
        adopted: whether it was taken over from another program, which may have it open still and
            then serves its tools.
    """

    thread_id: str
    handle: str
    state: ThreadState
    client: str = ""
    cwd: str = ""
    branch: str = ""
    model: str = ""
    sandbox: str = ""
    approval_policy: str = ""
    brief: str = ""
    created_at: float = 0.0
    turn_id: str = ""
    turn_started_at: float | None = None
    waits_for: str = ""
    waits_since: float | None = None
    forked_from: str = ""
    kind: ThreadKind = ThreadKind.CODEX
    parent: str = ""
    usage: Usage = Usage()
    turn_usage: Usage = Usage()
    codex_usage: Usage | None = None
    context_window: int | None = None
    context_tokens: int = 0
    note: str = ""
    origin: str = ""
    ours: bool = True
    followed: bool = True
    name: str = ""
    recent_at: float | None = None
    queued: tuple[QueuedMessage, ...] = ()
    effort: str = ""
    budget: int | None = None
    cost_usd: float | None = None
    adopted: bool = False

    @property
    def state_word(self) -> str:
        """The state as people read it: `needs approval` where that is what it needs."""
        if self.state is ThreadState.NEEDS_INPUT and self.waits_for:
            return f"needs {self.waits_for}"
        return self.state.value

    @property
    def state_since(self) -> float | None:
        """When the wait for a person, or else the turn, began; None where there is neither."""
        if self.state is ThreadState.NEEDS_INPUT and self.waits_since is not None:
            return self.waits_since
        return self.turn_started_at


def tui_refusal(thread: ThreadInfo) -> str:
    """Return why Codex's own TUI cannot open a thread, whatever the server; empty if it can."""
    match thread:
        case ThreadInfo(kind=ThreadKind.ROLE):
            return f"{thread.handle} is a role of a team: open one of its Codex threads"
        case ThreadInfo(kind=ThreadKind.RUN):
            return f"{thread.handle} is a team's run: open one of its Codex threads"
        case ThreadInfo(state=ThreadState.KILLED):
            return (
                f"{thread.handle} was killed: `codextui resume {thread.handle}` takes it up again"
            )
        case ThreadInfo(turn_id="", followed=True):
            # Codex writes a thread down when its first turn begins, and resumes only those.
            return (
                f"{thread.handle} has no turn yet, and Codex's own TUI opens only threads with one"
            )
        case _:
            return ""


def handle_problem(handle: str) -> str:
    """Return why a text cannot be a thread's handle; empty where it can.

    A handle has letters, marks and digits of any script, dots, dashes and underscores, and begins
    and ends with none of the first two: `backend-2`, `Prüfer`, `役割`.
    """
    if len(handle) > MAX_HANDLE:
        return f"a handle has up to {MAX_HANDLE} characters, and this one has {len(handle)}"
    odd = next((char for char in handle if not _is_in_handles(char)), "")
    if odd:
        shown = f"{odd!r}" if odd.isprintable() else f"U+{ord(odd):04X}"
        return f"a handle has letters, digits, dots, dashes and underscores, but not {shown}"
    if handle and (handle != handle.strip("-.") or unicodedata.combining(handle[0])):
        return "a handle begins and ends with a letter, a digit or an underscore"
    return "" if handle else "a handle is not empty"


def clean_handle(text: str) -> str:
    """Return a handle made from any text, with dashes for what it cannot have; may be empty."""
    kept = "".join(char if _is_in_handles(char) else " " for char in normalize_handle(text))
    handle = "-".join(kept.split())[:MAX_HANDLE].strip("-.")
    return handle if not handle_problem(handle) else ""


def handle_with_suffix(handle: str, suffix: str) -> str:
    """Return a handle with a suffix, shortened before it where both are too long."""
    return handle[: MAX_HANDLE - len(suffix)] + suffix


def normalize_handle(handle: str) -> str:
    """Return a handle composed (NFC), so that it is found however it was typed."""
    return unicodedata.normalize("NFC", handle)


def _is_in_handles(char: str) -> bool:
    if char in "._-":
        return True
    return unicodedata.category(char)[0] in "LMN" and not _BLANK.match(char)
