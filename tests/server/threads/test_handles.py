"""What threads are called, and which one a name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from codextui.errors import ServerRefused, ThreadUnknown
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.server.threads.handles import Handles
from codextui.server.threads.registry import ThreadRecord


class Threads:
    """Threads by id, with their handles."""

    def __init__(self) -> None:
        self.records: dict[str, ThreadRecord] = {}
        self.handles = Handles(self.records)

    def thread(
        self, thread_id: str, handle: str, state: ThreadState = ThreadState.IDLE
    ) -> ThreadRecord:
        return self._add(ThreadInfo(thread_id, handle, state))

    def run(self, run_id: str, handle: str, *roles: str, connected: bool = True) -> ThreadRecord:
        """Add a run that goes on, and its roles, each with the next handle that is free."""
        run = self._add(
            ThreadInfo(f"run:{run_id}", handle, ThreadState.RUNNING, kind=ThreadKind.RUN)
        )
        run.program_info = run.info if connected else None
        for role in roles:
            role_id, parent = f"run:{run_id}/{role}", run.thread_id
            handle = self.handles.unique(role)
            info = ThreadInfo(role_id, handle, ThreadState.IDLE, kind=ThreadKind.ROLE)
            self._add(info).info = ThreadInfo(
                role_id, handle, ThreadState.IDLE, kind=ThreadKind.ROLE, parent=parent
            )
        return run

    def end(self, run: ThreadRecord, state: ThreadState) -> None:
        run.info = ThreadInfo(run.thread_id, run.info.handle, state, kind=ThreadKind.RUN)

    def find(self, name: str) -> str:
        return self.handles.find(name).thread_id

    def _add(self, info: ThreadInfo) -> ThreadRecord:
        record = self.records[info.thread_id] = ThreadRecord(info)
        return record


@pytest.fixture
def threads() -> Threads:
    return Threads()


OVER = [ThreadState.DONE, ThreadState.FAILED, ThreadState.KILLED]


@pytest.mark.parametrize("state", OVER)
def test_the_role_of_the_run_that_goes_on_is_meant(threads: Threads, state: ThreadState):
    for number in (1, 2, 3):
        threads.end(threads.run(f"shop-{number}", "shop", "backend", "qa"), state)
    threads.run("shop-4", "shop-4", "backend", "qa")
    threads.end(threads.run("shop-5", "shop-5", "backend"), state)
    assert threads.find("backend") == "run:shop-4/backend"
    assert threads.find("qa") == "run:shop-4/qa"


def test_a_role_is_meant_by_its_name_whatever_its_handle_is(threads: Threads):
    first = threads.run("shop-1", "shop", "backend")
    threads.run("shop-2", "shop-2", "backend")
    assert threads.records["run:shop-2/backend"].info.handle == "backend-2"
    threads.end(first, ThreadState.DONE)
    assert threads.find("backend") == "run:shop-2/backend"
    assert threads.find("backend-2") == "run:shop-2/backend"


def test_a_run_whose_program_is_gone_yields_to_one_that_goes_on(threads: Threads):
    threads.run("shop-1", "shop-1", "backend")
    threads.run("shop-2", "shop-2", "backend", connected=False)
    assert threads.find("backend") == "run:shop-1/backend"


@pytest.mark.parametrize("state", OVER)
def test_the_newest_role_is_meant_if_all_runs_are_over(threads: Threads, state: ThreadState):
    for number, ended in ((1, ThreadState.DONE), (2, state)):
        threads.end(threads.run(f"shop-{number}", f"shop-{number}", "backend"), ended)
    role = threads.records["run:shop-2/backend"]
    role.info = structs.replace(role.info, state=state)
    assert threads.find("backend") == "run:shop-2/backend"


def test_a_role_of_several_runs_that_go_on_is_refused_with_the_names_of_each(threads: Threads):
    threads.run("shop-1", "shop", "backend")
    threads.run("shop-2", "other", "backend")
    with pytest.raises(ServerRefused, match=r"a role of 2 runs: say shop/backend or other/backend"):
        threads.find("backend")
    assert threads.find("shop/backend") == "run:shop-1/backend"
    assert threads.find("other/backend") == "run:shop-2/backend"
    assert threads.find("shop-2/backend") == "run:shop-2/backend"


def test_a_codex_thread_keeps_its_handle_beside_a_role_of_that_name(threads: Threads):
    threads.thread("01a2", "backend")
    threads.run("shop-1", "shop", "backend")
    assert threads.find("backend") == "01a2"
    assert threads.find("backend-2") == threads.find("shop/backend") == "run:shop-1/backend"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("shop-20", ServerRefused),
        ("shop-2026-a", "run:shop-2026-a"),
        ("run:shop-2026-b", "run:shop-2026-b"),
        ("shop-2026-b1", "run:shop-2026-b1"),
        ("shop-2026-b1/back", ThreadUnknown),
        ("nobody/backend", ThreadUnknown),
        ("/backend", ThreadUnknown),
        ("01a2-b3", "01a2-b3c4"),
    ],
)
def test_the_beginning_of_an_id_is_enough_where_only_one_has_it(
    threads: Threads, name: str, found: str | type[Exception]
):
    threads.thread("01a2-b3c4", "one")
    threads.run("shop-2026-a1", "shop", "backend")
    threads.run("shop-2026-b", "shop-2", "backend")
    threads.run("shop-2026-b1", "shop-3", "backend")
    if isinstance(found, str):
        assert threads.find(name) in (found, f"{found}1")
    else:
        with pytest.raises(found):
            threads.find(name)


def test_a_handle_that_is_asked_for_is_refused_with_the_thread_that_has_it(threads: Threads):
    threads.thread("01a2", "backend")
    threads.run("shop-1", "shop", "qa")
    for wanted, holder in (("backend", "a thread (01a2, idle)"), ("qa", "a role (run:shop-1/qa")):
        with pytest.raises(ServerRefused, match="is taken by") as refused:
            threads.handles.check_free(wanted)
        assert holder in str(refused.value)


@pytest.mark.parametrize("state", OVER)
def test_the_handles_of_what_is_over_are_free_but_that_of_a_run(
    threads: Threads, state: ThreadState
):
    threads.thread("01a2", "backend", ThreadState.KILLED)
    run = threads.run("shop-1", "shop", "qa")
    threads.end(run, state)
    threads.handles.check_free("backend")
    threads.handles.check_free("qa")
    assert threads.handles.unique("shop") == ("shop" if state is ThreadState.KILLED else "shop-2")


def test_a_handle_is_kept_for_a_thread_that_is_being_made(threads: Threads):
    with threads.handles.claimed("backend"):
        with (
            pytest.raises(ServerRefused, match="being started"),
            threads.handles.claimed("backend"),
        ):
            pass
        assert threads.handles.unique("backend") == "backend-2"
    assert threads.handles.unique("backend") == "backend"


def find_or_refusal(threads: Threads, name: str) -> str:
    try:
        return threads.find(name)
    except ServerRefused as refused:
        return str(refused)


NAMES = st.sampled_from(["backend", "backend-2", "qa", "shop"])


@given(
    st.lists(
        st.one_of(
            st.tuples(NAMES, st.sampled_from([ThreadState.IDLE, ThreadState.KILLED])),
            st.tuples(
                st.lists(NAMES, unique=True, max_size=3),
                st.sampled_from([ThreadState.RUNNING, *OVER]),
            ),
        ),
        max_size=8,
    )
)
def test_a_handle_of_what_goes_on_means_that_thread_or_is_refused(
    made: list[tuple[str | list[str], ThreadState]],
):
    threads = Threads()
    for number, (what, state) in enumerate(made):
        if isinstance(what, str):
            threads.thread(f"thread-{number}", threads.handles.unique(what), state)
        else:
            run = threads.run(f"run-{number}", threads.handles.unique("shop"), *what)
            threads.end(run, state)
    live = [r for r in threads.records.values() if not threads.handles.is_over(r)]
    assert len({record.info.handle for record in live}) == len(live)
    for record in live:
        found = find_or_refusal(threads, record.info.handle)
        is_role = record.info.kind is ThreadKind.ROLE
        assert found == record.thread_id or (is_role and "is a role of" in found)
    for record in threads.records.values():
        assert threads.handles.find(record.thread_id) is record
