from __future__ import annotations

from console.model.events import info
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.model.tree import TreeEntry, TreeGroup, tree_entries, tree_rows
from codextui.protocol.threads import ThreadInfo, ThreadState


def test_roots_are_ordered_by_age_with_forks_under_their_source() -> None:
    threads = [
        info("fork-b", forked_from="b", created_at=3),
        info("b", created_at=2),
        info("a", created_at=1),
        info("fork-a2", forked_from="a", created_at=5),
        info("fork-a1", forked_from="a", created_at=4),
        info("fork-fork", forked_from="fork-a1", created_at=6),
    ]
    assert tree_entries(threads) == [
        TreeEntry("a"),
        TreeEntry("fork-a1", (True,)),
        TreeEntry("fork-fork", (True, False)),
        TreeEntry("fork-a2", (False,)),
        TreeEntry("b"),
        TreeEntry("fork-b", (False,)),
    ]


def test_forks_of_a_killed_thread_stay_under_it() -> None:
    threads = [
        info("a"),
        info("dead", forked_from="a", state=ThreadState.KILLED),
        info("alive", forked_from="dead"),
    ]
    assert _ids(threads) == ["a", "dead", "alive"]


def test_killed_threads_follow_their_living_siblings() -> None:
    threads = [
        info("dead", created_at=1, state=ThreadState.KILLED),
        info("old", created_at=2),
        info("young", created_at=3),
    ]
    assert _ids(threads) == ["old", "young", "dead"]


def test_a_fork_of_an_unknown_thread_is_a_root() -> None:
    assert tree_entries([info("a", forked_from="gone")]) == [TreeEntry("a")]


@st.composite
def forests(draw: st.DrawFn) -> list[ThreadInfo]:
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    state = st.sampled_from([ThreadState.IDLE, ThreadState.KILLED])
    return [
        info(i, forked_from=draw(st.sampled_from("abcdef") | st.just("")), state=draw(state))
        for i in ids
    ]


@given(forests())
def test_every_thread_has_one_entry_even_on_a_cycle(threads: list[ThreadInfo]) -> None:
    assert sorted(_ids(threads)) == sorted(thread.thread_id for thread in threads)


def test_a_very_long_chain_of_forks_is_ordered() -> None:
    threads = [info(f"t{n}", forked_from=f"t{n - 1}" if n else "") for n in range(1500)]
    assert tree_entries(threads)[-1].depth == 1499


def test_roles_are_under_their_run_and_codex_threads_under_their_role() -> None:
    threads = [
        info("c", parent="run:r/backend", created_at=9),
        info("run:r/backend", parent="run:r", created_at=2),
        info("run:r/tester", parent="run:r", created_at=2),
        info("fork", forked_from="c", parent="run:r/tester", created_at=10),
        info("run:r", created_at=1),
        info("alone", parent="gone", created_at=0),
    ]
    assert tree_entries(threads) == [
        TreeEntry("alone"),
        TreeEntry("run:r"),
        TreeEntry("run:r/backend", (True,)),
        TreeEntry("c", (True, False)),
        TreeEntry("fork", (True, False, False)),
        TreeEntry("run:r/tester", (False,)),
    ]


def test_threads_on_a_cycle_are_roots() -> None:
    threads = [info("a", parent="b"), info("b", forked_from="a")]
    assert _ids(threads) == ["a", "b"]


def _ids(threads: list[ThreadInfo]) -> list[str]:
    return [entry.thread_id for entry in tree_entries(threads)]


# Threads of other programs.


def other(thread_id: str, origin: str = "Codex TUI", **more: object) -> ThreadInfo:
    return info(thread_id, ours=False, origin=origin, **more)


def test_threads_of_other_programs_follow_our_own_in_groups() -> None:
    threads = [
        other("z", "zed", created_at=1),
        other("e", "exec", created_at=2),
        other("i", "IDE", created_at=3),
        other("c2", created_at=5),
        other("c1", created_at=4),
        other("u", "", created_at=0),
        other("a", "amp", created_at=9),
        info("own", created_at=10),
    ]
    assert tree_rows(tree_entries(threads)) == [
        TreeEntry("own"),
        TreeGroup("Codex TUI", ("c1", "c2")),
        TreeEntry("c1", (), "Codex TUI"),
        TreeEntry("c2", (), "Codex TUI"),
        TreeGroup("IDE", ("i",)),
        TreeEntry("i", (), "IDE"),
        TreeGroup("exec", ("e",)),
        TreeEntry("e", (), "exec"),
        TreeGroup("amp", ("a",)),
        TreeEntry("a", (), "amp"),
        TreeGroup("another program", ("u",)),
        TreeEntry("u", (), "another program"),
        TreeGroup("zed", ("z",)),
        TreeEntry("z", (), "zed"),
    ]


def test_sub_agents_stand_under_a_parent_of_another_program() -> None:
    threads = [
        other("p"),
        other("sub", "another program", parent="p", created_at=1),
        info("helper", parent="p", created_at=2),
    ]
    assert tree_entries(threads) == [
        TreeEntry("p", (), "Codex TUI"),
        TreeEntry("sub", (True,), "Codex TUI"),
        TreeEntry("helper", (False,), "Codex TUI"),
    ]


def test_a_fork_stands_under_its_source_only_where_both_come_from_one_program() -> None:
    threads = [
        info("own", created_at=1),
        other("theirs", created_at=2),
        info("own-fork", forked_from="theirs", created_at=3),
        other("their-fork", forked_from="own", created_at=4),
        other("near", forked_from="theirs", created_at=5),
        other("far", "IDE", forked_from="theirs", created_at=6),
    ]
    assert tree_entries(threads) == [
        TreeEntry("own"),
        TreeEntry("own-fork"),
        TreeEntry("theirs", (), "Codex TUI"),
        TreeEntry("near", (False,), "Codex TUI"),
        TreeEntry("their-fork", (), "Codex TUI"),
        TreeEntry("far", (), "IDE"),
    ]


@st.composite
def machines(draw: st.DrawFn) -> list[ThreadInfo]:
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True))
    link = st.sampled_from("abcdef") | st.just("")
    origin = st.sampled_from(["Codex TUI", "IDE", "zed", ""])
    return [
        info(
            i,
            forked_from=draw(link),
            parent=draw(link),
            ours=draw(st.booleans()),
            origin=draw(origin),
        )
        for i in ids
    ]


@given(machines())
def test_every_thread_is_in_one_row_and_every_group_has_one_heading(
    threads: list[ThreadInfo],
) -> None:
    entries = tree_entries(threads)
    assert sorted(entry.thread_id for entry in entries) == sorted(t.thread_id for t in threads)
    rows = tree_rows(entries)
    headings = [row.title for row in rows if isinstance(row, TreeGroup)]
    assert len(headings) == len(set(headings))
    assert set(headings) == {entry.group for entry in entries} - {""}
    listed = [t for row in rows if isinstance(row, TreeGroup) for t in row.thread_ids]
    assert listed == [entry.thread_id for entry in entries if entry.group]
    groups = [entry.group for entry in entries]
    assert "" not in groups[groups.count("") :]
