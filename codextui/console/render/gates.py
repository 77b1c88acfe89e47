"""A run's gate board: every condition, whose job it is, who waits for it, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.layout import Row, cut, indent, to_strips, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.runs import Gate
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

WIDE = 96
"""Cells from which a gate has a row with columns; below that it has two rows or more."""

MOST_NAMES = 50
"""Roles that are named for one gate."""

_STATE_WIDTH = 10
"""`✗ not met` and a space."""

_SINCE_WIDTH = 9


def gates_title(gates: Sequence[Gate]) -> str:
    """`3 of 7 gates met`."""
    met = sum(gate.met for gate in gates)
    return f"{met} of {len(gates)} {'gate' if len(gates) == 1 else 'gates'} met"


def render_gates(gates: Sequence[Gate], width: int, palette: Palette, *, now: float) -> list[Strip]:
    """The whole board in the order of the team's file; nothing is cut but very long names.

    Args:
        gates: as the run told them.
        width: in cells.
        palette: the styles.
        now: unix seconds, for how long each has been as it is.
    """
    if width >= WIDE:
        return to_strips(_table(gates, width, palette, now))
    return to_strips([row for gate in gates for row in _card(gate, width, palette, now)])


def _table(gates: Sequence[Gate], width: int, palette: Palette, now: float) -> list[Row]:
    sizes = _columns(width)
    names = ("state", "condition", "made by", "needed by", "why, or what is there", "since")
    rows = _join([[Segment(name, palette.muted)] for name in names], sizes, palette)
    for gate in gates:
        glyph, word, style = _state(gate, palette)
        cells = [
            [Segment(f"{glyph} {word}", style)],
            [Segment(one_line(gate.condition), palette.strong)],
            [Segment(_names(gate.makers, "the project"), palette.text)],
            [Segment(_names(gate.needed_by, "the end"), palette.text)],
            [Segment(one_line(gate.detail), palette.text if gate.met else style)],
            [Segment(_since(gate, now), palette.muted)],
        ]
        rows.extend(_join(cells, sizes, palette))
    return rows


def _columns(width: int) -> list[int]:
    """The widths of the six columns, with the space after each but the last."""
    room = width - _STATE_WIDTH - _SINCE_WIDTH
    condition, makers, needed = room * 33 // 100, room * 18 // 100, room * 22 // 100
    detail = room - condition - makers - needed
    return [_STATE_WIDTH, condition, makers, needed, detail, _SINCE_WIDTH]


def _join(cells: Sequence[Row], sizes: Sequence[int], palette: Palette) -> list[Row]:
    """Cells side by side, each wrapped in its column."""
    wrapped = [wrap(cell, size - 1) for cell, size in zip(cells, sizes, strict=True)]
    rows: list[Row] = []
    for line in range(max(len(cell) for cell in wrapped)):
        row: Row = []
        for cell, size in zip(wrapped, sizes, strict=True):
            piece = cell[line] if line < len(cell) else []
            used = sum(cell_len(segment.text) for segment in piece)
            row += [*piece, Segment(" " * (size - used), palette.text)]
        rows.append(row)
    return rows


def _card(gate: Gate, width: int, palette: Palette, now: float) -> list[Row]:
    glyph, word, style = _state(gate, palette)
    since = _since(gate, now)
    head = [Segment(f"{glyph} {word}", style), Segment("  ", palette.text)]
    head.append(Segment(one_line(gate.condition), palette.strong))
    head.extend([Segment(f"  {since}", palette.muted)] if since else [])
    facts = [f"by {_names(gate.makers, 'the project')}"]
    facts.append(f"for {_names(gate.needed_by, 'the end')}")
    runs = [Segment(" · ".join(facts), palette.muted)]
    if gate.detail:
        runs.append(Segment(f" · {one_line(gate.detail)}", palette.muted if gate.met else style))
    below = indent(wrap(runs, width - 2), *[Segment("  ", palette.text)] * 2)
    return [*wrap(head, width), *below]


def _state(gate: Gate, palette: Palette) -> tuple[str, str, Style]:
    return ("✓", "met", palette.good) if gate.met else ("✗", "not met", palette.caution)


def _names(names: Sequence[str], nobody: str) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(one_line(name, 80) for name in names[:MOST_NAMES]) + more or nobody


def _since(gate: Gate, now: float) -> str:
    return cut(format_running(now - gate.since), _SINCE_WIDTH - 1) if gate.since > 0 else ""
