"""Which actions are available for a thread, a role or a run, and why the others are not. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from codextui.console.model.run import FINISHED_STATES
from codextui.console.model.state import ConsoleState, ThreadView
from codextui.console.model.transcript import LOST
from codextui.console.model.tree import group_of
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState, tui_refusal


class Action(StrEnum):
    """An action of a key; the value follows "Cannot"."""

    START = "start a thread"
    SEND = "write to it"
    QUEUE = "show its queue"
    SETTINGS = "change its settings"
    REVIEW = "review its changes"
    USAGE = "read the usage"
    FORK = "fork it"
    FORK_THROUGH = "fork it through a turn"
    INTERRUPT = "interrupt it"
    KILL = "kill it"
    DIFF = "show its diff"
    SIDE_BY_SIDE = "put it beside others"
    OPEN = "open it in Codex's own TUI"
    PAUSE = "pause it"
    RERUN = "run it again"
    GATES = "show its gates"
    TIMELINE = "show its timeline"
    HISTORY = "show Codex's history"
    DECISIONS = "show what was decided"
    EDIT = "edit a prompt of it"
    RETRY = "send its last prompt again"
    CONTINUE = "go on with its last turn"
    FOLDER = "open its folder"
    STOP = "stop the server"


NEEDS_NO_SERVER = frozenset(
    {Action.DIFF, Action.SIDE_BY_SIDE, Action.GATES, Action.TIMELINE, Action.FOLDER}
)
"""Actions that are available while the server is out of reach."""

CUT_OFF = ("interrupted", "failed", "killed", LOST)
"""How a turn has ended that can be sent again, or go on."""

NEEDS_NO_THREAD = frozenset({Action.START, Action.HISTORY, Action.DECISIONS, Action.STOP})
"""Actions that concern no thread."""


_OF_CODEX_THREADS = {
    Action.SETTINGS: "its team's configuration has its settings",
    Action.QUEUE: "only its Codex threads have a queue",
    Action.REVIEW: "only its Codex threads can review",
    Action.USAGE: "only its Codex threads are charged",
    Action.SIDE_BY_SIDE: "only its Codex threads can stand beside others",
    Action.EDIT: "only the prompts of its Codex threads can be edited",
    Action.RETRY: "R runs a role again",
    Action.CONTINUE: "R runs a role again",
}


def unavailable_reason(action: Action, state: ConsoleState, thread_id: str) -> str:
    """Return why `action` is unavailable for a row of the tree; empty if it is available."""
    if action not in NEEDS_NO_SERVER and not state.connection.connected:
        return _offline_reason(action, state)
    if action in NEEDS_NO_THREAD:
        return ""
    view = state.threads.get(thread_id)
    if view is None:
        words = re.sub(r"\bit\b", "a thread", re.sub(r"\bits\b", "a thread's", action))
        return f"Cannot {words}: no thread is chosen. n starts one."
    if action in (Action.GATES, Action.TIMELINE):
        return "" if state.run_id_of(thread_id) else _no_run_reason(action, view)
    if view.info.kind is not ThreadKind.CODEX and action in _OF_CODEX_THREADS:
        what = "a role" if view.info.kind is ThreadKind.ROLE else "a team's run"
        return f"{view.info.handle} is {what}: {_OF_CODEX_THREADS[action]}."
    if action in (Action.OPEN, Action.FOLDER):
        return _program_reason(action, view)
    match view.info.kind:
        case ThreadKind.CODEX:
            return _thread_reason(action, view)
        case ThreadKind.ROLE:
            return _role_reason(action, state, view)
        case ThreadKind.RUN:
            return _run_reason(action, state, view)


def _offline_reason(action: Action, state: ConsoleState) -> str:
    if state.connection.reason:
        return f"Cannot {action}: the server is out of reach ({state.connection.reason})."
    return f"Cannot {action} yet: still connecting to the server."


def _no_run_reason(action: Action, view: ThreadView) -> str:
    if action is Action.GATES:
        return f"{view.info.handle} works for no team's run, so there is no gate board to show."
    has_turns = bool(view.transcript.turns)
    return "" if has_turns else f"{view.info.handle} has had no turn yet: there is no timeline."


def _program_reason(action: Action, view: ThreadView) -> str:
    """Return why no other program can be opened for a thread."""
    if action is Action.FOLDER:
        return "" if view.info.cwd else f"{view.info.handle} has no folder of its own."
    reason = tui_refusal(view.info)
    return f"Cannot {Action.OPEN}: {reason}." if reason else ""


def _thread_reason(action: Action, view: ThreadView) -> str:
    if view.info.state is ThreadState.KILLED and action in _KILLED_REASONS:
        return _KILLED_REASONS[action].format(view.info.handle)
    handle, state = view.info.handle, view.info.state
    match action:
        case Action.DIFF if not (view.diff or view.transcript.has_changes or view.info.cwd):
            return f"{handle} has changed no files, and has no folder."
        case Action.QUEUE if not view.info.queued:
            return f"Nothing is queued for {handle}: ^t queues what you write while a turn runs."
        case Action.KILL if not view.info.ours:
            origin = group_of(view.info)
            return (
                f"{handle} belongs to {origin}: only there can it be closed. "
                "x interrupts its turn, and H archives it."
            )
        case Action.INTERRUPT if not state.has_turn:
            return f"{handle} is {state}: no turn is running, so there is nothing to interrupt."
        case Action.FORK_THROUGH if not view.transcript.turns:
            return f"{handle} has no turn yet to fork it through."
        case Action.EDIT | Action.RETRY | Action.CONTINUE:
            return _prompt_reason(action, view)
        case Action.PAUSE:
            return f"{handle} is a thread of Codex's: only roles can be paused; x interrupts it."
        case Action.RERUN:
            return f"{handle} is a thread of Codex's: only roles can run again; r replies to it."
        case _:
            return ""


def _prompt_reason(action: Action, view: ThreadView) -> str:
    if not view.transcript.turns:
        return f"{view.info.handle} has no turn yet: r writes to it."
    if action is Action.EDIT:
        return ""
    if view.info.state.has_turn:
        return f"{view.info.handle} is {view.info.state}: its turn goes on, and r writes to it."
    last = view.transcript.turns[-1].state
    is_cut_off = last in CUT_OFF
    return "" if is_cut_off else f"The last turn of {view.info.handle} is {last}: r writes to it."


def _role_reason(action: Action, state: ConsoleState, view: ThreadView) -> str:
    handle = view.info.handle
    match action:
        case Action.DIFF:
            return _team_diff_reason(state, view)
        case Action.FORK | Action.FORK_THROUGH:
            return (
                f"{handle} is a role: only its Codex threads can be forked. "
                "R runs it again from its start."
            )
        case Action.KILL:
            return f"{handle} is a role: x stops it, and X on its run kills them all."
        case Action.SEND | Action.INTERRUPT | Action.PAUSE | Action.RERUN:
            run = state.threads.get(state.run_id_of(view.thread_id))
            run_state = None if run is None else run.info.state
            is_over = run_state in FINISHED_STATES and action is not Action.RERUN
            if is_over or run_state is ThreadState.KILLED:
                return f"{handle}'s run is {run_state}: nothing of it goes on."
            return _team_state_reason(action, view)
        case _:
            return ""


def _run_reason(action: Action, console: ConsoleState, view: ThreadView) -> str:
    handle, state = view.info.handle, view.info.state
    match action:
        case Action.DIFF:
            return _team_diff_reason(console, view)
        case Action.FORK | Action.FORK_THROUGH:
            return f"{handle} is a team's run: only the Codex threads of its roles can be forked."
        case Action.RERUN:
            return f"{handle} is a team's run: choose the role that is to run again."
        case Action.KILL if state is ThreadState.KILLED:
            return f"{handle} is killed already."
        case Action.SEND | Action.INTERRUPT | Action.PAUSE if state in FINISHED_STATES:
            return f"{handle} is {state}: nothing of it goes on."
        case _:
            return _team_state_reason(action, view)


def _team_diff_reason(state: ConsoleState, view: ThreadView) -> str:
    is_role = view.info.kind is ThreadKind.ROLE
    for info in state.run_members(state.run_id_of(view.thread_id)):
        is_member = not is_role or info.parent == view.thread_id
        has_folder = info.kind is ThreadKind.CODEX and info.cwd
        if is_member and (has_folder or state.threads[info.thread_id].transcript.has_changes):
            return ""
    return f"No Codex thread of {view.info.handle} has changed a file."


def _team_state_reason(action: Action, view: ThreadView) -> str:
    """Return why the state of a role or a run does not allow an action."""
    info, state = view.info, view.info.state
    if state is ThreadState.DISCONNECTED and action is not Action.KILL:
        return info.note or f"{info.handle} is disconnected: the program that ran it is gone."
    match action:
        case Action.INTERRUPT if state in FINISHED_STATES:
            return f"{info.handle} is {state}: there is nothing to stop."
        case Action.PAUSE if state in FINISHED_STATES:
            return f"{info.handle} is {state}: there is nothing to pause."
        case _:
            return ""


_KILLED_REASONS = {
    Action.SETTINGS: "{} was killed: it has no settings any more.",
    Action.REVIEW: "{} was killed: it reviews nothing any more.",
    Action.RETRY: "{} was killed and takes no more prompts; f forks it.",
    Action.CONTINUE: "{} was killed and takes no more prompts; f forks it.",
    Action.SEND: "{} was killed and takes no more prompts; f forks it, n starts another.",
    Action.KILL: "{} is killed already.",
}
