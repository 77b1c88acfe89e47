"""Rendered entries of a diff: their width and height, words, blanks and colours."""

from __future__ import annotations

from console.render.looks import PALETTE
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment

from codextui.console.model.diff_comments import Comment
from codextui.console.model.diff_document import Document, EntryKind, Section, build_document
from codextui.console.render.diff_entries import DiffLook, EntryRenderer, chop
from codextui.console.render.diff_syntax import color_lines, find_lexer
from codextui.console.render.layout import Row
from codextui.console.render.palette import palette_from
from codextui.protocol.diff import parse_diff

HOSTILE = st.text(
    st.sampled_from("ab \t\x1b\x07\u202e\u200b\u0301é漢🙂\r\x85")
    | st.characters(exclude_characters="\n")
)


def document_of(diff: str, *comments: Comment, side_by_side: bool = False) -> Document:
    section = Section("", "t", parse_diff(diff))
    return build_document([section], lambda _: comments, side_by_side=side_by_side)


def diff_of(body: str, path: str = "x.py") -> str:
    lines = body.splitlines()
    old, new = sum(li[0] != "+" for li in lines), sum(li[0] != "-" for li in lines)
    return f"--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{body}"


def renderer(document: Document, width: int = 60, **more: bool) -> EntryRenderer:
    return EntryRenderer(document, DiffLook(width, PALETTE, **more), lambda *_: ())


def text(rows: list[Row]) -> str:
    return "\n".join("".join(segment.text for segment in row).rstrip() for row in rows)


def shown(document: Document, width: int = 60, **more: bool) -> str:
    drawn = renderer(document, width, **more)
    return "\n".join(text(drawn.rows(entry)) for entry in document.entries)


@given(
    st.lists(st.tuples(st.sampled_from("+- "), HOSTILE), min_size=1, max_size=6),
    st.integers(30, 130),
    st.booleans(),
    st.booleans(),
)
def test_rows_are_as_wide_and_many_as_said_and_safe(
    lines: list[tuple[str, str]], width: int, side_by_side: bool, shows_blanks: bool
) -> None:
    body = "".join(f"{sign}{line}\n" for sign, line in lines)
    old, new = (sum(sign != other for sign, _ in lines) for other in "+-")
    diff = f"--- a/x\n+++ b/x\n@@ -1,{old} +1,{new} @@\n{body}"
    comment = Comment("x", lines[0][0], 1, lines[0][1], lines[-1][1] or "why")
    document = document_of(diff, comment, side_by_side=side_by_side)
    drawn = renderer(document, width, side_by_side=side_by_side, shows_blanks=shows_blanks)
    for entry in document.entries:
        rows = drawn.rows(entry)
        assert drawn.height(entry) == len(rows)
        for row in rows:
            assert sum(cell_len(segment.text) for segment in row) == width
            assert all(ord(c) >= 32 and c not in "\u202e\u200b\x85" for s in row for c in s.text)


def test_changed_words_are_marked() -> None:
    document = document_of(diff_of("-total = item.count\n+total = item.amount\n"))
    rows = [renderer(document).rows(entry) for entry in document.entries[-2:]]
    marked = ["".join(s.text for s in row if s.style and s.style.underline) for (row,) in rows]
    assert marked == ["count", "amount"]


def test_blanks_at_the_end_of_changed_lines_are_always_marked() -> None:
    document = document_of(diff_of(" same  \n-old \n+new\t\n"))
    assert "old·" in shown(document)
    assert "new→" in shown(document)
    assert "same·" not in shown(document)


def test_every_blank_is_shown_on_request() -> None:
    document = document_of(diff_of(" a b\n"))
    assert "a b" in shown(document)
    assert "a·b" in shown(document, shows_blanks=True)


