"""The answers that a person can give, each on its key, for the mouse too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class Offer:
    """One answer.

    Attributes:
        choice: what is posted when it is chosen.
        key: as people read it; empty where the keymap took it away.
        label: what it does.
        tone: `yes`, `no` or `plain`: which colour it has beside its words.
    """

    choice: str
    key: str
    label: str
    tone: str


class DecisionButton(Static, can_focus=False):
    """An answer to click on. It never has the focus, so that enter cannot press it."""

    def __init__(self, offer: Offer) -> None:
        """Take the answer."""
        key = f"{offer.key} " if offer.key else ""
        super().__init__(Content.assemble((key, "bold"), offer.label), classes=f"-{offer.tone}")
        self.offer = offer

    def on_click(self) -> None:
        """Choose it."""
        self.post_message(DecisionBar.Chosen(self.offer.choice))


class DecisionBar(Vertical):
    """Two rows: what says yes, and what says no. Dimmed until keys are decisions."""

    class Chosen(Message):
        """An answer was clicked on."""

        def __init__(self, choice: str) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        """Begin without answers."""
        super().__init__(id=id)
        self._offers: tuple[Offer, ...] = ()

    def compose(self) -> ComposeResult:
        """The rows that have an answer in them."""
        for row in ([o for o in self._offers if o.tone == "yes"], self._others()):
            if row:
                with Horizontal():
                    yield from (DecisionButton(offer) for offer in row)

    def show(self, offers: Sequence[Offer]) -> None:
        """Show these answers instead."""
        if tuple(offers) != self._offers:
            self._offers = tuple(offers)
            self.refresh(recompose=True)

    def _others(self) -> list[Offer]:
        return [offer for offer in self._offers if offer.tone != "yes"]
