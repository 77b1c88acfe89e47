"""Renders the timeline of a run: an axis, a lane per role, totals, and a span in words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.model.timeline import Lane, Window, lane_cells, lane_totals, span_end
from codextui.console.render.layout import Row, fit_row, truncate, wrap
from codextui.console.render.palette import Palette
from codextui.protocol.runs import Span, SpanKind
from codextui.text.figures import format_elapsed, format_tokens
from codextui.text.sanitize import one_line

SPAN_GLYPHS = {
    SpanKind.ROLE: "─",
    SpanKind.MODEL: "▒",
    SpanKind.CODEX: "█",
    SpanKind.TOOL: "◆",
    SpanKind.GATE: "·",
    SpanKind.PERSON: "?",
    SpanKind.PAUSED: "‖",
}
"""Glyphs of the cells of a lane, distinct without colour."""

FAILED_GLYPH = "✗"
"""Glyph of the last cell of a failed span."""

MAX_LABEL_WIDTH = 30
"""Cells of a role's name with the selection mark before it and the space behind it."""

_LEGEND = {
    SpanKind.MODEL: "model",
    SpanKind.CODEX: "codex",
    SpanKind.TOOL: "tool",
    SpanKind.GATE: "waits for roles",
    SpanKind.PERSON: "waits for a person",
    SpanKind.PAUSED: "paused",
    SpanKind.ROLE: "between steps",
}

_AXIS_ROWS = 2
"""Rows above the lanes: the times and the marks above the selected span."""

_FOOTER_ROWS = 7
"""Rows below the lanes without the totals: description, legend and space between them."""

_LOW = 14
"""Rows below which there are neither totals nor a legend."""

