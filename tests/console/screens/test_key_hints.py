from __future__ import annotations

from textual.binding import Binding, BindingsMap

from codextui.console.model.state import ConsoleState
from codextui.console.screens.key_hints import key_hints
from codextui.console.screens.main import MainScreen
from codextui.protocol.approvals import Approval, CommandAsked
from codextui.protocol.events import Event, ThreadChanged
from codextui.protocol.threads import ThreadInfo, ThreadState

BINDINGS = [binding for _, binding in BindingsMap(MainScreen.BINDINGS)]


def state_with(state: ThreadState) -> ConsoleState:
    console_state = ConsoleState()
    console_state.set_connected(fresh=True)
    console_state.apply(Event(1, "t", "", 0.0, ThreadChanged(ThreadInfo("t", "backend", state))))
    return console_state


def labels(console_state: ConsoleState, *, composing: bool = False) -> list[str]:
    return [hint.label for hint in key_hints(BINDINGS, console_state, "t", composing=composing)]


def test_only_available_keys_are_shown() -> None:
    shown = labels(state_with(ThreadState.IDLE))
    assert "reply" in shown
    assert "interrupt" not in shown
    assert "decide" not in shown


def test_a_running_thread_is_steered_and_can_be_interrupted() -> None:
    shown = labels(state_with(ThreadState.RUNNING))
    assert "steer" in shown
    assert "reply" not in shown
    assert "interrupt" in shown


def test_decide_is_shown_while_an_approval_is_open() -> None:
    console_state = state_with(ThreadState.NEEDS_INPUT)
    console_state.add_approval(Approval("a1", "t", "u", "", "backend", 0.0, CommandAsked("ls")))
    assert "decide" in labels(console_state)


def test_connect_is_shown_only_while_the_server_is_out_of_reach() -> None:
    console_state = state_with(ThreadState.IDLE)
    assert "connect now" not in labels(console_state)
    console_state.set_disconnected("it ended")
    assert "connect now" in labels(console_state)
    assert "new" not in labels(console_state)


def test_an_unbound_key_is_not_shown() -> None:
    gone = [Binding("unbound.thread.new", "new_thread", "New", id="thread.new")]
    assert key_hints(gone, state_with(ThreadState.IDLE), "t", composing=False) == []


def test_rebound_keys_are_shown() -> None:
    moved = [Binding("ctrl+n", "new_thread", "New", id="thread.new")]
    assert [
        h.key for h in key_hints(moved, state_with(ThreadState.IDLE), "t", composing=False)
    ] == ["^n"]
