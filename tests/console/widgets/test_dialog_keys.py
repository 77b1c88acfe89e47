"""The last line of a dialog: where it breaks, and what stays where there is no room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.console.widgets.dialog_keys import wrap_keys

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
