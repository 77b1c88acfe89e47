from __future__ import annotations

import pytest
from console.model.events import FakeServer, info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.fleet import RANKS, Fleet, News, Rank, rank_of
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.tree import TreeEntry
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
