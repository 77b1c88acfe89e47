"""The timeline of a run: a lane for each role, totals, and a span in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.timeline import Lane, Window, cells_of, end_of, totals_of
from codextui.console.render.layout import Row, cut, fit, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.runs import Span, SpanKind
from codextui.text.figures import format_elapsed, format_tokens
from codextui.text.sanitize import one_line


def format_clock(seconds: float) -> str:
    """Time since a run began: `0:42`, `12:05`, `1:02:03`, `0:00.4` for less than a second."""
    if not 0 <= seconds < 1e9:
        return "0:00"
    if 0 < seconds < 1:
        return f"0:00.{int(seconds * 10)}"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def span_words(span: Span, *, now: float, origin: float) -> str:
    """Who did what or waited for whom, how long, and when. Safe to show.

    Args:
        span: the piece of time.
        now: unix seconds, for what goes on.
        origin: unix seconds when the run began: times are told from there.
    """
    begun, ended = span.started_at - origin, end_of(span, now) - origin
    took = format_elapsed(ended - begun)
    goes_on = span.ended_at is None
    when = f"since {format_clock(begun)}" if goes_on else _from_to(begun, ended)
    facts = [f"{one_line(span.role, 80) or 'the run'} {_deed(span, goes_on=goes_on)} {took}"]
    if span.kind is SpanKind.GATE:
        facts[0] += f" for {_awaited(span)}"
    facts.append(when)
    facts.extend([f"{format_tokens(span.tokens)} tokens"] if span.tokens > 0 else [])
    facts.extend(["it failed"] if span.failed else [])
    return ", ".join(facts)


def _deed(span: Span, *, goes_on: bool) -> str:
    name = one_line(span.name, 80)
    by_name = f" ({name})" if name else ""
    match span.kind:
        case SpanKind.ROLE:
            return "is at work for" if goes_on else "was at work for"
        case SpanKind.MODEL:
            return f"{'waits' if goes_on else 'waited'} for its model{by_name}"
        case SpanKind.CODEX:
            return f"{'has' if goes_on else 'had'} Codex at work{by_name} for"
        case SpanKind.TOOL:
            return f"{'calls' if goes_on else 'called'} {name or 'a tool'} for"
        case SpanKind.GATE:
            return "waits" if goes_on else "waited"
        case SpanKind.PERSON:
            return f"{'waits' if goes_on else 'waited'} for a person{by_name}"
        case SpanKind.PAUSED:
            return "is paused for" if goes_on else "was paused for"


def _awaited(span: Span) -> str:
    names = ", ".join(one_line(name, 80) for name in span.waits_for[:20])
    return names or one_line(span.name, 120) or "other roles"


def _from_to(begun: float, ended: float) -> str:
    first, last = format_clock(begun), format_clock(ended)
    return f"at {first}" if first == last else f"from {first} to {last}"


MAX_LABEL = 30
"""Cells of a role's name, at most, with the mark before and the space behind it."""

GLYPHS = {
    SpanKind.ROLE: "─",
    SpanKind.MODEL: "▒",
    SpanKind.CODEX: "█",
    SpanKind.TOOL: "◆",
    SpanKind.GATE: "·",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "‖",
}
"""One for each kind, so that no colour is needed."""

FAILED = "✗"
"""The last cell of a span that ended badly."""

_LEGEND = {
    SpanKind.MODEL: "model",
    SpanKind.CODEX: "codex",
    SpanKind.TOOL: "tool",
    SpanKind.GATE: "waits for roles",
    SpanKind.PERSON: "waits for a person",
    SpanKind.PAUSED: "paused",
    SpanKind.ROLE: "between steps",
}

_AXIS = 2
"""Rows above the lanes: the times, and the marks of what is chosen."""

_REST = 7
"""Rows below the lanes beside the totals: words and legend of two each, and what sets them off."""

