"""Why something cannot be done now, in a sentence for the person who pressed the key. Pure."""

from __future__ import annotations

from enum import StrEnum

from codextui.console.model.run import FINISHED_STATES
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


class Wish(StrEnum):
    """What a key asks for."""

    START = "start a thread"
    SEND = "write to it"
    FORK = "fork it"
    FORK_THROUGH = "fork it through a turn"
    INTERRUPT = "interrupt it"
    KILL = "kill it"
    DIFF = "show its diff"
    PAUSE = "pause it"
    RERUN = "run it again"
    GATES = "show its gates"
    TIMELINE = "show its timeline"
    STOP = "stop the server"


NEEDS_NO_SERVER = frozenset({Wish.DIFF, Wish.GATES, Wish.TIMELINE})
"""What can be done while the server is out of reach."""

NEEDS_NO_THREAD = frozenset({Wish.START, Wish.STOP})
"""What concerns no thread."""


def refusal(wish: Wish, board: ConsoleState, thread_id: str) -> str:
    """Why `wish` cannot be granted for a thread, a role or a run; empty where it can."""
    if wish not in NEEDS_NO_SERVER and not board.connection.connected:
        return _offline(wish, board)
    if wish in NEEDS_NO_THREAD:
        return ""
    view = board.threads.get(thread_id)
    if view is None:
        return f"Nothing to {wish}: no thread is chosen. n starts one."
    if wish in (Wish.GATES, Wish.TIMELINE):
        return "" if board.run_id_of(thread_id) else _of_no_run(wish, view)
    match view.info.kind:
        case ThreadKind.CODEX:
            return _of_thread(wish, view)
        case ThreadKind.ROLE:
            return _of_role(wish, board, view)
        case ThreadKind.RUN:
            return _of_run(wish, view)


def _offline(wish: Wish, board: ConsoleState) -> str:
    if board.connection.reason:
        return f"Cannot {wish}: the server is out of reach ({board.connection.reason})."
    return f"Cannot {wish} yet: still connecting to the server."


def _of_no_run(wish: Wish, view: ThreadView) -> str:
    what = "gate board" if wish is Wish.GATES else "timeline"
    return f"{view.info.handle} works for no team's run, so there is no {what} to show."


def _of_thread(wish: Wish, view: ThreadView) -> str:
    handle, state = view.info.handle, view.info.state
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
        case Wish.PAUSE:
            return f"{handle} is a thread of Codex's: only roles can be paused; x interrupts it."
        case Wish.RERUN:
            return f"{handle} is a thread of Codex's: only roles can run again; r replies to it."
        case _:
            return ""


def _of_role(wish: Wish, board: ConsoleState, view: ThreadView) -> str:
    handle = view.info.handle
    match wish:
        case Wish.FORK | Wish.FORK_THROUGH:
            return (
                f"{handle} is a role: only its Codex threads can be forked. "
                "R runs it again from its start."
            )
        case Wish.DIFF if not view.diff:
            return f"{handle} is a role: d on its Codex threads shows what they changed."
        case Wish.KILL:
            return f"{handle} is a role: x stops it, and X on its run kills them all."
        case Wish.SEND | Wish.INTERRUPT | Wish.PAUSE | Wish.RERUN:
            run = board.threads.get(board.run_id_of(view.thread_id))
            state = None if run is None else run.info.state
            is_over = state is ThreadState.KILLED or (
                state in FINISHED_STATES and wish is not Wish.RERUN
            )
            if is_over:
                return f"{handle}'s run is {state}: nothing of it goes on."
            return _of_stints(wish, view)
        case _:
            return ""


def _of_run(wish: Wish, view: ThreadView) -> str:
    handle, state = view.info.handle, view.info.state
    match wish:
        case Wish.FORK | Wish.FORK_THROUGH:
            return f"{handle} is a team's run: only the Codex threads of its roles can be forked."
        case Wish.DIFF if not view.diff:
            return f"{handle} is a team's run: d on the Codex threads shows what they changed."
        case Wish.RERUN:
            return f"{handle} is a team's run: choose the role that is to run again."
        case Wish.KILL if state is ThreadState.KILLED:
            return f"{handle} is killed already."
        case Wish.SEND | Wish.INTERRUPT | Wish.PAUSE if state in FINISHED_STATES:
            return f"{handle} is {state}: nothing of it goes on."
        case _:
            return _of_stints(wish, view)


def _of_stints(wish: Wish, view: ThreadView) -> str:
    """What cannot be asked of a role, or of a run, in its state."""
    info, state = view.info, view.info.state
    if state is ThreadState.DISCONNECTED and wish is not Wish.KILL:
        return info.note or f"{info.handle} is disconnected: the program that ran it is gone."
    match wish:
        case Wish.INTERRUPT if state in FINISHED_STATES:
            return f"{info.handle} is {state}: there is nothing to stop."
        case Wish.PAUSE if state in FINISHED_STATES:
            return f"{info.handle} is {state}: there is nothing to pause."
        case _:
            return ""
