"""A team's run as a screen shows it: its gate board, and what its roles' time went into."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from codextui.protocol.runs import Gate, Span

MAX_SPANS = 5_000
"""Spans of one run that are kept."""

_NEVER = 1e11
"""Unix seconds that no clock shows."""

MAX_GATES = 1_000
"""Gates of one run that are kept."""


@dataclass(slots=True)
class RunView:
    """What a run told beside its transcript. Changed by `Board` alone.

    Attributes:
        gates: the gate board as it was last told.
        spans: by id, in the order in which they were first told.
        version: grows with every change.
        dropped: spans that were forgotten, the oldest that are over first.
    """

    gates: tuple[Gate, ...] = ()
    spans: dict[str, Span] = field(default_factory=dict)
    version: int = 0
    dropped: int = 0

    def set_gates(self, gates: tuple[Gate, ...]) -> bool:
        """Take the whole board; whether it is another one."""
        gates = gates[:MAX_GATES]
        if gates == self.gates:
            return False
        self.gates = gates
        self.version += 1
        return True

    def put_span(self, span: Span, at: float) -> bool:
        """Take a span that began or ended; whether anything changed.

        Args:
            span: as it was told; times that cannot be are replaced by `at`.
            at: unix seconds of the telling.
        """
        span = _with_times(span, at)
        if self.spans.get(span.span_id) == span:
            return False
        self.spans[span.span_id] = span
        self.version += 1
        if len(self.spans) > MAX_SPANS:
            self._forget_one()
        return True

    def _forget_one(self) -> None:
        over = (key for key, span in self.spans.items() if span.ended_at is not None)
        del self.spans[next(over, next(iter(self.spans)))]
        self.dropped += 1

    @property
    def met(self) -> int:
        """How many gates are met."""
        return sum(gate.met for gate in self.gates)


def _with_times(span: Span, at: float) -> Span:
    start = span.started_at if 0 < span.started_at < _NEVER else at
    end = span.ended_at
    if end is not None and not start <= end < _NEVER:
        end = max(start, at)
    return structs.replace(span, started_at=start, ended_at=end)
