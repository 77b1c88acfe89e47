"""How the states of threads look: a glyph, a word, a style."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from codextui.render.palette import Palette
from codextui.wire.thread import ThreadState


@dataclass(frozen=True, slots=True)
class StateMark:
    """How a state looks.

    Attributes:
        glyph: one cell.
        word: the state's own word.
        style: beside glyph and word, never instead of them.
    """

    glyph: str
    word: str
    style: Style


def mark_state(state: ThreadState, palette: Palette) -> StateMark:
    """The look of a state."""
    raise NotImplementedError
