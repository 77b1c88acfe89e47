from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, lines, text
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codextui.console.render.diff import change_rows, lazy_line_rows, line_rows
from codextui.console.render.diff_lines import line_segments
from codextui.console.render.layout import plain_text, row_width, to_strips
from codextui.protocol.approvals import FileChange
from codextui.protocol.changes import summarize_changes
from codextui.protocol.diff import Line, parse_patch
from codextui.text.sanitize import reveal

CHANGED = Style(bold=True, underline=True)
UPDATE = "@@ -1,4 +1,4 @@\n import os\n-import sys\n+import time\n \n def f(): pass\n"


def test_a_new_file_has_only_added_lines() -> None:
    change = FileChange("src/a.py", "add", "x = 1\n\ny = 2\n")
    assert lines(change_rows([change], 40, PALETTE)) == [
        "A src/a.py  new file, +3 -0",
        "+ x = 1",
        "+",
        "+ y = 2",
    ]


def test_a_deleted_file_has_only_removed_lines() -> None:
    change = FileChange("a", "delete", "x\ny")
    assert lines(change_rows([change], 40, PALETTE)) == ["D a  deleted, +0 -2", "- x", "- y"]


def test_a_changed_file_shows_its_hunks() -> None:
    rows = change_rows([FileChange("a", "update", UPDATE, "b")], 40, PALETTE)
    assert lines(rows) == [
        "M a → b  changed, +1 -1",
        "  @@ -1,4 +1,4 @@",
        "  import os",
        "- import sys",
        "+ import time",
        "",
        "  def f(): pass",
    ]
    styles = [[segment.style for segment in row if segment.text.strip()] for row in rows]
    assert styles[3] == [PALETTE.removed] * 2 + [PALETTE.removed + CHANGED]
    assert styles[4] == [PALETTE.added] * 2 + [PALETTE.added + CHANGED]


def test_lines_of_a_hunk_may_look_like_headers() -> None:
    diff = "@@ -1,2 +1,2 @@\n--- old comment\n+++ new comment\n x\n"
    change = FileChange("a.sql", "update", diff)
    assert lines(change_rows([change], 40, PALETTE))[2:4] == [
        "- -- old comment",
        "+ ++ new comment",
    ]
    assert summarize_changes([change]) == "1 file, +1 -1"


def test_a_hunk_without_lengths_is_unbounded() -> None:
    change = FileChange("a", "update", "@@\n--- x\n+y\n")
    assert summarize_changes([change]) == "1 file, +1 -1"


def test_a_unified_diff_shows_the_headers_of_its_files() -> None:
    diff = (
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
        "diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1,2 @@\n c\n+d\n"
        "\\ No newline at end of file\n"
    )
    strips = to_strips(line_rows(parse_patch(diff), 40, PALETTE))
    assert [line.strip() for line in lines(strips)] == [
        "diff --git a/x b/x",
        "--- a/x",
        "+++ b/x",
        "@@ -1 +1 @@",
        "- a",
        "+ b",
        "diff --git a/y b/y",
        "--- a/y",
        "+++ b/y",
        "@@ -1 +1,2 @@",
        "c",
        "+ d",
        "\\ No newline at end of file",
    ]


def test_a_shortened_diff_counts_the_other_lines() -> None:
    change = FileChange("a", "add", "line\n" * 1_254)
    rows = lines(change_rows([change], 40, PALETTE, max_lines=20))
    assert len(rows) == 22
    assert rows[-1] == "  … 1,234 more lines"


def test_invisible_characters_of_a_diff_are_shown() -> None:
    change = FileChange("a\u202e", "add", "ok\u200b\r\n\x1b[8mhidden\n")
    assert lines(change_rows([change], 60, PALETTE)) == [
        "A a<U+202E>  new file, +2 -0",
        "+ ok<U+200B>␍",
        "+ ␛[8mhidden",
    ]


@given(TEXTS, TEXTS, st.sampled_from(["add", "delete", "update", "odd"]), WIDTHS)
def test_rows_of_any_diff_fit_and_lose_nothing(path: str, diff: str, kind: str, width: int) -> None:
    rows = change_rows([FileChange(path, kind, diff)], width, PALETTE)
    assert all(row_width(row) <= width for row in rows)
    assert "".join(reveal(path).split()) in "".join(text(rows).split())
    if kind in ("add", "delete"):
        body = "".join(segment.text for row in rows for segment in row[1:])
        assert letters(reveal(diff)) in letters(body)


def letters(text: str) -> str:
    """Leave out blanks, and the signs for them."""
    return "".join(text.replace("→", "").replace("·", "").split())


def draw(diff: str, kind: str = "update") -> list[str]:
    return lines(change_rows([FileChange("a", kind, diff)], 60, PALETTE))[1:]


def test_tabs_and_trailing_blanks_are_visible() -> None:
    diff = "@@ -1,3 +1,3 @@\n-    return 1\n+\treturn 1\n-x = 1\n+x = 1 \t\n  kept \n"
    assert draw(diff) == [
        "  @@ -1,3 +1,3 @@",
        "-     return 1",
        "+ →   return 1",
        "- x = 1",
        "+ x = 1·→",
        "   kept",
    ]


def test_carriage_returns_are_visible() -> None:
    assert draw("@@ -1 +1 @@\n-x\n+x\r\n")[1:] == ["- x", "+ x␍"]


def test_the_word_that_differs_is_marked() -> None:
    diff = "@@ -1 +1 @@\n-if user.is_admin() and x:\n+if user.is_adm1n() and x:\n"
    rows = change_rows([FileChange("a", "update", diff)], 60, PALETTE)
    marked = ["".join(s.text for s in row if s.style and s.style.underline) for row in rows]
    assert marked[2:4] == ["is_admin", "is_adm1n"]


