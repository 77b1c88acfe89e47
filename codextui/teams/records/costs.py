"""The costs of a run: tokens by what they were used for, the limits of a run, and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from codextui.config.prices import Cost, Prices, format_money
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.runs import RunEventKind
from codextui.protocol.threads import Usage, add_usage, subtract_usage, sum_usage
from codextui.teams.config.team import Limits
from codextui.teams.records.events import RunEvent, RunOutcome, RunStopped


class Budget:
    """Counts model calls, tokens and money against the limits of a run.

    Args:
        limits: the limits.
        spent: what the run has used before, as `to_json` returned it.
        prices: what tokens cost.

    Attributes:
        turns: the model calls of the roles so far.
        ledger: the tokens so far, by what they were used for.
    """

    def __init__(
        self, limits: Limits, spent: JsonObject | None = None, prices: Prices | None = None
    ) -> None:
        spent = spent or {}
        self.limits = limits
        self.prices = prices or Prices()
        self.turns = fields.integer_or(spent, "turns")
        self.ledger = parse_ledger(fields.as_object(spent.get("ledger", {}), "ledger"))
        self._role_turns: dict[str, str] = {}

    @property
    def usage(self) -> Usage:
        """The tokens of the roles and of their Codex threads."""
        return self.ledger.usage()

    def role_usage(self, role: str) -> Usage:
        """Return the tokens of a role's own model calls."""
        return self.ledger.usage(role=role, thread="")

    def begin_model_call(self) -> None:
        """Count a model call that is about to be made. Raises RunStopped if a limit is reached."""
        limit = self.limits.turns
        if limit and self.turns >= limit:
            raise RunStopped(RunOutcome.BUDGET, f"the run's {limit} turns are used up")
        self.check()
        self.turns += 1

    def begin_role_turn(self, role: str, turn_id: str) -> None:
        """Attribute what a role and its threads use from now on to a turn of the role."""
        self._role_turns[role] = turn_id

    def record_handoff(self, role: str, target: str) -> None:
        """Record that the current turn of a role ends with a handoff."""
        self.ledger.handoffs[role, self._role_turns.get(role, "")] = target

    def add_model_usage(self, role: str, usage: Usage, model: str = "") -> None:
        """Add the tokens of a role's model call."""
        self.ledger.add(UsageKey(role, self._role_turns.get(role, ""), model=model), usage)

    def count_thread_usage(
        self,
        thread_id: str,
        total: Usage,
        stop: Callable[[RunStopped], None],
        *,
        role: str = "",
        model: str = "",
        turn_id: str = "",
        handle: str = "",
    ) -> None:
        """Add the tokens that a Codex thread has used since it was counted last, if any.

        Before the role begins a turn in this process they belong to the turn that it had.

        Args:
            thread_id: the thread.
            total: all tokens of the thread so far.
            stop: called if a limit is reached.
            role: the role that the thread works for.
            model: the thread's model.
            turn_id: the thread's current turn, to which the tokens are attributed.
            handle: the thread's handle.
        """
        used = subtract_usage(total, self.ledger.usage(thread=thread_id))
        if used != Usage():
            role_turn = self._role_turns.get(role) or self.ledger.last_turn(role)
            self.ledger.add(UsageKey(role, role_turn, thread_id, turn_id, model), used)
        self.ledger.handles[thread_id] = handle or self.ledger.handles.get(thread_id, "")
        try:
            self.check()
        except RunStopped as stopped:
            stop(stopped)

    def check(self) -> None:
        """Raise RunStopped if the run has used up its tokens or money."""
        limit = self.limits.tokens
        if limit and self.usage.total >= limit:
            raise RunStopped(RunOutcome.BUDGET, f"the run's {limit} tokens are used up")
        if self.limits.money:
            self._check_money(self.limits.money)

    def _check_money(self, limit: float) -> None:
        cost = self.ledger.cost(self.prices)
        if cost.unpriced:
            models = " and ".join(f'[prices."{model}"]' for model in cost.unpriced)
            reason = f"the run has a limit of money, and {models} is missing in the configuration"
            raise RunStopped(RunOutcome.BUDGET, reason)
        if cost.amount is not None and cost.amount >= limit:
            money = format_money(limit, self.prices.currency)
            raise RunStopped(RunOutcome.BUDGET, f"the run's {money} are used up")

    def report(self) -> dict[str, object]:
        """Return the costs as the data of `run_ended`: see `report_costs`."""
        return {"turns": self.turns, **report_costs(self.ledger, self.prices)}

    def to_json(self) -> dict[str, object]:
        """Return the JSON object from which a resumed run continues to count."""
        return {"turns": self.turns, "ledger": self.ledger.to_json()}


