from __future__ import annotations

import pytest
from console.model.events import FakeServer, info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.fleet import RANKS, Fleet, News, Rank, rank_of
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.tree import Grouping, TreeEntry, TreeGroup, group_key
from codextui.console.model.tree_filter import parse_filter
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

NOW = 1_000_000.0


def state_of(*threads: ThreadInfo) -> ConsoleState:
    server = FakeServer()
    for thread in threads:
        server.send(ev.ThreadChanged(thread), thread=thread.thread_id, turn="")
    return server.state


def shown(fleet: Fleet, now: float = NOW) -> list[str]:
    rows = fleet.arrange(now).rows
    return [row.thread_id if isinstance(row, TreeEntry) else f"[{row.title}]" for row in rows]


RUN = {"kind": ThreadKind.RUN}
ROLE = {"kind": ThreadKind.ROLE}


@pytest.mark.parametrize(
    ("thread", "rank"),
    [
        (info(state=ThreadState.NEEDS_INPUT), Rank.ASKS),
        (info(state=ThreadState.FAILED), Rank.FAILED),
        (info(state=ThreadState.FAILED, ours=False), Rank.IDLE),
        (info(state=ThreadState.STARTING), Rank.RUNNING),
        (info(state=ThreadState.RUNNING), Rank.RUNNING),
        (info(state=ThreadState.PAUSED, **ROLE), Rank.RUNNING),
        (info(state=ThreadState.IDLE), Rank.IDLE),
        (info(state=ThreadState.INTERRUPTED), Rank.IDLE),
        (info(state=ThreadState.WAITING, **ROLE), Rank.IDLE),
        (info(state=ThreadState.DISCONNECTED), Rank.IDLE),
        (info(state=ThreadState.DONE, **ROLE), Rank.OVER),
        (info(state=ThreadState.KILLED), Rank.OVER),
        (info(state=ThreadState.INTERRUPTED, **RUN), Rank.OVER),
        (info(state=ThreadState.DISCONNECTED, **RUN), Rank.OVER),
    ],
)
def test_every_state_has_a_rank(thread: ThreadInfo, rank: Rank) -> None:
    assert rank_of(thread, News()) is rank


def test_a_failure_is_one_until_the_user_looks_at_it() -> None:
    news, failed = News(), info(state=ThreadState.FAILED)
    threads = {"t1": ThreadView(failed)}
    news.update(threads)
    assert news.has_failed(failed)
    news.update(threads, "t1")
    assert not news.has_failed(failed)
    assert rank_of(failed, news) is Rank.IDLE
    news.update({"t1": ThreadView(info())}, "t1")
    news.update(threads)
    assert news.has_failed(failed)


def test_a_turn_that_was_cut_off_has_failed_and_one_that_a_person_stopped_has_not() -> None:
    server = FakeServer()
    for thread, reason in (("t1", "lost"), ("t2", "interrupted")):
        server.send(ev.ThreadChanged(info(thread, state=ThreadState.INTERRUPTED)), thread=thread)
        server.send(ev.TurnStarted(), thread=thread)
        server.send(ev.TurnAborted(reason, "The server ended."), thread=thread)
    news, threads = News(), server.state.threads
    assert news.update(threads)
    assert [rank_of(view.info, news) for view in threads.values()] == [Rank.FAILED, Rank.IDLE]
    news.update(threads, "t1")
    assert rank_of(threads["t1"].info, news) is Rank.IDLE


def test_an_answer_is_new_if_the_thread_worked_while_the_console_was_there() -> None:
    news, idle = News(), info(state=ThreadState.IDLE)
    threads = {"t1": ThreadView(idle)}
    news.update(threads)
    assert not news.is_new(idle)
    news.update({"t1": ThreadView(info())}, "t1")
    news.update(threads)
    assert news.is_new(idle)
    news.update(threads, "t1")
    assert not news.is_new(idle)


def test_threads_below_others_are_no_news() -> None:
    news, worker = News(), info(state=ThreadState.IDLE, parent="run:r/tester")
    news.update({"t1": ThreadView(info(parent="run:r/tester"))})
    assert not news.is_new(worker)