_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two times of the axis."""

_COLUMN_WIDTH, _MIN_COLUMN_WIDTH = 11, 8
"""Cells of a column of the totals: as many as there is room for, and at least."""

_TOTALS = {
    SpanKind.MODEL: "model",
    SpanKind.CODEX: "codex",
    SpanKind.TOOL: "tools",
    SpanKind.GATE: "roles",
    SpanKind.PERSON: "people",
    SpanKind.PAUSED: "paused",
}
"""The columns of the totals between `at work` and `tokens`."""

_LESS_IMPORTANT = (
    (SpanKind.PAUSED, _COLUMN_WIDTH),
    (SpanKind.TOOL, _COLUMN_WIDTH),
    (SpanKind.MODEL, _MIN_COLUMN_WIDTH),
    (SpanKind.PERSON, _MIN_COLUMN_WIDTH),
)
"""Columns that go first where it is narrow, each with the cells that every column needs."""


class Timeline(msgspec.Struct, frozen=True):
    """The contents of a timeline.

    Attributes:
        lanes: all lanes, as built by `build_lanes`.
        window: the time in view, with a cell for each column right of the labels.
        now: unix seconds, the end of open spans.
        origin: unix seconds of the start of the run; the axis counts from there.
        selected_lane: index of the selected lane.
        selected_span: the selected span of that lane, None for none.
    """

    lanes: Sequence[Lane]
    window: Window
    now: float
    origin: float
    selected_lane: int = 0
    selected_span: Span | None = None


def label_width(lanes: Sequence[Lane], width: int) -> int:
    """Return the cells that the labels of the lanes take of `width`."""
    longest = max((cell_len(one_line(lane.role, 80)) for lane in lanes), default=0)
    return min(longest + 2, MAX_LABEL_WIDTH, max(4, width * 27 // 100))


def lane_at(timeline: Timeline, height: int, y: int) -> int | None:
    """Return the index of the lane in row `y` of a timeline of `height` rows, None for none."""
    first, count, is_spaced = _visible_lanes(timeline, height)
    row = y - _AXIS_ROWS
    index = row // 2 if is_spaced else row
    return first + index if 0 <= index < count and not (is_spaced and row % 2) else None


def render_timeline(timeline: Timeline, width: int, height: int, palette: Palette) -> list[Strip]:
    """Render exactly `height` rows of exactly `width` cells."""
    if not timeline.lanes:
        words = "Nothing is known of what the time went into."
        return _fit(wrap([Segment(words, palette.muted)], width), width, height, palette)
    rows = [
        *_axis_rows(timeline, width, palette),
        *_lane_rows(timeline, width, height, palette),
        [],
        *_selection_rows(timeline, width, palette),
    ]
    if height < _LOW:
        return _fit(rows, width, height, palette)
    rows += [
        [],
        *_total_rows(timeline, width, height, palette),
        [],
        *_legend_rows(width, palette),
    ]
    return _fit(rows, width, height, palette)


def describe_span(span: Span, *, now: float, origin: float) -> str:
    """Describe who did what or waited for whom, how long, and when. Sanitized.

    Args:
        span: the span.
        now: unix seconds, the end of an open span.
        origin: unix seconds of the start of the run; times count from there.
    """
    start, end = span.started_at - origin, span_end(span, now) - origin
    is_open = span.ended_at is None
    who = one_line(span.role, 80) or "the run"
    what = f"{who} {_describe_activity(span, is_open=is_open)} {format_elapsed(end - start)}"
    if span.kind is SpanKind.GATE:
        what += f" for {_awaited(span)}"
    facts = [what, f"since {format_clock(start)}" if is_open else _format_times(start, end)]
    facts.extend([f"{format_tokens(span.tokens)} tokens"] if span.tokens > 0 else [])
    facts.extend(["it failed"] if span.failed else [])
    return ", ".join(facts)


def format_clock(seconds: float) -> str:
    """Format the time since the start of a run: `0:42`, `12:05`, `1:02:03`, `0:00.4`."""
    if not 0 <= seconds < 1e9:
        return "0:00"
    if 0 < seconds < 1:
        return f"0:00.{int(seconds * 10)}"
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def _describe_activity(span: Span, *, is_open: bool) -> str:
    name = one_line(span.name, 80)
    by_name = f" ({name})" if name else ""
    match span.kind:
        case SpanKind.ROLE:
            return "is at work for" if is_open else "was at work for"
        case SpanKind.MODEL:
            return f"{'waits' if is_open else 'waited'} for its model{by_name}"
        case SpanKind.CODEX:
            return f"{'has' if is_open else 'had'} Codex at work{by_name} for"
        case SpanKind.TOOL:
            return f"{'calls' if is_open else 'called'} {name or 'a tool'} for"
        case SpanKind.GATE:
            return "waits" if is_open else "waited"
        case SpanKind.PERSON:
            return f"{'waits' if is_open else 'waited'} for a person{by_name}"
        case SpanKind.PAUSED:
            return "is paused for" if is_open else "was paused for"


def _awaited(span: Span) -> str:
    names = ", ".join(one_line(name, 80) for name in span.waits_for[:20])
    return names or one_line(span.name, 120) or "other roles"


def _format_times(start: float, end: float) -> str:
    first, last = format_clock(start), format_clock(end)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _visible_lanes(timeline: Timeline, height: int) -> tuple[int, int, bool]:
    """Return the first visible lane, their number, and whether rows separate them."""
    every = len(timeline.lanes)
    if height < _LOW:
        count = max(1, min(height - _AXIS_ROWS - 3, every))
        first = max(0, min(timeline.selected_lane - count // 2, every - count))
        return first, count, False
    totals = every if _has_all_totals(timeline, height) else 1
    room = height - _AXIS_ROWS - _FOOTER_ROWS - 2 - totals
    is_spaced = 2 * every - 1 <= room
    count = every if is_spaced else max(1, min(room, every))
    first = max(0, min(timeline.selected_lane - count // 2, every - count))
    return first, count, is_spaced


def _has_all_totals(timeline: Timeline, height: int) -> bool:
    """Return whether there is room for the totals of every role."""
    return 2 * len(timeline.lanes) <= height - _AXIS_ROWS - _FOOTER_ROWS - 2


def _fit(rows: Sequence[Row], width: int, height: int, palette: Palette) -> list[Strip]:
    rows = [*rows[:height], *[[] for _ in range(height - len(rows))]]
    return [fit_row(row, width, palette.text) for row in rows]


def _axis_rows(timeline: Timeline, width: int, palette: Palette) -> list[Row]:
    window = timeline.window
    margin = Segment(" " * label_width(timeline.lanes, width), palette.text)
    marks = [" "] * window.cells
    if timeline.selected_span is not None:
        first, last = _visible_cells(timeline.selected_span, timeline)
        marks[first : last + 1] = "▾" * len(marks[first : last + 1])
    return [
        [margin, Segment(_axis_times(window, timeline.origin), palette.muted)],
        [margin, Segment("".join(marks), palette.accent)],
    ]


def _axis_times(window: Window, origin: float) -> str:
    """Return the times of the axis, at least ten cells apart."""
    every = next((t for t in _TICKS if t >= 10 * window.step), 10 * window.step)
    times = [" "] * window.cells
    tick = max(0, -int((origin - window.start) // every))
    while (cell := round((origin + tick * every - window.start) / window.step)) < window.cells:
        text = f"╷{format_clock(tick * every)}"[: window.cells - cell]
        if cell >= 0:
            times[cell : cell + len(text)] = text
        tick += 1
    return "".join(times)


def _visible_cells(span: Span, timeline: Timeline) -> tuple[int, int]:
    """Return the first and last visible cell of a span; the last is less if there is none."""
    window = timeline.window
    first, last = window.cell_of(span.started_at), window.cell_of(span_end(span, timeline.now))
    return max(0, first), min(window.cells - 1, last)


def _lane_rows(timeline: Timeline, width: int, height: int, palette: Palette) -> list[Row]:
    first, count, is_spaced = _visible_lanes(timeline, height)
    rows: list[Row] = []
    for index in range(first, first + count):
        if is_spaced and rows:
            rows.append([])
        rows.append(_lane_row(timeline, index, width, palette))
    return rows


def _lane_row(timeline: Timeline, index: int, width: int, palette: Palette) -> Row:
    lane, is_selected = timeline.lanes[index], index == timeline.selected_lane
    name = _lane_name(lane, label_width(timeline.lanes, width) - 1)
    row = [
        Segment("▌" if is_selected else " ", palette.accent),
        Segment(name, palette.strong if is_selected else palette.text),
    ]
    kinds = lane_cells(lane, timeline.window, timeline.now)
    failed = {_visible_cells(span, timeline)[1] for span in lane.selectable if span.failed}
    for cell, kind in enumerate(kinds):
        if cell in failed:
            row.append(Segment(FAILED_GLYPH, palette.error))
        elif kind is None:
            row.append(Segment(" ", palette.text))
        else:
            row.append(Segment(SPAN_GLYPHS[kind], _span_style(kind, palette)))
    return row


def _lane_name(lane: Lane, width: int) -> str:
    """Return the role's name, padded to `width` cells with at least one space."""
    name = truncate(one_line(lane.role, 80) or "the run", width - 1)
    return name + " " * (width - cell_len(name))


