"""How far the roles of a run in parallel are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from codextui.wire import fields
from codextui.wire.fields import JsonObject


@dataclass(slots=True)
class Progress:
    """How far a role is.

    Attributes:
        round: which time it runs, or ran; 0 before the first.
        done: whether that time is over.
        seen: how new what it requires was when it began, in ns.
        reruns: how many of the rounds a person asked for.
    """

    round: int = 0
    done: bool = False
    seen: int = 0
    reruns: int = 0


def progress_to_wire(progress: Mapping[str, Progress]) -> JsonObject:
    """The JSON object that `parse_progress` reads."""
    return {name: asdict(one) for name, one in progress.items()}


def parse_progress(source: JsonObject, roles: Iterable[str]) -> dict[str, Progress]:
    """Read how far each role was; one that is not in it has not begun. Raises WireInvalid."""
    return {name: _parse(fields.as_object(source.get(name, {}), name)) for name in roles}


def _parse(source: JsonObject) -> Progress:
    return Progress(
        round=fields.integer_or(source, "round"),
        done=fields.flag(source, "done"),
        seen=fields.integer_or(source, "seen"),
        reruns=fields.integer_or(source, "reruns"),
    )