def test_lines_that_do_not_look_alike_are_not_marked() -> None:
    diff = "@@ -1 +1 @@\n-import os\n+return 12345\n"
    rows = change_rows([FileChange("a", "update", diff)], 60, PALETTE)
    assert not any(segment.style.underline for row in rows for segment in row if segment.style)


def test_a_run_of_blank_lines_is_counted() -> None:
    assert draw("a\n" + "\n" * 300 + "rm\n", "add") == ["+ a", "+ ⋯ 300 blank lines ⋯", "+ rm"]
    assert draw("a" + " " * 300 + "rm\n", "add") == ["+ a ⋯ 300 spaces ⋯ rm"]


def styled(text: str, path: str = "a.py") -> dict[str, Style | None]:
    """Return the style of each word of an added line."""
    (row,) = line_rows([Line("+", text, None, 1)], 80, PALETTE, path=path)
    return {segment.text.strip(): segment.style for segment in row if segment.text.strip()}


def test_added_code_has_the_colours_of_its_language_on_the_ground_of_an_added_line() -> None:
    styles = styled('return "x"  # y')
    keyword = styles["return"]
    assert keyword is not None
    assert keyword.color == PALETTE.keyword.color
    assert keyword.bgcolor == PALETTE.added.bgcolor
    assert styled("return x", path="notes.unknown")["return x"] == PALETTE.added


@pytest.mark.parametrize(
    ("text", "path"), [("return 'é'", "a.py"), (f"x = '{'y' * 30_000}'", "a.py"), ("if x:", "")]
)
def test_what_is_foreign_too_large_or_of_no_language_is_plain(text: str, path: str) -> None:
    rows = line_rows([Line("+", text, None, 1)], 80, PALETTE, path=path)
    assert {segment.style for row in rows for segment in row} == {PALETTE.added}


ROWS = st.lists(
    st.builds(
        Line,
        st.sampled_from([*"+- @\\", ""]),
        TEXTS.map(lambda text: text.replace("\n", "")) | st.text(" \tab", max_size=90),
        st.none() | st.just(1),
        st.none() | st.just(1),
    )
)


@given(ROWS, st.sampled_from(["a.py", "b.rs", "c.json", "Makefile", "d.md"]))
def test_the_colours_of_a_language_change_no_character(lines: list[Line], path: str) -> None:
    with_colours = line_rows(lines, 40, PALETTE, path=path)
    without = line_rows(lines, 40, PALETTE)
    assert ["".join(s.text for s in row) for row in with_colours] == [
        "".join(s.text for s in row) for row in without
    ]


def test_what_is_selected_of_a_diff_has_its_tabs_and_blanks() -> None:
    lines = [Line(" ", "def f():"), Line("+", "\treturn 1  "), Line("-", "\t\tpass")]
    for width in (40, 16):
        rows = line_rows(lines, width, PALETTE, path="a.py")
        assert plain_text(rows) == "  def f():\n+ \treturn 1  \n- \t\tpass"


@given(ROWS, WIDTHS, st.sampled_from(["a.py", ""]))
def test_rows_that_are_laid_out_when_looked_at_are_the_same(
    lines: list[Line], width: int, path: str
) -> None:
    rows = [Strip(row) for row in line_rows(lines, width, PALETTE, path=path)]
    lazy = lazy_line_rows(lines, width, PALETTE, path=path)
    assert len(lazy) == len(rows)
    assert list(reversed(lazy)) == rows[::-1]
    assert lazy[1:3] == rows[1:3]


def test_lines_beyond_what_a_hunk_says_count_by_their_sign() -> None:
    diff = "@@ -1 +1 @@\n-a\n+b\n+more\n-less\n same\n\n\\ No newline at end of file\nodd\n"
    change = FileChange("a", "update", diff)
    assert summarize_changes([change]) == "1 file, +2 -2"
    assert draw(diff)[1:] == [
        "- a",
        "+ b",
        "+ more",
        "- less",
        "  same",
        "",
        "  \\ No newline at end of file",
        "  odd",
    ]


def test_a_patch_that_begins_with_headers_loses_no_line() -> None:
    diff = "odd\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n--- c\n+++ d\n@@ -1 +1 @@ def f():\n z\n"
    shown = [f"{line.sign}{line.text}" for line in parse_patch(diff)]
    assert [line.removeprefix("@@@").lstrip("@") for line in shown] == [
        line.removeprefix("@@").lstrip("@") for line in diff.splitlines()
    ]


@given(TEXTS)
def test_a_patch_loses_no_line_and_no_sign(diff: str) -> None:
    lines = [("" if line.sign == "@" else line.sign) + line.text for line in parse_patch(diff)]
    kept = [line for line in diff.removesuffix("\n").split("\n") if line.strip()]
    assert [line for line in lines if line.strip()] == kept


def test_of_a_long_patch_only_what_is_looked_at_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    laid_out: list[str] = []

    def count(line: Line, *rest: object, **more: object) -> list[Segment]:
        laid_out.append(line.text)
        return line_segments(line, *rest, **more)  # type: ignore[arg-type] # as given

    monkeypatch.setattr("codextui.console.render.diff.line_segments", count)
    long = "a word " * 30 + "more"
    texts = [f"\treturn {number}" if number % 9 else f"{number} {long}" for number in range(5_000)]
    lines = [Line("+", text, None, number) for number, text in enumerate(texts, 1)]
    rows = lazy_line_rows(lines, 80, PALETTE, path="a.py")
    assert len(rows) > len(lines)
    assert laid_out == []
    assert rows[4_000].text.strip()
    assert len(laid_out) == 1
