"""Who used how many tokens for what: the one account of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from codextui.config.prices import Cost, Prices, cost_of, format_money
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import Usage
from codextui.teams.config.team import Limits
from codextui.teams.runner.ending import Ending, RunStopped


@dataclass(frozen=True, slots=True)
class Place:
    """What tokens were used for.

    Attributes:
        role: whose they are.
        turn: the role's turn, from when it began to work to its handoff or end.
        thread: the Codex thread, by its id; empty for the role's own model calls.
        codex_turn: that thread's turn.
        model: the model's name; empty where it is unknown.
    """

    role: str
    turn: str = ""
    thread: str = ""
    codex_turn: str = ""
    model: str = ""


class Ledger:
    """The tokens of a run by what they were used for.

    Attributes:
        entries: the tokens of every place, in the order in which they were used first.
        handoffs: whom a role handed off to at the end of a turn, by the role and its turn.
        handles: what people call the Codex threads, by their ids.
    """

    def __init__(self) -> None:
        self.entries: dict[Place, Usage] = {}
        self.handoffs: dict[tuple[str, str], str] = {}
        self.handles: dict[str, str] = {}

    def add(self, place: Place, usage: Usage) -> None:
        """Count tokens at a place."""
        self.entries[place] = plus(self.entries.get(place, Usage()), usage)

    def select(self, **wanted: str) -> dict[Place, Usage]:
        """The entries of the places whose attributes are as wanted; all where nothing is."""
        return {
            place: usage
            for place, usage in self.entries.items()
            if all(getattr(place, name) == value for name, value in wanted.items())
        }

    def usage(self, **wanted: str) -> Usage:
        """The tokens of the places whose attributes are as wanted."""
        return total(self.select(**wanted).values())

    def cost(self, prices: Prices, **wanted: str) -> Cost:
        """What the tokens of those places cost."""
        entries = self.select(**wanted).items()
        return cost_of(((place.model, usage) for place, usage in entries), prices)

    def to_wire(self) -> dict[str, object]:
        """The JSON object that `parse_ledger` reads."""
        return {
            "entries": [{**asdict(p), "usage": used.to_json()} for p, used in self.entries.items()],
            "handoffs": [
                {"role": role, "turn": turn, "target": target}
                for (role, turn), target in self.handoffs.items()
            ],
            "handles": dict(self.handles),
        }


def parse_ledger(source: JsonObject) -> Ledger:
    """Read what `Ledger.to_wire` wrote. Raises WireInvalid."""
    ledger = Ledger()
    for entry in fields.objects(source, "entries"):
        words = {key: fields.text_or(entry, key) for key in Place.__dataclass_fields__}
        usage = Usage.from_json(fields.as_object(entry.get("usage", {}), "usage"))
        ledger.add(Place(**words), usage)
    for handoff in fields.objects(source, "handoffs"):
        at = (fields.text(handoff, "role"), fields.text_or(handoff, "turn"))
        ledger.handoffs[at] = fields.text(handoff, "target")
    handles = fields.as_object(source.get("handles", {}), "handles")
    ledger.handles.update({thread: fields.text(handles, thread) for thread in handles})
    return ledger


def plus(one: Usage, other: Usage) -> Usage:
    """The tokens of both."""
    return total((one, other))


def minus(one: Usage, other: Usage) -> Usage:
    """What the one has more than the other; nothing is less than 0."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return Usage(*(max(0, more - less) for more, less in pairs))


def total(usages: Iterable[Usage]) -> Usage:
    """The tokens of all."""
    parts = [_parts(usage) for usage in usages]
    return Usage(*map(sum, zip(*parts, strict=True))) if parts else Usage()


def _parts(usage: Usage) -> tuple[int, int, int, int, int]:
    return (usage.total, usage.input, usage.cached_input, usage.output, usage.reasoning)


def report_costs(ledger: Ledger, prices: Prices) -> dict[str, object]:
    """The costs of a run, as `codextui run --json` and `codextui runs show --json` print them.

    `tokens` are the roles' own by role, `codex_tokens` those of Codex threads by thread. `usage`
    and `cost` stand at the whole and at each of `roles`, `threads` (with their turns) and
    `role_turns` (what a role did from when it began to its handoff or end). `cost` is null where
    no price is known, and `unpriced` names the models without one.
    """
    roles = dict.fromkeys(place.role for place in ledger.entries)
    threads = dict.fromkeys(place.thread for place in ledger.entries if place.thread)
    role_turns = dict.fromkeys((place.role, place.turn) for place in ledger.entries)
    own = {place.role for place in ledger.entries if not place.thread}
    return {
        "tokens": {role: ledger.usage(role=role, thread="").total for role in roles if role in own},
        "codex_tokens": {thread: ledger.usage(thread=thread).total for thread in threads},
        "currency": prices.currency,
        "unpriced": list(ledger.cost(prices).unpriced),
        **_spent(ledger, prices),
        "roles": [_role(ledger, prices, role) for role in roles],
        "threads": [_thread(ledger, prices, thread) for thread in threads],
        "role_turns": [_role_turn(ledger, prices, role, turn) for role, turn in role_turns],
    }


def _spent(ledger: Ledger, prices: Prices, **wanted: str) -> dict[str, object]:
    return {
        "usage": ledger.usage(**wanted).to_json(),
        "cost": ledger.cost(prices, **wanted).amount,
    }


def _role(ledger: Ledger, prices: Prices, role: str) -> dict[str, object]:
    return {
        "role": role,
        "models": sorted({place.model for place in ledger.select(role=role, thread="")}),
        "own_usage": ledger.usage(role=role, thread="").to_json(),
        **_spent(ledger, prices, role=role),
    }


def _thread(ledger: Ledger, prices: Prices, thread: str) -> dict[str, object]:
    places = list(ledger.select(thread=thread))
    turns = dict.fromkeys(place.codex_turn for place in places)
    return {
        "thread": thread,
        "handle": ledger.handles.get(thread, ""),
        "role": places[-1].role,
        "model": places[-1].model,
        **_spent(ledger, prices, thread=thread),
        "turns": [
            {"turn": turn, **_spent(ledger, prices, thread=thread, codex_turn=turn)}
            for turn in turns
        ],
    }


def _role_turn(ledger: Ledger, prices: Prices, role: str, turn: str) -> dict[str, object]:
    return {
        "role": role,
        "turn": turn,
        "handed_off_to": ledger.handoffs.get((role, turn), ""),
        **_spent(ledger, prices, role=role, turn=turn),
    }


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