def end_event(
    outcome: RunOutcome, message: str, budget: Budget, *, run_id: str, exit_code: int | None = None
) -> RunEvent:
    """Return the last event of a run, with its costs and the command that goes on with it.

    Args:
        outcome: how the run ended.
        message: the final answer, or the reason.
        budget: what it used.
        run_id: the run's id.
        exit_code: the exit code of the process; by default that of the outcome.
    """
    code = int(outcome) if exit_code is None else exit_code
    resume = {"resume": f"codextui run --resume {run_id}"} if outcome else {}
    data = {"outcome": outcome.name.lower(), "exit": code, "run": run_id, **resume}
    text = f"{outcome.description}: {message}"
    return RunEvent(RunEventKind.RUN_ENDED, "", text, {**data, **budget.report()})


@dataclass(frozen=True, slots=True)
class UsageKey:
    """The use of tokens.

    Attributes:
        role: the role.
        turn: the role's turn: from when it begins to work until it hands off or ends.
        thread: the id of a Codex thread; empty for the role's own model calls.
        codex_turn: the turn of that thread.
        model: the model's name; empty if unknown.
    """

    role: str
    turn: str = ""
    thread: str = ""
    codex_turn: str = ""
    model: str = ""


class Ledger:
    """The tokens of a run by what they were used for.

    The methods that take `wanted` select entries whose keys have those attributes, and all
    entries if nothing is given.

    Attributes:
        entries: tokens by key, in the order in which the keys were first used.
        handoffs: the roles that were handed off to at the end of a turn, by role and turn.
        handles: the handles of the Codex threads, by thread id.
    """

    def __init__(self) -> None:
        self.entries: dict[UsageKey, Usage] = {}
        self.handoffs: dict[tuple[str, str], str] = {}
        self.handles: dict[str, str] = {}

    def add(self, key: UsageKey, usage: Usage) -> None:
        """Add tokens to an entry."""
        self.entries[key] = add_usage(self.entries.get(key, Usage()), usage)

    def select(self, **wanted: str) -> dict[UsageKey, Usage]:
        """Return the selected entries."""
        return {
            key: usage
            for key, usage in self.entries.items()
            if all(getattr(key, name) == value for name, value in wanted.items())
        }

    def last_turn(self, role: str) -> str:
        """Return the turn of a role that used tokens last; empty if none did."""
        turns = [key.turn for key in self.entries if key.role == role]
        return turns[-1] if turns else ""

    def usage(self, **wanted: str) -> Usage:
        """Return the tokens of the selected entries."""
        return sum_usage(self.select(**wanted).values())

    def cost(self, prices: Prices, **wanted: str) -> Cost:
        """Return what the tokens of the selected entries cost."""
        entries = self.select(**wanted).items()
        return prices.cost((key.model, usage) for key, usage in entries)

    def to_json(self) -> dict[str, object]:
        """Return the JSON object that `parse_ledger` reads."""
        return {
            "entries": [
                {**asdict(key), "usage": usage.to_json()} for key, usage in self.entries.items()
            ],
            "handoffs": [
                {"role": role, "turn": turn, "target": target}
                for (role, turn), target in self.handoffs.items()
            ],
            "handles": dict(self.handles),
        }


