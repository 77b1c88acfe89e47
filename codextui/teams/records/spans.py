"""Records the spans of roles: the open ones, and those in the run's folder."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from codextui.errors import MessageInvalid
from codextui.protocol.runs import Span, SpanKind
from codextui.teams.records.store import JsonLinesFile, read_json_lines

SPANS_FILE = "spans.jsonl"
"""The file of spans in a run's folder."""

_MAX_NAME = 200


class SpanRecorder:
    """Begins and ends spans.

    Span ids are unique across all processes that run the same run.

    Args:
        on_span: called with every span when it begins, and with the whole span when it ends.
        clock: returns unix seconds.
    """

    def __init__(
        self, on_span: Callable[[Span], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._on_span = on_span
        self._clock = clock
        self._prefix = secrets.token_hex(4)
        self._count = 0
        self._open: dict[str, Span] = {}

    def begin(
        self, role: str, kind: SpanKind, name: str = "", waits_for: tuple[str, ...] = ()
    ) -> str:
        """Begin a span and return its id.

        Args:
            role: the role whose time it is.
            kind: what the time is spent on.
            name: a model, a tool, a thread's handle or an approval.
            waits_for: the roles that a gate waits for.
        """
        self._count += 1
        span = Span(
            span_id=f"{self._prefix}-{self._count}",
            role=role,
            kind=kind,
            name=name[:_MAX_NAME],
            started_at=self._clock(),
            waits_for=waits_for,
        )
        self._open[span.span_id] = span
        self._on_span(span)
        return span.span_id

    def end(self, span_id: str, *, tokens: int = 0, failed: bool = False) -> None:
        """End a span; does nothing if it is not open.

        Args:
            span_id: the id that `begin` returned.
            tokens: the tokens used in it.
            failed: whether it ended badly.
        """
        span = self._open.pop(span_id, None)
        if span is not None:
            ended_at = max(self._clock(), span.started_at)
            ended = structs.replace(span, ended_at=ended_at, tokens=tokens, failed=failed)
            self._on_span(ended)

    def end_all(self, *, failed: bool = False) -> None:
        """End every open span, the last one begun first."""
        for span_id in reversed(tuple(self._open)):
            self.end(span_id, failed=failed)


class SpanFile(JsonLinesFile):
    """The spans in a run's folder; `write` fits `SpanRecorder`'s `on_span`."""

    def __init__(self, run_folder: Path, on_error: Callable[[str], None] | None = None) -> None:
        super().__init__(run_folder / SPANS_FILE, on_error)

    def write(self, span: Span) -> None:
        """Append a span."""
        self.append(span.to_json())


def read_spans(run_folder: Path) -> tuple[Span, ...]:
    """Return the latest state of every recorded span of a run, ordered by start time.

    Spans without an end are still open, or were cut off (see `end_open_spans`). Raises
    ConfigInvalid if the file cannot be read.
    """
    spans: dict[str, Span] = {}
    for line in read_json_lines(run_folder / SPANS_FILE):
        with contextlib.suppress(MessageInvalid):
            span = Span.from_json(line)
            spans[span.span_id] = span
    return tuple(sorted(spans.values(), key=lambda span: span.started_at))


def end_open_spans(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the open ones of `spans`, ended as failed at the last time known from any of them.

    For spans of a process that was killed.
    """
    last = max((span.ended_at or span.started_at for span in spans), default=0.0)
    return tuple(
        structs.replace(span, ended_at=last, failed=True) for span in spans if span.ended_at is None
    )
