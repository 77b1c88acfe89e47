"""What tokens cost, in words for the head of a pane and a row of the tree."""

from __future__ import annotations

from collections.abc import Iterable

from codextui.model.standing import CostOf
from codextui.prices import Prices, cost_of, format_money
from codextui.render.sanitize import one_line
from codextui.wire.thread import Usage


def cost_words(prices: Prices) -> CostOf | None:
    """What says what tokens cost; None where no prices are configured.

    `over 1.20 USD` where models without a price are among them.
    """
    if not prices.models:
        return None

    def words(used: Iterable[tuple[str, Usage]]) -> str:
        cost = cost_of(used, prices)
        if not cost.amount:
            return ""
        amount = format_money(cost.amount, one_line(prices.currency, 12))
        return f"over {amount}" if cost.unpriced else amount

    return words