def test_who_asks_the_longest_is_first_then_failures_then_who_works() -> None:
    states = {
        "killed": ThreadState.KILLED,
        "idle": ThreadState.IDLE,
        "works": ThreadState.RUNNING,
        "failed": ThreadState.FAILED,
    }
    threads = [info(name, state=state, created_at=1) for name, state in states.items()]
    asks = [
        info(f"asks-{since}", state=ThreadState.NEEDS_INPUT, waits_since=since, created_at=1)
        for since in (30.0, 10.0, 20.0)
    ]
    assert shown(Fleet(state_of(*threads, *asks), archive_after=0)) == [
        "asks-10.0",
        "asks-20.0",
        "asks-30.0",
        "failed",
        "works",
        "idle",
        "killed",
    ]


def test_a_run_stands_where_its_most_urgent_thread_would() -> None:
    threads = (
        info("works", created_at=1),
        info("run:r", created_at=2, **RUN),
        info("run:r/a", parent="run:r", created_at=3, state=ThreadState.DONE, **ROLE),
        info("run:r/b", parent="run:r", created_at=4, **ROLE),
        info("c", parent="run:r/b", created_at=5, state=ThreadState.NEEDS_INPUT),
    )
    assert shown(Fleet(state_of(*threads))) == ["run:r", "run:r/b", "c", "run:r/a", "works"]


@st.composite
def fleets(draw: st.DrawFn) -> list[ThreadInfo]:
    ids = draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    return [
        info(
            i,
            state=draw(st.sampled_from(ThreadState)),
            kind=draw(st.sampled_from(ThreadKind)),
            parent=draw(st.sampled_from("abcdefgh") | st.just("")),
            created_at=float(draw(st.integers(0, 3))),
            waits_since=draw(st.none() | st.integers(0, 9).map(float)),
            ours=draw(st.booleans()),
            origin=draw(st.sampled_from(["", "Codex TUI", "zed"])),
        )
        for i in ids
    ]


@given(fleets())
def test_every_thread_is_shown_once_in_a_row_of_its_own_or_folded_into_one(
    threads: list[ThreadInfo],
) -> None:
    arrangement = Fleet(state_of(*threads), archive_after=0).arrange(NOW)
    entries = [row for row in arrangement.rows if isinstance(row, TreeEntry)]
    found = [i for entry in entries for i in (entry.thread_id, *entry.folded)]
    assert sorted(found) == sorted(thread.thread_id for thread in threads)


@given(fleets())
def test_roots_of_a_group_are_in_the_order_of_their_most_urgent_thread(
    threads: list[ThreadInfo],
) -> None:
    state = state_of(*threads)
    rows = Fleet(state, archive_after=0).arrange(NOW).rows
    branches: list[tuple[str, int]] = []
    for row in rows:
        if isinstance(row, TreeEntry):
            ids = (row.thread_id, *row.folded)
            rank = min(RANKS.index(rank_of(state.threads[i].info, News())) for i in ids)
            if row.depth == 0:
                branches.append((row.group, rank))
            else:
                group, best = branches[-1]
                branches[-1] = group, min(best, rank)
    for group in {group for group, _ in branches}:
        ranks = [rank for other, rank in branches if other == group]
        assert ranks == sorted(ranks)


@given(fleets())
def test_no_row_moves_while_nothing_happens(threads: list[ThreadInfo]) -> None:
    fleet = Fleet(state_of(*threads), archive_after=0)
    assert shown(fleet, NOW + 1000) == shown(fleet)


# Groups, folds, and what is put away.


def test_groups_by_state_are_in_the_order_of_need() -> None:
    fleet = Fleet(
        state_of(
            info("idle", state=ThreadState.IDLE),
            info("works"),
            info("asks", state=ThreadState.NEEDS_INPUT),
            info("run:r", **RUN),
            info("run:r/a", parent="run:r", state=ThreadState.DONE, **ROLE),
        )
    )
    fleet.next_grouping()
    assert shown(fleet) == [
        "[asking]",
        "asks",
        "[running]",
        "works",
        "run:r",
        "[idle]",
        "idle",
        "[over]",
        "run:r/a",
    ]


@given(fleets())
def test_every_grouping_shows_every_thread_under_one_heading_each(
    threads: list[ThreadInfo],
) -> None:
    fleet = Fleet(state_of(*threads), archive_after=0)
    for _ in range(5):
        fleet.next_grouping()
        rows = fleet.arrange(NOW).rows
        entries = [row for row in rows if isinstance(row, TreeEntry)]
        found = [i for entry in entries for i in (entry.thread_id, *entry.folded)]
        assert sorted(found) == sorted(thread.thread_id for thread in threads)
        titles = [row.title for row in rows if not isinstance(row, TreeEntry)]
        assert len(titles) == len(set(titles))


