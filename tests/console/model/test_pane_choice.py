"""Panes follow need: who asks, what runs, the newest; and nothing moves without need."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from console.model.events import FakeServer, approval, info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.pane_choice import (
    Candidate,
    Hold,
    Need,
    PaneChange,
    PaneChoice,
    Reason,
    choose_panes,
    need_of,
    open_pane,
    rank_candidates,
)
from codextui.console.model.state import ConsoleState
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

RUN = "run:r"
S = ThreadState
LETTERS = {
    "A": Need.ASKS,
    "R": Need.RUNS,
    "N": Need.NEW,
    "F": Need.FAILED,
    "W": Need.WAITS,
    "I": Need.RESTS,
    "O": Need.OVER,
    "X": Need.FOREIGN,
}


def candidates(*names: str) -> list[Candidate]:
    """Return candidates named by a letter for their need and a number, such as `A1`."""
    found = [Candidate(name, LETTERS[name[0]], i) for i, name in enumerate(names)]
    return sorted(found, key=lambda one: one.need)


@pytest.mark.parametrize(
    ("threads", "shown", "capacity", "held", "panes"),
    [
        # Free panes: the neediest, in the order of the tree.
        ("I1 R1 A1 I2", "", 2, "", "R1 A1"),
        ("R1 R2 R3", "", 2, "", "R1 R2"),
        ("I1 X1 O1", "", 4, "", "I1"),
        ("O1 O2 X1", "", 4, "", "O1 O2"),
        # What is needed replaces what is needed less, in its place.
        ("I1 I2 R1", "I1 I2", 2, "", "I1 R1"),
        ("R1 R2 A1", "R1 R2", 2, "", "R1 A1"),
        ("I1 W1 R1", "I1 W1", 2, "", "R1 W1"),
        ("F1 I1 N1", "F1 I1", 2, "", "F1 N1"),
        ("O1 I1 N1", "O1 I1", 2, "", "N1 I1"),
        ("X1 R1 N1", "X1 R1", 2, "", "N1 R1"),
        # Re-attached: the idle ones give their panes to what runs.
        ("I1 I2 R1 R2 I3 I4", "I1 I2 I3 I4", 4, "", "I1 I2 R2 R1"),
        # Equals stay.
        ("R1 R2 R3", "R3 R2", 2, "", "R3 R2"),
        ("A1 A2 A3", "A3", 1, "", "A3"),
        ("I1 I2", "I2", 1, "", "I2"),
        ("O1 I1", "O1", 1, "", "O1"),
        # What is held stays, whatever comes.
        ("I1 I2 A1 A2", "I1 I2", 2, "I1", "I1 A1"),
        ("I1 I2 A1", "I1 I2", 2, "I1 I2", "I1 I2"),
        # Fewer panes: the neediest stay, and those that are held before them.
        ("I1 R1 A1", "I1 R1 A1", 2, "", "R1 A1"),
        ("I1 R1 A1", "I1 R1 A1", 1, "I1", "I1"),
        # One that has gone leaves its place to another.
        ("R2 I1", "R1 R2", 2, "", "I1 R2"),
        ("R2", "R1 R2", 2, "", "R2"),
        ("R2", "R1 R2", 2, "R1", "R1 R2"),
    ],
)
def test_the_rule(threads: str, shown: str, capacity: int, held: str, panes: str) -> None:
    holds = dict.fromkeys(held.split(), Hold.PINNED)
    choice = choose_panes(candidates(*threads.split()), shown.split(), capacity, holds)
    assert list(choice.panes) == panes.split()


def test_each_change_has_its_reason() -> None:
    some = candidates("A1", "R1", "N1", "I1", "I2", "I3", "I4")
    choice = choose_panes(some, ["I1", "I2", "I3"], 4)
    assert choice.changes == (
        PaneChange("A1", Reason.ASKS),
        PaneChange("R1", Reason.RUNS, "I3"),
        PaneChange("N1", Reason.NEW, "I2"),
    )
    assert choose_panes(candidates("I1"), [], 1).changes == (PaneChange("I1", Reason.ROOM),)


@pytest.mark.parametrize(
    ("shown", "held", "pinned", "spared", "panes"),
    [
        ("R1", "", "", "", "R1 I9"),
        ("R1 I1", "", "", "", "R1 I9"),
        ("R1 I1", "I1", "", "", "I9 I1"),
        ("R1 I1", "I1 R1", "", "", "R1 I9"),
        ("R1 I1", "R1 I1", "", "I1", "I9 I1"),
        ("R1 I1", "", "I1", "", "I9 I1"),
        ("R1 I1", "", "R1 I1", "", ""),
        ("R1 I9", "", "", "", "R1 I9"),
    ],
)
def test_an_opened_thread_takes_the_pane_that_is_needed_least(
    shown: str, held: str, pinned: str, spared: str, panes: str
) -> None:
    holds = dict.fromkeys(held.split(), Hold.FOCUSED) | dict.fromkeys(pinned.split(), Hold.PINNED)
    some = candidates("R1", "I1", "I9")
    choice = open_pane("I9", some, shown.split(), 2, holds=holds, spared=spared)
    assert ([] if choice is None else list(choice.panes)) == panes.split()
    if choice is not None and "I9" not in shown:
        assert [change.reason for change in choice.changes] == [Reason.OPENED]


def test_a_pane_that_is_written_to_is_opened_over_last() -> None:
    holds = {"I1": Hold.WRITTEN, "R1": Hold.FOCUSED}
    choice = open_pane("I9", candidates("R1", "I1", "I9"), ["R1", "I1"], 2, holds=holds)
    assert choice is not None
    assert choice.panes == ("I9", "I1")


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Candidate], list[str], int, dict[str, Hold]]:
    ids = draw(st.lists(st.sampled_from("abcdefghijkl"), unique=True))
    some = [Candidate(i, draw(st.sampled_from(Need)), at) for at, i in enumerate(ids)]
    shown = draw(st.lists(st.sampled_from("abcdefghijklmn"), unique=True, max_size=9))
    holds = draw(st.dictionaries(st.sampled_from(shown or ["a"]), st.sampled_from(Hold)))
    capacity = draw(st.integers(1, 9))
    return sorted(some, key=lambda one: one.need), shown, capacity, holds


@given(situations())
def test_panes_follow_need(
    situation: tuple[list[Candidate], list[str], int, dict[str, Hold]],
) -> None:
    some, shown, capacity, holds = situation
    choice = choose_panes(some, shown, capacity, holds)
    needs = {one.thread_id: one.need for one in some}
    assert len(choice.panes) <= capacity
    assert len(set(choice.panes)) == len(choice.panes)
    # Whoever asks, runs or is new has a pane before whoever needs it less.
    without = [need for id_, need in needs.items() if id_ not in choice.panes]
    neediest = min(without, default=Need.FOREIGN)
    if neediest <= Need.NEW:
        assert len(choice.panes) == capacity
        free = [needs[id_] for id_ in choice.panes if not holds.get(id_)]
        assert max(free, default=neediest) <= neediest
    # What is held is not replaced while it has room.
    held = [id_ for id_ in shown if holds.get(id_)]
    if len(held) <= capacity:
        assert set(held) <= set(choice.panes)
    assert not {id_ for id_ in held if len(held) <= capacity} & {
        change.replaced for change in choice.changes
    }
    # Every newcomer has a reason, and nobody else.
    assert {change.thread_id for change in choice.changes} == set(choice.panes) - set(shown)


@given(situations())
def test_nothing_moves_without_need(
    situation: tuple[list[Candidate], list[str], int, dict[str, Hold]],
) -> None:
    some, shown, capacity, holds = situation
    choice = choose_panes(some, shown, capacity, holds)
    assert choose_panes(some, choice.panes, capacity, holds) == PaneChoice(choice.panes)
    known = {one.thread_id for one in some}
    if len(shown) <= capacity and all(id_ in known or holds.get(id_) for id_ in shown):
        for index, id_ in enumerate(shown):
            assert id_ not in choice.panes or choice.panes[index] == id_
        assert sum(bool(change.replaced) for change in choice.changes) == len(
            set(shown) - set(choice.panes)
        )


# The need of a thread.


def state_with(*rows: ThreadInfo) -> ConsoleState:
    server = FakeServer()
    for row in rows:
        server.send(ev.ThreadChanged(row), thread=row.thread_id)
    return server.state


def run(state: ThreadState = S.RUNNING) -> ThreadInfo:
    return info(RUN, kind=ThreadKind.RUN, state=state)


def role(name: str, state: ThreadState) -> ThreadInfo:
    return info(f"{RUN}/{name}", kind=ThreadKind.ROLE, parent=RUN, state=state)


def codex(name: str, state: ThreadState) -> ThreadInfo:
    return info(f"{name}-codex", parent=f"{RUN}/{name}", state=state)


def order(state: ConsoleState, capacity: int, preferred: Sequence[str] = ()) -> list[str]:
    ranked = rank_candidates(state, state.tree(), capacity, preferred=preferred)
    return [one.thread_id.removeprefix(f"{RUN}/") for one in ranked]


def test_working_roles_come_before_their_codex_threads_and_before_waiting_roles() -> None:
    state = state_with(
        run(),
        role("pm", S.DONE),
        role("tester", S.WAITING),
        role("back", S.RUNNING),
        codex("back", S.RUNNING),
        role("front", S.RUNNING),
    )
    assert order(state, 4) == [RUN, "back", "front", "back-codex", "tester", "pm"]


def test_with_few_panes_a_run_comes_after_its_working_roles() -> None:
    state = state_with(
        run(), role("back", S.RUNNING), codex("back", S.RUNNING), role("pm", S.WAITING)
    )
    assert order(state, 2) == ["back", "back-codex", "pm", RUN]


def test_who_has_asked_longest_comes_first() -> None:
    server = FakeServer()
    for name, asked_at in (("b", 30.0), ("a", 20.0), ("c", 10.0)):
        server.send(ev.ThreadChanged(info(name, state=S.NEEDS_INPUT)), thread=name)
        asked = approval(f"ap-{name}", thread_id=name, asked_at=asked_at)
        server.state.add_approval(asked)
    assert order(server.state, 4) == ["c", "a", "b"]


def test_of_resting_threads_the_newest_comes_first_after_those_that_have_a_pane() -> None:
    rows = [info(name, state=S.IDLE, created_at=at) for at, name in enumerate("abcd")]
    state = state_with(*rows)
    assert order(state, 4) == ["d", "c", "b", "a"]
    assert order(state, 4, preferred=["b"]) == ["b", "d", "c", "a"]


@pytest.mark.parametrize("state", list(ThreadState))
def test_each_state_has_a_need(state: ThreadState) -> None:
    everything = state_with(run(state), role("back", state), codex("back", state))
    assert len(order(everything, 4)) == 3


@pytest.mark.parametrize("state", [S.DONE, S.FAILED, S.KILLED, S.INTERRUPTED])
def test_of_a_run_that_is_over_nothing_needs_a_pane(state: ThreadState) -> None:
    failed = role("back", S.FAILED)
    everything = state_with(run(state), failed)
    assert need_of(everything, failed, 4, is_new=True) is Need.RESTS
    going = state_with(run(), failed)
    assert need_of(going, failed, 4) is Need.FAILED


@pytest.mark.parametrize("state", list(ThreadState))
def test_another_program_needs_a_pane_only_to_ask(state: ThreadState) -> None:
    thread = info("t", state=state, ours=False, origin="Codex TUI")
    need = Need.ASKS if state is S.NEEDS_INPUT else Need.FOREIGN
    assert need_of(state_with(thread), thread, 4, is_new=True) is need


def test_one_of_another_program_that_was_opened_has_its_own_need() -> None:
    thread = info("t", state=S.RUNNING, ours=False)
    state = state_with(thread)
    ranked = rank_candidates(state, state.tree(), 4, opened=["t"])
    assert [one.need for one in ranked] == [Need.RUNS]


@pytest.mark.parametrize(
    ("state", "need"),
    [(S.IDLE, Need.NEW), (S.WAITING, Need.NEW), (S.RUNNING, Need.RUNS), (S.KILLED, Need.OVER)],
)
def test_a_new_thread_needs_a_pane(state: ThreadState, need: Need) -> None:
    thread = info("t", state=state)
    assert need_of(state_with(thread), thread, 4, is_new=True) is need
