"""Styled text as rows, for what is drawn by a `StripView`."""

from __future__ import annotations

import io

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

_CONSOLE = Console(file=io.StringIO(), width=80, color_system="truecolor", markup=False)
"""Measures and wraps; nothing is ever printed on it."""


def text_rows(text: Text, width: int, style: Style) -> list[Strip]:
    """Wrap text to a width; what is too long for a row is broken, never cut.

    Args:
        text: made safe to show.
        width: in cells.
        style: behind the text's own styles.
    """
    rows: list[Strip] = []
    for line in text.wrap(_CONSOLE, width, overflow="fold"):
        segments = Segment.apply_style(line.render(_CONSOLE, end=""), style)
        rows.append(Strip(segments))
    return rows
