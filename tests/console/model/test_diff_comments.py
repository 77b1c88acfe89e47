"""Comments on lines are kept, found again, and made one message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.diff_comments import (
    MAX_COMMENTS,
    Comment,
    comment_on,
    dump_comments,
    finished,
    load_comments,
    locate,
    review_message,
    with_comment,
)
from codextui.protocol.diff import FileDiff, parse_diff

COMMENT = Comment("x.py", "+", 2, "new", "why?")


def files(body: str, start: int = 1) -> tuple[FileDiff, ...]:
    lines = body.splitlines()
    old = sum(line[0] != "+" for line in lines)
    new = sum(line[0] != "-" for line in lines)
    return parse_diff(f"--- a/x.py\n+++ b/x.py\n@@ -{start},{old} +{start},{new} @@\n{body}").files


def test_a_comment_is_found_on_its_line() -> None:
    found, lost = locate([COMMENT], files(" same\n-old\n+new\n"))
    assert found == {(0, 0, 2): COMMENT}
    assert lost == []


def test_a_comment_follows_its_line_when_lines_are_added_above() -> None:
    found, _ = locate([COMMENT], files("+one\n+two\n same\n+new\n"))
    assert found == {(0, 0, 3): COMMENT}


def test_of_the_same_lines_the_nearest_has_the_comment() -> None:
    found, _ = locate([COMMENT], files("+new\n same\n same\n+new\n", start=2))
    assert list(found) == [(0, 0, 0)]


def test_of_two_diffs_of_a_file_the_newer_one_has_the_comment() -> None:
    twice = files(" same\n+new\n") * 2
    found, _ = locate([COMMENT], twice)
    assert list(found) == [(1, 0, 1)]


def test_two_comments_on_lines_of_the_same_text_stay_two() -> None:
    other = Comment("x.py", "+", 3, "new", "and here?")
    found, lost = locate([COMMENT, other], files("+new\n+new\n"))
    assert (len(found), lost) == (2, [])


def test_a_comment_whose_line_is_gone_is_told() -> None:
    assert locate([COMMENT], files("+other\n")) == ({}, [COMMENT])


def test_a_line_has_one_comment_and_an_empty_one_is_removed() -> None:
    (line,) = files("+new\n")[0].hunks[0].lines
    first = with_comment((), comment_on("x.py", line, "a"))
    second = with_comment(first, comment_on("x.py", line, "b"))
    assert [one.text for one in second] == ["b"]
    assert with_comment(second, comment_on("x.py", line, "  ")) == ()


def test_the_review_is_one_message_with_file_line_and_comment() -> None:
    removed = Comment("y.md", "-", 7, "```old", "keep this\nplease")
    assert review_message([COMMENT, removed]) == (
        "I have reviewed your changes and have 2 comments. Please deal with each.\n\n"
        "x.py:2\n```diff\n+new\n```\nwhy?\n\n"
        "y.md:7 (removed line)\n````diff\n-```old\n````\nkeep this\nplease"
    )


def test_drafts_are_not_sent() -> None:
    draft = Comment("x.py", "+", 1, "new", "hm", is_draft=True)
    assert finished([COMMENT, draft]) == [COMMENT]


@given(
    st.lists(
        st.builds(Comment, st.text(), st.sampled_from("+- "), st.integers(0), st.text(), st.text())
    )
)
def test_comments_survive_storage(comments: list[Comment]) -> None:
    assert load_comments(dump_comments(comments)) == tuple(comments)[:MAX_COMMENTS]


def test_what_cannot_be_read_counts_as_no_comment() -> None:
    assert load_comments('[{"path": 1}]') == load_comments("{") == load_comments("") == ()


def test_lone_surrogates_do_not_break_storage() -> None:
    (line,) = files("+\ud800\n")[0].hunks[0].lines
    assert load_comments(dump_comments([comment_on("x\udc00", line, "\ud800")]))
