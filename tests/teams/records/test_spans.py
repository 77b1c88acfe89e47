"""Spans of a run: their begin and end, and their file."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.protocol.runs import Span, SpanKind
from codextui.teams.records.spans import (
    SPANS_FILE,
    SpanFile,
    SpanRecorder,
    end_open_spans,
    read_spans,
)


def recorder_of(spans: list[Span]) -> SpanRecorder:
    clock = itertools.count(100.0)
    return SpanRecorder(spans.append, clock=lambda: next(clock))


def test_a_span_is_reported_when_it_begins_and_when_it_ends() -> None:
    spans: list[Span] = []
    recorder = recorder_of(spans)
    span_id = recorder.begin("tester", SpanKind.GATE, "code.py", ("maker",))
    recorder.end(span_id, tokens=7, failed=True)
    began, ended = spans
    assert began == Span(span_id, "tester", SpanKind.GATE, "code.py", 100.0, None, ("maker",))
    assert (ended.span_id, ended.ended_at, ended.tokens, ended.failed) == (span_id, 101.0, 7, True)


def test_a_span_ends_once() -> None:
    spans: list[Span] = []
    recorder = recorder_of(spans)
    span_id = recorder.begin("a", SpanKind.MODEL)
    for _ in range(2):
        recorder.end(span_id)
    recorder.end("never begun")
    assert len(spans) == 2


def test_all_open_spans_are_ended_the_last_begun_first() -> None:
    spans: list[Span] = []
    recorder = recorder_of(spans)
    outer, inner = recorder.begin("a", SpanKind.ROLE), recorder.begin("a", SpanKind.TOOL)
    recorder.end_all(failed=True)
    assert [(span.span_id, span.failed) for span in spans[2:]] == [(inner, True), (outer, True)]


def test_no_span_ends_before_it_begins_when_the_clock_is_set_back() -> None:
    spans: list[Span] = []
    clock = iter((100.0, 50.0))
    recorder = SpanRecorder(spans.append, clock=lambda: next(clock))
    recorder.end(recorder.begin("a", SpanKind.MODEL))
    assert spans[-1].ended_at == 100.0


def test_span_ids_are_unique_across_processes() -> None:
    spans: list[Span] = []
    assert recorder_of(spans).begin("a", SpanKind.ROLE) != recorder_of(spans).begin(
        "a", SpanKind.ROLE
    )


def test_spans_are_stored_privately_and_read_in_their_last_state(
    tmp_path: Path,
) -> None:
    with SpanFile(tmp_path) as file:
        recorder = SpanRecorder(file.write)
        first = recorder.begin("a", SpanKind.ROLE)
        second = recorder.begin("a", SpanKind.CODEX, "a-codex")
        recorder.end(second, tokens=5)
    assert stat.S_IMODE((tmp_path / SPANS_FILE).stat().st_mode) == 0o600
    spans = read_spans(tmp_path)
    assert [(span.span_id, span.tokens) for span in spans] == [(first, 0), (second, 5)]
    assert spans[0].ended_at is None


def test_a_run_without_a_file_has_no_spans(tmp_path: Path) -> None:
    assert read_spans(tmp_path) == ()


def test_a_torn_line_is_skipped_and_later_lines_are_read(tmp_path: Path) -> None:
    with SpanFile(tmp_path) as file:
        SpanRecorder(file.write).begin("a", SpanKind.ROLE)
    with (tmp_path / SPANS_FILE).open("a") as torn:
        torn.write('{"span_id": "x", "role"')
    with SpanFile(tmp_path) as file:
        SpanRecorder(file.write).begin("b", SpanKind.ROLE)
    assert [span.role for span in read_spans(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("line", ["[]", "3", "[" * 100_000, '{"span_id": 3}', '{"kind": "x"}', ""])
def test_a_line_that_is_no_span_is_skipped(tmp_path: Path, line: str) -> None:
    (tmp_path / SPANS_FILE).write_text(f"{line}\n")
    assert read_spans(tmp_path) == ()


def test_a_file_that_cannot_be_read_raises(tmp_path: Path) -> None:
    (tmp_path / SPANS_FILE).mkdir()
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        read_spans(tmp_path)


def test_open_spans_of_a_killed_process_end_at_the_last_known_time() -> None:
    spans: list[Span] = []
    recorder = recorder_of(spans)
    recorder.begin("a", SpanKind.ROLE)
    recorder.end(recorder.begin("a", SpanKind.MODEL))
    (ended,) = end_open_spans((spans[0], spans[-1]))
    assert (ended.span_id, ended.ended_at, ended.failed) == (spans[0].span_id, 102.0, True)


def test_a_failure_to_write_is_reported_and_not_raised(tmp_path: Path) -> None:
    problems: list[str] = []
    SpanRecorder(SpanFile(tmp_path / "nowhere", problems.append).write).begin("a", SpanKind.ROLE)
    assert "cannot be written" in problems[0]


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    problems: list[str] = []
    (tmp_path / SPANS_FILE).symlink_to(tmp_path / "elsewhere")
    SpanRecorder(SpanFile(tmp_path, problems.append).write).begin("a", SpanKind.ROLE)
    assert problems
    assert not (tmp_path / "elsewhere").exists()
