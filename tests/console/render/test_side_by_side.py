"""Columns are as wide as they say, whatever is in them."""

from __future__ import annotations

from console.render.looks import PALETTE, text
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from codextui.console.model.side_by_side import Column, ComparedTurn
from codextui.console.render.side_by_side import MIN_COLUMN_WIDTH, render_columns
from codextui.protocol.diff import parse_diff

TEXT = st.text(st.sampled_from("ab \n\t\x1b\u202e漢🙂`*#-") | st.characters(), max_size=80)
DIFF = parse_diff("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\x1b\n")
TURNS = st.builds(
    ComparedTurn,
    st.integers(1, 99),
    st.sampled_from(["running", "failed"]),
    TEXT,
    TEXT,
    st.none() | st.just(DIFF),
    st.none() | st.integers(0, 10**6),
    st.none() | st.integers(0, 10**6),
)
COLUMNS = st.builds(
    Column,
    st.just("t"),
    TEXT,
    st.just("idle"),
    TEXT,
    st.integers(0, 10**6),
    turns=st.lists(TURNS, max_size=2).map(tuple),
)


@given(st.lists(COLUMNS, min_size=1, max_size=3), st.integers(0, 2), st.integers(20, 160))
def test_every_row_fills_the_width_and_is_safe(
    columns: list[Column], selected: int, width: int
) -> None:
    for strip in render_columns(columns, selected, width, PALETTE):
        assert cell_len(strip.text) <= width
        assert not any(c in strip.text for c in "\x1b\u202e\n\t")


def test_too_many_columns_say_so() -> None:
    columns = [Column("t", "a", "idle", "", 0)] * 3
    assert "s takes one out" in text(render_columns(columns, 0, 3 * MIN_COLUMN_WIDTH, PALETTE))


def test_long_answers_and_diffs_are_cut_and_say_so() -> None:
    body = "".join(f"+{number}\n" for number in range(200))
    diff = parse_diff(f"--- a/x\n+++ b/x\n@@ -0,0 +1,200 @@\n{body}")
    turn = ComparedTurn(1, "completed", "p", "line\n\n" * 200, diff, None, None)
    shown = text(render_columns([Column("t", "a", "idle", "", 0, turns=(turn,))], 0, 60, PALETTE))
    assert "… 142 more lines: d shows all" in shown
    assert shown.count("line\n") < 100
