"""What the time of a run's roles went into: told as it happens, and kept with the run."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from codextui.errors import MessageInvalid
from codextui.protocol.runs import Span, SpanKind
from codextui.teams.records.files import LineFile, read_lines

FILE = "spans.jsonl"
"""The file of spans in a run's folder."""

_LONGEST_NAME = 200


class SpanLog:
    """The spans of one process's part of a run.

    Their ids differ from those of every other process that runs the same run.

    Args:
        write: is told every span when it begins, and again, whole, when it is over.
        clock: unix seconds.
    """

    def __init__(
        self, write: Callable[[Span], None], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._write = write
        self._clock = clock
        self._prefix = secrets.token_hex(4)
        self._count = 0
        self._open: dict[str, Span] = {}

    def begin(
        self, role: str, kind: SpanKind, name: str = "", waits_for: tuple[str, ...] = ()
    ) -> str:
        """Begin a span and return its id.

        Args:
            role: whose time it is.
            kind: what it goes into.
            name: the model, the tool, the thread's handle, the approval.
            waits_for: the roles that a gate waits for.
        """
        self._count += 1
        span = Span(
            span_id=f"{self._prefix}-{self._count}",
            role=role,
            kind=kind,
            name=name[:_LONGEST_NAME],
            started_at=self._clock(),
            waits_for=waits_for,
        )
        self._open[span.span_id] = span
        self._write(span)
        return span.span_id

    def end(self, span_id: str, *, tokens: int = 0, failed: bool = False) -> None:
        """End a span; one that is over already stays as it is.

        Args:
            span_id: what `begin` returned.
            tokens: what it used.
            failed: whether it ended badly.
        """
        span = self._open.pop(span_id, None)
        if span is not None:
            ended_at = max(self._clock(), span.started_at)
            self._write(structs.replace(span, ended_at=ended_at, tokens=tokens, failed=failed))

    def end_all(self, *, failed: bool = False) -> None:
        """End every span that goes on, the youngest first."""
        for span_id in reversed(tuple(self._open)):
            self.end(span_id, failed=failed)


class SpanFile(LineFile):
    """`spans.jsonl` in a run's folder: `write` is what a `SpanLog` tells."""

    def __init__(self, run_folder: Path, on_trouble: Callable[[str], None] | None = None) -> None:
        super().__init__(run_folder / FILE, on_trouble)

    def write(self, span: Span) -> None:
        """Keep a span."""
        self.append(span.to_json())


def read_spans(run_folder: Path) -> tuple[Span, ...]:
    """The spans that a run has kept, each as it was told last, in the order of their beginning.

    One without an end goes on, or was cut off (`cut_off` ends those). Raises ConfigInvalid where
    the file cannot be read.
    """
    spans: dict[str, Span] = {}
    for line in read_lines(run_folder / FILE):
        with contextlib.suppress(MessageInvalid):
            span = Span.from_json(line)
            spans[span.span_id] = span
    return tuple(sorted(spans.values(), key=lambda span: span.started_at))


def cut_off(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The spans whose process was killed, ended as failed at the last moment that is known.

    For a run that is taken up again (write and publish them), or that nobody runs any more.
    """
    last = max((span.ended_at or span.started_at for span in spans), default=0.0)
    return tuple(
        structs.replace(span, ended_at=last, failed=True) for span in spans if span.ended_at is None
    )
