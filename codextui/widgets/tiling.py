"""How many panes fit, and how they are tiled. Pure."""

from __future__ import annotations

from dataclasses import dataclass

COUNTS = (1, 2, 3, 4, 6, 9)
"""The numbers of panes that can be tiled."""

MIN_WIDTH = 36
"""Cells below which a pane is no use."""

MIN_HEIGHT = 8
"""Rows below which a pane is no use."""

WIDE = 60
"""Cells above which a pane side by side with others reads well."""

_SHAPES = {
    1: ((1, 1),),
    2: ((2, 1), (1, 2)),
    3: ((3, 1), (2, 2), (1, 3)),
    4: ((2, 2), (1, 4)),
    6: ((3, 2), (2, 3)),
    9: ((3, 3),),
}


@dataclass(frozen=True, slots=True)
class Tiling:
    """A grid of panes.

    Attributes:
        columns: of the grid.
        rows: of the grid.
        first_span: rows that the first pane covers, so that no cell stays empty.
    """

    columns: int
    rows: int
    first_span: int = 1


def capacity(width: int, height: int, most: int) -> int:
    """The most panes, of `COUNTS` and at most `most`, that fit `width` by `height` cells."""
    fitting = (n for n in COUNTS if n <= most and any(_fits(s, width, height) for s in _SHAPES[n]))
    return max(fitting, default=1)


def tile(count: int, width: int, height: int) -> Tiling:
    """The grid for `count` panes (1 to 9) in `width` by `height` cells; they should fit."""
    size = next(n for n in COUNTS if n >= count)
    shapes = [shape for shape in _SHAPES[size] if _fits(shape, width, height)]
    columns, rows = min(shapes or _SHAPES[size], key=lambda shape: _badness(shape, width, height))
    span = min(rows, 1 + columns * rows - count)
    return Tiling(columns, rows, span)


def _fits(shape: tuple[int, int], width: int, height: int) -> bool:
    columns, rows = shape
    return width // columns >= MIN_WIDTH and height // rows >= MIN_HEIGHT


def _badness(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Narrow panes are worst; among wide enough ones, tall panes show most of a stream."""
    columns, rows = shape
    return max(0, WIDE - width // columns), -(height // rows)
