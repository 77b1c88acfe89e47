"""Where the time of a run's roles went, ready to be drawn: lanes, totals, a window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from codextui.wire.run import Span, SpanKind

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

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600, 7200, 21600, 86400)
"""Seconds that one cell can stand for."""


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
    """Seconds by what they went into, and tokens; spans that go on count up to now.

    Attributes:
        seconds: by kind; `SpanKind.ROLE` is all the time from starts to ends.
        tokens: of all spans.
    """

    seconds: dict[SpanKind, float] = field(default_factory=dict)
    tokens: int = 0

    def of(self, kind: SpanKind) -> float:
        """The seconds of a kind."""
        return self.seconds.get(kind, 0.0)

    @property
    def at_work(self) -> float:
        """The time from starts to ends, less what it only waited or was paused."""
        idle = sum(self.of(kind) for kind in (SpanKind.GATE, SpanKind.PERSON, SpanKind.PAUSED))
        busy = sum(self.of(kind) for kind in (SpanKind.MODEL, SpanKind.CODEX, SpanKind.TOOL))
        return max(0.0, self.of(SpanKind.ROLE) - idle) if SpanKind.ROLE in self.seconds else busy


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


def lanes_of(spans: Iterable[Span]) -> list[Lane]:
    """A lane for each role, in the order in which the roles began."""
    by_role: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.started_at, span.span_id)):
        by_role.setdefault(span.role, []).append(span)
    return [
        Lane(
            role,
            tuple(span for span in its if span.kind is SpanKind.ROLE),
            tuple(span for span in its if span.kind is not SpanKind.ROLE),
        )
        for role, its in by_role.items()
    ]


def totals_of(lane: Lane, now: float) -> Totals:
    """What a role's time went into; time that spans of one kind share is counted once."""
    seconds = {
        kind: _covered([span for span in (*lane.stints, *lane.spans) if span.kind is kind], now)
        for kind in {span.kind for span in (*lane.stints, *lane.spans)}
    }
    return Totals(seconds, sum(max(0, span.tokens) for span in (*lane.stints, *lane.spans)))


def _covered(spans: Sequence[Span], now: float) -> float:
    total, until = 0.0, float("-inf")
    for span in sorted(spans, key=lambda span: span.started_at):
        end = end_of(span, now)
        total += max(0.0, end - max(span.started_at, until))
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
