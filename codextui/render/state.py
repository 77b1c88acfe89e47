"""How the states of threads look: a glyph, a word, a style."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from codextui.render.palette import Palette
from codextui.wire.thread import ThreadState

_GLYPHS = {
    ThreadState.STARTING: "◌",
    ThreadState.WAITING: "◔",
    ThreadState.RUNNING: "●",
    ThreadState.NEEDS_INPUT: "?",
    ThreadState.PAUSED: "‖",
    ThreadState.IDLE: "○",
    ThreadState.DONE: "✓",
    ThreadState.INTERRUPTED: "■",
    ThreadState.FAILED: "✗",
    ThreadState.KILLED: "†",
    ThreadState.DISCONNECTED: "~",
}


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
    return StateMark(_GLYPHS[state], state.value, _style(state, palette))


def _style(state: ThreadState, palette: Palette) -> Style:
    match state:
        case ThreadState.STARTING | ThreadState.WAITING:
            return palette.starting
        case ThreadState.RUNNING:
            return palette.running
        case ThreadState.NEEDS_INPUT:
            return palette.asking
        case ThreadState.IDLE | ThreadState.DONE:
            return palette.idle
        case ThreadState.INTERRUPTED | ThreadState.PAUSED:
            return palette.interrupted
        case ThreadState.FAILED:
            return palette.failed
        case ThreadState.KILLED:
            return palette.killed
        case ThreadState.DISCONNECTED:
            return palette.disconnected
