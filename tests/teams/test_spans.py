"""Spans of a run: told when they begin and end, and kept."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path

import pytest

from codextui.errors import ConfigInvalid
from codextui.protocol.runs import Span, SpanKind
from codextui.teams.records.files import LineFile, read_lines
from codextui.teams.records.spans import FILE, SpanFile, SpanLog, cut_off, read_spans


def log_to(told: list[Span]) -> SpanLog:
    clock = itertools.count(100.0)
    return SpanLog(told.append, clock=lambda: next(clock))


def test_a_span_is_told_when_it_begins_and_when_it_is_over() -> None:
    told: list[Span] = []
    log = log_to(told)
    span_id = log.begin("tester", SpanKind.GATE, "code.py", ("maker",))
    log.end(span_id, tokens=7, failed=True)
    began, ended = told
    assert began == Span(span_id, "tester", SpanKind.GATE, "code.py", 100.0, None, ("maker",))
    assert (ended.span_id, ended.ended_at, ended.tokens, ended.failed) == (span_id, 101.0, 7, True)


def test_a_span_ends_once() -> None:
    told: list[Span] = []
    log = log_to(told)
    span_id = log.begin("a", SpanKind.MODEL)
    for _ in range(2):
        log.end(span_id)
    log.end("never begun")
    assert len(told) == 2


def test_all_that_goes_on_can_be_ended_the_inner_ones_first() -> None:
    told: list[Span] = []
    log = log_to(told)
    outer, inner = log.begin("a", SpanKind.ROLE), log.begin("a", SpanKind.TOOL)
    log.end_all(failed=True)
    assert [(span.span_id, span.failed) for span in told[2:]] == [(inner, True), (outer, True)]


def test_a_clock_that_is_set_back_makes_no_span_end_before_it_begins() -> None:
    told: list[Span] = []
    clock = iter((100.0, 50.0))
    log = SpanLog(told.append, clock=lambda: next(clock))
    log.end(log.begin("a", SpanKind.MODEL))
    assert told[-1].ended_at == 100.0


def test_ids_stay_unique_when_another_process_goes_on_with_the_run() -> None:
    told: list[Span] = []
    assert log_to(told).begin("a", SpanKind.ROLE) != log_to(told).begin("a", SpanKind.ROLE)


def test_spans_are_kept_for_their_owner_alone_and_read_as_they_were_told_last(
    tmp_path: Path,
) -> None:
    with SpanFile(tmp_path) as file:
        log = SpanLog(file.write)
        first = log.begin("a", SpanKind.ROLE)
        second = log.begin("a", SpanKind.CODEX, "a-codex")
        log.end(second, tokens=5)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    spans = read_spans(tmp_path)
    assert [(span.span_id, span.tokens) for span in spans] == [(first, 0), (second, 5)]
    assert spans[0].ended_at is None


def test_a_run_that_kept_no_spans_has_none(tmp_path: Path) -> None:
    assert read_spans(tmp_path) == ()


def test_a_line_that_was_cut_off_is_passed_over_and_what_follows_is_read(tmp_path: Path) -> None:
    with SpanFile(tmp_path) as file:
        SpanLog(file.write).begin("a", SpanKind.ROLE)
    with (tmp_path / FILE).open("a") as torn:
        torn.write('{"span_id": "x", "role"')
    with SpanFile(tmp_path) as file:
        SpanLog(file.write).begin("b", SpanKind.ROLE)
    assert [span.role for span in read_spans(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("line", ["[]", "3", "[" * 100_000, '{"span_id": 3}', '{"kind": "x"}', ""])
def test_a_line_that_is_no_span_is_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / FILE).write_text(f"{line}\n")
    assert read_spans(tmp_path) == ()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        read_spans(tmp_path)


def test_spans_that_were_cut_off_end_at_the_last_known_moment() -> None:
    told: list[Span] = []
    log = log_to(told)
    log.begin("a", SpanKind.ROLE)
    log.end(log.begin("a", SpanKind.MODEL))
    (ended,) = cut_off((told[0], told[-1]))
    assert (ended.span_id, ended.ended_at, ended.failed) == (told[0].span_id, 102.0, True)


def test_a_full_file_is_told_once_and_not_written_to_any_more(tmp_path: Path) -> None:
    troubles: list[str] = []
    path = tmp_path / "lines.jsonl"
    with LineFile(path, troubles.append, most_bytes=20) as file:
        for number in range(10):
            file.append({"n": number})
    assert list(read_lines(path)) == [{"n": 0}, {"n": 1}]
    assert len(troubles) == 1
    assert "is full" in troubles[0]


def test_what_cannot_be_written_is_told_and_ends_nothing(tmp_path: Path) -> None:
    troubles: list[str] = []
    SpanLog(SpanFile(tmp_path / "nowhere", troubles.append).write).begin("a", SpanKind.ROLE)
    assert "cannot be written" in troubles[0]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    troubles: list[str] = []
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    SpanLog(SpanFile(tmp_path, troubles.append).write).begin("a", SpanKind.ROLE)
    assert troubles
    assert not (tmp_path / "elsewhere").exists()
