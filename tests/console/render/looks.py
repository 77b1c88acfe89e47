"""Palettes, hostile texts and readers of strips for the tests of rendering."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES

from codextui.console.model.items import ItemContent, TranscriptItem
from codextui.console.render.items import RenderedItem
from codextui.console.render.palette import Palette, palette_from


def palette(theme: str = "textual-dark") -> Palette:
    return palette_from(BUILTIN_THEMES[theme].to_color_system().generate())


PALETTE = palette()


def item(content: ItemContent, *, done: bool = True, unfinished: bool = False) -> TranscriptItem:
    return TranscriptItem("u1", "i1", 0, content, 1, done=done, unfinished=unfinished)


def render_item(item: TranscriptItem, width: int, palette: Palette) -> list[Strip]:
    return RenderedItem(item, width, palette).rows


def lines(strips: Iterable[Iterable[Segment]]) -> list[str]:
    """Return the text of each row without trailing spaces."""
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def text(strips: Iterable[Iterable[Segment]]) -> str:
    return "\n".join(lines(strips))


def looks(strips: Iterable[Strip]) -> list[list[tuple[str, Style | None]]]:
    """Return what is visible, character by character, independent of segments."""
    return [[(char, style) for string, style, _ in strip for char in string] for strip in strips]


# Format characters that are visible.
_LETTERS_OF_FORMAT = frozenset(
    map(
        chr,
        [
            *(*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
            *(*range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4)),
        ],
    )
)


def is_harmless(text: str) -> bool:
    """Return whether `text` has no control, format or invisible characters."""
    return all(
        unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or character in _LETTERS_OF_FORMAT
        for character in text
    )


NASTY = st.sampled_from(
    [
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b",
        "\x9b2J",
        "\r",
        "\r\n",
        "\x00",
        "\t",
        "\u202e",
        "\u200b",
        "\u200d",
        "\ufe0f",
        "\ud800",
        "e\u0301\u0301\u0301\u0301\u0301\u0301",
        "你好",
        "👨‍👩‍👧",
        "❤️",
        "[bold]",
        "[/]",
        "# ",
        "- ",
        "1. ",
        "> ",
        "```\n",
        "```python\n",
        "    ",
        "| a | b |\n|---|---|\n",
        "**",
        "`",
        "~~",
        "[x](http://y)",
        "![i](j)",
        "<b>",
        "&#x202e;",
        "&Tab;",
        "---",
        "===",
        "\n",
        "\n\n",
        " ",
        "word",
        "@@ -1 +1 @@\n",
        "+",
        "-",
        "\\",
    ]
)
TEXTS = st.lists(NASTY | st.text(max_size=8), max_size=25).map("".join)
"""Any text, with many hostile pieces."""

WIDTHS = st.integers(10, 120)
