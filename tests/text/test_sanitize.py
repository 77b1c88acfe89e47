from __future__ import annotations

import json
import re
import time
import unicodedata

import pytest
from console.render.looks import TEXTS, is_harmless
from hypothesis import given
from hypothesis import strategies as st

from codextui.text.sanitize import (
    dump_json,
    fold_blanks,
    hidden_characters,
    last_frames,
    one_line,
    one_revealed_line,
    replace_surrogates,
    reveal,
    sanitize,
    show_tabs,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


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


SHAPES_OF_THEIR_OWN = {0x600, 0x6DD, 0x70F, 0x890, 0x8E2, 0x110BD}


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"])
def test_whole_categories_are_named(category: str) -> None:
    codes = [c for c in range(0x110000) if unicodedata.category(chr(c)) == category]
    for code in codes[:: max(1, len(codes) // 3_000)]:
        is_kept = chr(code) in "\t\n" or 0x600 <= code <= 0x605 or 0x1F000 <= code <= 0x1FAFF
        if not is_kept and code not in SHAPES_OF_THEIR_OWN | {0x891, 0x110CD}:
            assert reveal(f"a{chr(code)}b") != f"a{chr(code)}b", hex(code)


@pytest.mark.parametrize(
    "code",
    [
        *(0x1BCA0, 0x16FE4, 0x13430, 0xFFFF, 0x0378, 0x200B, 0xFE0F, 0xE0100, 0xE0041),
        *(0x3164, 0xFFA0, 0x115F, 0x2800, 0x180E, 0x034F, 0xE000, 0x10FFFF, 0xFFFC, 0x1D159),
    ],
)
def test_what_has_no_shape_is_named_and_counted(code: int) -> None:
    name = f"<U+{code:04X}>"
    assert reveal(f"a{chr(code)}b") == f"a{name}b"
    assert hidden_characters(f"a{chr(code)}b{chr(code)}") == {name: 2}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("p\u0430ypal.com", "p<U+0430>ypal.com"),
        ("\u0441\u043e\u0440\u0443", "<U+0441><U+043E><U+0440><U+0443>"),
        ("\u043f\u0440\u0438\u0432\u0435\u0442 cat", "\u043f\u0440\u0438\u0432\u0435\u0442 cat"),
        ("rm \u2215etc", "rm <U+2215>etc"),
        ("rm \u2010rf \u2212f \u2217", "rm <U+2010>rf <U+2212>f <U+2217>"),
        ("a\u037e b", "a<U+037E> b"),
        ("na\u00efve caf\u00e9 \u4f60\u597d", "na\u00efve caf\u00e9 \u4f60\u597d"),
        ("\u03bb x: \u03b1", "\u03bb x: \u03b1"),
        ("\u0301x", "<U+0301>x"),
    ],
)
def test_what_passes_for_ascii_is_named_only_where_it_does(raw: str, shown: str) -> None:
    assert reveal(raw) == shown


@given(TEXTS)
def test_a_text_without_hidden_characters_is_shown_as_it_is(raw: str) -> None:
    if not hidden_characters(raw) and "\t" not in raw and "\r" not in raw:
        assert reveal(raw) == raw


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("echo safe\ntouch x", "echo safe \u240a touch x"),
        ("a\r\n\n\n  b\n", "a \u240a b"),
        ("a\t  b", "a b"),
        ("x" * 3 + "\n" + "y" * 600, "xxx \u240a " + "y" * 493 + "\u2026"),
    ],
)
def test_line_ends_stay_visible_in_one_line(raw: str, line: str) -> None:
    assert one_line(raw) == line
    assert one_revealed_line(raw) == line


