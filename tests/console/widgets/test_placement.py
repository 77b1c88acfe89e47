from __future__ import annotations

import pytest
from console.model.events import FakeServer, info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.state import ConsoleState
from codextui.console.widgets.placement import (
    MIN_PANE_HEIGHT,
    MIN_PANE_WIDTH,
    PANE_COUNTS,
    PaneSlots,
    Tiling,
    may_take_pane,
    pane_capacity,
    sort_by_urgency,
    tile_panes,
    wants_pane,
    yield_rank,
    yields_to_all,
)
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

RUN = "run:r"
S = ThreadState


# Tiling.


@pytest.mark.parametrize(
    ("width", "height", "panes"),
    [(58, 20, 2), (58, 15, 1), (124, 41, 9), (80, 41, 6), (20, 5, 1), (300, 100, 9)],
)
def test_as_many_panes_fit_as_can_be_read(width: int, height: int, panes: int) -> None:
    assert pane_capacity(width, height, 9) == panes


def test_there_are_never_more_panes_than_the_users_limit() -> None:
    assert [pane_capacity(300, 100, most) for most in range(1, 10)] == [1, 2, 3, 4, 4, 6, 6, 6, 9]


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize(("width", "height"), [(124, 41), (240, 60), (60, 75)])
def test_no_cell_of_the_grid_stays_empty(count: int, width: int, height: int) -> None:
    tiling = tile_panes(count, width, height)
    assert tiling.columns * tiling.rows == count + tiling.first_span - 1
    assert tiling.first_span <= tiling.rows


@pytest.mark.parametrize("count", PANE_COUNTS)
def test_panes_that_fit_are_tiled_in_readable_sizes(count: int) -> None:
    for width, height in ((36, 8), (58, 20), (80, 41), (124, 41), (240, 60), (60, 75)):
        if pane_capacity(width, height, count) == count:
            tiling = tile_panes(count, width, height)
            assert width // tiling.columns >= MIN_PANE_WIDTH
            assert height // tiling.rows >= MIN_PANE_HEIGHT


def test_wide_screens_place_panes_side_by_side_and_narrow_ones_stack_them() -> None:
    assert tile_panes(2, 124, 41) == Tiling(2, 1)
    assert tile_panes(2, 58, 20) == Tiling(1, 2)
    assert tile_panes(3, 200, 41) == Tiling(3, 1)


def test_three_narrow_panes_become_one_tall_and_two_stacked() -> None:
    assert tile_panes(3, 124, 41) == Tiling(2, 2, first_span=2)


# Slots.


def slots(capacity: int, *threads: str) -> PaneSlots:
    result = PaneSlots()
    result.resize(capacity, threads)
    return result


def never(_: str) -> bool:
    return False


def test_new_threads_take_free_slots_in_order() -> None:
    some = slots(2)
    some.claim("a", never)
    some.claim("b", never)
    assert some.shown == ("a", "b")


def test_a_new_thread_takes_no_slot_from_a_living_one() -> None:
    some = slots(2, "a", "b")
    some.claim("c", never)
    assert some.shown == ("a", "b")


def test_a_new_thread_takes_the_slot_of_a_killed_one() -> None:
    some = slots(2, "a", "b")
    some.claim("c", lambda thread_id: thread_id == "a")
    assert some.shown == ("c", "b")


def test_a_chosen_thread_takes_the_slot_of_the_current_one() -> None:
    some = slots(2, "a", "b")
    some.show("c", replacing="a")
    assert some.shown == ("c", "b")


def test_a_chosen_thread_takes_a_free_slot_first() -> None:
    some = slots(3, "a", "b")
    some.show("c", replacing="a")
    assert some.shown == ("a", "b", "c")


def test_a_thread_is_never_shown_twice() -> None:
    some = slots(3, "a", "b")
    some.show("a", replacing="b")
    some.claim("b", never)
    assert some.shown == ("a", "b")


def test_fewer_slots_hide_the_last_threads_and_more_bring_them_back() -> None:
    some = slots(4, "a", "b", "c", "d")
    some.resize(2, ())
    assert some.shown == ("a", "b")
    some.resize(4, ())
    assert some.shown == ("a", "b", "c", "d")


def test_a_hidden_thread_that_is_chosen_becomes_visible() -> None:
    some = slots(3, "a", "b", "c")
    some.resize(2, ())
    some.show("c", replacing="b")
    assert some.shown == ("a", "c")


def test_the_current_thread_stays_visible_with_fewer_slots() -> None:
    some = slots(4, "a", "b", "c", "d")
    some.resize(2, ())
    some.keep_visible("d")
    assert some.shown == ("a", "d")
    some.keep_visible("a")
    some.keep_visible("e")
    assert some.shown == ("a", "d")
    some.resize(4, ())
    assert some.shown == ("a", "d", "c", "b")


def test_more_slots_are_filled_with_waiting_threads() -> None:
    some = slots(1, "a")
    some.resize(3, ("a", "b", "c", "d"))
    assert some.shown == ("a", "b", "c")


