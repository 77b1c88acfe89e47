from __future__ import annotations

import time

import pytest
from console.render.looks import TEXTS, is_harmless
from hypothesis import given
from hypothesis import strategies as st

from codextui.text.sanitize import one_line, replace_surrogates, reveal, sanitize


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain text\nin lines", "plain text\nin lines"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;my title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r\x1b\\x", "x"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("a\x1b", "a␛"),
        ("\x1b]0;open title\nnext line", "␛]0;open title\nnext line"),
        ("a\x00b\x07\x7f", "a␀b␇␡"),
        ("\x85", "<U+0085>"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("one\u2028two", "one<U+2028>two"),
        ("a\r\nb\rc", "a\nb␍c"),
        ("a\tb\n\tc", "a   b\n    c"),
        ("👨‍👩‍👧", "👨👩👧"),
        ("❤️", "❤"),
        ("🔥", "🔥"),
        ("a\u200db", "a<U+200D>b"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("naïve Ελληνικά עברית 你好", "naïve Ελληνικά עברית 你好"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_control_sequences_are_removed_or_made_visible(raw: str, safe: str) -> None:
    assert sanitize(raw) == safe


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("rm \x1b[8m-rf /\x1b[0m", "rm ␛[8m-rf /␛[0m"),
        ("a\u00a0b", "a<U+00A0>b"),
        ("a\u3000b", "a<U+3000>b"),
        ("👨‍👩", "👨<U+200D>👩"),
        ("a\r\n", "a␍\n"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 4 + "<U+0301>"),
        ("plain", "plain"),
    ],
)
def test_reveal_removes_nothing(raw: str, shown: str) -> None:
    assert reveal(raw) == shown


@given(TEXTS | st.text())
def test_sanitized_text_is_harmless(raw: str) -> None:
    for safe in (sanitize(raw), reveal(raw)):
        assert is_harmless(safe.replace("\n", ""))
        safe.encode()


@given(TEXTS)
def test_newlines_stay(raw: str) -> None:
    assert sanitize(raw).count("\n") == raw.count("\n")
    assert reveal(raw).count("\n") == raw.count("\n")


@given(TEXTS)
def test_sanitizing_lines_is_sanitizing_the_text(raw: str) -> None:
    lines = raw.split("\n")
    ended = [line.removesuffix("\r") for line in lines[:-1]] + lines[-1:]
    assert sanitize(raw) == "\n".join(sanitize(line) for line in ended)


@given(TEXTS)
def test_sanitizing_twice_changes_nothing_more(raw: str) -> None:
    assert sanitize(sanitize(raw)) == sanitize(raw)


@given(TEXTS, st.integers(1, 50))
def test_one_line_is_one_short_line(raw: str, limit: int) -> None:
    line = one_line(raw, limit)
    assert "\n" not in line
    assert len(line) <= limit


@pytest.mark.parametrize(
    "piece",
    ["\x1b]", "\x9d", "\x1b[", "\x1b[1;", "❤\ufe0f", "\u200d", "👨\u200d", "e\u0301", "\x1b]a\x9d"],
)
def test_the_cost_per_character_does_not_grow_with_the_text(piece: str) -> None:
    def cost(count: int) -> float:
        begin = time.process_time()
        sanitize(piece * count)
        return (time.process_time() - begin) / count

    cost(1000)
    assert min(cost(100_000) for _ in range(2)) < 20 * max(cost(5_000) for _ in range(3))


def test_surrogates_are_replaced_and_pairs_of_them_joined() -> None:
    assert replace_surrogates("a\ud800b") == "a\ufffdb"
    assert replace_surrogates("\ud83d\ude00") == "\U0001f600"
    assert replace_surrogates("text") == "text"
