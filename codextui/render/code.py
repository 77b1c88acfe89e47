"""Source code in the palette's colours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from codextui.render.layout import Row, fill, indent, wrap
from codextui.render.palette import Palette

if TYPE_CHECKING:
    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # it ships no types

MAX_HIGHLIGHTED = 20_000
"""Characters above which code is left plain: highlighting is slow, and can be made very slow."""

MAX_LINE = 2_000
"""Characters of a line above which code is left plain."""


def highlight(code: str, language: str, palette: Palette) -> Row:
    """`code`, made safe before, as styled text of the very same characters."""
    lexer = _find_lexer(language.lower())
    if lexer is None or len(code) > MAX_HIGHLIGHTED or _has_long_line(code):
        return [Segment(code, palette.block)]
    runs = list(_lex(code, lexer, palette))
    same = "".join(run.text for run in runs) == code
    return runs if same else [Segment(code, palette.block)]


def code_rows(code: str, language: str, width: int, palette: Palette) -> list[Row]:
    """A block of code: highlighted, wrapped, on a ground of its own as wide as `width`."""
    rows = wrap(highlight(code, language, palette), width - 2, exact=True)
    return [fill(row, width, palette.block) for row in indent(rows, Segment(" ", palette.block))]


def _has_long_line(code: str) -> bool:
    return any(len(line) > MAX_LINE for line in code.split("\n"))


def _lex(code: str, lexer: Lexer, palette: Palette) -> Iterator[Segment]:
    """The lexer's tokens; it may add a line end, which goes again."""
    room = len(code)
    styles: dict[tuple[str, ...], Style] = {}
    for kind, text in lexer.get_tokens(code):
        if kind not in styles:
            styles[kind] = _style_of(kind, palette)
        if room > 0 and text:
            yield Segment(text[:room], styles[kind])
        room -= len(text)


@lru_cache(maxsize=64)
def _find_lexer(language: str) -> Lexer | None:
    if not language or len(language) > 40:
        return None
    # Late: the first frame has no code in it.
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # noqa: PLC0415
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _style_of(kind: tuple[str, ...], palette: Palette) -> Style:
    """The style of a kind of token: that of the nearest family it belongs to."""
    styles = _styles(palette)
    return next(
        (styles[kind[:end]] for end in range(len(kind), 0, -1) if kind[:end] in styles),
        palette.block,
    )


def _styles(palette: Palette) -> dict[tuple[str, ...], Style]:
    return {
        ("Comment",): palette.comment,
        ("Keyword",): palette.keyword,
        ("Operator",): palette.operator,
        ("Operator", "Word"): palette.keyword,
        ("Literal", "String"): palette.string,
        ("Literal", "Number"): palette.number,
        ("Name", "Function"): palette.name,
        ("Name", "Class"): palette.name,
        ("Name", "Builtin"): palette.name,
        ("Name", "Decorator"): palette.name,
        ("Name", "Tag"): palette.keyword,
        ("Generic", "Inserted"): palette.added,
        ("Generic", "Deleted"): palette.removed,
    }
