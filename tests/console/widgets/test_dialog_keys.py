"""The last line of a dialog: where it breaks, and what stays where there is no room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.widgets.dialog_keys import with_bound_keys, wrap_keys

KEYS = "n new thread   d demo, without a key   H continue a thread   esc go on"


def test_a_line_ends_between_two_keys() -> None:
    assert wrap_keys(KEYS, 80) == [KEYS]
    assert wrap_keys(KEYS, 48) == [
        "n new thread   d demo, without a key",
        "H continue a thread   esc go on",
    ]


def test_the_way_out_stays_where_there_is_no_room() -> None:
    assert wrap_keys(KEYS, 48, 1) == ["n new thread   d demo, without a key   esc go on"]
    assert wrap_keys(KEYS, 24, 1) == ["n new thread   esc go on"]


@given(st.lists(st.from_regex(r"[a-z]{1,6}( [a-z]{1,6})?", fullmatch=True)), st.integers(1, 40))
def test_no_key_is_lost_or_broken(hints: list[str], width: int) -> None:
    lines = wrap_keys("   ".join(hints), width)
    assert [hint for line in lines for hint in line.split("   ")] == (hints or [""])


@pytest.mark.parametrize(
    ("bound", "shown"),
    [
        ({}, "^s send   K J move   x drop it  esc close"),
        ({"^s": "f5", "K": "K", "J": "J"}, "f5 send   K J move   x drop it  esc close"),
        ({"K": "ctrl", "J": "J"}, "^s send   ctrl J move   x drop it  esc close"),
        ({"K": "f2", "J": "f2"}, "^s send   f2 move   x drop it  esc close"),
        ({"x": "", "esc": "q"}, "^s send   K J move  q close"),
        ({"^s": "", "K": "", "J": ""}, "x drop it  esc close"),
        ({"x": "esc", "esc": "x"}, "^s send   K J move   esc drop it  x close"),
        ({"it": "y", "move": "z"}, "^s send   K J move   x drop it  esc close"),
    ],
)
def test_the_keys_of_the_user_stand_in_place_of_the_default_ones(
    bound: dict[str, str], shown: str
) -> None:
    assert with_bound_keys("^s send   K J move   x drop it  esc close", bound) == shown
