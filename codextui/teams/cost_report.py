"""What a run cost: all together, and by role, Codex thread, turn and handoff."""

from __future__ import annotations

from dataclasses import asdict

from codextui.prices import Prices
from codextui.teams.ledger import Ledger


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
        "usage": asdict(ledger.usage(**wanted)),
        "cost": ledger.cost(prices, **wanted).amount,
    }


def _role(ledger: Ledger, prices: Prices, role: str) -> dict[str, object]:
    return {
        "role": role,
        "models": sorted({place.model for place in ledger.select(role=role, thread="")}),
        "own_usage": asdict(ledger.usage(role=role, thread="")),
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
