"""Models by the kind of work: a strong one for what is hard, a fast one for what only checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of work, and the model for it.

    Attributes:
        work: what the user calls it, such as `complex` or `checking`.
        model: the model's name.
        about: when it is meant, in a line that models read; may be empty.
    """

    work: str
    model: str
    about: str = ""


def find_route(routes: Sequence[Route], work: str) -> Route | None:
    """The route of a kind of work; None where there is none."""
    return next((route for route in routes if route.work == work), None)


def work_property(routes: Sequence[Route]) -> dict[str, object]:
    """The argument `work` of the tool `codex`: JSON schema of the kinds of work."""
    kinds = "; ".join(
        f"`{route.work}`{f': {route.about}' if route.about else ''}" for route in routes
    )
    return {
        "type": "string",
        "enum": [route.work for route in routes],
        "description": (
            "What kind of work it is; a model that suits it does it. Left out: the usual model. "
            f"{kinds}."
        ),
    }
