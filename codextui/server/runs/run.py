"""One run, as the server holds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from codextui.server.session import Session
from codextui.server.threads.record import ThreadRecord
from codextui.wire.run import RUN_PREFIX
from codextui.wire.thread import ThreadInfo, ThreadState

OVER = (ThreadState.DONE, ThreadState.FAILED, ThreadState.INTERRUPTED, ThreadState.KILLED)
"""The states of a role or a run that has come to its end."""

TEAM_CLIENT = "team "
"""How the names of the clients begin that `codextui run` runs teams as."""


@dataclass(slots=True, eq=False)
class Run:
    """A run that a program tells of, or told of.

    Attributes:
        run_id: the id of its own row.
        rows: its own row and those of its roles, by id, in the order in which they were told.
        owner: whose run it is for as long as that is connected; None where nobody is.
        told: the rows that the owner has told.
        killed: whether it was killed, and has not been run again since.
        killed_under: the owner whose run was killed: what that still tells brings no row back.
        kept: characters of what its owner has told, and is kept.
    """

    run_id: str
    rows: dict[str, ThreadRecord] = field(default_factory=dict)
    owner: Session | None = None
    told: set[str] = field(default_factory=set)
    killed: bool = False
    killed_under: Session | None = None
    kept: int = 0


def how_to_resume(client: str, run_id: str) -> str:
    """What a person can type to go on with a run of a client's; empty where nobody knows."""
    if not client.startswith(TEAM_CLIENT):
        return ""
    return f"`codextui run --resume {run_id.removeprefix(RUN_PREFIX)}`"


def left_alone(row: ThreadInfo) -> ThreadInfo:
    """The row of a role or run whose program is gone: what had not ended waits for it."""
    if row.state in OVER:
        return replace(row, turn_started_at=None, waits_for="")
    how = how_to_resume(row.client, row.parent or row.thread_id)
    note = "the program that ran it is gone"
    return replace(
        row,
        state=ThreadState.DISCONNECTED,
        turn_started_at=None,
        waits_for="",
        note=f"{note}: {how}" if how else note,
    )