def _selection_rows(timeline: Timeline, width: int, palette: Palette) -> list[Row]:
    """Describe the selected span in two rows."""
    words = "Nothing is chosen."
    if timeline.selected_span is not None:
        words = describe_span(timeline.selected_span, now=timeline.now, origin=timeline.origin)
    rows = wrap([Segment(words, palette.strong)], width)[:2]
    return [*rows, *[[] for _ in range(2 - len(rows))]]


def _total_rows(timeline: Timeline, width: int, height: int, palette: Palette) -> list[Row]:
    """Lay out the totals of all roles, or of the selected one if there is no room."""
    left = label_width(timeline.lanes, width)
    kinds = _total_kinds(width - left)
    names = ["at work", *(_TOTALS[kind] for kind in kinds), "tokens"]
    size = min(_COLUMN_WIDTH, (width - left) // len(names))
    group = " " * (left + size * names.index("roles")) + "waited for:".rjust(size + 3)
    head = " " * left + "".join(name.rjust(size) for name in names)
    rows: list[Row] = [[Segment(group, palette.muted)], [Segment(head, palette.muted)]]
    lanes = timeline.lanes
    if not _has_all_totals(timeline, height):
        lanes = lanes[timeline.selected_lane : timeline.selected_lane + 1]
    for lane in lanes:
        cells = _format_totals(lane, kinds, timeline.now)
        figures = "".join(truncate(cell, size - 1).rjust(size) for cell in cells)
        label = Segment(f" {_lane_name(lane, left - 1)}", palette.muted)
        rows.append([label, Segment(figures, palette.text)])
    return rows


def _total_kinds(room: int) -> list[SpanKind]:
    """Return the kinds that have a column of their own."""
    kinds = list(_TOTALS)
    for kind, size in _LESS_IMPORTANT:
        if (len(kinds) + 2) * size > room:
            kinds.remove(kind)
    return kinds


def _format_totals(lane: Lane, kinds: Sequence[SpanKind], now: float) -> list[str]:
    totals = lane_totals(lane, now)
    times = [totals.working, *(totals.of(kind) for kind in kinds)]
    return [
        *(format_elapsed(seconds) if seconds else "-" for seconds in times),
        format_tokens(totals.tokens) if totals.tokens else "-",
    ]


def _legend_rows(width: int, palette: Palette) -> list[Row]:
    """Lay out the meaning of the glyphs; an entry is never broken."""
    rows: list[Row] = [[]]
    used = 0
    for kind, words in _LEGEND.items():
        size = len(words) + 5
        if used and used + size > width:
            rows.append([])
            used = 0
        used += size
        rows[-1] += [
            Segment(f" {SPAN_GLYPHS[kind]} ", _span_style(kind, palette)),
            Segment(f"{words}  ", palette.muted),
        ]
    if used + 10 <= width:
        rows[-1] += [Segment(f" {FAILED_GLYPH} ", palette.error), Segment("failed", palette.muted)]
    return rows


def _span_style(kind: SpanKind, palette: Palette) -> Style:
    match kind:
        case SpanKind.ROLE:
            return palette.faint
        case SpanKind.MODEL:
            return palette.running
        case SpanKind.CODEX:
            return palette.success
        case SpanKind.TOOL:
            return palette.accent
        case SpanKind.GATE:
            return palette.muted
        case SpanKind.PERSON:
            return palette.needs_input
        case SpanKind.PAUSED:
            return palette.interrupted
