"""What a run has cost, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable

from codextui.teams.ending import Ending, RunStopped
from codextui.teams.team import Limits
from codextui.wire import fields
from codextui.wire.fields import JsonObject


class Budget:
    """Counts model calls and tokens against the limits.

    Attributes:
        turns: model calls of the roles so far.
        tokens: their tokens, by role.
        codex_tokens: the tokens of Codex threads, by thread id.
    """

    def __init__(self, limits: Limits, spent: JsonObject | None = None) -> None:
        given = spent or {}
        self.limits = limits
        self.turns = fields.integer_or(given, "turns")
        self.tokens = _counts(given, "tokens")
        self.codex_tokens = _counts(given, "codex_tokens")

    @property
    def all_tokens(self) -> int:
        """The tokens of the roles and of their threads."""
        return sum(self.tokens.values()) + sum(self.codex_tokens.values())

    def begin_turn(self) -> None:
        """Count a model call that is about to be made. Raises RunStopped where none is left."""
        limit = self.limits.turns
        if limit and self.turns >= limit:
            raise RunStopped(Ending.BUDGET, f"the run's {limit} turns are used up")
        self.check_tokens()
        self.turns += 1

    def add(self, role: str, tokens: int) -> None:
        """Count the tokens of a role's model call."""
        self.tokens[role] = self.tokens.get(role, 0) + tokens

    def count_thread(self, thread_id: str, tokens: int, stop: Callable[[RunStopped], None]) -> None:
        """Take the tokens of a thread so far; stops the run where they are too many."""
        self.codex_tokens[thread_id] = tokens
        try:
            self.check_tokens()
        except RunStopped as stopped:
            stop(stopped)

    def check_tokens(self) -> None:
        """Raise RunStopped where more tokens were used than the run may use."""
        limit = self.limits.tokens
        if limit and self.all_tokens >= limit:
            raise RunStopped(Ending.BUDGET, f"the run's {limit} tokens are used up")

    def to_wire(self) -> dict[str, object]:
        """What a resumed run goes on from."""
        return {"turns": self.turns, "tokens": self.tokens, "codex_tokens": self.codex_tokens}


def _counts(source: JsonObject, key: str) -> dict[str, int]:
    counts = fields.as_object(source.get(key, {}), key)
    return {name: fields.integer_or(counts, name) for name in counts}
