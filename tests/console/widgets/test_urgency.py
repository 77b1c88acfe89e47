"""Who gets a pane first, and who gives one up."""

from __future__ import annotations

import pytest
from console.model.events import FakeServer, info

from codextui.console.model.state import ConsoleState
from codextui.console.widgets.placement import by_urgency, gives_way, wants_place
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

RUN = "run:r"
S = ThreadState


def board(*rows: ThreadInfo) -> ConsoleState:
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


def order(some: ConsoleState, capacity: int) -> list[str]:
    names = by_urgency(some, some.tree(), capacity)
    return [name.removeprefix(f"{RUN}/") for name in names]


def test_roles_at_work_come_before_their_codex_threads_and_before_who_waits() -> None:
    some = board(
        run(),
        role("pm", S.DONE),
        role("tester", S.WAITING),
        role("back", S.RUNNING),
        codex("back", S.RUNNING),
        role("front", S.RUNNING),
    )
    assert order(some, 4) == [RUN, "back", "front", "back-codex", "tester", "pm"]


def test_with_few_panes_the_run_itself_comes_after_who_works() -> None:
    some = board(run(), role("back", S.RUNNING), codex("back", S.RUNNING), role("pm", S.WAITING))
    assert order(some, 2) == ["back", "back-codex", "pm", RUN]


def test_who_needs_a_person_comes_first_of_all() -> None:
    some = board(run(), role("back", S.RUNNING), codex("back", S.NEEDS_INPUT))
    assert order(some, 4)[0] == "back-codex"


@pytest.mark.parametrize("state", list(ThreadState))
def test_every_state_has_an_urgency(state: ThreadState) -> None:
    some = board(run(state), role("back", state), codex("back", state))
    assert len(order(some, 4)) == 3


def test_who_rests_gives_way_before_who_waits_and_who_works_never() -> None:
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
    some = board(run(), role("b", S.DONE), *rows)
    readiness = [gives_way(some, row, 4) for row in rows]
    assert readiness[:4] == sorted(set(readiness[:4]), reverse=True)
    assert readiness[3] > 0
    assert readiness[4:] == [0, 0, 0, 0]


def test_the_run_gives_way_only_where_there_are_few_panes() -> None:
    some = board(run())
    assert gives_way(some, run(), 2)
    assert not gives_way(some, run(), 4)


def test_threads_without_a_team_neither_push_nor_give_way() -> None:
    alone = info("alone", state=S.RUNNING)
    idle = info("idle", state=S.IDLE)
    some = board(alone, idle)
    assert not wants_place(some, alone)
    assert not gives_way(some, idle, 4)
