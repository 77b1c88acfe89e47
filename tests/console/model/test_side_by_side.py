"""Threads as columns: which are compared, and what of them."""

from __future__ import annotations

import itertools

from codextui.console.model.side_by_side import (
    MAX_COLUMNS,
    MAX_TURNS,
    compare_threads,
    default_threads,
    first_threads,
    toggled,
)
from codextui.console.model.state import ConsoleState
from codextui.protocol import events as ev
from codextui.protocol.diff import parse_diff
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState


class World:
    def __init__(self) -> None:
        self.state = ConsoleState()
        self._seq = itertools.count(1)

    def say(self, thread_id: str, msg: ev.Msg, turn_id: str = "", at: float = 0.0) -> None:
        self.state.apply(ev.Event(next(self._seq), thread_id, turn_id, at, msg))

    def thread(self, thread_id: str, **more: object) -> None:
        info = ThreadInfo(thread_id, thread_id, ThreadState.IDLE, **more)  # type: ignore[arg-type]
        self.say(thread_id, ev.ThreadChanged(info))

    def turn(self, thread_id: str, turn_id: str) -> None:
        self.say(thread_id, ev.TurnStarted(), turn_id, 10.0)
        self.say(thread_id, ev.TurnCompleted(), turn_id, 15.0)


def test_a_fork_is_compared_with_its_source_and_siblings() -> None:
    world = World()
    for thread_id, source in (("a", ""), ("b", "a"), ("c", "a"), ("other", "")):
        world.thread(thread_id, forked_from=source)
    assert default_threads(world.state, "b") == ["a", "b", "c"]
    assert default_threads(world.state, "a") == ["a", "c", "b"]
    assert default_threads(world.state, "other") == ["other"]
    world.thread("run:1", kind=ThreadKind.RUN)
    assert default_threads(world.state, "run:1") == default_threads(world.state, "no") == []


def test_marked_threads_are_compared_first() -> None:
    world = World()
    for thread_id, source in (("a", ""), ("b", "a"), ("c", ""), ("d", ""), ("e", "")):
        world.thread(thread_id, forked_from=source)
    world.thread("run:1", kind=ThreadKind.RUN)
    more = "4 are marked, and 3 fit: s changes which"
    role = "1 of those marked is no Codex thread"
    table = [
        ("a", (), ["a", "b"], ""),
        ("e", ("d", "c"), ["d", "c"], ""),
        ("e", ("d", "c", "a"), ["d", "c", "a"], ""),
        ("e", ("d",), ["d", "e"], ""),
        ("a", ("a",), ["a", "b"], ""),
        ("run:1", ("d",), ["d"], ""),
        ("run:1", ("d", "c"), ["d", "c"], ""),
        ("", ("gone", "d", "c"), ["d", "c"], role),
        ("a", ("run:1",), ["a", "b"], role),
        ("b", ("a", "c", "d", "e"), ["a", "c", "d"], more),
        ("e", ("a", "c", "d", "e"), ["a", "c", "e"], more),
    ]
    for current, marked, threads, note in table:
        assert first_threads(world.state, current, marked) == (threads, note), (current, marked)


def test_common_turns_are_left_out_and_counted() -> None:
    world = World()
    world.thread("a")
    world.thread("b", forked_from="a")
    for thread_id, turn_id in (("a", "u1"), ("b", "u1"), ("a", "u2"), ("b", "u3"), ("b", "u4")):
        world.turn(thread_id, turn_id)
    one, two = compare_threads(world.state, ["a", "b", "gone"], 20.0, parse_diff)
    assert [turn.number for turn in one.turns] == [2]
    assert [turn.number for turn in two.turns] == [2, 3]
    assert (one.shared, two.shared, two.seconds) == (1, 1, 10)
    assert two.started_from == "a"


def test_a_thread_alone_shows_all_its_turns_that_fit() -> None:
    world = World()
    world.thread("a")
    for number in range(MAX_TURNS + 2):
        world.turn("a", f"u{number}")
    (column,) = compare_threads(world.state, ["a"], 20.0, parse_diff, lambda _: "$1.00")
    assert (len(column.turns), column.left_out, column.cost) == (MAX_TURNS, 2, "$1.00")


def test_threads_are_added_and_taken_out() -> None:
    assert toggled(["a"], "b") == (["a", "b"], "")
    assert toggled(["a", "b"], "a") == (["b"], "")
    assert toggled(["a"], "a") == (["a"], "One thread has to stay.")
    full = [str(number) for number in range(MAX_COLUMNS)]
    assert toggled(full, "x")[0] == full