def test_a_folded_group_and_a_run_that_is_over_are_one_row() -> None:
    fleet = Fleet(
        state_of(
            info("run:r", state=ThreadState.DONE, created_at=NOW, **RUN),
            info("run:r/a", parent="run:r", state=ThreadState.DONE, created_at=NOW, **ROLE),
            info("c", parent="run:r/a", state=ThreadState.IDLE, created_at=NOW),
            info("tui", ours=False, origin="Codex TUI"),
        )
    )
    fleet.set_folded(group_key("Codex TUI"), folded=True)
    rows = fleet.arrange(NOW).rows
    assert rows == (
        TreeEntry("run:r", folded=("run:r/a", "c")),
        TreeGroup("Codex TUI", ("tui",), is_folded=True),
    )
    fleet.set_folded("run:r", folded=False)
    assert shown(fleet)[:3] == ["run:r", "run:r/a", "c"]


def over_run(name: str, ended_at: float, state: ThreadState = ThreadState.FAILED) -> ThreadInfo:
    return info(f"run:{name}", state=state, created_at=ended_at, **RUN)


def test_a_run_that_is_over_for_long_is_put_away_with_its_roles() -> None:
    state = state_of(
        over_run("old", NOW - 7200),
        info("run:old/a", parent="run:old", state=ThreadState.FAILED, created_at=NOW, **ROLE),
        over_run("new", NOW - 60),
        info("works"),
    )
    fleet = Fleet(state, archive_after=3600)
    assert set(shown(fleet)) == {"run:new", "works"}
    fleet.hide("works")  # which it is not, as it works
    assert (fleet.arrange(NOW).away_runs, fleet.arrange(NOW).away_threads) == (1, 0)
    assert [view.thread_id for view in fleet.failures(NOW)] == ["run:new"]
    fleet.shows_away = True
    assert len(shown(fleet)) == 3
    assert fleet.arrange(NOW).thread_count == 4


def test_what_was_put_away_stands_below_what_goes_on_and_is_found_by_its_state() -> None:
    state = state_of(
        over_run("old", NOW - 7200),
        info("hidden", state=ThreadState.FAILED),
        info("rests", state=ThreadState.IDLE),
        info("bad", state=ThreadState.FAILED),
    )
    fleet = Fleet(state, archive_after=3600)
    fleet.hide("hidden")
    assert shown(fleet) == ["bad", "rests"]
    assert (fleet.arrange(NOW).away_runs, fleet.arrange(NOW).away_threads) == (1, 1)
    fleet.shows_away = True
    assert shown(fleet)[:2] == ["bad", "rests"]
    assert set(shown(fleet)[2:]) == {"run:old", "hidden"}
    fleet.filter = parse_filter("state:failed is:hidden")
    assert set(shown(fleet)) == {"run:old", "hidden"}


def test_a_run_that_is_brought_back_is_not_archived_again() -> None:
    fleet = Fleet(state_of(over_run("old", 0)), archive_after=3600)
    assert shown(fleet) == []
    fleet.bring_back("run:old")
    assert shown(fleet) == ["run:old"]


def test_what_works_or_asks_is_never_away_nor_what_it_stands_under() -> None:
    state = state_of(
        over_run("r", 0),
        info("run:r/a", parent="run:r", state=ThreadState.DONE, **ROLE),
        info("c", parent="run:r/a", state=ThreadState.NEEDS_INPUT),
        info("d", parent="run:r/a", state=ThreadState.IDLE),
    )
    fleet = Fleet(state, archive_after=3600)
    fleet.hide("c")
    away = fleet.away_ids(NOW)
    assert not away.keys() & {"run:r", "run:r/a", "c"}


def test_over_is_what_ended_failed_or_was_killed_of_our_own() -> None:
    state = state_of(
        over_run("done", NOW, ThreadState.DONE),
        info("run:done/a", parent="run:done", state=ThreadState.DONE, **ROLE),
        info("killed", state=ThreadState.KILLED, created_at=NOW),
        info("failed", state=ThreadState.FAILED),
        info("idle", state=ThreadState.IDLE),
        info("works"),
        info("theirs", state=ThreadState.FAILED, ours=False),
    )
    assert Fleet(state).over_ids(NOW) == ["run:done", "killed", "failed"]


