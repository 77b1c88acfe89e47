from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.timeline import (
    ZOOM_STEPS,
    Lane,
    Window,
    build_lanes,
    fit_window,
    lane_cells,
    lane_totals,
    span_at,
)
from codextui.protocol.runs import Span, SpanKind

K = SpanKind


def span(kind: SpanKind, start: float, end: float | None, role: str = "a", **more: object) -> Span:
    name = f"{role}{kind}{start}"
    return Span(name, role, kind, started_at=start, ended_at=end, **more)  # type: ignore[arg-type]


def lane(*spans: Span) -> Lane:
    [one] = build_lanes(spans)
    return one


def test_lanes_are_in_the_order_of_their_first_spans() -> None:
    spans = [span(K.GATE, 0, 5, "b"), span(K.ROLE, 0, 5, "a"), span(K.MODEL, 1, 2, "a")]
    lanes = build_lanes(spans)
    assert [one.role for one in lanes] == ["b", "a"]
    assert lanes[1].role_turns == (spans[1],)
    assert lanes[1].spans == (spans[2],)


def test_lanes_follow_the_order_of_roles_given() -> None:
    spans = [span(K.GATE, at, 9, role) for at, role in enumerate("abc")]
    assert [one.role for one in build_lanes(spans, ["c", "x", "a", "c"])] == ["c", "a", "b"]


def test_span_at_finds_the_innermost_or_nearest_span() -> None:
    one = lane(span(K.CODEX, 2, 8), span(K.PERSON, 4, 6))
    assert [found.kind for at in (5.0, 7.0, 50.0) if (found := span_at(one, at, 9.0))] == [
        K.PERSON,
        K.CODEX,
        K.CODEX,
    ]


def test_the_innermost_of_overlapping_spans_is_shown() -> None:
    one = lane(span(K.ROLE, 0, 10), span(K.CODEX, 2, 8), span(K.PERSON, 4, 6))
    shown = lane_cells(one, Window(0.0, 1.0, 12), now=10.0)
    assert shown == [
        *[K.ROLE] * 2,
        *[K.CODEX] * 2,
        *[K.PERSON] * 2,
        *[K.CODEX] * 2,
        *[K.ROLE] * 2,
        None,
        None,
    ]


def test_a_cell_shows_the_kind_with_most_of_its_time() -> None:
    one = lane(span(K.MODEL, 0, 3), span(K.CODEX, 3, 10))
    assert lane_cells(one, Window(0.0, 10.0, 1), now=10.0) == [K.CODEX]


def test_an_open_span_reaches_up_to_now() -> None:
    one = lane(span(K.GATE, 2, None))
    assert lane_cells(one, Window(0.0, 1.0, 6), now=5.0)[:5] == [None, None, *[K.GATE] * 3]


def test_a_span_of_no_duration_is_shown() -> None:
    assert lane_cells(lane(span(K.TOOL, 2, 2)), Window(0.0, 1.0, 4), now=9.0)[2] is K.TOOL


def test_working_time_excludes_waits() -> None:
    one = lane(
        span(K.GATE, 0, 10),
        span(K.ROLE, 10, 30),
        span(K.PERSON, 12, 15),
        span(K.CODEX, 11, 20),
        span(K.MODEL, 20, 24, tokens=70),
        span(K.MODEL, 22, 26, tokens=7),
    )
    totals = lane_totals(one, now=99.0)
    assert totals.working == 17
    assert totals.of(K.GATE) == 10
    assert totals.of(K.MODEL) == 6
    assert totals.of(K.TOOL) == 0
    assert totals.tokens == 77


def test_without_role_turns_working_time_is_that_of_the_spans() -> None:
    totals = lane_totals(lane(span(K.GATE, 0, 10), span(K.CODEX, 10, 14)), now=99.0)
    assert totals.working == 4


def test_a_fitted_window_shows_all_spans() -> None:
    window = fit_window([span(K.ROLE, 100, 400)], 60, now=500.0)
    assert window.start == 100
    assert window.step in ZOOM_STEPS
    assert window.cell_of(400) < window.cells


def test_a_following_window_has_now_in_its_last_cell() -> None:
    window = Window(0.0, 2.0, 10).following(first=0.0, now=100.0)
    assert window.cell_of(100.0) == 9
    assert Window(0.0, 2.0, 10).following(first=95.0, now=100.0).start == 95


def test_zooming_keeps_the_time_in_its_cell() -> None:
    window = Window(0.0, 10.0, 40)
    closer = window.zoomed(closer=True, around=205.0)
    assert closer.step < window.step
    assert closer.cell_of(205.0) == window.cell_of(205.0)


@pytest.mark.parametrize(("step", "closer"), [(ZOOM_STEPS[0], True), (ZOOM_STEPS[-1], False)])
def test_zooming_stops_at_the_last_step(step: float, closer: bool) -> None:
    window = Window(0.0, step, 40)
    assert window.zoomed(closer=closer, around=0.0) == window


def test_a_window_scrolls_to_a_span_out_of_view() -> None:
    window = Window(100.0, 1.0, 10)
    assert window.scrolled_to(span(K.TOOL, 103, 104), 200.0) == window
    assert window.scrolled_to(span(K.TOOL, 50, 51), 200.0).cell_of(50) == 0
    later = window.scrolled_to(span(K.TOOL, 150, 152), 200.0)
    assert later.cell_of(152) == 9
    long = window.scrolled_to(span(K.TOOL, 150, 190), 200.0)
    assert long.cell_of(150) == 0


TIMES = st.floats(1, 1e11)
SPANS = st.lists(
    st.builds(
        lambda role, kind, start, took: Span(
            f"{role}{kind}{start}",
            role,
            kind,
            started_at=start,
            ended_at=None if took is None else start + took,
        ),
        st.sampled_from("ab"),
        st.sampled_from(list(SpanKind)),
        TIMES,
        st.none() | st.floats(0, 1e6),
    ),
    max_size=12,
)


@given(SPANS, TIMES, st.integers(1, 200))
def test_any_spans_fill_the_cells_of_a_window(spans: list[Span], now: float, cells: int) -> None:
    window = fit_window(spans, cells, now)
    for one in build_lanes(spans):
        assert len(lane_cells(one, window, now)) == cells
        totals = lane_totals(one, now)
        assert totals.working >= 0
        assert all(seconds >= 0 for seconds in totals.seconds.values())
