from __future__ import annotations

import pytest

from codextui.console.model.state import ConsoleState
from codextui.console.screens.refusals import NEEDS_NO_SERVER, NEEDS_NO_THREAD, Wish, refusal
from codextui.protocol.events import DiffUpdated, Event, Msg, ThreadChanged, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState


def board_with(state: ThreadState, *events: Msg, online: bool = True) -> ConsoleState:
    board = ConsoleState()
    if online:
        board.set_connected(fresh=True)
    info = ThreadInfo("t", "backend", state)
    for seq, msg in enumerate((ThreadChanged(info), *events), start=1):
        board.apply(Event(seq, "t", "u", 0.0, msg))
    return board


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        (Wish.SEND, ThreadState.IDLE),
        (Wish.SEND, ThreadState.RUNNING),
        (Wish.SEND, ThreadState.NEEDS_INPUT),
        (Wish.SEND, ThreadState.FAILED),
        (Wish.SEND, ThreadState.INTERRUPTED),
        (Wish.INTERRUPT, ThreadState.RUNNING),
        (Wish.INTERRUPT, ThreadState.NEEDS_INPUT),
        (Wish.KILL, ThreadState.IDLE),
        (Wish.FORK, ThreadState.KILLED),
        (Wish.START, ThreadState.IDLE),
    ],
)
def test_what_can_be_done_is_not_refused(wish: Wish, state: ThreadState) -> None:
    assert refusal(wish, board_with(state), "t") == ""


@pytest.mark.parametrize(
    ("wish", "state", "why"),
    [
        (Wish.SEND, ThreadState.KILLED, "backend was killed"),
        (Wish.KILL, ThreadState.KILLED, "killed already"),
        (Wish.INTERRUPT, ThreadState.IDLE, "backend is idle: no turn is running"),
        (Wish.FORK_THROUGH, ThreadState.IDLE, "no turn yet"),
        (Wish.DIFF, ThreadState.IDLE, "has changed no files"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    wish: Wish, state: ThreadState, why: str
) -> None:
    assert why in refusal(wish, board_with(state), "t")


def test_a_thread_with_a_turn_can_be_forked_through_it() -> None:
    assert refusal(Wish.FORK_THROUGH, board_with(ThreadState.RUNNING, TurnStarted()), "t") == ""


@pytest.mark.parametrize("wish", [w for w in Wish if w not in NEEDS_NO_SERVER])
def test_out_of_reach_of_the_server_only_looking_is_possible(wish: Wish) -> None:
    board = board_with(ThreadState.RUNNING, TurnStarted())
    board.set_disconnected("the server ended")
    assert "the server ended" in refusal(wish, board, "t")


def test_a_diff_can_be_shown_out_of_reach_of_the_server() -> None:
    board = board_with(ThreadState.RUNNING, TurnStarted(), DiffUpdated("--- a\n+++ b\n"))
    board.set_disconnected("the server ended")
    assert refusal(Wish.DIFF, board, "t") == ""


def test_before_the_first_connection_it_says_that_it_is_still_connecting() -> None:
    assert "still connecting" in refusal(Wish.START, ConsoleState(), "")


@pytest.mark.parametrize("wish", [w for w in Wish if w not in NEEDS_NO_THREAD])
def test_without_a_thread_it_says_how_to_start_one(wish: Wish) -> None:
    board = ConsoleState()
    board.set_connected(fresh=True)
    assert "n starts one" in refusal(wish, board, "")
