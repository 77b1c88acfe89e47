"""A run's timeline in plain characters. Pure: spans and a width in, lines out."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from codextui.model.timeline import Lane, Window, cells_of, end_of, lanes_of, totals_of
from codextui.render.figures import format_elapsed
from codextui.render.sanitize import one_line
from codextui.wire.run import Span, SpanKind

LETTERS = {
    SpanKind.ROLE: "-",
    SpanKind.MODEL: "m",
    SpanKind.CODEX: "C",
    SpanKind.TOOL: "t",
    SpanKind.GATE: ".",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "=",
}
"""What a cell shows: plain, so that every terminal and every log can."""

LEGEND = (
    "m model  C codex  t tool  . waits for roles  ? waits for a person  = paused  - between steps"
)

_LONGEST_NAME = 24


def timeline_lines(spans: Sequence[Span], width: int, now: float) -> list[str]:
    """A line for each role, the legend below; safe to print.

    Args:
        spans: of one run.
        width: columns of the terminal.
        now: unix seconds, for spans that go on.
    """
    lanes = lanes_of(spans)
    names = [one_line(lane.role, _LONGEST_NAME) or "-" for lane in lanes]
    label = max(map(cell_len, names), default=0)
    window = _window(spans, max(10, width - label - 2), now)
    lines = [
        f"{set_cell_size(name, label)}  {_cells(cells_of(lane, window, now))}".rstrip()
        for name, lane in zip(names, lanes, strict=True)
    ]
    legend = f"{LEGEND}; a column is {format_elapsed(window.step)}"
    return [*lines, "", *textwrap.wrap(legend, max(20, width))]


def total_rows(spans: Sequence[Span], now: float) -> list[tuple[str, ...]]:
    """What each role's time went into, for a table: `TOTALS_HEADER`."""
    return [_total_row(lane, now) for lane in lanes_of(spans)]


TOTALS_HEADER = (
    "ROLE",
    "AT WORK",
    "MODEL",
    "CODEX",
    "TOOLS",
    "FOR ROLES",
    "FOR A PERSON",
    "PAUSED",
)
"""The columns of `total_rows`; two of them are what it waited for."""


def wait_lines(spans: Sequence[Span], now: float) -> list[str]:
    """Who waited for whom, the longest first; safe to print."""
    waits: dict[tuple[str, str], float] = {}
    for span in spans:
        whom = "a person" if span.kind is SpanKind.PERSON else ", ".join(span.waits_for)
        if span.kind in (SpanKind.GATE, SpanKind.PERSON) and whom:
            at = (span.role, whom)
            waits[at] = waits.get(at, 0.0) + end_of(span, now) - span.started_at
    ordered = sorted(waits.items(), key=lambda wait: -wait[1])
    return [
        f"{one_line(role)} waited {format_elapsed(seconds)} for {one_line(whom, 200)}"
        for (role, whom), seconds in ordered
    ]


def _window(spans: Sequence[Span], cells: int, now: float) -> Window:
    """All of the time, as wide as there is room."""
    start = min((span.started_at for span in spans), default=now)
    end = max((end_of(span, now) for span in spans), default=now)
    return Window(start, max(end - start, 0.1) / cells, cells)


def _total_row(lane: Lane, now: float) -> tuple[str, ...]:
    totals = totals_of(lane, now)
    kinds = (
        SpanKind.MODEL,
        SpanKind.CODEX,
        SpanKind.TOOL,
        SpanKind.GATE,
        SpanKind.PERSON,
        SpanKind.PAUSED,
    )
    return (
        one_line(lane.role, _LONGEST_NAME) or "-",
        format_elapsed(totals.at_work),
        *(format_elapsed(totals.of(kind)) if kind in totals.seconds else "-" for kind in kinds),
    )


def _cells(kinds: Sequence[SpanKind | None]) -> str:
    return "".join(" " if kind is None else LETTERS[kind] for kind in kinds)
