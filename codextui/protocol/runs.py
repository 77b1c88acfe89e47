"""A team's run as its program publishes it: its gates and spans, and the kinds of its events."""

from __future__ import annotations

from enum import StrEnum

from codextui.protocol.codec import Message


class ThreadKind(StrEnum):
    """Whether a thread is one of Codex, a role or a run.

    `CODEX`: a thread of Codex's. `ROLE`: a role of a team's run, `RUN`: the run itself; both are
    published by the program that runs the team, with ids that begin with `run:`.
    """

    CODEX = "codex"
    ROLE = "role"
    RUN = "run"


RUN_PREFIX = "run:"
"""What the id of a run begins with (`run:RUN`); its roles' are `run:RUN/ROLE`."""


TEAM_CLIENT_PREFIX = "team "
"""Prefix of the client names with which `codextui run` connects to the server."""


class RunEventKind(StrEnum):
    """The kinds of events of a run, in `codextui run --json` and in `RunNoted`."""

    RUN_STARTED = "run_started"
    RUN_RESUMED = "run_resumed"
    ROLE_STARTED = "role_started"
    ROLE_SAID = "role_said"
    TOOL_CALLED = "tool_called"
    TOOL_ANSWERED = "tool_answered"
    HANDED_OFF = "handed_off"
    HANDOFF_REFUSED = "handoff_refused"
    SENT_BACK = "sent_back"
    ROLE_FINISHED = "role_finished"
    ROLE_STALE = "role_stale"
    PERSON_NEEDED = "person_needed"
    PERSON_DECIDED = "person_decided"
    ROLE_DIRECTED = "role_directed"
    MESSAGE_READ = "message_read"
    TROUBLE = "trouble"
    RUN_ENDED = "run_ended"


class RoleAction(StrEnum):
    """What a person can request of a role, or of all roles of a run."""

    MESSAGE = "message"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RERUN = "rerun"


class Gate(Message, frozen=True):
    """A condition of a run: who has to meet it, and whether it is met.

    Attributes:
        condition: in words, such as `design/spec.md` or `` `make test` succeeds``.
        makers: the roles whose job it is; empty where the project brings it along.
        needed_by: the roles that cannot begin without it.
        met: whether it holds.
        detail: why it does not (`is missing`, `is empty`), or what is there (`2.1 kB`).
        since: unix seconds of its last change, 0 where unknown.
    """

    condition: str
    makers: tuple[str, ...] = ()
    needed_by: tuple[str, ...] = ()
    met: bool = False
    detail: str = ""
    since: float = 0.0


class SpanKind(StrEnum):
    """What a role spends a span of time on."""

    ROLE = "role"  # from its start to its end: what the others are part of
    MODEL = "model"
    CODEX = "codex"
    TOOL = "tool"
    GATE = "gate"  # waiting for other roles
    PERSON = "person"  # waiting for a person
    PAUSED = "paused"


class Span(Message, frozen=True):
    """A span of a role's time.

    Attributes:
        span_id: unique in the run; a span is published when it begins and when it ends.
        role: whose time it is.
        kind: what the role spends it on.
        name: the model, the tool, the thread's handle, the approval; may be empty.
        started_at: unix seconds.
        ended_at: unix seconds, None while it goes on.
        waits_for: the roles that a gate waits for.
        tokens: what it used, 0 where that is unknown.
        failed: whether it ended badly.
    """

    span_id: str
    role: str
    kind: SpanKind
    name: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
    waits_for: tuple[str, ...] = ()
    tokens: int = 0
    failed: bool = False
