from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.widgets.attention_strip import StripLayout, lay_out_strip


@pytest.mark.parametrize(
    ("count", "width", "height", "layout"),
    [
        (0, 160, 45, StripLayout(1, 1)),
        (3, 160, 45, StripLayout(1, 3)),
        (7, 160, 45, StripLayout(1, 7)),
        (8, 160, 45, StripLayout(2, 4)),
        (20, 160, 45, StripLayout(2, 10)),
        (12, 80, 24, StripLayout(2, 6)),
        (5, 80, 24, StripLayout(1, 5)),
        (2, 50, 12, StripLayout(1, 2)),
        (9, 50, 12, StripLayout(1, 3)),
        (10, 220, 60, StripLayout(1, 10)),
        (12, 220, 60, StripLayout(2, 6)),
    ],
)
def test_the_strip_takes_lines_then_columns(
    count: int, width: int, height: int, layout: StripLayout
) -> None:
    assert lay_out_strip(count, width, height) == layout


@given(st.integers(0, 60), st.integers(1, 300), st.integers(1, 100))
def test_the_strip_never_takes_more_than_a_quarter_of_the_screen(
    count: int, width: int, height: int
) -> None:
    layout = lay_out_strip(count, width, height)
    assert 1 <= layout.lines <= max(1, height // 4)
    assert 1 <= layout.columns <= max(1, width // 38)
    assert layout.room >= min(count, lay_out_strip(60, width, height).room)
