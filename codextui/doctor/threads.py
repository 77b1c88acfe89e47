"""Finds threads that seem to be reused for tasks that have nothing to do with each other.

Whether two tasks belong together cannot be read from a journal, but what reuse costs can: a thread
that is taken up again and again after long pauses, and whose history Codex has had to compact
meanwhile, carries what is left of every earlier task through each new turn.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codextui.doctor.findings import Finding, Severity, fine
from codextui.doctor.journal import PastTurn, read_past
from codextui.doctor.machine import Machine

PAUSE_S = 8 * 3600.0
"""Seconds without a turn after which a thread was left, and then taken up again."""

MIN_SITTINGS = 3
"""How often a thread was worked on, with pauses between, before it is called reused."""

MIN_COMPACTIONS = 2
"""How often its history was compacted before it is called reused."""

_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class ThreadUse:
    """How a thread was used.

    Attributes:
        thread_id: the thread.
        turns: its turns.
        sittings: series of turns without a pause of `PAUSE_S` between them.
        compactions: how often its history was compacted.
        days: from the first turn to the last.
    """

    thread_id: str
    turns: int
    sittings: int
    compactions: int
    days: float

    @property
    def is_reused(self) -> bool:
        """Whether it seems to be used for one task after another."""
        return self.sittings >= MIN_SITTINGS and self.compactions >= MIN_COMPACTIONS


def measure_threads(past: Sequence[PastTurn]) -> list[ThreadUse]:
    """Return how each thread was used."""
    threads: dict[str, list[PastTurn]] = {}
    for turn in past:
        threads.setdefault(turn.thread_id, []).append(turn)
    return [_measure(thread_id, turns) for thread_id, turns in threads.items()]


def _measure(thread_id: str, past: Sequence[PastTurn]) -> ThreadUse:
    turns = sorted(
        (turn for turn in past if not turn.is_compaction), key=lambda turn: turn.started_at
    )
    pauses = [later.started_at - earlier.ended_at for earlier, later in pairwise(turns)]
    return ThreadUse(
        thread_id,
        turns=len(turns),
        sittings=sum(pause >= PAUSE_S for pause in pauses) + 1 if turns else 0,
        compactions=sum(turn.is_compaction for turn in past),
        days=(turns[-1].ended_at - turns[0].started_at) / 86_400 if turns else 0.0,
    )


def check_reuse(machine: Machine) -> Iterator[Finding]:
    """Check whether threads are reused for unrelated tasks."""
    past = read_past(machine)
    handles = past.handles or {}
    reused = [
        use for use in measure_threads(past.turns) if use.is_reused and use.thread_id in handles
    ]
    for use in sorted(reused, key=lambda use: -use.compactions)[:_MAX_NAMED]:
        handle = handles[use.thread_id]
        yield Finding(
            Severity.ADVICE,
            "threads.reused",
            f"{handle} was taken up {use.sittings} times in {max(1, round(use.days))} days "
            f"({use.turns} turns), and its history compacted {use.compactions} times: every new "
            "turn pays for what is left of the earlier tasks",
            advice="Give a new task a new thread, or fork one from the turn that it belongs to "
            f"({shlex.join(['codextui', 'fork', handle])}).",
            command="codextui new 'PROMPT'",
        )
    if not reused:
        yield fine("threads.reused", "no thread seems to be reused for unrelated tasks")
