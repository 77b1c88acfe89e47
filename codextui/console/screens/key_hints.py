"""The keys of the footer: which it shows, in which order, and what each does now."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding

from codextui.console.bindings import format_keys, is_unbound
from codextui.console.model.state import ConsoleState
from codextui.console.screens.availability import Action, unavailable_reason
from codextui.console.screens.thread_actions import can_queue
from codextui.console.widgets.key_line import KeyHint
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState

COMMAND_LABELS = {
    "choose": "open",
    "reply": "reply",
    "approvals": "decide",
    "new_thread": "new",
    "interrupt": "interrupt",
    "unfold": "unfold",
    "read": "read all",
    "pause": "pause",
    "gates": "gates",
    "timeline": "timeline",
    "rerun": "run again",
    "queue": "queued",
    "settings": "settings",
    "review": "review",
    "fork": "fork",
    "fork_through": "fork through",
    "retry_turn": "retry",
    "continue_turn": "continue",
    "diff": "diff",
    "edit": "edit a prompt",
    "open_in_codex": "open in Codex",
    "zoom": "zoom",
    "kill": "kill",
    "history": "history",
    "filter": "filter",
    "retry": "connect now",
    "help": "help",
    "detach": "detach",
    "stop_server": "stop all",
}
"""Labels of the actions in the footer, the most important first."""

COMPOSER_LABELS = {
    "send": "send",
    "queue": "queue",
    "newline": "new line",
    "edit": "in your editor",
    "leave": "keep as draft",
}
"""Labels of the actions in the footer while the composer has the focus."""

FILTER_HINTS = [
    KeyHint("⏎", "keep the filter", "", pinned=True),
    KeyHint("esc", "clear it", "", pinned=True),
    KeyHint("↑ ↓", "move", ""),
    KeyHint("state:asks role: dir: branch: program: model: team: is:hidden", "look for", ""),
]
"""What the footer shows while the filter of the tree is written."""

PINNED = frozenset({"help", "detach", "send", "leave"})
"""Actions that the footer shows at any width: how to find the others, and the way out."""

ACTIONS = {
    "reply": Action.SEND,
    "queue": Action.QUEUE,
    "settings": Action.SETTINGS,
    "usage": Action.USAGE,
    "review": Action.REVIEW,
    "new_thread": Action.START,
    "interrupt": Action.INTERRUPT,
    "fork": Action.FORK,
    "fork_through": Action.FORK_THROUGH,
    "edit": Action.EDIT,
    "retry_turn": Action.RETRY,
    "continue_turn": Action.CONTINUE,
    "open_editor": Action.FOLDER,
    "open_shell": Action.FOLDER,
    "diff": Action.DIFF,
    "side_by_side": Action.SIDE_BY_SIDE,
    "open_in_codex": Action.OPEN,
    "kill": Action.KILL,
    "pause": Action.PAUSE,
    "rerun": Action.RERUN,
    "gates": Action.GATES,
    "timeline": Action.TIMELINE,
    "history": Action.HISTORY,
    "decisions": Action.DECISIONS,
    "stop_server": Action.STOP,
}
"""What `unavailable_reason` is asked for an action of the main screen."""


def key_hints(
    bindings: Iterable[Binding],
    state: ConsoleState,
    thread_id: str,
    *,
    composing: bool,
    detach_label: str = COMMAND_LABELS["detach"],
    folded: bool = False,
) -> list[KeyHint]:
    """Return the keys of the footer, labelled with what they do to a thread now.

    Args:
        bindings: the active ones.
        state: the console state.
        thread_id: the current thread.
        composing: whether the composer has the focus.
        detach_label: what leaving the console does.
        folded: whether something is left out of what the current pane shows.
    """
    bound: dict[str, Binding] = {}
    for binding in bindings:
        if not is_unbound(binding):
            bound.setdefault(binding.action, binding)
    labels = COMPOSER_LABELS if composing else COMMAND_LABELS | {"detach": detach_label}
    return [
        KeyHint(
            format_keys(bound[action].key),
            _label(action, label, state, thread_id),
            action,
            pinned=action in PINNED,
        )
        for action, label in labels.items()
        if action in bound
        and _is_available(action, state, thread_id, folded=folded, composing=composing)
    ]


def _is_available(
    action: str, state: ConsoleState, thread_id: str, *, folded: bool, composing: bool
) -> bool:
    match action:
        case "unfold" | "read":
            return folded
        case "queue" if composing:
            return can_queue(state, thread_id)
        case "approvals":
            return bool(state.approvals) and state.connection.connected
        case "retry":
            return not state.connection.connected and bool(state.connection.reason)
        case "zoom" | "choose":
            return bool(thread_id)
        case _ if action in ACTIONS:
            return not unavailable_reason(ACTIONS[action], state, thread_id)
        case _:
            return True


def _label(action: str, label: str, state: ConsoleState, thread_id: str) -> str:
    view = state.threads.get(thread_id)
    if view is None:
        return label
    is_codex = view.info.kind is ThreadKind.CODEX
    match action:
        case "reply" if not is_codex:
            return "message"
        case "reply" if view.info.state.has_turn:
            return "steer"
        case "interrupt" if not is_codex:
            return "stop"
        case "pause" if view.info.state is ThreadState.PAUSED:
            return "go on"
        case _:
            return label
