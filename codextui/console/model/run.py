"""A team run as the console shows it: gates, spans and a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec
from msgspec import structs

from codextui.protocol.runs import Gate, Span
from codextui.protocol.threads import ThreadState, Usage

MAX_SPANS = 5_000
"""Spans stored per run."""

MAX_GATES = 1_000
"""Gates stored per run."""

FINISHED_STATES = frozenset(
    {ThreadState.DONE, ThreadState.INTERRUPTED, ThreadState.FAILED, ThreadState.KILLED}
)
"""States in which a role or a run does no more work unless it is asked to."""

CostFormatter: TypeAlias = Callable[[Iterable[tuple[str, Usage]]], str]
"""Formats the cost of tokens, given pairs of model and usage; empty if no price is known."""

_MAX_UNIX_TIME = 1e11
"""Unix seconds above which a time is invalid."""


class RunSummary(msgspec.Struct, frozen=True):
    """The summary of a run in a thread's tree row and pane header.

    Attributes:
        run_handle: the run of a role or a Codex thread, empty if there is none.
        parent_handle: the role or the thread that a Codex thread works for, otherwise empty.
        role_count: roles of a run; 0 for roles and threads.
        done_count: how many of the roles are done.
        gate_count: gates of a run; 0 for roles and threads, and if none were published.
        met_count: how many of the gates are met.
        cost: the formatted cost of a thread or a whole run, empty if no price is known.
    """

    run_handle: str = ""
    parent_handle: str = ""
    role_count: int = 0
    done_count: int = 0
    gate_count: int = 0
    met_count: int = 0
    cost: str = ""


NO_RUN = RunSummary()
"""Summary of a thread outside of any run, without a cost."""


class RunView:
    """The gates and spans of a run. Only `ConsoleState` changes it.

    Attributes:
        gates: all gates, as last published.
        spans: by id, in the order in which they were first published.
    """

    def __init__(self, *, max_spans: int = MAX_SPANS) -> None:
        self.gates: tuple[Gate, ...] = ()
        self.spans: dict[str, Span] = {}
        self._max_spans = max_spans

    def set_gates(self, gates: tuple[Gate, ...]) -> bool:
        """Replace the gates; return whether they differ."""
        gates = gates[:MAX_GATES]
        if gates == self.gates:
            return False
        self.gates = gates
        return True

    def put_span(self, span: Span, at: float) -> bool:
        """Add or replace a span; return whether anything changed.

        Beyond `max_spans`, the oldest span that has ended is dropped.

        Args:
            span: invalid times in it are replaced by `at`.
            at: unix seconds of the event.
        """
        span = _with_valid_times(span, at)
        if self.spans.get(span.span_id) == span:
            return False
        self.spans[span.span_id] = span
        if len(self.spans) > self._max_spans:
            ended = (key for key, other in self.spans.items() if other.ended_at is not None)
            del self.spans[next(ended, next(iter(self.spans)))]
        return True

    @property
    def met_count(self) -> int:
        """Number of met gates."""
        return sum(gate.met for gate in self.gates)


def _with_valid_times(span: Span, at: float) -> Span:
    start = span.started_at if 0 < span.started_at < _MAX_UNIX_TIME else at
    end = span.ended_at
    if end is not None and not start <= end < _MAX_UNIX_TIME:
        end = max(start, at)
    return structs.replace(span, started_at=start, ended_at=end)
