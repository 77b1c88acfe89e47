"""Why something cannot be done now, in a sentence for the person who pressed the key. Pure."""

from __future__ import annotations

from enum import StrEnum

from codextui.model.board import Board
from codextui.wire.thread import ThreadState


class Wish(StrEnum):
    """What a key asks for."""

    START = "start a thread"
    SEND = "write to it"
    FORK = "fork it"
    FORK_THROUGH = "fork it through a turn"
    INTERRUPT = "interrupt it"
    KILL = "kill it"
    DIFF = "show its diff"
    STOP = "stop the server"


NEEDS_NO_SERVER = frozenset({Wish.DIFF})
"""What can be done while the server is out of reach."""

NEEDS_NO_THREAD = frozenset({Wish.START, Wish.STOP})
"""What concerns no thread."""


def refusal(wish: Wish, board: Board, thread_id: str) -> str:
    """Why `wish` cannot be granted for a thread; empty where it can."""
    if wish not in NEEDS_NO_SERVER and not board.link.online:
        return _offline(wish, board)
    if wish in NEEDS_NO_THREAD:
        return ""
    view = board.threads.get(thread_id)
    if view is None:
        return f"Nothing to {wish}: no thread is chosen. n starts one."
    return _of_thread(wish, board, thread_id, view.info.handle)


def _offline(wish: Wish, board: Board) -> str:
    if board.link.reason:
        return f"Cannot {wish}: the server is out of reach ({board.link.reason})."
    return f"Cannot {wish} yet: still connecting to the server."


def _of_thread(wish: Wish, board: Board, thread_id: str, handle: str) -> str:
    view = board.threads[thread_id]
    state = view.info.state
    match wish:
        case Wish.DIFF if not view.diff:
            return f"{handle} has changed no files in this turn."
        case Wish.SEND if state is ThreadState.KILLED:
            return f"{handle} was killed and takes no more prompts; f forks it, n starts another."
        case Wish.KILL if state is ThreadState.KILLED:
            return f"{handle} is killed already."
        case Wish.INTERRUPT if not state.has_turn:
            return f"{handle} is {state}: no turn is running, so there is nothing to interrupt."
        case Wish.FORK_THROUGH if not view.transcript.turns:
            return f"{handle} has no turn yet to fork it through."
        case _:
            return ""
