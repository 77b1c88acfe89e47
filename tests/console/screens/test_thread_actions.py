"""The hints of the composer, and the actions on roles and runs."""

from __future__ import annotations

import pytest
from console.model.events import FakeServer, info

from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.screens.thread_actions import describe_send
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState

RUN, ROLE = "run:r", "run:r/backend"
S = ThreadState


def team(run: ThreadState, role: ThreadState, **more: object) -> FakeServer:
    server = FakeServer()
    server.send(ev.ThreadChanged(info(RUN, handle="r", kind=ThreadKind.RUN, state=run)), thread=RUN)
    row = info(ROLE, handle="backend", kind=ThreadKind.ROLE, parent=RUN, state=role, **more)
    server.send(ev.ThreadChanged(row), thread=ROLE)
    return server


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.RUNNING, "write to backend: it reads this before its next step"),
        (S.PAUSED, "write to backend: it reads this before its next step, when it goes on"),
        (S.WAITING, "write to backend: it reads this when it begins"),
        (S.DONE, "write to backend: it reads this when it is its turn again"),
    ],
)
def test_a_role_reads_a_message_before_its_next_step(state: ThreadState, words: str) -> None:
    assert describe_send(team(S.RUNNING, state).state, ROLE) == words


def test_a_message_to_a_run_reaches_all_working_roles() -> None:
    words = "write to r: who is at work reads this before the next step"
    assert describe_send(team(S.RUNNING, S.RUNNING).state, RUN) == words


def test_a_finished_run_takes_no_messages() -> None:
    console_state = team(S.DONE, S.DONE).state
    assert (
        describe_send(console_state, ROLE)
        == "not now: backend's run is done: nothing of it goes on."
    )
    assert describe_send(console_state, RUN) == "not now: r is done: nothing of it goes on."


def test_a_role_without_its_program_says_how_to_continue() -> None:
    note = "the program that ran it is gone: `codextui run --resume r`"
    console_state = team(S.DISCONNECTED, S.DISCONNECTED, note=note).state
    assert describe_send(console_state, ROLE) == f"not now: {note}"


@pytest.mark.parametrize("state", [S.DONE, S.INTERRUPTED, S.FAILED])
@pytest.mark.parametrize("action", [Action.INTERRUPT, Action.PAUSE])
def test_a_finished_role_can_be_neither_stopped_nor_paused(
    state: ThreadState, action: Action
) -> None:
    assert "there is nothing to" in unavailable_reason(action, team(S.RUNNING, state).state, ROLE)


@pytest.mark.parametrize("action", [Action.INTERRUPT, Action.PAUSE, Action.SEND, Action.RERUN])
@pytest.mark.parametrize("state", [S.RUNNING, S.NEEDS_INPUT, S.WAITING, S.PAUSED])
def test_a_role_of_a_running_run_can_be_directed(state: ThreadState, action: Action) -> None:
    assert unavailable_reason(action, team(S.RUNNING, state).state, ROLE) == ""


def test_a_role_of_a_finished_run_can_rerun_but_not_of_a_killed_one() -> None:
    assert unavailable_reason(Action.RERUN, team(S.DONE, S.DONE).state, ROLE) == ""
    assert "killed" in unavailable_reason(Action.RERUN, team(S.KILLED, S.KILLED).state, ROLE)