_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two times of the axis."""

_COLUMN = 11
"""Cells of a column of the totals."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What of a run's time is to be drawn, and how.

    Attributes:
        lanes: all of them; `model.timeline.lanes_of`.
        window: the time in sight; its cells are those right of the names (`label_width`).
        now: unix seconds, for what goes on.
        origin: unix seconds when the run began.
        lane: the index of the chosen lane.
        span: what is chosen in it, None for nothing.
    """

    lanes: Sequence[Lane]
    window: Window
    now: float
    origin: float
    lane: int = 0
    span: Span | None = None


def label_width(lanes: Sequence[Lane], width: int) -> int:
    """Cells that the names of the roles take."""
    longest = max((cell_len(one_line(lane.role, 80)) for lane in lanes), default=0)
    return min(longest + 2, MAX_LABEL, max(4, width * 27 // 100))


def render_timeline(picture: Picture, width: int, height: int, palette: Palette) -> list[Strip]:
    """Exactly `height` rows of exactly `width` cells: times, lanes, words, totals, glyphs."""
    if not picture.lanes:
        empty = Segment("Nothing has been told of what this run's time went into.", palette.muted)
        rows = [*wrap([empty], width)]
        return _filled(rows, width, height, palette)
    foot = [[], *_words(picture, width, palette)]
    legend = _legend_rows(width, palette)
    totals = _total_rows(picture, width, palette, all_of_them=_has_all_totals(picture, height))
    lanes = _lane_rows(picture, width, height, palette)
    rows = [*_axis_rows(picture, width, palette), *lanes, *foot, [], *totals, [], *legend]
    return _filled(rows, width, height, palette)


def lane_at(picture: Picture, height: int, y: int) -> int | None:
    """The index of the lane in row `y` of a timeline of `height` rows, None where there is none."""
    top, count, spread = _lanes_in_sight(picture, height)
    row = y - _AXIS
    index = row // 2 if spread else row
    return top + index if 0 <= index < count and not (spread and row % 2) else None


def _has_all_totals(picture: Picture, height: int) -> bool:
    """Whether there is room for a row of totals for each role."""
    return 2 * len(picture.lanes) <= height - _AXIS - _REST - 2


def _lanes_in_sight(picture: Picture, height: int) -> tuple[int, int, bool]:
    """The first lane in sight, how many there are, and whether they are set off."""
    every = len(picture.lanes)
    totals = every if _has_all_totals(picture, height) else 1
    room = height - _AXIS - _REST - 2 - totals
    spread = 2 * every - 1 <= room
    count = every if spread else max(1, min(room, every))
    return max(0, min(picture.lane - count // 2, every - count)), count, spread


def _filled(rows: Sequence[Row], width: int, height: int, palette: Palette) -> list[Strip]:
    rows = [*rows[:height], *[[] for _ in range(height - len(rows))]]
    return [fit(row, width, palette.text) for row in rows]


def _axis_rows(picture: Picture, width: int, palette: Palette) -> list[Row]:
    """The times, and marks above the cells of what is chosen."""
    window = picture.window
    margin = Segment(" " * label_width(picture.lanes, width), palette.text)
    marks = [" "] * window.cells
    if picture.span is not None:
        first, last = _cells_of_span(picture.span, picture)
        marks[first : last + 1] = "▾" * len(marks[first : last + 1])
    return [
        [margin, Segment(_times(window, picture.origin), palette.muted)],
        [margin, Segment("".join(marks), palette.accent)],
    ]


def _times(window: Window, origin: float) -> str:
    """A time every ten cells or more, at a round number of seconds since the run began."""
    every = next((t for t in _TICKS if t >= 10 * window.step), 10 * window.step)
    times = [" "] * window.cells
    tick = max(0, -int((origin - window.start) // every))
    while (cell := round((origin + tick * every - window.start) / window.step)) < window.cells:
        told = f"╷{format_clock(tick * every)}"[: window.cells - cell]
        if cell >= 0:
            times[cell : cell + len(told)] = told
        tick += 1
    return "".join(times)


def _cells_of_span(span: Span, picture: Picture) -> tuple[int, int]:
    """The first and last cell in sight; the last below the first where none is."""
    window = picture.window
    first, last = window.cell_of(span.started_at), window.cell_of(end_of(span, picture.now))
    return max(0, first), min(window.cells - 1, last)


def _lane_rows(picture: Picture, width: int, height: int, palette: Palette) -> list[Row]:
    """As many lanes as there is room for, the chosen one among them, set off where they can be."""
    top, count, spread = _lanes_in_sight(picture, height)
    rows: list[Row] = []
    for index in range(top, top + count):
        if spread and rows:
            rows.append([])
        rows.append(_lane_row(picture, index, width, palette))
    return rows


def _lane_row(picture: Picture, index: int, width: int, palette: Palette) -> Row:
    lane, is_chosen = picture.lanes[index], index == picture.lane
    room = label_width(picture.lanes, width)
    name = cut(one_line(lane.role, 80) or "the run", room - 2)
    label = Segment(name.ljust(room - 1 - cell_len(name) + len(name)), palette.text)
    if is_chosen:
        label = Segment(label.text, palette.strong)
    row = [Segment("▌" if is_chosen else " ", palette.accent), label]
    kinds = cells_of(lane, picture.window, picture.now)
    failed = {_cells_of_span(span, picture)[1] for span in lane.choices if span.failed}
    for cell, kind in enumerate(kinds):
        if cell in failed:
            row.append(Segment(FAILED, palette.bad))
        elif kind is None:
            row.append(Segment(" ", palette.text))
        else:
            row.append(Segment(GLYPHS[kind], _style(kind, palette)))
    return row


def _words(picture: Picture, width: int, palette: Palette) -> list[Row]:
    """What is chosen, in two rows."""
    if picture.span is None:
        words = "Nothing is chosen."
    else:
        words = span_words(picture.span, now=picture.now, origin=picture.origin)
    rows = wrap([Segment(words, palette.strong)], width)[:2]
    return [*rows, *[[] for _ in range(2 - len(rows))]]


def _total_rows(picture: Picture, width: int, palette: Palette, *, all_of_them: bool) -> list[Row]:
    """A row for each role, or only for the chosen one, under the names of the columns."""
    left = label_width(picture.lanes, width)
    names = ["at work", "model", "codex", "roles", "people", "tokens"]
    kinds = [SpanKind.MODEL, SpanKind.CODEX, SpanKind.GATE, SpanKind.PERSON]
    if left + (len(names) + 2) * _COLUMN <= width:
        names = ["at work", "model", "codex", "tools", "roles", "people", "paused", "tokens"]
        kinds = [*kinds[:2], SpanKind.TOOL, *kinds[2:], SpanKind.PAUSED]
    size = min(_COLUMN, (width - left) // len(names))
    above = " " * (left + size * names.index("roles")) + "waited for:".rjust(size + 3)
    head = " " * left + "".join(name.rjust(size) for name in names)
    rows: list[Row] = [[Segment(above, palette.muted)], [Segment(head, palette.muted)]]
    lanes = picture.lanes if all_of_them else picture.lanes[picture.lane : picture.lane + 1]
    for lane in lanes:
        totals = totals_of(lane, picture.now)
        told = [totals.at_work, *(totals.of(kind) for kind in kinds)]
        cells = [format_elapsed(seconds) if seconds else "-" for seconds in told]
        cells.append(format_tokens(totals.tokens) if totals.tokens else "-")
        name = cut(one_line(lane.role, 80) or "the run", left - 2)
        label = f" {name}{' ' * (left - 1 - cell_len(name))}"
        figures = "".join(cut(cell, size - 1).rjust(size) for cell in cells)
        rows.append([Segment(label, palette.muted), Segment(figures, palette.text)])
    return rows


def _legend_rows(width: int, palette: Palette) -> list[Row]:
    """What the glyphs mean, broken between two of them only."""
    rows: list[Row] = [[]]
    used = 0
    for kind, words in _LEGEND.items():
        size = len(words) + 5
        if used and used + size > width:
            rows.append([])
            used = 0
        used += size
        rows[-1] += [
            Segment(f" {GLYPHS[kind]} ", _style(kind, palette)),
            Segment(f"{words}  ", palette.muted),
        ]
    if used + 10 <= width:
        rows[-1] += [Segment(f" {FAILED} ", palette.bad), Segment("failed", palette.muted)]
    return rows


def _style(kind: SpanKind, palette: Palette) -> Style:
    match kind:
        case SpanKind.ROLE:
            return palette.faint
        case SpanKind.MODEL:
            return palette.running
        case SpanKind.CODEX:
            return palette.good
        case SpanKind.TOOL:
            return palette.accent
        case SpanKind.GATE:
            return palette.muted
        case SpanKind.PERSON:
            return palette.asking
        case SpanKind.PAUSED:
            return palette.interrupted
