from __future__ import annotations

import pytest
from console.model.events import info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.tree_filter import (
    FILTER_KEYS,
    NO_FILTER,
    FilterFacts,
    parse_filter,
)
from codextui.protocol.threads import ThreadInfo, ThreadState

THREAD = info(
    handle="frontend-codex",
    state=ThreadState.NEEDS_INPUT,
    cwd="/home/ada/shop",
    branch="limits",
    model="gpt-5.5",
    brief="Build the refund page",
)
FACTS = FilterFacts(rank="asks", role="frontend", team="bug-busters")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "front",
        "FRONT",
        "fcdx",
        "shop",
        "refund",
        "front limits",
        "state:asks",
        "state:needs",
        "state:a",
        "state:",
        "role:front",
        "dir:shop",
        "dir:/home",
        "branch:lim",
        "program:codextui",
        "model:gpt",
        "team:bug",
        "state:idle state:asks",
        "role:front dir:shop front",
    ],
)
def test_a_filter_finds_a_thread(text: str) -> None:
    parsed = parse_filter(text)
    assert parsed.matches(THREAD, FACTS)
    assert parsed.problem == ""


@pytest.mark.parametrize(
    "text",
    ["backend", "xedoc", "state:idle", "role:docs", "dir:site", "model:o3", "team:x", "is:hidden"],
)
def test_a_filter_leaves_a_thread_out(text: str) -> None:
    assert not parse_filter(text).matches(THREAD, FACTS)


def test_a_thread_of_another_program_is_found_by_it() -> None:
    other = info(ours=False, origin="Codex TUI")
    assert parse_filter("program:tui").matches(other, FilterFacts())
    assert not parse_filter("program:codextui").matches(other, FilterFacts())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stat:asks", "no key stat: state:?"),
        ("xyz:1", f"no key xyz: {' '.join(FILTER_KEYS)}"),
        ("is:gone", "no is gone: away hidden archived"),
    ],
)
def test_what_cannot_be_read_is_told_and_left_out(text: str, problem: str) -> None:
    parsed = parse_filter(text)
    assert parsed.problem == problem
    assert parsed.matches(THREAD, FACTS)


def test_an_unknown_state_lists_the_known_ones() -> None:
    assert parse_filter("state:sleepy").problem.startswith("no state sleepy: asks failed new")


def test_what_was_put_away_is_shown_only_to_a_filter_that_asks_for_it() -> None:
    assert parse_filter("is:hidden").wants_away
    assert not parse_filter("hidden").wants_away
    assert parse_filter("is:away").matches(THREAD, FilterFacts(is_away=True))


@given(st.text(), st.builds(ThreadInfo, st.text(), st.text(), st.sampled_from(ThreadState)))
def test_any_text_is_a_filter(text: str, thread: ThreadInfo) -> None:
    parsed = parse_filter(text)
    assert isinstance(parsed.matches(thread, FACTS), bool)
    assert NO_FILTER.matches(thread, FACTS)


@given(st.text(st.characters(exclude_characters=":", exclude_categories=("Z", "C")), min_size=1))
def test_a_thread_is_found_by_its_handle(word: str) -> None:
    handle = word.casefold()
    assert parse_filter(word).matches(info(handle=handle), FilterFacts()) or not handle.strip()
