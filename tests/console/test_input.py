"""Pastes are told from keys, whatever they hold and however they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.input import (
    PASTE_END,
    PASTE_START,
    InputLimits,
    InputSplitter,
    Keys,
    Part,
    Pasted,
)

LIMITS = InputLimits()
HOSTILE = st.text(
    st.one_of(
        st.sampled_from(["\x1b", "[", "2", "0", "1", "~", "y", "\r", "\n", "\x00", "m", ";"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)
PAUSES = st.floats(0.0, LIMITS.end_s * 0.9)


def play(chunks: list[str], pauses: list[float] | None = None) -> list[Part]:
    """Feed the chunks with a pause after each, ticking as the driver does."""
    splitter, now = InputSplitter(LIMITS), 100.0
    parts: list[Part] = []
    for chunk, pause in zip(chunks, pauses or [0.0] * len(chunks), strict=True):
        parts += splitter.feed(chunk, now)
        ticks = int(min(pause, 1.0) / 0.05)
        for tick in range(ticks):
            parts += splitter.tick(now + (tick + 1) * 0.05)
        now += pause
        parts += splitter.tick(now)
    parts += splitter.tick(now + LIMITS.end_s)
    return parts


def keys(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Keys))


def pasted(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Pasted))


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[one:other] for one, other in pairwise(ends)]


@given(HOSTILE, st.lists(st.integers(0, 100), max_size=10), st.data())
def test_nothing_inside_a_bracketed_paste_is_a_key(
    content: str, places: list[int], data: st.DataObject
) -> None:
    content = content.replace(PASTE_END, "")
    chunks = cut(PASTE_START + content + PASTE_END, places)
    # The marker may come in pieces, but not slower than it takes to give an escape up.
    pauses = [data.draw(PAUSES if len(chunk) > 6 else st.floats(0.0, 0.09)) for chunk in chunks]
    parts = play(chunks, pauses)
    assert keys(parts) == ""
    assert pasted(parts) == content


@pytest.mark.parametrize("place", range(1, len(PASTE_START) + 12))
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.5])
def test_a_paste_may_be_cut_in_two_anywhere(place: int, pause: float) -> None:
    text = f"{PASTE_START}y\x1b[31mx{PASTE_END}"
    parts = play([text[:place], text[place:]], [pause, 0.0])
    assert keys(parts).strip("\x1b[") == ""
    assert pasted(parts) == "y\x1b[31mx"


@given(HOSTILE)
def test_text_with_an_end_of_its_own_presses_no_keys_behind_it(content: str) -> None:
    parts = play([f"{PASTE_START}harmless{PASTE_END}{content}{PASTE_END}"])
    assert keys(parts).strip("\x1b[20") == ""


@given(HOSTILE, st.floats(0.0, 10.0))
def test_a_paste_whose_end_never_comes_is_text_and_the_keys_work_again(
    content: str, pause: float
) -> None:
    content = content.replace(PASTE_END, "")
    splitter = InputSplitter(LIMITS)
    parts = splitter.feed(PASTE_START + content, 0.0)
    parts += splitter.tick(LIMITS.end_s)
    assert (keys(parts), pasted(parts)) == ("", content)
    assert splitter.feed("y", LIMITS.end_s + 1 + pause) == [Keys("y")]


def test_an_end_that_comes_late_takes_what_stands_before_it_along() -> None:
    parts = play([f"{PASTE_START}one", f"y\n{PASTE_END}"], [LIMITS.end_s + 1, 0.0])
    assert keys(parts) == ""
    assert pasted(parts) == "oney\n"


@pytest.mark.parametrize("text", ["yes", "yn", "y\r", "rm -rf /\r", "x\n", "\x1b[31mred\x1b[m"])
def test_characters_that_arrive_together_are_pasted_text(text: str) -> None:
    assert play([text]) == [Pasted(text)]


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[32my\x1b[0m",
        "y\x1b[m",
        "\x1b[38:2::1:2:3my",
        "y\x1b[K",
        "\x1b[?25ly",
        "\x1b]8;;a:b\x1b\\y",
    ],
)
def test_one_character_beside_what_only_programs_print_was_pasted(text: str) -> None:
    assert keys(play([text])) == ""


@pytest.mark.parametrize(
    "text",
    [
        "y",
        "\r",
        "jjjj",
        "\x1b[A",
        "\x1b[A\x1b[A\x1b[B",
        "\x1bOP",
        "\x1b[<35;10;10M",
        "\x7f",
        "\x1b[97u",
    ],
)
def test_a_key_is_a_key(text: str) -> None:
    assert play([text]) == [Keys(text)]


def test_an_escape_is_a_key_once_nothing_has_followed_it() -> None:
    splitter = InputSplitter(LIMITS)
    assert splitter.feed("\x1b", 0.0) == []
    assert splitter.tick(LIMITS.escape_s / 2) == []
    assert splitter.tick(LIMITS.escape_s) == [Keys("\x1b", complete=True)]
    assert splitter.feed("y", 1.0) == [Keys("y")]


def test_a_paste_is_bounded() -> None:
    splitter = InputSplitter(InputLimits(max_paste=10))
    parts = splitter.feed(PASTE_START + "x" * 100 + PASTE_END, 0.0)
    assert parts == [Pasted("x" * 10)]
