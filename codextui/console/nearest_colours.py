"""Colours for terminals that have 256 of them, as over ssh, which forwards no `COLORTERM`.

Rich rounds each channel by itself, which turns the dark blue-greys of themes to navy and teal.
"""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

_LEVELS = (0, 95, 135, 175, 215, 255)
_CUBE = tuple((r, g, b) for r in _LEVELS for g in _LEVELS for b in _LEVELS)
_GREYS = tuple((8 + 10 * step,) * 3 for step in range(24))
FIXED_COLOURS = (*_CUBE, *_GREYS)
"""The colours from 16 on; what the first sixteen look like is up to the terminal."""

FIRST_FIXED = 16
"""Number of the first of them."""


@lru_cache(4096)
def nearest_number(red: int, green: int, blue: int) -> int:
    """Return the number of the fixed colour of a terminal that looks most like another colour."""

    def distance(number: int) -> float:
        other_red, other_green, other_blue = FIXED_COLOURS[number]
        mean = (red + other_red) / 2
        return (
            (2 + mean / 256) * (red - other_red) ** 2
            + 4 * (green - other_green) ** 2
            + (2 + (255 - mean) / 256) * (blue - other_blue) ** 2
        )

    return FIRST_FIXED + min(range(len(FIXED_COLOURS)), key=distance)


class NearestColours(LineFilter):
    """Replaces each colour by the one of 256 that looks most like it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Replace the colours of segments."""
        return [
            Segment(text, None if style is None else _nearest_style(style), control)
            for text, style, control in segments
        ]


def use_nearest_colours(app: App[int]) -> None:
    """Choose the colours, where the terminal has 256 only."""
    if app.console.color_system == "256":
        app._filters.append(NearestColours())  # noqa: SLF001 - as Textual does for NO_COLOR


@lru_cache(4096)
def _nearest_style(style: Style) -> Style:
    return style + Style.from_color(_nearest(style.color), _nearest(style.bgcolor))


def _nearest(colour: RichColor | None) -> RichColor | None:
    if colour is None or colour.type is not ColorType.TRUECOLOR or colour.triplet is None:
        return None
    return RichColor.from_ansi(nearest_number(*colour.triplet))
