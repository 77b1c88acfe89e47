"""The parts that a scenario is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from codextui.demo.request import ModelRequest
from codextui.demo.step import Step

Answer: TypeAlias = Callable[[ModelRequest], AsyncIterator[Step]]
"""One answer of the model: what it says and does until Codex asks again."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a prompt sets going.

    Attributes:
        opening: the act begins with a user text that contains this.
        answers: one for each request; the last one calls no tool, which ends the turn.
    """

    opening: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """What the roles wait for from each other.

    Attributes:
        patience_s: how long anyone waits, in seconds.
        written: the builder's program is there.
    """

    patience_s: float
    written: asyncio.Event = field(default_factory=asyncio.Event)

    async def await_program(self) -> bool:
        """Waits for the builder's program; False where patience ran out."""
        try:
            await asyncio.wait_for(self.written.wait(), self.patience_s)
        except TimeoutError:
            return False
        return True


def printed(request: ModelRequest) -> str:
    """Returns what the last tool printed, without what Codex says about it; "" for nothing."""
    _, _, output = (request.last_output or "").partition("Output:\n")
    return output.strip("\n")


def refused(request: ModelRequest) -> bool:
    """Whether the person did not allow the last tool to be called."""
    return "rejected by user" in (request.last_output or "")
