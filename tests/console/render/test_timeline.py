from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, is_harmless, lines, text
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.timeline import build_lanes, fit_window
from codextui.console.render.timeline import (
    SPAN_GLYPHS,
    Timeline,
    describe_span,
    format_clock,
    label_width,
    render_timeline,
)
from codextui.protocol.runs import Span, SpanKind

K = SpanKind


def span(kind: SpanKind, start: float, end: float | None, **more: object) -> Span:
    values: dict[str, object] = {"role": "backend"} | more
    return Span(f"{kind}{start}", kind=kind, started_at=start, ended_at=end, **values)  # type: ignore[arg-type]


def draw(*spans: Span, width: int = 80, height: int = 24, lane: int = 0) -> list[str]:
    lanes = build_lanes(spans)
    window = fit_window(spans, width - label_width(lanes, width), 100.0)
    selected = lanes[lane].selectable[-1] if lanes else None
    timeline = Timeline(lanes, window, 100.0, window.start, lane, selected)
    strips = render_timeline(timeline, width, height, PALETTE)
    assert [strip.cell_length for strip in strips] == [width] * height
    return lines(strips)


def test_every_kind_has_a_glyph_of_its_own_and_a_word() -> None:
    assert len(set(SPAN_GLYPHS.values())) == len(SpanKind)
    shown = "\n".join(draw(span(K.MODEL, 1, 2)))
    assert all(glyph in shown for glyph in SPAN_GLYPHS.values())
    for word in ("model", "codex", "tool", "waits for roles", "waits for a person", "paused"):
        assert word in shown


def test_a_lane_shows_spans_in_order() -> None:
    rows = draw(span(K.GATE, 40, 60), span(K.ROLE, 60, 100), span(K.CODEX, 62, 90))
    bar = next(row for row in rows if row.startswith("▌backend"))
    glyphs = "".join(dict.fromkeys(bar.removeprefix("▌backend").replace(" ", "")))
    assert glyphs == "·─█"


def test_the_axis_counts_from_the_start_of_the_run() -> None:
    row = draw(span(K.MODEL, 1_780_000_000, 1_780_000_120), width=100)[0]
    times = row.split()
    assert times[:5] == ["╷0:00", "╷0:15", "╷0:30", "╷0:45", "╷1:00"]
    assert "╷2:00" in times


def test_a_failed_span_is_marked_at_its_end() -> None:
    rows = draw(span(K.TOOL, 10, 60, failed=True), span(K.MODEL, 60, 100))
    assert "◆✗" in next(row for row in rows if row.startswith("▌backend"))


def test_the_titles_of_the_totals_never_run_together() -> None:
    for width in (50, 60, 80, 160):
        rows = draw(span(K.MODEL, 1, 9), width=width)
        head = next(row for row in rows if "at work" in row and "tokens" in row)
        assert {"codex", "roles", "people", "tokens"} <= set(head.split()), width


def test_the_selected_lane_of_many_is_visible() -> None:
    spans = [span(K.MODEL, n, n + 1, role=f"role-{n:02}") for n in range(1, 41)]
    rows = draw(*spans, lane=35)
    assert any(row.startswith("▌role-36") for row in rows)
    assert sum("role-36" in row for row in rows) >= 3, "its lane, its words, and its totals"


def test_a_timeline_without_spans_says_so() -> None:
    assert "Nothing is known" in draw()[0]


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (
            span(K.GATE, 10, 140, waits_for=("designer", "pm")),
            "backend waited 2m 10s for designer, pm, from 0:10 to 2:20",
        ),
        (span(K.GATE, 10, None), "backend waits 1m 30s for other roles, since 0:10"),
        (
            span(K.MODEL, 0, 12, name="gpt-5.5", tokens=3200),
            "backend waited for its model (gpt-5.5) 12s, from 0:00 to 0:12, 3.2k tokens",
        ),
        (
            span(K.CODEX, 0, 41, name="backend-codex"),
            "backend had Codex at work (backend-codex) for 41s, from 0:00 to 0:41",
        ),
        (
            span(K.TOOL, 3, 5, name="web_search", failed=True),
            "backend called web_search for 2.0s, from 0:03 to 0:05, it failed",
        ),
        (
            span(K.PERSON, 3, None, name="a7"),
            "backend waits for a person (a7) 1m 37s, since 0:03",
        ),
        (span(K.PAUSED, 0, 0.2), "backend was paused for 0.2s, from 0:00 to 0:00.2"),
        (span(K.ROLE, 0, None), "backend is at work for 1m 40s, since 0:00"),
    ],
)
def test_a_span_is_described_in_words(piece: Span, words: str) -> None:
    assert describe_span(piece, now=100.0, origin=0.0) == words


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [(0, "0:00"), (0.45, "0:00.4"), (42, "0:42"), (725, "12:05"), (3723, "1:02:03"), (-5, "0:00")],
)
def test_times_are_formatted_like_a_clock(seconds: float, clock: str) -> None:
    assert format_clock(seconds) == clock


@given(
    TEXTS,
    st.lists(st.tuples(st.sampled_from(list(SpanKind)), st.floats(1, 1e11), st.floats(0, 1e9))),
    st.integers(20, 200),
    st.integers(1, 50),
)
def test_any_timeline_fills_its_size_and_is_harmless(
    words: str, pieces: list[tuple[SpanKind, float, float]], width: int, height: int
) -> None:
    spans = [
        span(kind, start, start + took, role=words, name=words, waits_for=(words,))
        for kind, start, took in pieces
    ]
    lanes = build_lanes(spans)
    window = fit_window(spans, width - label_width(lanes, width), 100.0)
    selected = lanes[0].selectable[0] if lanes else None
    timeline = Timeline(lanes, window, 100.0, window.start, 0, selected)
    strips = render_timeline(timeline, width, height, PALETTE)
    assert [strip.cell_length for strip in strips] == [width] * height
    assert is_harmless(text(strips).replace("\n", ""))