def test_the_thread_with_the_highest_yield_rank_loses_its_slot() -> None:
    some = slots(3, "a", "b", "c")
    some.claim("d", {"a": 1, "b": 3, "c": 0}.__getitem__)
    assert some.shown == ("a", "d", "c")


# Urgency.


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


def order(state: ConsoleState, capacity: int) -> list[str]:
    names = sort_by_urgency(state, state.tree(), capacity)
    return [name.removeprefix(f"{RUN}/") for name in names]


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


def test_threads_that_need_input_come_first() -> None:
    state = state_with(run(), role("back", S.RUNNING), codex("back", S.NEEDS_INPUT))
    assert order(state, 4)[0] == "back-codex"


@pytest.mark.parametrize("state", list(ThreadState))
def test_every_state_has_an_urgency(state: ThreadState) -> None:
    state = state_with(run(state), role("back", state), codex("back", state))
    assert len(order(state, 4)) == 3


def test_resting_threads_yield_before_waiting_ones_and_working_ones_never() -> None:
    rows = [
        role("a", S.KILLED),
        codex("b", S.IDLE),
        role("c", S.DONE),
        role("d", S.WAITING),
        role("e", S.RUNNING),
        role("f", S.NEEDS_INPUT),
        role("g", S.PAUSED),
        role("h", S.FAILED),
    ]
    state = state_with(run(), role("b", S.DONE), *rows)
    readiness = [yield_rank(state, row, 4) for row in rows]
    assert readiness[:4] == sorted(set(readiness[:4]), reverse=True)
    assert readiness[3] > 0
    assert readiness[4:] == [0, 0, 0, 0]


def test_a_run_yields_only_with_few_panes() -> None:
    state = state_with(run())
    assert yield_rank(state, run(), 2)
    assert not yield_rank(state, run(), 4)


def test_threads_without_a_team_neither_claim_nor_yield() -> None:
    alone = info("alone", state=S.RUNNING)
    idle = info("idle", state=S.IDLE)
    state = state_with(alone, idle)
    assert not wants_pane(state, alone)
    assert not yield_rank(state, idle, 4)


# Threads of other programs.


def foreign(name: str, state: ThreadState, **more: object) -> ThreadInfo:
    return info(name, state=state, ours=False, origin="Codex TUI", **more)


@pytest.mark.parametrize("state", list(ThreadState))
@pytest.mark.parametrize("ours", [True, False])
def test_another_program_takes_a_pane_only_to_ask(state: ThreadState, ours: bool) -> None:
    thread = info("t", state=state, ours=ours)
    assert may_take_pane(thread) is (ours or state is S.NEEDS_INPUT)
    assert yields_to_all(thread) is (state is S.KILLED or not may_take_pane(thread))


def test_what_another_program_shows_comes_before_nothing_of_it_that_is_not_shown() -> None:
    state = state_with(
        foreign("busy", S.RUNNING),
        foreign("asks", S.NEEDS_INPUT),
        foreign("shown", S.IDLE),
        info("own", state=S.IDLE),
    )
    names = sort_by_urgency(state, state.tree(), 4, shown=["shown"])
    assert names == ["asks", "shown", "own"]
    assert wants_pane(state, state.threads["asks"].info)
    assert not wants_pane(state, state.threads["busy"].info)


@st.composite
def machines(draw: st.DrawFn) -> list[ThreadInfo]:
    ids = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8))
    states = st.sampled_from([S.IDLE, S.RUNNING, S.NEEDS_INPUT, S.FAILED, S.KILLED])
    return [info(i, state=draw(states), ours=draw(st.booleans())) for i in ids]


@given(machines(), st.sampled_from(PANE_COUNTS), st.sets(st.sampled_from("abcdefgh"), max_size=3))
def test_no_thread_of_another_program_gets_a_pane_unless_it_asks_or_has_one(
    threads: list[ThreadInfo], capacity: int, shown: set[str]
) -> None:
    state = state_with(*threads)
    urgent = sort_by_urgency(state, state.tree(), capacity, sorted(shown))
    by_id = {thread.thread_id: thread for thread in threads}
    for name in urgent:
        assert by_id[name].ours or by_id[name].state is S.NEEDS_INPUT or name in shown
    living = {t.thread_id for t in threads if t.ours and t.state is not S.KILLED}
    assert living <= set(urgent)


@given(machines(), st.sampled_from(PANE_COUNTS))
def test_one_that_asks_for_nothing_is_the_first_to_yield(
    threads: list[ThreadInfo], capacity: int
) -> None:
    state = state_with(*threads)
    ranks = {t.thread_id: yield_rank(state, t, capacity) for t in threads}
    for thread in threads:
        if not thread.ours and thread.state is not S.NEEDS_INPUT:
            assert ranks[thread.thread_id] == max(ranks.values())
        elif not thread.ours:
            assert ranks[thread.thread_id] == 0
