"""Renders the gates of a run: each condition, its state, its makers and who needs it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.layout import Row, indent, row_width, to_strips, truncate, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.runs import Gate
from codextui.text.figures import format_running
from codextui.text.sanitize import one_line

MIN_TABLE_WIDTH = 96
"""Cells from which gates are a table; below, each gate has two rows or more."""

MAX_NAMES = 50
"""Roles named per gate."""

_STATE_WIDTH = 10  # `✗ not met` and a space
_SINCE_WIDTH = 9


def gates_title(gates: Sequence[Gate]) -> str:
    """Count the gates: `3 of 7 gates met`."""
    met = sum(gate.met for gate in gates)
    return f"{met} of {len(gates)} {'gate' if len(gates) == 1 else 'gates'} met"


def render_gates(gates: Sequence[Gate], width: int, palette: Palette, *, now: float) -> list[Strip]:
    """Render all gates in the order of the team's file; only very long names are cut.

    Args:
        gates: as the run published them.
        width: in cells.
        palette: the styles.
        now: unix seconds, to tell how long each gate has been in its state.
    """
    if width >= MIN_TABLE_WIDTH:
        return to_strips(_table(gates, width, palette, now))
    return to_strips([row for gate in gates for row in _gate_rows(gate, width, palette, now)])


def _table(gates: Sequence[Gate], width: int, palette: Palette, now: float) -> list[Row]:
    sizes = _columns(width)
    names = ("state", "condition", "made by", "needed by", "why, or what is there", "since")
    rows = _table_row([[Segment(name, palette.muted)] for name in names], sizes, palette)
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
        rows.extend(_table_row(cells, sizes, palette))
    return rows


def _columns(width: int) -> list[int]:
    """Return the widths of the six columns, with the space after each."""
    room = width - _STATE_WIDTH - _SINCE_WIDTH
    condition, makers, needed = room * 33 // 100, room * 18 // 100, room * 22 // 100
    detail = room - condition - makers - needed
    return [_STATE_WIDTH, condition, makers, needed, detail, _SINCE_WIDTH]


def _table_row(cells: Sequence[Row], sizes: Sequence[int], palette: Palette) -> list[Row]:
    """Lay out cells side by side, each wrapped in its column."""
    wrapped = [wrap(cell, size - 1) for cell, size in zip(cells, sizes, strict=True)]
    rows: list[Row] = []
    for line in range(max(len(cell) for cell in wrapped)):
        row: Row = []
        for cell, size in zip(wrapped, sizes, strict=True):
            piece = cell[line] if line < len(cell) else []
            row += [*piece, Segment(" " * (size - row_width(piece)), palette.text)]
        rows.append(row)
    return rows


def _gate_rows(gate: Gate, width: int, palette: Palette, now: float) -> list[Row]:
    glyph, word, style = _state(gate, palette)
    since = _since(gate, now)
    head = [Segment(f"{glyph} {word}", style), Segment("  ", palette.text)]
    head.append(Segment(one_line(gate.condition), palette.strong))
    head.extend([Segment(f"  {since}", palette.muted)] if since else [])
    facts = [f"by {_names(gate.makers, 'the project')}"]
    facts.append(f"for {_names(gate.needed_by, 'the end')}")
    segments = [Segment(" · ".join(facts), palette.muted)]
    if gate.detail:
        detail = f" · {one_line(gate.detail)}"
        segments.append(Segment(detail, palette.muted if gate.met else style))
    below = indent(wrap(segments, width - 2), Segment("  ", palette.text))
    return [*wrap(head, width), *below]


def _state(gate: Gate, palette: Palette) -> tuple[str, str, Style]:
    return ("✓", "met", palette.success) if gate.met else ("✗", "not met", palette.warning)


def _names(names: Sequence[str], default: str) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(one_line(name, 80) for name in names[:MAX_NAMES]) + more or default


def _since(gate: Gate, now: float) -> str:
    return truncate(format_running(now - gate.since), _SINCE_WIDTH - 1) if gate.since > 0 else ""
