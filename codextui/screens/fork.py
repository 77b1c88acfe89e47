"""The dialog that forks a thread through a chosen turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.screen import ModalScreen


@dataclass(frozen=True, slots=True)
class ForkPoint:
    """A turn that a thread can be forked through.

    Attributes:
        turn_id: as Codex gives it.
        prompt: what the person asked in this turn.
        state: `completed`, `interrupted`, `failed` or `running`; a running turn cannot be chosen.
    """

    turn_id: str
    prompt: str
    state: str = "completed"


@dataclass(frozen=True, slots=True)
class ForkChosen:
    """Fork through this turn, inclusive, and send the prompt unless it is empty."""

    turn_id: str
    prompt: str = ""


class ForkScreen(ModalScreen[ForkChosen | None]):
    """Lists the turns, the newest chosen at first; None where cancelled."""

    def __init__(self, handle: str, turns: Sequence[ForkPoint]) -> None:
        """Take the source's handle and its turns, oldest first."""
        super().__init__()
