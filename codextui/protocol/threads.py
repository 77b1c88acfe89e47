"""A thread of the shared server: its state, its settings and its usage."""

from __future__ import annotations

from enum import StrEnum

from codextui.protocol.codec import Message
from codextui.protocol.runs import ThreadKind

MARK_VARIABLE = "CODEXTUI_APP_SERVER"
"""Environment variable that marks what the agents of a server start; empty marks it as no one's."""


class ThreadState(StrEnum):
    """What a thread is doing. It comes from the protocol, never from looking at text."""

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
    """Tokens, as Codex counts them (`thread/tokenUsage/updated`)."""

    total: int = 0
    input: int = 0
    cached_input: int = 0
    output: int = 0
    reasoning: int = 0


class ThreadInfo(Message, frozen=True):
    """Everything about a thread but its transcript: one row of the tree.

    Also of a role of a team's run, and of the run itself (`kind`): their turns are their stints
    at work, and what only Codex's threads have is empty.

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
        forked_from: the thread it was forked from, empty otherwise.
        kind: what stands behind it.
        parent: the row that it stands under unless it is a fork: a role's run, or the role that
            a Codex thread works for; empty for a root.
        usage: tokens over its whole life.
        context_window: tokens the model can hold, None where unknown.
        note: the last error or warning in one line, empty where all is well.
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
    forked_from: str = ""
    kind: ThreadKind = ThreadKind.CODEX
    parent: str = ""
    usage: Usage = Usage()
    context_window: int | None = None
    note: str = ""
