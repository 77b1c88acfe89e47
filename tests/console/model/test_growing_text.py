from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.items import GrowingText


@given(st.lists(st.text()))
def test_deltas_add_up_to_the_text(deltas: list[str]) -> None:
    text = GrowingText()
    for delta in deltas:
        text.append(delta)
    assert text.text == "".join(deltas)
    assert len(text) == text.end == len("".join(deltas))


@given(st.lists(st.text(alphabet="ab\n", max_size=30)), st.integers(1, 50))
def test_a_long_text_keeps_its_end_and_counts_what_it_drops(deltas: list[str], limit: int) -> None:
    text = GrowingText(limit=limit)
    for delta in deltas:
        text.append(delta)
    whole = "".join(deltas)
    assert whole.endswith(text.text)
    assert text.dropped + len(text) == len(whole) == text.end
    assert text.line_ends == text.text.count("\n")
    assert text.dropped_lines == whole[: text.dropped].count("\n")
    assert len(text) <= limit + limit // 4


def test_it_forgets_up_to_a_line_end() -> None:
    text = GrowingText(limit=10)
    text.append("aaaa\nbbbb\ncccc\n")
    assert text.text == "bbbb\ncccc\n"


def test_since_gives_what_came_after_a_position() -> None:
    text = GrowingText("abc")
    position = text.end
    text.append("def")
    assert text.since(position) == "def"
    assert text.since(0) == "abcdef"


def test_since_gives_less_where_it_was_dropped() -> None:
    text = GrowingText(limit=4)
    text.append("abcdefgh")
    assert text.since(0) == "efgh"
    assert text.since(6) == "gh"


def test_an_empty_text_is_false() -> None:
    assert not GrowingText()
    assert GrowingText("a")
