from __future__ import annotations

import pytest

from codextui.console.widgets.placement import COUNTS, MIN_HEIGHT, MIN_WIDTH, Tiling, capacity, tile


@pytest.mark.parametrize(
    ("width", "height", "panes"),
    [(58, 20, 2), (58, 15, 1), (124, 41, 9), (80, 41, 6), (20, 5, 1), (300, 100, 9)],
)
def test_as_many_panes_fit_as_can_be_read(width: int, height: int, panes: int) -> None:
    assert capacity(width, height, 9) == panes


def test_there_are_never_more_panes_than_the_person_wants() -> None:
    assert [capacity(300, 100, most) for most in range(1, 10)] == [1, 2, 3, 4, 4, 6, 6, 6, 9]


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize(("width", "height"), [(124, 41), (240, 60), (60, 75)])
def test_no_cell_of_the_grid_stays_empty(count: int, width: int, height: int) -> None:
    tiling = tile(count, width, height)
    assert tiling.columns * tiling.rows == count + tiling.first_span - 1
    assert tiling.first_span <= tiling.rows


@pytest.mark.parametrize("count", COUNTS)
def test_panes_that_fit_are_tiled_so_that_they_can_be_read(count: int) -> None:
    for width, height in ((36, 8), (58, 20), (80, 41), (124, 41), (240, 60), (60, 75)):
        if capacity(width, height, count) == count:
            tiling = tile(count, width, height)
            assert width // tiling.columns >= MIN_WIDTH
            assert height // tiling.rows >= MIN_HEIGHT


def test_wide_screens_have_panes_side_by_side_and_narrow_ones_have_them_stacked() -> None:
    assert tile(2, 124, 41) == Tiling(2, 1)
    assert tile(2, 58, 20) == Tiling(1, 2)
    assert tile(3, 200, 41) == Tiling(3, 1)


def test_three_panes_that_would_be_narrow_are_one_tall_and_two_stacked() -> None:
    assert tile(3, 124, 41) == Tiling(2, 2, first_span=2)