def test_one_line_says_that_something_follows_many_blanks() -> None:
    assert one_line("safe" + " " * 100_000 + "rm -rf /", 100) == "safe rm -rf /"
    assert one_line("safe" + "\n" * 100_000 + "rm -rf /", 100) == "safe \u240a rm -rf /"
    assert one_line("a" * 5_000, 100).endswith("\u2026")


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("a\n\n\nb", "a\n\n\nb"),
        ("a" + "\n" * 244 + "b", "a\n\u22ef 243 blank lines \u22ef\nb"),
        ("a\n" + "   \n" * 1_200 + "b", "a\n\u22ef 1,200 blank lines \u22ef\nb"),
        ("a" + " " * 300 + "b", "a \u22ef 300 spaces \u22ef b"),
        ("    deep" + " " * 20 + "x", "    deep" + " " * 20 + "x"),
        ("a" + "<U+200B>" * 500 + "b", "a<U+200B>(500 times)b"),
    ],
)
def test_long_blanks_are_counted(raw: str, folded: str) -> None:
    assert fold_blanks(raw) == folded


@given(st.text(alphabet="a \n", max_size=400))
def test_folding_drops_only_blanks(raw: str) -> None:
    folded = re.sub(r"\u22ef \d+ (blank lines|spaces) \u22ef", "", fold_blanks(raw))
    assert folded.replace(" ", "").replace("\n", "") == raw.replace(" ", "").replace("\n", "")


def test_tabs_can_be_told_from_spaces() -> None:
    assert show_tabs("a\tb\t\tc") == "a\u2192  b\u2192  \u2192   c"
    assert show_tabs("\tx", column=2) == "\u2192 x"


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
    [
        "\n",
        " ",
        " \n",
        "<U+200B>",
        "\u0430a",
        "\x1b]",
        "\x9d",
        "\x1b[",
        "\x1b[1;",
        "❤\ufe0f",
        "\u200d",
        "👨\u200d",
        "e\u0301",
        "\x1b]a\x9d",
    ],
)
def test_the_cost_per_character_does_not_grow_with_the_text(piece: str) -> None:
    def cost(count: int) -> float:
        begin = time.process_time()
        sanitize(piece * count)
        fold_blanks(reveal(piece * count))
        return (time.process_time() - begin) / count

    cost(1000)
    assert min(cost(100_000) for _ in range(2)) < 20 * max(cost(5_000) for _ in range(3))


def test_surrogates_are_replaced_and_pairs_of_them_joined() -> None:
    assert replace_surrogates("a\ud800b") == "a\ufffdb"
    assert replace_surrogates("\ud83d\ude00") == "\U0001f600"
    assert replace_surrogates("text") == "text"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"name": "Ümlaut 役割 😀"}, '{"name": "Ümlaut 役割 😀"}'),
        ("full\u3000width", '"full\u3000width"'),
        ("\x1b[2J\x9b2J", '"\\u001b[2J\\u009b2J"'),
        ("a\u202eb\u200b", '"a\\u202eb\\u200b"'),
        ("\ud800", '"\\ud800"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
    ],
)
def test_json_is_in_its_own_script_and_harmless(value: object, text: str) -> None:
    assert dump_json(value) == text


@given(JSON)
def test_json_stays_the_same_value(value: object) -> None:
    for indent in (None, 2):
        text = dump_json(value, indent=indent)
        assert json.loads(text) == value
        assert not any(ord(char) < 32 and char != "\n" for char in text)
        text.encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain\ntext\n", "plain\ntext\n"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("10%\r50%\r", "50%"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("10%\r100%\r\x1b[K", "100%"),
        ("10%\r100%\r\x1b[2K\r", "100%"),
        ("10%\b\b\b20%", "20%"),
        ("\b\bx", "x"),
        ("|\b/\b-\bdone", "done"),
        ("\r\r\r", ""),
        ("one\rtwo\nthree\rfour", "two\nfour"),
    ],
)
def test_only_the_last_state_of_an_overwritten_line_is_shown(raw: str, shown: str) -> None:
    assert last_frames(raw) == shown or sanitize(last_frames(raw)) == shown


@given(st.text(alphabet="ab\r\n\b\x1b[K"))
def test_last_frames_have_no_more_lines_and_nothing_new(raw: str) -> None:
    shown = last_frames(raw)
    assert shown.count("\n") == raw.count("\n")
    assert len(shown) <= len(raw)
    assert "\r" not in shown
    assert last_frames(shown) == shown