def parse_ledger(source: JsonObject) -> Ledger:
    """Read what `Ledger.to_json` returned. Raises MessageInvalid."""
    ledger = Ledger()
    for entry in fields.objects(source, "entries"):
        key = {name: fields.text_or(entry, name) for name in UsageKey.__dataclass_fields__}
        usage = Usage.from_json(fields.as_object(entry.get("usage", {}), "usage"))
        if usage != Usage() or not key["thread"]:  # earlier releases kept threads that used none
            ledger.add(UsageKey(**key), usage)
    for handoff in fields.objects(source, "handoffs"):
        role_turn = (fields.text(handoff, "role"), fields.text_or(handoff, "turn"))
        ledger.handoffs[role_turn] = fields.text(handoff, "target")
    handles = fields.as_object(source.get("handles", {}), "handles")
    ledger.handles.update({thread: fields.text(handles, thread) for thread in handles})
    return ledger


def read_usage(usage: Any) -> Usage:
    """Read the `usage` of a response of the Responses API; missing counts are 0."""
    input_details = getattr(usage, "input_tokens_details", None)
    output_details = getattr(usage, "output_tokens_details", None)
    return Usage(
        total=_count(usage, "total_tokens"),
        input=_count(usage, "input_tokens"),
        cached_input=_count(input_details, "cached_tokens"),
        output=_count(usage, "output_tokens"),
        reasoning=_count(output_details, "reasoning_tokens"),
    )


def _count(source: Any, name: str) -> int:
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    return value if isinstance(value, int) and value > 0 else 0


def report_costs(ledger: Ledger, prices: Prices) -> dict[str, object]:
    """Return the costs of a run, as `codextui run --json` and `runs show --json` print them.

    `tokens` are the roles' own by role, `codex_tokens` those of Codex threads by thread. `usage`
    and `cost` are given for the whole run, and for each of `roles`, `threads` (with their turns)
    and `role_turns`. `cost` is null if no price is known; `unpriced` names the models without one.
    """
    roles = dict.fromkeys(key.role for key in ledger.entries)
    threads = dict.fromkeys(key.thread for key in ledger.entries if key.thread)
    role_turns = dict.fromkeys((key.role, key.turn) for key in ledger.entries)
    own = {key.role for key in ledger.entries if not key.thread}
    return {
        "tokens": {role: ledger.usage(role=role, thread="").total for role in roles if role in own},
        "codex_tokens": {thread: ledger.usage(thread=thread).total for thread in threads},
        "currency": prices.currency,
        "unpriced": list(ledger.cost(prices).unpriced),
        **_report_usage(ledger, prices),
        "roles": [_report_role(ledger, prices, role) for role in roles],
        "threads": [_report_thread(ledger, prices, thread) for thread in threads],
        "role_turns": [_report_role_turn(ledger, prices, role, turn) for role, turn in role_turns],
    }


def _report_usage(ledger: Ledger, prices: Prices, **wanted: str) -> dict[str, object]:
    return {
        "usage": ledger.usage(**wanted).to_json(),
        "cost": ledger.cost(prices, **wanted).amount,
    }


def _report_role(ledger: Ledger, prices: Prices, role: str) -> dict[str, object]:
    return {
        "role": role,
        "models": sorted({key.model for key in ledger.select(role=role, thread="")}),
        "own_usage": ledger.usage(role=role, thread="").to_json(),
        **_report_usage(ledger, prices, role=role),
    }


def _report_thread(ledger: Ledger, prices: Prices, thread: str) -> dict[str, object]:
    keys = list(ledger.select(thread=thread))
    turns = dict.fromkeys(key.codex_turn for key in keys)
    return {
        "thread": thread,
        "handle": ledger.handles.get(thread, ""),
        "role": keys[-1].role,
        "model": keys[-1].model,
        **_report_usage(ledger, prices, thread=thread),
        "turns": [
            {"turn": turn, **_report_usage(ledger, prices, thread=thread, codex_turn=turn)}
            for turn in turns
        ],
    }


def _report_role_turn(ledger: Ledger, prices: Prices, role: str, turn: str) -> dict[str, object]:
    return {
        "role": role,
        "turn": turn,
        "handed_off_to": ledger.handoffs.get((role, turn), ""),
        **_report_usage(ledger, prices, role=role, turn=turn),
    }
