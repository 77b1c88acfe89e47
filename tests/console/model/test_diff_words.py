"""Words that differ, and lines that stand beside each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.diff_words import Piece, compare_words, pair_lines
from codextui.protocol.diff import Line, parse_diff

WORDS = st.lists(st.sampled_from(["for", " ", "item", "(", ")", "ünicode", "\t", "x_1", "."])).map(
    "".join
)


@given(WORDS, WORDS)
def test_pieces_join_to_the_line(old: str, new: str) -> None:
    pieces = compare_words(old, new)
    if pieces is not None:
        assert "".join(piece.text for piece in pieces[0]) == old
        assert "".join(piece.text for piece in pieces[1]) == new


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_not_marked_is_the_same_in_both_apart_from_blanks(old: str, new: str) -> None:
    pieces = compare_words(old, new)
    if pieces is not None:
        same = [["".join(p.text for p in side if not p.changed).split() for side in pieces]]
        assert all(one == other for one, other in same)


def test_only_the_changed_word_is_marked() -> None:
    assert compare_words("return item.count", "return item.amount") == (
        [Piece("return item.", False), Piece("count", True)],
        [Piece("return item.", False), Piece("amount", True)],
    )


def test_a_blank_between_two_changed_words_belongs_to_the_change() -> None:
    pieces = compare_words("keep all of it: a b", "keep all of it: c d")
    assert pieces is not None
    assert pieces[0][-1] == Piece("a b", True)


def test_lines_that_are_not_alike_are_not_compared() -> None:
    assert compare_words("import os", "class Shop:  # everything is other") is None
    assert compare_words("x " * 500, "x " * 499) is None


HUNK = st.lists(st.sampled_from("+- \\"), min_size=1, max_size=30)


@given(HUNK)
def test_every_line_has_its_place_at_a_side_in_order(signs: list[str]) -> None:
    lines = [Line(sign, "") for sign in signs]
    pairs = pair_lines(lines)
    old = [left for left, _ in pairs if left is not None]
    new = [right for _, right in pairs if right is not None]
    assert set(old) | set(new) == set(range(len(lines)))
    for side, missing in ((old, "+"), (new, "-")):
        shown = [index for index in side if lines[index].sign != "\\"]
        assert shown == [i for i, line in enumerate(lines) if line.sign not in (missing, "\\")]


def test_removed_and_added_lines_stand_beside_each_other() -> None:
    (file,) = parse_diff("--- a\n+++ b\n@@ -1,3 +1,2 @@\n-a\n-b\n+c\n d\n").files
    assert pair_lines(file.hunks[0].lines) == [(0, 2), (1, None), (3, 3)]
