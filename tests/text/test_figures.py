from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.text.figures import format_count, format_elapsed, format_running, format_tokens


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (185, "3m 05s"),
        (8040, "2h 14m"),
        (273_600, "3d 4h"),
        (-5, "0.0s"),
        (math.nan, "0.0s"),
        (math.inf, "0.0s"),
    ],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert format_elapsed(seconds) == words


def test_running_times_have_no_fractions() -> None:
    assert format_running(3.9) == "3s"
    assert format_running(61) == "1m 01s"
    assert format_running(-1) == "0s"
    assert format_running(math.nan) == format_running(-math.inf) == "0s"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (950, "950"),
        (999, "999"),
        (1_000, "1.0k"),
        (12_345, "12.3k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_234_567, "1.2M"),
        (5_000_000_000, "5.0G"),
        (-3, "0"),
    ],
)
def test_token_counts_are_short(count: int, words: str) -> None:
    assert format_tokens(count) == words


@given(st.integers(0, 10**12))
def test_token_counts_fit_in_six_cells(count: int) -> None:
    assert len(format_tokens(count)) <= 6


def test_counts_have_thousands_separators() -> None:
    assert format_count(1234567) == "1,234,567"
