"""Which keys the footer shows: those that do something now. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding

from codextui.keymap import is_unbound, show_keys
from codextui.model.board import Board
from codextui.screens.refusal import Wish, refusal
from codextui.widgets.key_line import KeyHint
from codextui.wire.run import ThreadKind
from codextui.wire.thread import ThreadState

WRITING = {"send": "send", "newline": "new line", "leave": "keep as draft"}
"""What a person who writes can do: every other key writes."""

WATCHING = {
    "choose": "open",
    "reply": "reply",
    "approvals": "decide",
    "new_thread": "new",
    "interrupt": "interrupt",
    "pause": "pause",
    "gates": "gates",
    "timeline": "timeline",
    "rerun": "run again",
    "fork": "fork",
    "fork_through": "fork through",
    "diff": "diff",
    "zoom": "zoom",
    "kill": "kill",
    "retry": "connect now",
    "help": "help",
    "detach": "detach",
    "stop_server": "stop all",
}
"""What a person who watches can do, the most wanted first."""

PINNED = frozenset({"help", "detach", "send", "leave"})
"""What is shown even where there is little room: the way to the others, and the way out."""

_WISHES = {
    "reply": Wish.SEND,
    "new_thread": Wish.START,
    "interrupt": Wish.INTERRUPT,
    "fork": Wish.FORK,
    "fork_through": Wish.FORK_THROUGH,
    "diff": Wish.DIFF,
    "kill": Wish.KILL,
    "pause": Wish.PAUSE,
    "rerun": Wish.RERUN,
    "gates": Wish.GATES,
    "timeline": Wish.TIMELINE,
    "stop_server": Wish.STOP,
}


def key_hints(
    bindings: Iterable[Binding],
    board: Board,
    thread_id: str,
    *,
    writing: bool,
    leaving: str = WATCHING["detach"],
) -> list[KeyHint]:
    """The keys to show, with words for what they do to this thread now.

    Args:
        bindings: those that are active.
        board: what there is.
        thread_id: the thread that keys are meant for.
        writing: whether a person writes.
        leaving: what leaving does.
    """
    bound: dict[str, Binding] = {}
    for binding in bindings:
        if not is_unbound(binding):
            bound.setdefault(binding.action, binding)
    labels = WRITING if writing else WATCHING | {"detach": leaving}
    return [
        KeyHint(
            show_keys(bound[action].key),
            _label(action, label, board, thread_id),
            action,
            pinned=action in PINNED,
        )
        for action, label in labels.items()
        if action in bound and _does_something(action, board, thread_id)
    ]


def _does_something(action: str, board: Board, thread_id: str) -> bool:
    match action:
        case "approvals":
            return bool(board.approvals) and board.link.online
        case "retry":
            return not board.link.online and bool(board.link.reason)
        case "zoom" | "choose":
            return bool(thread_id)
        case _:
            wish = _WISHES.get(action)
            return wish is None or not refusal(wish, board, thread_id)


def _label(action: str, label: str, board: Board, thread_id: str) -> str:
    view = board.threads.get(thread_id)
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
