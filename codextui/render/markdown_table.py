"""Tables in rows of cells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from codextui.render.layout import Row, fill, row_length, wrap
from codextui.render.palette import Palette

MIN_COLUMN = 4
"""Cells below which a column is not squeezed."""

_GAP = 3  # " │ "


def table_rows(
    lines: Sequence[Sequence[Row]], aligns: Sequence[str], width: int, palette: Palette
) -> list[Row] | None:
    """Lay out a table, its first line as the head; None where `width` is too small for it.

    Args:
        lines: of cells, each as styled text.
        aligns: for each column `left`, `right`, `center` or empty.
        width: in cells.
        palette: the styles.
    """
    if not lines or not aligns:
        return []
    widths = _column_widths(lines, len(aligns), width)
    if widths is None:
        return None
    rows: list[Row] = []
    for index, line in enumerate(lines):
        rows.extend(_line_rows(line, widths, aligns, palette))
        if index == 0:
            rows.append([Segment("─┼─".join("─" * size for size in widths), palette.faint)])
    return rows


def _column_widths(lines: Sequence[Sequence[Row]], count: int, width: int) -> list[int] | None:
    """Natural widths where they fit, else the widest columns give way."""
    room = width - _GAP * (count - 1)
    natural = [
        max((row_length(line[column]) for line in lines if column < len(line)), default=0)
        for column in range(count)
    ]
    natural = [max(size, 1) for size in natural]
    if sum(natural) <= room:
        return natural
    if sum(min(size, MIN_COLUMN) for size in natural) > room:
        return None
    most = _fair_share(natural, room)
    widths = [min(size, most) for size in natural]
    spare = room - sum(widths)
    for column in range(count):
        if spare > 0 and widths[column] < natural[column]:
            widths[column] += 1
            spare -= 1
    return widths


def _fair_share(natural: Sequence[int], room: int) -> int:
    """The most cells that every column may have so that all of them fit."""
    most = MIN_COLUMN
    rest = room
    for index, size in enumerate(sorted(natural)):
        most = max(MIN_COLUMN, rest // (len(natural) - index))
        if size > most:
            break
        rest -= size
    return most


def _line_rows(
    line: Sequence[Row], widths: Sequence[int], aligns: Sequence[str], palette: Palette
) -> list[Row]:
    columns = [
        wrap(line[column] if column < len(line) else [], size) for column, size in enumerate(widths)
    ]
    rows: list[Row] = []
    for height in range(max(len(column) for column in columns)):
        row: Row = []
        for index, column in enumerate(columns):
            cell = column[height] if height < len(column) else []
            row.extend([Segment(" │ ", palette.faint)] if index else [])
            row.extend(_aligned(cell, widths[index], aligns[index], palette))
        rows.append(row)
    return rows


def _aligned(cell: Row, width: int, align: str, palette: Palette) -> Row:
    room = width - row_length(cell)
    before = {"right": room, "center": room // 2}.get(align, 0)
    cell = [Segment(" " * before, palette.text), *cell] if before > 0 else cell
    return fill(cell, width, palette.text)
