"""How many panes fit a size, and how they are tiled. Pure."""

from __future__ import annotations

import msgspec

PANE_COUNTS = (1, 2, 3, 4, 6, 9)
"""The numbers of panes that can be tiled."""

MIN_PANE_WIDTH = 38
"""Cells below which a framed pane is useless."""

MIN_PANE_HEIGHT = 9
"""Rows below which a framed pane is useless."""

READABLE_WIDTH, READABLE_HEIGHT = 54, 16
"""Cells and rows of a pane that reads well beside others.

Narrower ones are stacked, and more than `USUAL_PANES` are shown only if all are as large.
"""

USUAL_PANES = 4
"""Panes on a screen where more would not read well."""

_SHAPES = {
    1: ((1, 1),),
    2: ((2, 1), (1, 2)),
    3: ((3, 1), (2, 2), (1, 3)),
    4: ((2, 2), (1, 4)),
    6: ((3, 2), (2, 3)),
    9: ((3, 3),),
}
"""Columns and rows of the grids for each number of panes."""


class Tiling(msgspec.Struct, frozen=True):
    """A grid of panes.

    Attributes:
        columns: columns of the grid.
        rows: rows of the grid.
        first_span: rows that the first pane spans, so that no cell stays empty.
    """

    columns: int
    rows: int
    first_span: int = 1


def pane_capacity(width: int, height: int, max_panes: int | None) -> int:
    """Return the largest of `PANE_COUNTS`, up to `max_panes`, that fits a size in cells.

    Without a limit there are more than `USUAL_PANES` only if all of them read well.
    """
    most = USUAL_PANES if max_panes is None else max_panes
    fitting = [
        count
        for count in PANE_COUNTS
        if (count <= most and any(_fits(shape, width, height) for shape in _SHAPES[count]))
        or (max_panes is None and any(_reads_well(s, width, height) for s in _SHAPES[count]))
    ]
    return max(fitting, default=1)


def tile_panes(count: int, width: int, height: int) -> Tiling:
    """Return the best grid for `count` panes (1 to 9) in a size in cells."""
    size = next(n for n in PANE_COUNTS if n >= count)
    shapes = [shape for shape in _SHAPES[size] if _fits(shape, width, height)]
    columns, rows = min(shapes or _SHAPES[size], key=lambda shape: _penalty(shape, width, height))
    span = min(rows, 1 + columns * rows - count)
    return Tiling(columns, rows, span)


def _fits(shape: tuple[int, int], width: int, height: int) -> bool:
    columns, rows = shape
    return width // columns >= MIN_PANE_WIDTH and height // rows >= MIN_PANE_HEIGHT


def _reads_well(shape: tuple[int, int], width: int, height: int) -> bool:
    columns, rows = shape
    return width // columns >= READABLE_WIDTH and height // rows >= READABLE_HEIGHT


def _penalty(shape: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Rank narrow panes last; among comfortable ones, prefer tall panes, which show more."""
    columns, rows = shape
    return max(0, READABLE_WIDTH - width // columns), -(height // rows)
