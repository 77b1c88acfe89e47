from __future__ import annotations

import pytest
from console.render.looks import PALETTE, TEXTS, WIDTHS, lines, text
from hypothesis import given
from rich.segment import Segment

from codextui.console.render.layout import row_width
from codextui.console.render.markdown import DEFAULT_LIMITS, markdown_rows
from codextui.text.sanitize import sanitize


def draw(source: str, width: int = 60) -> list[str]:
    return lines(markdown_rows(sanitize(source), width, PALETTE))


def styled(source: str, wanted: str) -> Segment:
    rows = markdown_rows(source, 60, PALETTE)
    return next(segment for row in rows for segment in row if wanted in segment.text)


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("", []),
        ("one\ntwo", ["one two"]),
        ("one  \ntwo", ["one", "two"]),
        ("# Head\ntext", ["Head", "", "text"]),
        ("a **b** *c* ~~d~~ `e`", ["a b c d e"]),
        ("- a\n- b", ["• a", "• b"]),
        ("- a\n\n- b", ["• a", "", "• b"]),
        ("3. a\n4. b", ["3. a", "4. b"]),
        ("- a\n  - b\n    more", ["• a", "  • b more"]),
        ("- [ ] todo\n- [x] done", ["• [ ] todo", "• [x] done"]),
        ("a\n> \n# \n- ", ["a", "", "│", "", "", "", "•"]),
        ("> a\n> b\n>\n> c", ["│ a b", "│", "│ c"]),
        ("```\na  b\n\n c\n```", [" a  b", "", "  c"]),
        ("    code", [" code"]),
        ("[docs](https://x.y/z)", ["docs (https://x.y/z)"]),
        ("<https://x.y/z>", ["https://x.y/z"]),
        ("![alt](a.png)", ["[image: alt] (a.png)"]),
        ("[a]: http://x\n\n[a]", ["[a]: http://x", "", "[a]"]),
        ("[x](javascript:alert(1))", ["[x](javascript:alert(1))"]),
        ("[bold]not markup[/bold]", ["[bold]not markup[/bold]"]),
        ("<div>html</div> <br>", ["<div>html</div> <br>"]),
        ("a &lt; b &amp; c &#x202e; d", ["a < b & c <U+202E> d"]),
        ("***", ["─" * 60]),
    ],
)
def test_markdown_is_laid_out(source: str, rows: list[str]) -> None:
    assert draw(source) == rows


def test_emphasis_is_visible() -> None:
    assert styled("a **b**", "b").style == PALETTE.text + styled("**b**", "b").style
    strong, em = styled("**b**", "b").style, styled("*b*", "b").style
    assert strong is not None
    assert strong.bold
    assert em is not None
    assert em.italic


def test_code_is_highlighted_by_its_language() -> None:
    assert styled("```python\ndef f(): pass\n```", "def").style == PALETTE.keyword
    assert styled("```klingon\ndef f(): pass\n```", "def").style == PALETTE.code_block


def test_the_background_of_a_code_block_fills_the_width() -> None:
    rows = markdown_rows("```\na\n```", 30, PALETTE)
    assert [row_width(row) for row in rows] == [30]


def test_a_table_has_columns() -> None:
    table = "| name | n |\n|:-----|--:|\n| apple | 5 |\n| fig | 12 |"
    assert draw(table) == [
        "name  │  n",
        "──────┼───",
        "apple │  5",
        "fig   │ 12",
    ]


def test_a_table_too_wide_shrinks_its_widest_columns() -> None:
    table = "| id | what it is |\n|---|---|\n| 1 | a very long description of it |"
    assert draw(table, 20) == [
        "id │ what it is",
        "───┼────────────────",
        "1  │ a very long",
        "   │ description of",
        "   │ it",
    ]


def test_a_table_that_does_not_fit_is_shown_as_its_source() -> None:
    table = "|a|b|c|d|e|f|\n|---|---|---|---|---|---|\n|1111|2222|3333|4444|5555|6666|"
    assert "".join(draw(table, 20)) == table.replace("\n", "")


def test_a_long_address_is_shown_in_full() -> None:
    url = "https://example.org/" + "a" * 300
    assert url in "".join(draw(f"see {url} there", 40)).replace(" ", "")


@pytest.mark.parametrize(
    "source",
    [
        ">" * 10_000 + "x",
        "- " * 5_000 + "x",
        "\n".join(" " * 2 * level + "- x" for level in range(200)),
        "*a **a " * 3_000,
        "[" * 20_000,
        "word " * (DEFAULT_LIMITS.block // 4),
        "x" * 300_000,
        "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n" + "|b" * 3_000,
    ],
    ids=["quotes", "bullets", "levels", "stars", "brackets", "words", "line", "table"],
)
def test_blocks_that_cannot_be_laid_out_are_shown_as_their_source(source: str) -> None:
    got = "".join(draw(source, 80))
    assert "".join(got.split()) == "".join(source.split())


@given(TEXTS, WIDTHS)
def test_rows_of_any_markdown_fit(source: str, width: int) -> None:
    rows = markdown_rows(sanitize(source), width, PALETTE)
    assert all(row_width(row) <= width for row in rows)


@given(TEXTS, WIDTHS)
def test_no_letter_is_lost(source: str, width: int) -> None:
    safe = sanitize(source)
    shown = text(markdown_rows(safe, width, PALETTE))
    for word in ("word", "你好"):
        if not _is_in_info(safe, word):
            assert shown.replace("\n", "").count(word[0]) >= safe.count(word)


def _is_in_info(source: str, word: str) -> bool:
    """Return whether `word` may be the language of a code block or the title of a link."""
    return any(
        mark in line and word in line for line in source.split("\n") for mark in ("```", "(")
    )