def test_sides_stand_beside_each_other() -> None:
    document = document_of(diff_of("-old\n+new\n same\n"), side_by_side=True)
    lines = shown(document, 61, side_by_side=True).splitlines()
    assert lines[-2].split("│")[0].strip() == "1 - old"
    assert lines[-2].split("│")[1].strip() == "1 + new"
    assert lines[-1].count("same") == 2


def test_numbers_of_both_files_stand_before_a_line() -> None:
    document = document_of("--- a/x\n+++ b/x\n@@ -8,2 +9,2 @@\n same\n-a\n+b\n")
    assert [line.split() for line in shown(document).splitlines()[-3:]] == [
        ["8", "9", "same"],
        ["9", "-", "a"],
        ["10", "+", "b"],
    ]


def test_the_cursor_is_told_without_colour() -> None:
    document = document_of(diff_of("-a\n"))
    entry = document.entries[-1]
    assert text(renderer(document).rows(entry, is_current=True)).startswith("▌")


def test_a_very_long_line_is_cut_and_says_so() -> None:
    document = document_of(diff_of(f"+{'x' * 5_000}\n"))
    assert shown(document, 5_000).endswith("x… 1,000 more characters")


def test_a_comment_on_a_line_that_is_gone_says_where_it_was() -> None:
    document = document_of(diff_of("-a\n"), Comment("z.py", "+", 7, "gone", "why?", is_draft=True))
    assert "draft, not sent yet" in shown(document, 100)
    assert "z.py:7" in shown(document, 100)
    assert "why?" in shown(document, 100)


def test_code_has_the_colours_of_its_language() -> None:
    (file,) = parse_diff(diff_of('-x = 1\n+def f(): return "a"\n')).files
    spans = color_lines("x.py", file.hunks[0].lines, PALETTE)
    line = file.hunks[0].lines[1].text
    styles = {line[start:end]: style for start, end, style in spans[1]}
    assert styles["def"].color == PALETTE.keyword.color
    assert styles["f"].color == PALETTE.name.color


def test_a_file_of_unknown_language_has_no_colours() -> None:
    assert find_lexer("a/b/c.unheard-of") is None
    assert color_lines("", (), PALETTE) == {}


@given(st.lists(HOSTILE, max_size=5))
def test_colours_never_leave_their_line(texts: list[str]) -> None:
    body = "".join(f" {line}\n" for line in texts)
    count = len(texts)
    parsed = parse_diff(f"--- a/x\n+++ b/x\n@@ -1,{count} +1,{count} @@\n{body}")
    for file in parsed.files:
        for hunk in file.hunks:
            for index, spans in color_lines("x.py", hunk.lines, PALETTE).items():
                assert all(
                    0 <= start < end <= len(hunk.lines[index].text) for start, end, _ in spans
                )


def test_in_the_terminals_own_colours_the_sign_keeps_the_line_coloured() -> None:
    ansi = palette_from({})
    document = document_of(diff_of("+def f():\n"))
    syntax = [(0, 3, ansi.keyword)]
    drawn = EntryRenderer(document, DiffLook(60, ansi), lambda *_: syntax)
    (row,) = drawn.rows(document.entries[-1])
    styles = {segment.style for segment in row if "def" in segment.text}
    assert all(style is not None and style.color == ansi.added.color for style in styles)


@given(st.lists(st.text(st.sampled_from("ab漢🙂\u0301 ")), max_size=4), st.integers(2, 9))
def test_broken_rows_hold_every_character(parts: list[str], width: int) -> None:
    rows = chop([Segment(part) for part in parts], width)
    assert "".join(s.text for row in rows for s in row) == "".join(parts)
    assert all(sum(cell_len(s.text) for s in row) <= width for row in rows)


def test_kinds_of_entries_are_all_drawn() -> None:
    section = Section("turn 1", "t", parse_diff(diff_of("-a\n")), ("a note",))
    document = build_document([section], lambda _: [Comment("x.py", "-", 1, "a", "why")])
    assert {entry.kind for entry in document.entries} == set(EntryKind)
    assert all(renderer(document).rows(entry) for entry in document.entries)
