from __future__ import annotations

from console.model.events import info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.tree import TreeRow, tree_rows
from codextui.protocol.threads import ThreadInfo, ThreadState


def test_roots_stand_by_age_and_forks_under_their_parents() -> None:
    threads = [
        info("fork-b", forked_from="b", created_at=3),
        info("b", created_at=2),
        info("a", created_at=1),
        info("fork-a2", forked_from="a", created_at=5),
        info("fork-a1", forked_from="a", created_at=4),
        info("fork-fork", forked_from="fork-a1", created_at=6),
    ]
    assert tree_rows(threads, killed=True) == [
        TreeRow("a"),
        TreeRow("fork-a1", (True,)),
        TreeRow("fork-fork", (True, False)),
        TreeRow("fork-a2", (False,)),
        TreeRow("b"),
        TreeRow("fork-b", (False,)),
    ]


def test_forks_of_a_hidden_killed_thread_move_up() -> None:
    threads = [
        info("a"),
        info("dead", forked_from="a", state=ThreadState.KILLED),
        info("alive", forked_from="dead"),
    ]
    assert tree_rows(threads, killed=False) == [TreeRow("a"), TreeRow("alive", (False,))]
    assert [row.thread_id for row in tree_rows(threads, killed=True)] == ["a", "dead", "alive"]


def test_killed_threads_stand_after_their_living_siblings() -> None:
    threads = [
        info("dead", created_at=1, state=ThreadState.KILLED),
        info("old", created_at=2),
        info("young", created_at=3),
    ]
    rows = [row.thread_id for row in tree_rows(threads, killed=True)]
    assert rows == ["old", "young", "dead"]


def test_a_fork_of_something_unheard_of_is_a_root() -> None:
    assert tree_rows([info("a", forked_from="gone")], killed=True) == [TreeRow("a")]


@st.composite
def forests(draw: st.DrawFn) -> list[ThreadInfo]:
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    state = st.sampled_from([ThreadState.IDLE, ThreadState.KILLED])
    return [
        info(i, forked_from=draw(st.sampled_from("abcdef") | st.just("")), state=draw(state))
        for i in ids
    ]


@given(forests(), st.booleans())
def test_every_thread_has_one_row_even_in_a_circle(threads: list[ThreadInfo], killed: bool) -> None:
    rows = [row.thread_id for row in tree_rows(threads, killed=killed)]
    shown = [t.thread_id for t in threads if killed or t.state is not ThreadState.KILLED]
    assert sorted(rows) == sorted(shown)


def test_a_very_long_chain_of_forks_is_no_trouble() -> None:
    threads = [info(f"t{n}", forked_from=f"t{n - 1}" if n else "") for n in range(1500)]
    assert tree_rows(threads, killed=True)[-1].depth == 1499


def test_roles_stand_under_their_run_and_codex_threads_under_their_role() -> None:
    threads = [
        info("c", parent="run:r/backend", created_at=9),
        info("run:r/backend", parent="run:r", created_at=2),
        info("run:r/tester", parent="run:r", created_at=2),
        info("fork", forked_from="c", parent="run:r/tester", created_at=10),
        info("run:r", created_at=1),
        info("alone", parent="gone", created_at=0),
    ]
    assert tree_rows(threads, killed=True) == [
        TreeRow("alone"),
        TreeRow("run:r"),
        TreeRow("run:r/backend", (True,)),
        TreeRow("c", (True, False)),
        TreeRow("fork", (True, False, False)),
        TreeRow("run:r/tester", (False,)),
    ]


def test_a_circle_of_parents_is_no_trouble() -> None:
    threads = [info("a", parent="b"), info("b", forked_from="a")]
    assert [row.thread_id for row in tree_rows(threads, killed=True)] == ["a", "b"]