@given(fleets(), st.sets(st.sampled_from("abcdefgh")))
def test_what_asks_is_always_shown(threads: list[ThreadInfo], hidden: set[str]) -> None:
    fleet = Fleet(state_of(*threads), archive_after=1)
    for thread_id in hidden:
        fleet.hide(thread_id)
    rows = [row for row in fleet.arrange(NOW).rows if isinstance(row, TreeEntry)]
    found = {i for row in rows for i in (row.thread_id, *row.folded)}
    asks = {thread.thread_id for thread in threads if thread.state is ThreadState.NEEDS_INPUT}
    assert asks <= found


def test_a_gap_sets_runs_apart_among_the_cells() -> None:
    state = state_of(
        info("one", created_at=1),
        info("two", created_at=2),
        info("run:r", created_at=3, **RUN),
        info("run:r/a", parent="run:r", **ROLE),
        info("run:r/b", parent="run:r", **ROLE),
        info("three", created_at=4),
    )
    fleet = Fleet(state)
    fleet.arrange(NOW)
    assert [(thread.thread_id, gap) for thread, gap in fleet.cells()] == [
        ("one", False),
        ("two", False),
        ("run:r/a", True),
        ("run:r/b", False),
        ("three", True),
    ]
    every = fleet.cells()
    fleet.filter = parse_filter("one")
    assert shown(fleet) == ["one"]
    assert fleet.cells() == every


def test_what_is_folded_stays_among_the_cells_and_a_run_that_is_over_has_one() -> None:
    live = (info("run:r", created_at=1, **RUN), info("run:r/a", parent="run:r", **ROLE))
    done = {"state": ThreadState.DONE}
    over = (
        info("run:o", created_at=2, **RUN, **done),
        info("run:o/a", parent="run:o", **ROLE, **done),
        info("run:o/b", parent="run:o", **ROLE, **done),
    )
    theirs = info("theirs", ours=False, origin="IDE")
    fleet = Fleet(state_of(*live, *over, theirs), archive_after=0)
    fleet.set_folded("run:r", folded=True)
    fleet.set_folded(group_key("IDE"), folded=True)
    assert shown(fleet) == ["run:r", "run:o", "[IDE]"]
    assert [thread.thread_id for thread, _ in fleet.cells()] == ["run:r/a", "run:o", "theirs"]
    every = fleet.cells()
    fleet.filter = parse_filter("state:done")
    fleet.arrange(NOW)
    assert fleet.cells() == every


@pytest.mark.parametrize("grouping", [Grouping.TEAM, Grouping.PROGRAM])
def test_what_asks_in_another_program_stands_at_the_top(grouping: Grouping) -> None:
    asks = {"state": ThreadState.NEEDS_INPUT}
    theirs = {"ours": False, "origin": "IDE"}
    state = state_of(
        info("mine", created_at=1),
        info("mine-asks", created_at=2, **asks, turn_started_at=50.0),
        info("rests", created_at=3, **theirs),
        info("above", created_at=4, **theirs),
        info("asks", created_at=5, parent="above", turn_started_at=40.0, **theirs, **asks),
    )
    fleet = Fleet(state)
    fleet.grouping = grouping
    expected = {
        Grouping.TEAM: ["above", "asks", "mine-asks", "mine", "[IDE]", "rests"],
        Grouping.PROGRAM: ["[IDE]", "above", "asks", "rests", "[codextui]", "mine-asks", "mine"],
    }
    assert shown(fleet) == expected[grouping]


def test_threads_are_listed_by_need_and_else_as_in_the_tree() -> None:
    state = state_of(
        info("idle", created_at=1, state=ThreadState.IDLE),
        info("works", created_at=2),
        info("late", created_at=3, state=ThreadState.NEEDS_INPUT, turn_started_at=50.0),
        info("early", created_at=4, state=ThreadState.NEEDS_INPUT, turn_started_at=40.0),
        info("idle-2", created_at=5, state=ThreadState.IDLE),
    )
    listed = [view.thread_id for view in Fleet(state).by_need()]
    assert listed == ["early", "late", "works", "idle", "idle-2"]


def test_a_failure_that_was_looked_at_stays_so_until_another_turn_fails() -> None:
    looked_at: dict[str, str] = {}
    failed = info(state=ThreadState.FAILED, turn_id="u1")
    News(looked_at).update({"t1": ThreadView(failed)}, "t1")
    assert not News(looked_at).has_failed(failed)
    assert News(looked_at).has_failed(info(state=ThreadState.FAILED, turn_id="u2"))
    News(looked_at).update({"t1": ThreadView(info(state=ThreadState.IDLE))}, "t1")
    assert looked_at == {}
