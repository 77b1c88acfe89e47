"""What tokens cost."""

from __future__ import annotations

import pytest

from codextui.config.prices import Cost, Price, Prices, cost, cost_of, format_money
from codextui.protocol.threads import Usage

PRICE = Price(input=2.0, output=10.0, cached_input=0.5)
PRICES = Prices("EUR", {"gpt-5.2": PRICE, "gpt-5.2-mini": Price(input=1.0, output=1.0)})


def test_what_is_read_again_costs_less_and_counts_as_input_only_once() -> None:
    usage = Usage(total=1_500_000, input=1_000_000, cached_input=400_000, output=500_000)
    assert cost(usage, PRICE) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.5 * 10)


def test_without_a_price_of_its_own_cached_input_costs_as_input() -> None:
    usage = Usage(input=1_000_000, cached_input=400_000)
    assert cost(usage, Price(input=2.0, output=10.0)) == pytest.approx(2.0)


def test_reasoning_is_part_of_the_output() -> None:
    assert cost(Usage(output=1_000_000, reasoning=900_000), PRICE) == pytest.approx(10.0)


def test_more_cached_than_read_costs_no_less_than_nothing() -> None:
    assert cost(Usage(input=10, cached_input=1_000_000), PRICE) == pytest.approx(10 * 0.5 / 1e6)


def test_a_snapshot_has_the_price_of_its_model_and_another_model_has_not() -> None:
    assert PRICES.of("gpt-5.2-2026-01-31") is PRICE
    assert PRICES.of("gpt-5.2-nano") is None
    assert PRICES.of("") is None


def test_models_without_a_price_are_named_and_the_others_counted() -> None:
    used = [
        ("gpt-5.2", Usage(5, input=1_000_000)),
        ("b", Usage(5)),
        ("a", Usage(5)),
        ("c", Usage()),
    ]
    assert cost_of(used, PRICES) == Cost(2.0, ("a", "b"))


def test_nothing_with_a_price_costs_an_unknown_amount() -> None:
    assert cost_of([("a", Usage(5))], PRICES) == Cost(None, ("a",))
    assert cost_of([], PRICES) == Cost(None)


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
def test_money_is_shown_with_the_digits_that_count(amount: float, shown: str) -> None:
    assert format_money(amount, "USD") == shown
