"""Which conversation of a run is being held, for whoever is called in it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """A conversation, and how often it was taken back to an earlier point.

    Attributes:
        name: the conversation's.
        take: what was answered or called in one take has nothing to do with another.
    """

    name: str = ""
    take: int = 0

    def __str__(self) -> str:
        return f"{self.name}~{self.take}" if self.take else self.name

    def call(self, call_id: str) -> str:
        """A call's id, unique in the run: models count their calls anew in every conversation."""
        return f"{self}/{call_id}" if self.name else call_id


CONVERSATION: ContextVar[ConversationKey] = ContextVar("STRAND", default=ConversationKey())  # noqa: B039 - frozen
"""The conversation that is being held."""
