"""Where the time of a run's roles went, ready to be drawn: lanes, totals, a window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from codextui.protocol.runs import Span, SpanKind

DEPTH = (
    SpanKind.PERSON,
    SpanKind.PAUSED,
    SpanKind.GATE,
    SpanKind.TOOL,
    SpanKind.CODEX,
    SpanKind.MODEL,
    SpanKind.ROLE,
)
"""Where spans of one role lie over each other, the innermost is told: the first of these."""

STEPS = tuple(
    base * unit for unit in (0.1, 1, 10, 60, 600, 3600, 36000) for base in (1, 1.5, 2, 3, 4.5, 7)
)
"""Seconds that one cell can stand for, from a tenth to nearly two days."""

_WAITS = (SpanKind.GATE, SpanKind.PERSON, SpanKind.PAUSED)


@dataclass(frozen=True, slots=True)
class Lane:
    """A role's spans by their start, those that they are part of (`SpanKind.ROLE`) apart.

    Attributes:
        role: whose they are.
        stints: from a start to an end of the role.
        spans: what these went into.
    """

    role: str
    stints: tuple[Span, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def choices(self) -> tuple[Span, ...]:
        """What can be chosen to be told in words: the spans, or the stints where none are."""
        return self.spans or self.stints


@dataclass(frozen=True, slots=True)
class Totals:
    """What a role's time went into; spans that go on count up to now.

    Attributes:
        at_work: seconds from its starts to its ends in which it neither waited for roles or
            people nor was paused.
        seconds: by kind; those of work without what was waited in them.
        tokens: of all spans.
    """

    at_work: float = 0.0
    seconds: dict[SpanKind, float] = field(default_factory=dict)
    tokens: int = 0

    def of(self, kind: SpanKind) -> float:
        """The seconds of a kind."""
        return self.seconds.get(kind, 0.0)


@dataclass(frozen=True, slots=True)
class Window:
    """The time in sight.

    Attributes:
        start: unix seconds at the left edge of the first cell.
        step: seconds that one cell stands for.
        cells: how many there are.
    """

    start: float
    step: float
    cells: int

    @property
    def end(self) -> float:
        """Unix seconds at the right edge of the last cell."""
        return self.start + self.step * self.cells

    def cell_of(self, at: float) -> int:
        """The cell of a moment; below 0 or beyond the last where it is out of sight."""
        return int((at - self.start) // self.step)

    def moved(self, cells: int) -> Window:
        """Earlier (below 0) or later."""
        return replace(self, start=self.start + cells * self.step)

    def showing(self, span: Span, now: float) -> Window:
        """Moved as little as needed to have a span, or its beginning, in sight."""
        first, last = self.cell_of(span.started_at), self.cell_of(end_of(span, now))
        if last >= self.cells:
            return self.moved(min(first, last - self.cells + 1))
        return self.moved(first) if first < 0 else self


def end_of(span: Span, now: float) -> float:
    """When a span ended, or now; never before its start."""
    return max(span.started_at, now if span.ended_at is None else span.ended_at)


def span_at(lane: Lane, at: float, now: float) -> Span | None:
    """The innermost span of a lane at a moment, or the nearest; None where it has none."""

    def distance(span: Span) -> tuple[float, int]:
        away = max(span.started_at - at, at - end_of(span, now), 0.0)
        return away, DEPTH.index(span.kind)

    return min(lane.choices, key=distance, default=None)


def lanes_of(spans: Iterable[Span], roles: Sequence[str] = ()) -> list[Lane]:
    """A lane for each role that something was told of.

    Args:
        spans: in any order.
        roles: the order of the lanes; others follow in the order in which they began.
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


def totals_of(lane: Lane, now: float) -> Totals:
    """What a role's time went into; time that spans share is counted once.

    What waits for a person, for roles, or for a pause to end is no work, even where Codex or a
    tool is what asked.
    """
    every = (*lane.stints, *lane.spans)
    times = {
        kind: [(span.started_at, end_of(span, now)) for span in every if span.kind is kind]
        for kind in {span.kind for span in every}
    }
    waits = [time for kind in _WAITS for time in times.get(kind, [])]
    stints = times.get(SpanKind.ROLE) or [time for times_ in times.values() for time in times_]
    at_work = _without(stints, waits)
    seconds = {
        kind: _covered(own) if kind in _WAITS else _without(own, waits)
        for kind, own in times.items()
    }
    return Totals(at_work, seconds, sum(max(0, span.tokens) for span in every))


def _without(times: list[tuple[float, float]], waits: list[tuple[float, float]]) -> float:
    """The seconds of some times that no wait covers: what either covers, less the waits."""
    return max(0.0, _covered([*times, *waits]) - _covered(waits))


def _covered(times: Iterable[tuple[float, float]]) -> float:
    """The seconds that at least one of some times covers."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(times):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def cells_of(lane: Lane, window: Window, now: float) -> list[SpanKind | None]:
    """What each cell of a lane shows: what most of its time went into, None for nothing."""
    shares: list[dict[SpanKind, float]] = [{} for _ in range(window.cells)]
    for span in (*lane.stints, *lane.spans):
        _share_out(span, window, now, shares)
    return [_foremost(share, window.step) for share in shares]


def _share_out(span: Span, window: Window, now: float, shares: list[dict[SpanKind, float]]) -> None:
    start, end = span.started_at, end_of(span, now)
    first, last = max(0, window.cell_of(start)), min(window.cells - 1, window.cell_of(end))
    for cell in range(first, last + 1):
        left = window.start + cell * window.step
        inside = min(end, left + window.step) - max(start, left)
        # What took no time at all is there all the same.
        inside = max(inside, window.step / 1000) if start >= left else inside
        if inside > 0:
            shares[cell][span.kind] = shares[cell].get(span.kind, 0.0) + inside


def _foremost(share: dict[SpanKind, float], step: float) -> SpanKind | None:
    """The kind with the most time, where of overlapping ones the innermost has it."""
    left, best, most = step, None, 0.0
    for kind in DEPTH:
        if kind in share:
            own = min(left, share[kind])
            left -= own
            if own > most:
                best, most = kind, own
    return best


def fitting(spans: Iterable[Span], cells: int, now: float) -> Window:
    """A window that has all spans in sight, in `cells` cells, as near as that can be."""
    every = list(spans)
    start = min((span.started_at for span in every), default=now)
    end = max((end_of(span, now) for span in every), default=now)
    cells = max(1, cells)
    step = next((step for step in STEPS if step * cells >= end - start), (end - start) / cells)
    return Window(start, float(step), cells)


def following(window: Window, first: float, now: float) -> Window:
    """The window with now in its last cell, but never before all that is to be seen.

    Args:
        window: what is in sight.
        first: when the first span began.
        now: unix seconds.
    """
    return replace(window, start=max(first, now - window.step * (window.cells - 1)))


def zoomed(window: Window, closer: bool, around: float) -> Window:
    """The next step closer or further, with the moment `around` in the same cell."""
    steps = [step for step in STEPS if (step < window.step if closer else step > window.step)]
    if not steps:
        return window
    step = float(steps[-1] if closer else steps[0])
    cell = max(0, min(window.cells - 1, window.cell_of(around)))
    return Window(around - cell * step, step, window.cells)
