"""The timeline of a run: lanes of spans, totals per role, and the window of time in view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import structs

from codextui.protocol.runs import Span, SpanKind

INNERMOST_FIRST = (
    SpanKind.PERSON,
    SpanKind.PAUSED,
    SpanKind.GATE,
    SpanKind.TOOL,
    SpanKind.CODEX,
    SpanKind.MODEL,
    SpanKind.ROLE,
)
"""Kinds by nesting: of overlapping spans of a role, the kind listed first is shown."""

ZOOM_STEPS = tuple(
    base * unit for unit in (0.1, 1, 10, 60, 600, 3600, 36000) for base in (1, 1.5, 2, 3, 4.5, 7)
)
"""Seconds per cell, from a tenth of a second to nearly three days."""

_WAITS = (SpanKind.GATE, SpanKind.PERSON, SpanKind.PAUSED)


class Lane(msgspec.Struct, frozen=True):
    """A role's spans, by start.

    Attributes:
        role: the role's name.
        role_turns: its spans of kind `ROLE`, each from the start to the end of the role's work.
        spans: all other spans; they nest in the role turns.
    """

    role: str
    role_turns: tuple[Span, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def selectable(self) -> tuple[Span, ...]:
        """Spans that can be selected: the nested ones, or the role turns if there are none."""
        return self.spans or self.role_turns


class Totals(msgspec.Struct, frozen=True):
    """The times of a role by use; open spans count up to now.

    Attributes:
        working: seconds of its role turns, without waits and pauses.
        seconds: by kind; those of work exclude waits and pauses within them.
        tokens: tokens of all spans.
    """

    working: float = 0.0
    seconds: dict[SpanKind, float] = msgspec.field(default_factory=dict)
    tokens: int = 0

    def of(self, kind: SpanKind) -> float:
        """Return the seconds of a kind."""
        return self.seconds.get(kind, 0.0)


class Window(msgspec.Struct, frozen=True):
    """The time in view.

    Attributes:
        start: unix seconds at the left edge of the first cell.
        step: seconds per cell.
        cells: number of cells.
    """

    start: float
    step: float
    cells: int

    @property
    def end(self) -> float:
        """Unix seconds at the right edge of the last cell."""
        return self.start + self.step * self.cells

    def cell_of(self, at: float) -> int:
        """Return the cell of a time; negative or beyond the last cell if out of view."""
        return int((at - self.start) // self.step)

    def shifted(self, cells: int) -> Window:
        """Return the window moved by `cells`, to earlier times if negative."""
        return structs.replace(self, start=self.start + cells * self.step)

    def scrolled_to(self, span: Span, now: float) -> Window:
        """Return the window moved as little as needed to show a span, or at least its start."""
        first, last = self.cell_of(span.started_at), self.cell_of(span_end(span, now))
        if last >= self.cells:
            return self.shifted(min(first, last - self.cells + 1))
        return self.shifted(first) if first < 0 else self

    def following(self, first: float, now: float) -> Window:
        """Return the window moved to have `now` in its last cell, but not to before `first`."""
        return structs.replace(self, start=max(first, now - self.step * (self.cells - 1)))

    def zoomed(self, *, closer: bool, around: float) -> Window:
        """Return the window at the next zoom step, with the time `around` in the same cell."""
        steps = [step for step in ZOOM_STEPS if (step < self.step if closer else step > self.step)]
        if not steps:
            return self
        step = float(steps[-1] if closer else steps[0])
        cell = max(0, min(self.cells - 1, self.cell_of(around)))
        return Window(around - cell * step, step, self.cells)


def fit_window(spans: Iterable[Span], cells: int, now: float) -> Window:
    """Return the closest window that shows all spans in `cells` cells."""
    every = list(spans)
    start = min((span.started_at for span in every), default=now)
    end = max((span_end(span, now) for span in every), default=now)
    cells = max(1, cells)
    step = next((step for step in ZOOM_STEPS if step * cells >= end - start), (end - start) / cells)
    return Window(start, float(step), cells)


def span_end(span: Span, now: float) -> float:
    """Return when a span ended, or `now` if it is open; never before its start."""
    return max(span.started_at, now if span.ended_at is None else span.ended_at)


def span_at(lane: Lane, at: float, now: float) -> Span | None:
    """Return the innermost selectable span of a lane at a time, or else the nearest one."""

    def distance(span: Span) -> tuple[float, int]:
        away = max(span.started_at - at, at - span_end(span, now), 0.0)
        return away, INNERMOST_FIRST.index(span.kind)

    return min(lane.selectable, key=distance, default=None)


def build_lanes(spans: Iterable[Span], roles: Sequence[str] = ()) -> list[Lane]:
    """Build a lane for each role that has spans.

    Args:
        spans: in any order.
        roles: the order of the lanes; other roles follow in the order of their first spans.
    """
    by_role: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.started_at):
        by_role.setdefault(span.role, []).append(span)
    known = [role for role in dict.fromkeys(roles) if role in by_role]
    by_role = {role: by_role[role] for role in dict.fromkeys([*known, *by_role])}
    return [
        Lane(
            role,
            tuple(span for span in its if span.kind is SpanKind.ROLE),
            tuple(span for span in its if span.kind is not SpanKind.ROLE),
        )
        for role, its in by_role.items()
    ]


def lane_totals(lane: Lane, now: float) -> Totals:
    """Sum up a role's time, counting time shared by several spans once.

    Waiting for a person, for other roles or for the end of a pause is not work, even inside a
    span of Codex or of a tool.
    """
    every = (*lane.role_turns, *lane.spans)
    times = {
        kind: [(span.started_at, span_end(span, now)) for span in every if span.kind is kind]
        for kind in {span.kind for span in every}
    }
    waits = [time for kind in _WAITS for time in times.get(kind, [])]
    turns = times.get(SpanKind.ROLE) or [time for times_ in times.values() for time in times_]
    seconds = {
        kind: _covered(own) if kind in _WAITS else _covered_without(own, waits)
        for kind, own in times.items()
    }
    tokens = sum(max(0, span.tokens) for span in every)
    return Totals(_covered_without(turns, waits), seconds, tokens)


def _covered_without(times: list[tuple[float, float]], waits: list[tuple[float, float]]) -> float:
    """Return the seconds covered by `times` but by no wait."""
    return max(0.0, _covered([*times, *waits]) - _covered(waits))


def _covered(times: Iterable[tuple[float, float]]) -> float:
    """Return the seconds covered by at least one of `times`."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(times):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def lane_cells(lane: Lane, window: Window, now: float) -> list[SpanKind | None]:
    """Return for each cell the kind that takes most of its time, None for an empty cell."""
    shares: list[dict[SpanKind, float]] = [{} for _ in range(window.cells)]
    for span in (*lane.role_turns, *lane.spans):
        _add_shares(span, window, now, shares)
    return [_dominant_kind(share, window.step) for share in shares]


def _add_shares(
    span: Span, window: Window, now: float, shares: list[dict[SpanKind, float]]
) -> None:
    start, end = span.started_at, span_end(span, now)
    first, last = max(0, window.cell_of(start)), min(window.cells - 1, window.cell_of(end))
    for cell in range(first, last + 1):
        left = window.start + cell * window.step
        inside = min(end, left + window.step) - max(start, left)
        # A span of no duration is still shown.
        inside = max(inside, window.step / 1000) if start >= left else inside
        if inside > 0:
            shares[cell][span.kind] = shares[cell].get(span.kind, 0.0) + inside


def _dominant_kind(share: dict[SpanKind, float], step: float) -> SpanKind | None:
    """Return the kind with the most time; overlapping time belongs to the innermost kind."""
    left, best, most = step, None, 0.0
    for kind in INNERMOST_FIRST:
        if kind in share:
            own = min(left, share[kind])
            left -= own
            if own > most:
                best, most = kind, own
    return best
