"""The handles of other programs' threads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codextui.codex.threads import ListedThread
from codextui.server.threads.listed import RememberedHandles, handle_of, new_info


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text(max_size=3)), max_size=30))
def test_the_last_handles_are_remembered_each_as_it_was_last(given_names: list[tuple[str, str]]):
    handles, last = RememberedHandles(limit=3), dict[str, str]()
    for thread, handle in given_names:
        handles.add(thread, handle)
        last.pop(thread, None)
        last[thread] = handle
    kept = dict(list(last.items())[-3:])
    assert {thread: handles.get(thread) for thread in "abcdef" if thread in handles} == kept
    assert handles.get("unknown") == ""


def test_a_new_thread_is_another_programs_and_stands_under_its_parent_or_its_source():
    listed = ListedThread.parse({"id": "t", "name": "Fix it!", "forkedFromId": "s"})
    assert handle_of(listed) == "fix-it"
    info = new_info(listed, "fix-it", "IDE")
    assert (info.forked_from, info.origin, info.ours, info.followed) == ("s", "IDE", False, False)
    child = ListedThread.parse({"id": "t", "parentThreadId": "p", "forkedFromId": "s"})
    assert (new_info(child, "t", "IDE").parent, new_info(child, "t", "IDE").forked_from) == (
        "p",
        "",
    )
