from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, lines
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from codextui.console.render.layout import (
    LaidOut,
    clip_row,
    fill,
    fit_row,
    indent,
    plain_text,
    row_width,
    split_lines,
    to_strips,
    truncate,
    truncate_left,
    truncate_middle,
    truncate_paths,
    update_strips,
    wrap,
)
from codextui.text.sanitize import sanitize

RUNS = st.lists(st.tuples(TEXTS.map(sanitize), st.sampled_from([PALETTE.text, PALETTE.error]))).map(
    lambda runs: [Segment(text, style) for text, style in runs]
)


def rows_of(text: str, width: int, *, exact: bool = False) -> list[str]:
    rows = wrap([Segment(text)], width, keep_spaces=exact)
    return ["".join(segment.text for segment in row) for row in rows]


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("", 10, [""]),
        ("hello world", 11, ["hello world"]),
        ("hello world", 10, ["hello ", "world"]),
        ("hello world again", 8, ["hello ", "world ", "again"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefghij b", 4, ["a ab", "cdef", "ghij", "b"]),
        ("one\ntwo", 10, ["one", "two"]),
        ("你好你好", 5, ["你好", "你好"]),
        ("aaaa          bbbb", 6, ["aaaa", "bbbb"]),
    ],
)
def test_text_is_wrapped_at_spaces_if_possible(text: str, width: int, rows: list[str]) -> None:
    assert rows_of(text, width) == rows


def test_wrapping_can_keep_every_space() -> None:
    assert rows_of("aaaa          bbbb", 6, exact=True) == ["aaaa  ", "      ", "  bbbb"]


@given(RUNS, st.integers(2, 60))
def test_wrapped_rows_fit(runs: list[Segment], width: int) -> None:
    assert all(row_width(row) <= width for row in wrap(runs, width))


@given(RUNS, st.integers(2, 60))
def test_wrapping_with_spaces_kept_loses_nothing(runs: list[Segment], width: int) -> None:
    wanted = [(c, run.style) for run in runs for c in run.text if c != "\n"]
    rows = wrap(runs, width, keep_spaces=True)
    own = [s for row in rows for s in row if not (isinstance(s, LaidOut) and s.is_filler)]
    assert [(c, s.style) for s in own for c in s.text] == wanted
    assert all(row_width(row) <= width for row in rows)


@given(RUNS, st.integers(2, 60), st.booleans())
def test_wrapped_text_is_copied_without_its_line_breaks(
    runs: list[Segment], width: int, hang: bool
) -> None:
    text = "".join(run.text for run in runs)
    rows = indent(wrap(runs, width, keep_spaces=True, hang=hang), Segment("> ", Style()))
    assert plain_text(fill(row, width + 2, Style()) for row in rows) == text


def test_copied_prose_has_its_spaces_again_but_those_at_the_end() -> None:
    rows = wrap([Segment("one two  three four")], 7)
    assert len(rows) == 3
    assert plain_text(rows) == "one two three four"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("- alpha beta gamma", 12, ["- alpha beta", "  gamma"]),
        ("10. alpha beta gamma", 16, ["10. alpha beta", "    gamma"]),
        ("    deep alpha beta", 14, ["    deep alpha", "    beta"]),
        ("        too deep to hang", 14, ["        too", "deep to hang"]),
        ("alpha beta", 6, ["alpha", "beta"]),
    ],
)
def test_further_rows_hang_under_the_first_word(text: str, width: int, lines: list[str]) -> None:
    rows = wrap([Segment(text)], width)
    assert ["".join(segment.text for segment in row).rstrip() for row in rows] == lines
    assert plain_text(rows) == text


def test_a_part_of_a_row_is_copied_without_gutter() -> None:
    (row,) = indent(wrap([Segment("alpha beta")], 20), Segment("> "))
    assert plain_text([clip_row(row, 0, 7)]) == "alpha"
    assert plain_text([clip_row(row, 8, -1)]) == "beta"
    assert plain_text([clip_row(row, 0, 1)]) == ""


@given(RUNS, st.integers(2, 60))
def test_wrapping_loses_nothing_but_spaces(runs: list[Segment], width: int) -> None:
    wanted = "".join(run.text for run in runs)
    got = "".join(segment.text for row in wrap(runs, width) for segment in row)
    assert "".join(got.split()) == "".join(wanted.split())


@given(RUNS)
def test_lines_are_split_at_newlines_only(runs: list[Segment]) -> None:
    text = "".join(run.text for run in runs)
    assert ["".join(s.text for s in line) for line in split_lines(runs)] == text.split("\n")


@given(TEXTS.map(sanitize), st.integers(0, 40))
def test_truncated_text_fits_and_has_an_ellipsis(text: str, width: int) -> None:
    text = text.replace("\n", " ")
    cuts = (truncate, truncate_left, truncate_middle, truncate_paths)
    for short in (cut(text, width) for cut in cuts):
        assert cell_len(short) <= width
        assert short == text or width == 0 or "…" in short


def test_truncating_from_the_left_keeps_the_end() -> None:
    assert truncate_left("/home/ada/work", 8) == "…da/work"
    assert truncate_middle("worker-with-a-name-12", 12) == "worker-w…-12"
    assert truncate_middle("worker-with-a-name-12", 9) == "worker-w…"


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("touch /root/.cache/x/release/a.txt", 34, "touch /root/.cache/x/release/a.txt"),
        ("touch /root/.cache/x/release/a.txt", 33, "touch …/x/release/a.txt"),
        ("touch /root/.cache/x/release/a.txt", 22, "touch …/release/a.txt"),
        ("touch /root/.cache/x/release/a.txt", 20, "touch …/a.txt"),
        ("touch /root/.cache/x/release/a.txt", 10, "touch …/a…"),
        ("change /root/.cache/x/release/a.txt", 9, "change …"),
        ("cp --to=/root/a/b/c 'x/y/z/w'", 27, "cp --to=…/b/c 'x/y/z/w'"),
        ("cp /root/longer/one/of/two /a/b/c/d", 32, "cp …/one/of/two /a/b/c/d"),
        ("rm -rf /a/b/c/", 13, "rm -rf …/c"),
        ("curl https://a.example/b/c/d", 20, "curl https://a.exam…"),
        ("short/of/it", 5, "shor…"),
    ],
)
def test_a_long_path_is_cut_where_it_begins(text: str, width: int, short: str) -> None:
    assert truncate_paths(text, width) == short


@given(RUNS, st.integers(0, 60))
def test_a_fitted_row_fills_its_width(runs: list[Segment], width: int) -> None:
    runs = [Segment(run.text.replace("\n", " "), run.style) for run in runs]
    assert fit_row(runs, width, PALETTE.text).cell_length == width


def test_updating_strips_keeps_those_of_unchanged_rows() -> None:
    old = [[Segment("a")], [Segment("b")], [Segment("c")]]
    strips = to_strips([[Segment("above")], *old])
    kept = strips[:2]
    new = [[Segment("a")], [Segment("B")]]
    assert update_strips(strips, old, new) == 2
    assert lines(strips) == ["above", "a", "B"]
    assert strips[0] is kept[0]
    assert strips[1] is kept[1]


def test_updating_strips_with_equal_rows_changes_none() -> None:
    rows = [[Segment("a")]]
    strips = to_strips(rows)
    assert update_strips(strips, rows, [[Segment("a")]]) == 1
