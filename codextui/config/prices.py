"""Prices of tokens, as `[prices]` of config.toml states them, and what tokens cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from codextui.config.readers import number_between, quote, read_string, suggest_close
from codextui.config.tables import Table, keys_of
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import Usage

_TOKENS_PER_PRICE = 1_000_000
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")

_read_amount = number_between(0, 1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model: `[prices.MODEL]`, money for a million tokens.

    Attributes:
        input: of input tokens.
        output: of output tokens, reasoning included.
        cached_input: of cached input tokens; None is as `input`.
    """

    input: Annotated[float, _read_amount]
    output: Annotated[float, _read_amount]
    cached_input: Annotated[float | None, _read_amount] = None

    def cost(self, usage: Usage) -> float:
        """Return the cost of tokens. Cached ones are part of the input, as OpenAI counts."""
        cached = min(usage.cached_input, usage.input)
        cached_price = self.input if self.cached_input is None else self.cached_input
        input_cost = (usage.input - cached) * self.input + cached * cached_price
        return (input_cost + usage.output * self.output) / _TOKENS_PER_PRICE


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost, as far as the prices are known.

    Attributes:
        amount: in the currency of the prices; None if no model that was used has a price.
        unpriced: the models that were used and have no price.
    """

    amount: float | None = None
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """`[prices]`.

    Attributes:
        currency: the currency of all prices.
        models: the price of each model by its name.
    """

    currency: Annotated[str, read_string] = "USD"
    models: Mapping[str, Price] = field(default_factory=dict)

    def find(self, model: str) -> Price | None:
        """Return a model's price; a dated snapshot (`gpt-5.2-2026-01-31`) has its model's."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))

    def cost(self, usages: Iterable[tuple[str, Usage]]) -> Cost:
        """Return what tokens cost together, from pairs of a model and its tokens."""
        amount: float | None = None
        unpriced = set()
        for model, usage in usages:
            price = self.find(model)
            if price is not None:
                amount = (amount or 0.0) + price.cost(usage)
            elif usage.total:
                unpriced.add(model)
        return Cost(amount, tuple(sorted(unpriced)))

    @classmethod
    def from_json(cls, source: JsonObject) -> Prices:
        """Read the JSON form, which `dataclasses.asdict` returns. Raises MessageInvalid."""
        models = fields.as_object(source.get("models", {}), "models")
        return cls(
            currency=fields.text(source, "currency"),
            models={
                name: _price_from_json(fields.as_object(models[name], name)) for name in models
            },
        )


def read_prices(table: Table) -> Prices:
    """Read `[prices]`, where every key but those of `Prices` is a model's name."""
    keys = keys_of(Prices)
    names = [name for name in table.values if name not in keys]
    values = table.read(keys, others=names)
    prices = {name: _read_price(table, name) for name in names}
    models = {name: price for name, price in prices.items() if price is not None}
    return Prices(models=models, **values)


def _read_price(table: Table, name: str) -> Price | None:
    value = table.values[name]
    if not isinstance(value, dict):
        meant = suggest_close(name, list(keys_of(Prices)))
        table.report(f"must be a table of prices, not {quote(value)}{meant}", name)
        return None
    price = table.subtable(name)
    if inner := next((part for part in value if isinstance(value[part], dict)), ""):
        price.report('must be a number; a name with dots is quoted: [prices."gpt-5.2"]', inner)
        return None
    read = price.read(keys_of(Price))
    missing = [part for part in ("input", "output") if part not in value]
    if missing:
        price.report(f"needs {' and '.join(missing)}: what a million tokens cost")
    return Price(**read) if {"input", "output"} <= read.keys() else None


def _price_from_json(source: JsonObject) -> Price:
    return Price(
        input=fields.number_or(source, "input"),
        output=fields.number_or(source, "output"),
        cached_input=fields.maybe_number(source, "cached_input"),
    )


def format_money(amount: float, currency: str) -> str:
    """Return `12.30 USD`; a small amount has two significant digits, at most six decimals."""
    digits = 2
    while 0 < abs(amount) * 10**digits < 9.5 and digits < 6:
        digits += 1
    whole, _, part = f"{amount:.{digits}f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')} {currency}"
