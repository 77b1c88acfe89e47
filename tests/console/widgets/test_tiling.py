"""How many panes fit a size, and how they are tiled."""

from __future__ import annotations

import pytest

from codextui.console.widgets.tiling import (
    MIN_PANE_HEIGHT,
    MIN_PANE_WIDTH,
    PANE_COUNTS,
    Tiling,
    pane_capacity,
    tile_panes,
)


@pytest.mark.parametrize(
    ("width", "height", "panes"),
    [(58, 20, 2), (58, 15, 1), (124, 41, 9), (80, 41, 6), (20, 5, 1), (300, 100, 9)],
)
def test_as_many_panes_fit_as_can_be_read(width: int, height: int, panes: int) -> None:
    assert pane_capacity(width, height, 9) == panes


def test_there_are_never_more_panes_than_the_users_limit() -> None:
    assert [pane_capacity(300, 100, most) for most in range(1, 10)] == [1, 2, 3, 4, 4, 6, 6, 6, 9]


@pytest.mark.parametrize(
    ("width", "height", "panes"),
    [(28, 9, 1), (58, 21, 2), (124, 42, 4), (184, 57, 9), (171, 57, 9), (184, 40, 6), (300, 30, 4)],
)
def test_without_a_limit_a_large_screen_has_more_panes(width: int, height: int, panes: int) -> None:
    assert pane_capacity(width, height, None) == panes


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize(("width", "height"), [(124, 41), (240, 60), (60, 75)])
def test_no_cell_of_the_grid_stays_empty(count: int, width: int, height: int) -> None:
    tiling = tile_panes(count, width, height)
    assert tiling.columns * tiling.rows == count + tiling.first_span - 1
    assert tiling.first_span <= tiling.rows


@pytest.mark.parametrize("count", PANE_COUNTS)
def test_panes_that_fit_are_tiled_in_readable_sizes(count: int) -> None:
    for width, height in ((38, 9), (58, 20), (80, 41), (124, 41), (240, 60), (60, 75)):
        if pane_capacity(width, height, count) == count:
            tiling = tile_panes(count, width, height)
            assert width // tiling.columns >= MIN_PANE_WIDTH
            assert height // tiling.rows >= MIN_PANE_HEIGHT


def test_wide_screens_place_panes_side_by_side_and_narrow_ones_stack_them() -> None:
    assert tile_panes(2, 124, 41) == Tiling(2, 1)
    assert tile_panes(2, 58, 20) == Tiling(1, 2)
    assert tile_panes(3, 200, 41) == Tiling(3, 1)


def test_three_narrow_panes_become_one_tall_and_two_stacked() -> None:
    assert tile_panes(3, 124, 41) == Tiling(2, 2, first_span=2)


@pytest.mark.parametrize(
    ("width", "columns"), [(124, 2), (116, 2), (108, 2), (106, 1), (80, 1), (44, 1)]
)
def test_four_panes_stand_side_by_side_where_they_read_well(width: int, columns: int) -> None:
    assert tile_panes(4, width, 41).columns == columns
