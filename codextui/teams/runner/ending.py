"""How a run can end."""

from __future__ import annotations

from enum import IntEnum

from codextui.errors import CodextuiError


class Ending(IntEnum):
    """How a run ended; the value is the exit code of `codextui run`."""

    DONE = 0
    FAILED = 4
    GATE = 6
    PERSON = 7
    BUDGET = 8

    @property
    def words(self) -> str:
        """The ending in words."""
        return _WORDS[self]


_WORDS = {
    Ending.DONE: "done",
    Ending.FAILED: "failed",
    Ending.GATE: "a gate was never met",
    Ending.PERSON: "a person is needed",
    Ending.BUDGET: "a limit was reached",
}


class RunStopped(CodextuiError):
    """A run cannot go on.

    Attributes:
        ending: in which way.
    """

    def __init__(self, ending: Ending, message: str) -> None:
        super().__init__(message)
        self.ending = ending
