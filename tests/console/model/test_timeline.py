"""Where time went: lanes, totals, and what of it is in sight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.timeline import (
    STEPS,
    Lane,
    Window,
    cells_of,
    fitting,
    following,
    lanes_of,
    span_at,
    totals_of,
    zoomed,
)
from codextui.protocol.runs import Span, SpanKind

K = SpanKind


def span(kind: SpanKind, start: float, end: float | None, role: str = "a", **more: object) -> Span:
    name = f"{role}{kind}{start}"
    return Span(name, role, kind, started_at=start, ended_at=end, **more)  # type: ignore[arg-type]


def lane(*spans: Span) -> Lane:
    [one] = lanes_of(spans)
    return one


def test_roles_stand_in_the_order_in_which_they_were_told() -> None:
    spans = [span(K.GATE, 0, 5, "b"), span(K.ROLE, 0, 5, "a"), span(K.MODEL, 1, 2, "a")]
    lanes = lanes_of(spans)
    assert [one.role for one in lanes] == ["b", "a"]
    assert lanes[1].stints == (spans[1],)
    assert lanes[1].spans == (spans[2],)


def test_roles_stand_in_the_order_that_is_wanted_and_others_after_them() -> None:
    spans = [span(K.GATE, at, 9, role) for at, role in enumerate("abc")]
    assert [one.role for one in lanes_of(spans, ["c", "x", "a", "c"])] == ["c", "a", "b"]


def test_a_moment_finds_what_is_there_or_the_nearest() -> None:
    one = lane(span(K.CODEX, 2, 8), span(K.PERSON, 4, 6))
    assert [found.kind for at in (5.0, 7.0, 50.0) if (found := span_at(one, at, 9.0))] == [
        K.PERSON,
        K.CODEX,
        K.CODEX,
    ]


def test_of_spans_that_lie_over_each_other_the_innermost_is_shown() -> None:
    one = lane(span(K.ROLE, 0, 10), span(K.CODEX, 2, 8), span(K.PERSON, 4, 6))
    shown = cells_of(one, Window(0.0, 1.0, 12), now=10.0)
    assert shown == [
        *[K.ROLE] * 2,
        *[K.CODEX] * 2,
        *[K.PERSON] * 2,
        *[K.CODEX] * 2,
        *[K.ROLE] * 2,
        None,
        None,
    ]


def test_a_cell_shows_what_most_of_its_time_went_into() -> None:
    one = lane(span(K.MODEL, 0, 3), span(K.CODEX, 3, 10))
    assert cells_of(one, Window(0.0, 10.0, 1), now=10.0) == [K.CODEX]


def test_what_goes_on_reaches_up_to_now() -> None:
    one = lane(span(K.GATE, 2, None))
    assert cells_of(one, Window(0.0, 1.0, 6), now=5.0)[:5] == [None, None, *[K.GATE] * 3]


def test_what_took_no_time_is_there_all_the_same() -> None:
    assert cells_of(lane(span(K.TOOL, 2, 2)), Window(0.0, 1.0, 4), now=9.0)[2] is K.TOOL


def test_work_is_the_time_from_start_to_end_without_what_was_waited() -> None:
    one = lane(
        span(K.GATE, 0, 10),
        span(K.ROLE, 10, 30),
        span(K.PERSON, 12, 15),
        span(K.CODEX, 11, 20),
        span(K.MODEL, 20, 24, tokens=70),
        span(K.MODEL, 22, 26, tokens=7),
    )
    totals = totals_of(one, now=99.0)
    assert totals.at_work == 17
    assert totals.of(K.GATE) == 10
    assert totals.of(K.MODEL) == 6
    assert totals.of(K.TOOL) == 0
    assert totals.tokens == 77


def test_without_a_start_told_work_is_what_it_did() -> None:
    totals = totals_of(lane(span(K.GATE, 0, 10), span(K.CODEX, 10, 14)), now=99.0)
    assert totals.at_work == 4


def test_all_of_it_is_in_sight() -> None:
    window = fitting([span(K.ROLE, 100, 400)], 60, now=500.0)
    assert window.start == 100
    assert window.step in STEPS
    assert window.cell_of(400) < window.cells


def test_following_has_now_in_the_last_cell() -> None:
    window = following(Window(0.0, 2.0, 10), first=0.0, now=100.0)
    assert window.cell_of(100.0) == 9
    assert following(Window(0.0, 2.0, 10), first=95.0, now=100.0).start == 95


def test_zooming_keeps_the_moment_where_it_is() -> None:
    window = Window(0.0, 10.0, 40)
    closer = zoomed(window, True, around=205.0)
    assert closer.step < window.step
    assert closer.cell_of(205.0) == window.cell_of(205.0)


@pytest.mark.parametrize(("step", "closer"), [(STEPS[0], True), (STEPS[-1], False)])
def test_zooming_ends_at_the_last_step(step: float, closer: bool) -> None:
    window = Window(0.0, step, 40)
    assert zoomed(window, closer, 0.0) == window


def test_a_span_out_of_sight_is_brought_into_it() -> None:
    window = Window(100.0, 1.0, 10)
    assert window.showing(span(K.TOOL, 103, 104), 200.0) == window
    assert window.showing(span(K.TOOL, 50, 51), 200.0).cell_of(50) == 0
    later = window.showing(span(K.TOOL, 150, 152), 200.0)
    assert later.cell_of(152) == 9
    long = window.showing(span(K.TOOL, 150, 190), 200.0)
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
def test_any_spans_can_be_laid_out(spans: list[Span], now: float, cells: int) -> None:
    window = fitting(spans, cells, now)
    for one in lanes_of(spans):
        assert len(cells_of(one, window, now)) == cells
        totals = totals_of(one, now)
        assert totals.at_work >= 0
        assert all(seconds >= 0 for seconds in totals.seconds.values())
