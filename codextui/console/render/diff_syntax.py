"""Syntax colours of the lines of a diff, for a part of a hunk at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from rich.style import Style

from codextui.console.render.command import highlight_with
from codextui.console.render.palette import Palette
from codextui.protocol.diff import Line

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it ships no types

CHUNK_LINES = 100
"""Lines of a hunk that are coloured together, without those around them."""

SyntaxSpan: TypeAlias = tuple[int, int, Style]
"""Start and end of a token in its line, and the style of its text."""

_LINE_BREAKS = str.maketrans(dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


def color_lines(
    path: str, lines: Sequence[Line], palette: Palette
) -> dict[int, tuple[SyntaxSpan, ...]]:
    """Return the coloured tokens of lines, by their index; none for a file of unknown language.

    Removed lines are read among those of the old file, the others among those of the new one.
    """
    lexer = find_lexer(path)
    if lexer is None:
        return {}
    new = [index for index, line in enumerate(lines) if line.new is not None]
    old = [index for index, line in enumerate(lines) if line.old is not None]
    spans: dict[int, tuple[SyntaxSpan, ...]] = {}
    for indexes in (old, new):
        texts = [lines[index].text.translate(_LINE_BREAKS) for index in indexes]
        spans.update(zip(indexes, _color(texts, lexer, palette), strict=False))
    return spans


@lru_cache(maxsize=64)
def find_lexer(path: str) -> Lexer | None:
    """Return the lexer of a file by its name, None if there is none."""
    # Slow to import, and needed only where a diff is shown.
    from pygments.lexers import get_lexer_for_filename  # type: ignore[import-untyped]  # noqa: PLC0415
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # noqa: PLC0415

    name = path.rpartition("/")[2][-100:]
    try:
        return get_lexer_for_filename(name, stripnl=False) if name else None
    except ClassNotFound:
        return None


def _color(texts: Sequence[str], lexer: Lexer, palette: Palette) -> list[tuple[SyntaxSpan, ...]]:
    result: list[tuple[SyntaxSpan, ...]] = []
    spans: list[SyntaxSpan] = []
    column = 0
    for text, style, _ in highlight_with(lexer, "\n".join(texts), palette):
        first, *more = text.split("\n")
        for number, part in enumerate([first, *more]):
            if number:
                result.append(tuple(spans))
                spans, column = [], 0
            if part and style is not None and style.color != palette.code_block.color:
                spans.append((column, column + len(part), style))
            column += len(part)
    return [*result, tuple(spans)]
