"""What the first message would otherwise wait for."""

from __future__ import annotations

from codextui.render.code import highlight
from codextui.render.markdown import find_blocks, markdown_rows
from codextui.render.palette import Palette


def warm_up(palette: Palette) -> None:
    """Import the Markdown parser and the commonest lexers; for a thread after the first frame."""
    markdown_rows("_", 40, palette)
    find_blocks("_")
    for language in ("bash", "python", "diff", "json"):
        highlight("1", language, palette)
