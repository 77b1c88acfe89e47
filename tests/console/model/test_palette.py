"""What is typed into the palette finds entries, the best first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.palette import EntryKind, PaletteEntry, find_entries, word_score


def entry(title: str, detail: str = "", reason: str = "") -> PaletteEntry:
    return PaletteEntry(EntryKind.ACTION, title, detail, lambda: None, reason)


ENTRIES = [
    entry("Fork", "f"),
    entry("New thread", "n"),
    entry("frontend", "idle  Build the form"),
    entry("Rename the thread", "R", reason="no thread is chosen"),
    entry("transform.py", "src"),
]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Fork", "New thread", "frontend", "Rename the thread", "transform.py"]),
        ("fork", ["Fork"]),
        ("thread", ["New thread", "Rename the thread"]),
        ("thread new", ["New thread"]),
        ("FORM", ["transform.py", "frontend"]),
        ("nwthr", ["New thread"]),
        ("frnt", ["frontend"]),
        ("zzz", []),
    ],
)
def test_titles_count_more_than_details_and_letters_may_be_left_out(
    query: str, titles: list[str]
) -> None:
    assert [one.title for one in find_entries(ENTRIES, query)] == titles


def test_only_so_many_are_listed() -> None:
    assert len(find_entries([entry("a")] * 10, "a", limit=3)) == 3


@given(st.text(min_size=1), st.text())
def test_a_word_that_is_there_is_always_found(word: str, text: str) -> None:
    assert word_score(word, f"{text}{word}") > 0
    scattered = "-".join(word)
    assert word_score(word, f"{text}{scattered}") > 0


@given(st.text(min_size=1, max_size=3), st.text(max_size=20))
def test_a_word_whose_letters_are_not_there_is_not_found(word: str, text: str) -> None:
    letters = iter(text)
    is_there = all(letter in letters for letter in word)
    assert (word_score(word, text) > 0) == is_there
