"""How a text is split into deltas."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.demo.responses import split_text


@given(st.text(), st.integers(min_value=0, max_value=9))
def test_the_deltas_of_a_text_make_the_text(text: str, chunk: int):
    cut = list(split_text(text, chunk))
    assert "".join(cut) == text
    assert all(cut)
    assert chunk == 0 or all(len(piece) == chunk for piece in cut[:-1])


def test_without_a_chunk_size_each_delta_is_a_word():
    assert list(split_text("  two words\n", 0)) == ["  ", "two ", "words\n"]
