from __future__ import annotations

import pytest

from codextui.console.model.state import ConsoleState
from codextui.console.screens.availability import (
    NEEDS_NO_SERVER,
    NEEDS_NO_THREAD,
    Action,
    unavailable_reason,
)
from codextui.protocol.events import DiffUpdated, Event, Msg, ThreadChanged, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState


def state_with(state: ThreadState, *events: Msg, online: bool = True) -> ConsoleState:
    console_state = ConsoleState()
    if online:
        console_state.set_connected(fresh=True)
    info = ThreadInfo("t", "backend", state)
    for seq, msg in enumerate((ThreadChanged(info), *events), start=1):
        console_state.apply(Event(seq, "t", "u", 0.0, msg))
    return console_state


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action.SEND, ThreadState.IDLE),
        (Action.SEND, ThreadState.RUNNING),
        (Action.SEND, ThreadState.NEEDS_INPUT),
        (Action.SEND, ThreadState.FAILED),
        (Action.SEND, ThreadState.INTERRUPTED),
        (Action.INTERRUPT, ThreadState.RUNNING),
        (Action.INTERRUPT, ThreadState.NEEDS_INPUT),
        (Action.KILL, ThreadState.IDLE),
        (Action.FORK, ThreadState.KILLED),
        (Action.START, ThreadState.IDLE),
    ],
)
def test_an_available_action_has_no_reason(action: Action, state: ThreadState) -> None:
    assert unavailable_reason(action, state_with(state), "t") == ""


@pytest.mark.parametrize(
    ("action", "state", "why"),
    [
        (Action.SEND, ThreadState.KILLED, "backend was killed"),
        (Action.KILL, ThreadState.KILLED, "killed already"),
        (Action.INTERRUPT, ThreadState.IDLE, "backend is idle: no turn is running"),
        (Action.FORK_THROUGH, ThreadState.IDLE, "no turn yet"),
        (Action.DIFF, ThreadState.IDLE, "has changed no files"),
    ],
)
def test_an_unavailable_action_has_a_reason(action: Action, state: ThreadState, why: str) -> None:
    assert why in unavailable_reason(action, state_with(state), "t")


def test_a_thread_with_a_turn_can_be_forked_through_it() -> None:
    assert (
        unavailable_reason(Action.FORK_THROUGH, state_with(ThreadState.RUNNING, TurnStarted()), "t")
        == ""
    )


@pytest.mark.parametrize("action", [a for a in Action if a not in NEEDS_NO_SERVER])
def test_without_a_server_only_viewing_is_available(action: Action) -> None:
    console_state = state_with(ThreadState.RUNNING, TurnStarted())
    console_state.set_disconnected("the server ended")
    assert "the server ended" in unavailable_reason(action, console_state, "t")


def test_a_diff_is_available_without_a_server() -> None:
    console_state = state_with(ThreadState.RUNNING, TurnStarted(), DiffUpdated("--- a\n+++ b\n"))
    console_state.set_disconnected("the server ended")
    assert unavailable_reason(Action.DIFF, console_state, "t") == ""


def test_before_the_first_connection_the_reason_is_that_it_is_connecting() -> None:
    assert "still connecting" in unavailable_reason(Action.START, ConsoleState(), "")


@pytest.mark.parametrize("action", [a for a in Action if a not in NEEDS_NO_THREAD])
def test_without_a_thread_the_reason_says_how_to_start_one(action: Action) -> None:
    console_state = ConsoleState()
    console_state.set_connected(fresh=True)
    assert "n starts one" in unavailable_reason(action, console_state, "")


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("state", [ThreadState.IDLE, ThreadState.RUNNING])
def test_of_another_programs_thread_only_killing_is_refused(
    action: Action, state: ThreadState
) -> None:
    ours = state_with(state, TurnStarted())
    theirs = state_with(state, TurnStarted())
    info = ThreadInfo("t", "backend", state, ours=False, origin="Codex TUI")
    theirs.apply(Event(9, "t", "u", 0.0, ThreadChanged(info)))
    reason = unavailable_reason(action, theirs, "t")
    if action is Action.KILL:
        assert reason.startswith("backend belongs to Codex TUI: only there can it be closed.")
    else:
        assert reason == unavailable_reason(action, ours, "t")
