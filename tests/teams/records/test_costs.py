"""The costs of a run, by role, thread and turn, and its limits."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.config.prices import Price, Prices
from codextui.protocol.threads import Usage
from codextui.teams.config.team import Limits
from codextui.teams.records.costs import Budget, parse_ledger, read_usage
from codextui.teams.records.events import RunOutcome, RunStopped

PRICES = Prices("EUR", {"strong": Price(10.0, 10.0), "fast": Price(1.0, 1.0)})


def used(total: int) -> Usage:
    return Usage(total, input=total)


def never(stopped: RunStopped) -> None:
    raise AssertionError(stopped)


def spent() -> Budget:
    """A budget of two roles; the first works twice, with a thread of two turns."""
    budget = Budget(Limits(), prices=PRICES)
    budget.begin_role_turn("boss", "t1")
    budget.add_model_usage("boss", used(100), "strong")
    budget.count_thread_usage("x", used(40), never, role="boss", model="fast", turn_id="u1")
    budget.record_handoff("boss", "maker")
    budget.begin_role_turn("maker", "t1")
    budget.add_model_usage("maker", used(7), "unknown")
    budget.begin_role_turn("boss", "t2")
    budget.count_thread_usage("x", used(60), never, role="boss", model="fast", turn_id="u2")
    budget.add_model_usage("boss", used(1), "strong")
    return budget


def test_tokens_are_counted_by_role_thread_turn_and_handoff() -> None:
    report: dict[str, Any] = spent().report()
    assert report["tokens"] == {"boss": 101, "maker": 7}
    assert report["codex_tokens"] == {"x": 60}
    assert report["usage"]["total"] == 168
    assert [
        (one["role"], one["own_usage"]["total"], one["usage"]["total"]) for one in report["roles"]
    ] == [
        ("boss", 101, 161),
        ("maker", 7, 7),
    ]
    (thread,) = report["threads"]
    assert [(one["turn"], one["usage"]["total"]) for one in thread["turns"]] == [
        ("u1", 40),
        ("u2", 20),
    ]
    assert [
        (one["role"], one["turn"], one["handed_off_to"], one["usage"]["total"])
        for one in report["role_turns"]
    ] == [("boss", "t1", "maker", 140), ("maker", "t1", "", 7), ("boss", "t2", "", 21)]


def test_money_is_counted_where_a_price_is_known() -> None:
    report: dict[str, Any] = spent().report()
    assert report["currency"] == "EUR"
    assert report["unpriced"] == ["unknown"]
    assert report["cost"] == pytest.approx((101 * 10 + 60) / 1e6)
    assert [one["cost"] for one in report["roles"]] == [pytest.approx(1070e-6), None]
    assert report["role_turns"][0]["cost"] == pytest.approx(1040e-6)
    json.dumps(report)


def test_a_resumed_run_goes_on_counting() -> None:
    stored = json.loads(json.dumps(spent().to_json()))
    budget = Budget(Limits(), stored, PRICES)
    assert budget.report() == spent().report()
    budget.count_thread_usage("x", used(65), never, role="boss", model="fast", turn_id="u2")
    assert budget.usage.total == 173


def test_a_thread_is_not_counted_twice() -> None:
    budget = spent()
    for total in (60, 10, 60):
        budget.count_thread_usage("x", used(total), never, role="boss", model="fast", turn_id="u3")
    assert budget.usage.total == 168


_WORK = st.one_of(
    st.tuples(st.just("role turn"), st.sampled_from("ab"), st.sampled_from(("t1", "t2"))),
    st.tuples(st.just("model"), st.sampled_from("ab"), st.integers(0, 1000)),
    st.tuples(st.just("thread"), st.sampled_from("xyz"), st.integers(0, 1000)),
    st.tuples(st.just("resume"), st.just(""), st.just(0)),
)


@given(st.lists(_WORK, max_size=40))
def test_no_token_is_lost_or_counted_twice(work: list[tuple[str, str, Any]]) -> None:
    budget = Budget(Limits(), prices=PRICES)
    asked, threads = 0, dict.fromkeys("xyz", 0)
    for kind, name, value in work:
        match kind:
            case "role turn":
                budget.begin_role_turn(name, value)
            case "model":
                budget.add_model_usage(name, used(value), "fast")
                asked += value
            case "thread":
                role = "a" if name == "x" else "b"
                budget.count_thread_usage(name, used(value), never, role=role, model="strong")
                threads[name] = max(threads[name], value)
            case _:
                budget = Budget(Limits(), json.loads(json.dumps(budget.to_json())), PRICES)
    report: dict[str, Any] = budget.report()
    every = asked + sum(threads.values())
    assert report["usage"]["total"] == every
    for part in ("roles", "role_turns"):
        assert sum(one["usage"]["total"] for one in report[part]) == every
    assert sum(one["cost"] or 0 for one in report["roles"]) == pytest.approx(report["cost"] or 0)
    for one in report["threads"]:
        assert one["usage"]["total"] == threads[one["thread"]]


def resumed(budget: Budget) -> Budget:
    recorded = json.loads(json.dumps(budget.to_json()))
    return Budget(budget.limits, recorded, budget.prices)


def test_counting_again_what_is_counted_adds_no_rows() -> None:
    before = spent().report()
    budget = resumed(spent())
    budget.count_thread_usage("x", used(60), never, role="boss", model="fast", turn_id="u2")
    budget.count_thread_usage("idle", used(0), never, role="maker", model="fast", turn_id="u9")
    assert budget.report() == before
    assert budget.ledger.handles.keys() == {"x", "idle"}


def test_what_a_thread_used_while_nobody_ran_the_run_is_of_the_turn_before() -> None:
    budget = resumed(spent())
    budget.count_thread_usage("x", used(75), never, role="boss", model="fast", turn_id="u2")
    turns = [(one["role"], one["turn"]) for one in cast("Any", budget.report()["role_turns"])]
    assert turns == [("boss", "t1"), ("maker", "t1"), ("boss", "t2")]
    assert budget.ledger.usage(role="boss", turn="t2").total == 36


def test_rows_without_tokens_of_earlier_releases_are_dropped() -> None:
    phantom = {"role": "boss", "turn": "", "thread": "x", "codex_turn": "u2", "usage": {}}
    recorded = cast("dict[str, Any]", spent().to_json())
    recorded["ledger"]["entries"].append(phantom)
    assert Budget(Limits(), recorded, PRICES).report() == spent().report()


def test_a_run_ends_when_its_tokens_are_used_up() -> None:
    budget = Budget(Limits(tokens=100))
    stops: list[RunStopped] = []
    budget.count_thread_usage("x", used(99), stops.append)
    assert stops == []
    budget.begin_model_call()
    budget.count_thread_usage("x", used(100), stops.append)
    with pytest.raises(RunStopped, match="100 tokens are used up"):
        budget.begin_model_call()
    assert [stop.outcome for stop in stops] == [RunOutcome.BUDGET]


def test_a_run_ends_when_its_money_is_used_up() -> None:
    budget = Budget(Limits(money=0.001), prices=PRICES)
    budget.add_model_usage("boss", used(99), "strong")
    budget.begin_model_call()
    budget.add_model_usage("boss", used(1), "strong")
    with pytest.raises(RunStopped, match=r"0\.001 EUR are used up") as stopped:
        budget.begin_model_call()
    assert stopped.value.outcome is RunOutcome.BUDGET


def test_a_limit_of_money_without_a_price_names_the_missing_price() -> None:
    budget = Budget(Limits(money=5), prices=PRICES)
    budget.add_model_usage("boss", used(1), "strange")
    with pytest.raises(RunStopped, match=r'\[prices."strange"\] is missing'):
        budget.begin_model_call()


def test_without_limits_nothing_ends() -> None:
    budget = Budget(Limits(turns=0))
    budget.add_model_usage("boss", used(10**12), "strange")
    for _ in range(1000):
        budget.begin_model_call()
    assert budget.turns == 1000


def test_missing_counts_of_a_usage_are_zero() -> None:
    whole = SimpleNamespace(
        total_tokens=9,
        input_tokens=5,
        output_tokens=4,
        input_tokens_details=SimpleNamespace(cached_tokens=2),
        output_tokens_details={"reasoning_tokens": 3},
    )
    assert read_usage(whole) == Usage(9, 5, 2, 4, 3)
    assert read_usage(SimpleNamespace(total_tokens=None, input_tokens=-5)) == Usage()
    assert read_usage(None) == Usage()


def test_an_empty_ledger_can_be_parsed() -> None:
    assert parse_ledger(cast("dict[str, object]", {})).entries == {}
