"""What a run has cost, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codextui.prices import Prices, format_money
from codextui.teams.cost_report import report_costs
from codextui.teams.ending import Ending, RunStopped
from codextui.teams.ledger import Place, minus, parse_ledger
from codextui.teams.team import Limits
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import Usage


class Budget:
    """Counts model calls, tokens and money against the limits.

    Args:
        limits: what the run may cost.
        spent: what it has cost before, as `to_wire` wrote it.
        prices: what tokens cost.

    Attributes:
        turns: model calls of the roles so far.
        ledger: who used how many tokens for what.
    """

    def __init__(
        self, limits: Limits, spent: JsonObject | None = None, prices: Prices | None = None
    ) -> None:
        given = spent or {}
        self.limits = limits
        self.prices = prices or Prices()
        self.turns = fields.integer_or(given, "turns")
        self.ledger = parse_ledger(fields.as_object(given.get("ledger", {}), "ledger"))
        self._stints: dict[str, str] = {}

    @property
    def usage(self) -> Usage:
        """The tokens of the roles and of their threads."""
        return self.ledger.usage()

    def role_usage(self, role: str) -> Usage:
        """The tokens of a role's own model calls."""
        return self.ledger.usage(role=role, thread="")

    def begin_turn(self) -> None:
        """Count a model call that is about to be made. Raises RunStopped where none is left."""
        limit = self.limits.turns
        if limit and self.turns >= limit:
            raise RunStopped(Ending.BUDGET, f"the run's {limit} turns are used up")
        self.check()
        self.turns += 1

    def begin_stint(self, role: str, turn_id: str) -> None:
        """Count what a role and its threads use from now on as of that turn of the role's."""
        self._stints[role] = turn_id

    def hand_off(self, role: str, target: str) -> None:
        """Note that a role's turn ends with a handoff."""
        self.ledger.handoffs[role, self._stints.get(role, "")] = target

    def add(self, role: str, usage: Usage, model: str = "") -> None:
        """Count the tokens of a role's model call."""
        self.ledger.add(Place(role, self._stints.get(role, ""), model=model), usage)

    def count_thread(
        self,
        thread_id: str,
        counted: Usage,
        stop: Callable[[RunStopped], None],
        *,
        role: str = "",
        model: str = "",
        turn_id: str = "",
        handle: str = "",
    ) -> None:
        """Take the tokens of a Codex thread so far; stops the run where they are too many.

        What is new of them is counted for the turn `turn_id` of the thread's, and for the turn
        that its role is in.
        """
        before = self.ledger.usage(thread=thread_id)
        place = Place(role, self._stints.get(role, ""), thread_id, turn_id, model)
        self.ledger.add(place, minus(counted, before))
        self.ledger.handles[thread_id] = handle or self.ledger.handles.get(thread_id, "")
        try:
            self.check()
        except RunStopped as stopped:
            stop(stopped)

    def check(self) -> None:
        """Raise RunStopped where the run has used more than it may use."""
        limit = self.limits.tokens
        if limit and self.usage.total >= limit:
            raise RunStopped(Ending.BUDGET, f"the run's {limit} tokens are used up")
        if self.limits.money:
            self._check_money(self.limits.money)

    def _check_money(self, limit: float) -> None:
        spent = self.ledger.cost(self.prices)
        if spent.unpriced:
            models = " and ".join(f'[prices."{model}"]' for model in spent.unpriced)
            told = f"the run has a limit of money, and {models} is missing in the configuration"
            raise RunStopped(Ending.BUDGET, told)
        if spent.amount is not None and spent.amount >= limit:
            money = format_money(limit, self.prices.currency)
            raise RunStopped(Ending.BUDGET, f"the run's {money} are used up")

    def report(self) -> dict[str, object]:
        """What it cost, for whoever reads how the run ended: see `report_costs`."""
        return {"turns": self.turns, **report_costs(self.ledger, self.prices)}

    def to_wire(self) -> dict[str, object]:
        """What a resumed run goes on from."""
        return {"turns": self.turns, "ledger": self.ledger.to_wire()}


def usage_of(response: Any) -> Usage:
    """The `usage` of a response of the Responses API; what a server left out is 0."""
    read = getattr(response, "input_tokens_details", None)
    wrote = getattr(response, "output_tokens_details", None)
    return Usage(
        total=_count(response, "total_tokens"),
        input=_count(response, "input_tokens"),
        cached_input=_count(read, "cached_tokens"),
        output=_count(response, "output_tokens"),
        reasoning=_count(wrote, "reasoning_tokens"),
    )


def _count(source: Any, name: str) -> int:
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    return value if isinstance(value, int) and value > 0 else 0
