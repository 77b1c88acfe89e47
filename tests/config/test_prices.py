"""Prices and the cost of tokens."""

from __future__ import annotations

import pytest

from codextui.config.prices import Cost, Price, Prices, format_money
from codextui.protocol.threads import Usage

PRICE = Price(input=2.0, output=10.0, cached_input=0.5)
PRICES = Prices("EUR", {"gpt-5.2": PRICE, "gpt-5.2-mini": Price(input=1.0, output=1.0)})


def test_cached_input_costs_less_and_is_counted_once() -> None:
    usage = Usage(total=1_500_000, input=1_000_000, cached_input=400_000, output=500_000)
    assert PRICE.cost(usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.5 * 10)


def test_cached_input_without_a_price_costs_as_much_as_input() -> None:
    usage = Usage(input=1_000_000, cached_input=400_000)
    assert Price(input=2.0, output=10.0).cost(usage) == pytest.approx(2.0)


def test_reasoning_is_part_of_the_output() -> None:
    assert PRICE.cost(Usage(output=1_000_000, reasoning=900_000)) == pytest.approx(10.0)


def test_more_cached_input_than_input_does_not_lower_the_cost() -> None:
    assert PRICE.cost(Usage(input=10, cached_input=1_000_000)) == pytest.approx(10 * 0.5 / 1e6)


def test_only_a_snapshot_has_the_price_of_its_model() -> None:
    assert PRICES.find("gpt-5.2-2026-01-31") is PRICE
    assert PRICES.find("gpt-5.2-nano") is None
    assert PRICES.find("") is None


def test_models_without_a_price_are_named_and_not_counted() -> None:
    used = [
        ("gpt-5.2", Usage(5, input=1_000_000)),
        ("b", Usage(5)),
        ("a", Usage(5)),
        ("c", Usage()),
    ]
    assert PRICES.cost(used) == Cost(2.0, ("a", "b"))


def test_the_cost_is_unknown_if_no_model_has_a_price() -> None:
    assert PRICES.cost([("a", Usage(5))]) == Cost(None, ("a",))
    assert PRICES.cost([]) == Cost(None)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "0.00 USD"),
        (12.3, "12.30 USD"),
        (0.5, "0.50 USD"),
        (0.0042, "0.0042 USD"),
        (0.00004, "0.00004 USD"),
        (0.01, "0.01 USD"),
        (0.0000001, "0.00 USD"),
        (1234.567, "1234.57 USD"),
    ],
)
def test_small_amounts_are_formatted_with_significant_digits(amount: float, shown: str) -> None:
    assert format_money(amount, "USD") == shown
