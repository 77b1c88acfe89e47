"""A turn of a thread as far as this console has seen it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Turn:
    """A turn: a row of the dialog that forks through one.

    Attributes:
        turn_id: Codex's id, unique in its thread only.
        number: counts from 1 in what this console has seen.
        prompt: the first message of it, empty until it came.
        state: `running`, `completed`, `interrupted`, `failed`, `killed` or `lost`.
        started_at: unix seconds, None where the start was not seen.
        ended_at: unix seconds, None while it runs.
        tokens: what it used, None where unknown.
        tokens_before: the thread's total when it began, None where unknown.
    """

    turn_id: str
    number: int
    prompt: str = ""
    state: str = "running"
    started_at: float | None = None
    ended_at: float | None = None
    tokens: int | None = None
    tokens_before: int | None = None
