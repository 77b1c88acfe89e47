"""What tokens cost, where the user says so: `[prices]` of config.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.threads import Usage

_PER = 1_000_000
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost.

    Attributes:
        input: of what it reads.
        output: of what it writes, its reasoning included.
        cached_input: of what it reads for the second time; as `input` where None.
    """

    input: float
    output: float
    cached_input: float | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """`[prices]`.

    Attributes:
        currency: what all the prices are in.
        models: the price of each model by its name.
    """

    currency: str = "USD"
    models: Mapping[str, Price] = field(default_factory=dict)

    def of(self, model: str) -> Price | None:
        """A model's price; a dated snapshot (`gpt-5.2-2026-01-31`) has its model's."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))

    @classmethod
    def parse(cls, source: JsonObject) -> Prices:
        """Read what `asdict` wrote. Raises WireInvalid."""
        models = fields.as_object(source.get("models", {}), "models")
        return cls(
            currency=fields.text(source, "currency"),
            models={name: _parse_price(fields.as_object(models[name], name)) for name in models},
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost, as far as the prices are known.

    Attributes:
        amount: in the currency of the prices; None where nothing of it has a price.
        unpriced: the models that were used and have none.
    """

    amount: float | None = None
    unpriced: tuple[str, ...] = ()


def cost(usage: Usage, price: Price) -> float:
    """What some tokens cost. Cached ones are part of the input, as Codex and OpenAI count."""
    cached = min(usage.cached_input, usage.input)
    cached_price = price.input if price.cached_input is None else price.cached_input
    return (
        (usage.input - cached) * price.input + cached * cached_price + usage.output * price.output
    ) / _PER


def cost_of(used: Iterable[tuple[str, Usage]], prices: Prices) -> Cost:
    """What the tokens of several models cost together; `used` holds models and their tokens."""
    amount: float | None = None
    unpriced = set()
    for model, usage in used:
        price = prices.of(model)
        if price is not None:
            amount = (amount or 0.0) + cost(usage, price)
        elif usage.total:
            unpriced.add(model)
    return Cost(amount, tuple(sorted(unpriced)))


def _parse_price(source: JsonObject) -> Price:
    return Price(
        input=fields.number_or(source, "input"),
        output=fields.number_or(source, "output"),
        cached_input=fields.maybe_number(source, "cached_input"),
    )


def format_money(amount: float, currency: str) -> str:
    """An amount for people: `12.30 USD`, and two digits that count where it is small."""
    digits = 2
    while 0 < abs(amount) * 10**digits < 9.5 and digits < 6:
        digits += 1
    whole, _, part = f"{amount:.{digits}f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')} {currency}"
