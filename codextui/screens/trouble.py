"""The screen that says why nothing can start, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.screen import ModalScreen


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong.

    Attributes:
        title: a few words.
        message: the whole story, as the error tells it.
        commands: what to type, each a line for the shell.
        can_retry: whether trying again without a restart can help.
    """

    title: str
    message: str
    commands: tuple[str, ...] = ()
    can_retry: bool = True


class TroubleScreen(ModalScreen[Literal["retry", "quit"]]):
    """Says what is wrong and what to type; `r` retries, `q` quits."""

    def __init__(self, trouble: Trouble) -> None:
        """Take what to say."""
        super().__init__()
