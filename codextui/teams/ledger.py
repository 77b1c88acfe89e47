"""Who used how many tokens for what: the one account of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from codextui.prices import Cost, Prices, cost_of
from codextui.wire import fields
from codextui.wire.fields import JsonObject
from codextui.wire.thread import Usage


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
            "entries": [{**asdict(p), "usage": asdict(used)} for p, used in self.entries.items()],
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
        usage = Usage.parse(fields.as_object(entry.get("usage", {}), "usage"))
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
