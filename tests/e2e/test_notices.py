"""The terminal's title and notifications, as a terminal gets them from the whole program."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence

import pytest
from e2e.conftest import OpenTerminal, Serve, Served, configure
from e2e.terminal import Terminal

from codextui.demo import Run, Say, Script

WAITING = b"\x1b]0;? 1 needs you \xc2\xb7 codextui e2e\x07"
AT_REST = b"\x1b]0;codextui e2e\x07"
SAVED, RESTORED = b"\x1b[22;0t", b"\x1b[23;0t"
OSC9 = b"\x1b]9;codextui: risky asks to run: id\x07"
WEZTERM = {"TERM_PROGRAM": "WezTerm", "TMUX": ""}


@pytest.fixture
def served(serve: Serve) -> tuple[Served, asyncio.Event]:
    gate = asyncio.Event()
    first = [Say("Now.", gate=gate, open_deltas=0), Run("id", escalate=True)]
    return serve(Script().on("risky", first, Say("Ran."))), gate


def last_title(terminal: Terminal) -> bytes:
    return max((WAITING, AT_REST, RESTORED), key=bytes(terminal.raw).rfind)


def wait_for_title(terminal: Terminal, title: bytes) -> None:
    terminal.wait_until(lambda: last_title(terminal) == title, repr(title))


def count(terminal: Terminal, sequences: Sequence[bytes]) -> list[int]:
    return [bytes(terminal.raw).count(sequence) for sequence in sequences]


def test_the_title_counts_who_needs_somebody_and_one_notification_is_sent(
    served: tuple[Served, asyncio.Event], open_terminal: OpenTerminal
) -> None:
    server, gate = served
    configure('[approvals]\npopup = "never"\n')
    server.start_thread("A risky prompt", handle="risky")
    terminal = open_terminal("-L", server.name, env=WEZTERM)
    terminal.wait_for("A risky prompt")
    wait_for_title(terminal, AT_REST)
    server.call(gate.set)
    wait_for_title(terminal, WAITING)
    terminal.wait_until(lambda: OSC9 in terminal.raw, "the notification")
    terminal.press("a")
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_for("Ran.")
    wait_for_title(terminal, AT_REST)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert last_title(terminal) == RESTORED
    assert count(terminal, [OSC9, SAVED, RESTORED]) == [1, 1, 1]
    assert terminal.modes_left() == {}


def test_no_notification_is_sent_to_a_terminal_that_says_that_it_has_the_focus(
    served: tuple[Served, asyncio.Event], open_terminal: OpenTerminal
) -> None:
    server, gate = served
    server.start_thread("A risky prompt", handle="risky")
    terminal = open_terminal("-L", server.name, env=WEZTERM)
    terminal.wait_for("A risky prompt")
    terminal.press("\x1b[O", "\x1b[I")
    server.call(gate.set)
    terminal.wait_for("keys ready")
    wait_for_title(terminal, WAITING)
    terminal.press("n")
    wait_for_title(terminal, AT_REST)
    assert OSC9 not in terminal.raw


def test_a_signal_that_ends_the_console_restores_the_title_and_the_terminal(
    served: tuple[Served, asyncio.Event], open_terminal: OpenTerminal
) -> None:
    server, gate = served
    server.start_thread("A risky prompt", handle="risky")
    terminal = open_terminal("-L", server.name)
    terminal.wait_for("A risky prompt")
    server.call(gate.set)
    wait_for_title(terminal, WAITING)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.wait_exit() == 128 + signal.SIGTERM
    assert last_title(terminal) == RESTORED
    assert terminal.modes_left() == {}
    assert len(server.run("approvals")) > 0, "nothing was decided"


def test_a_console_that_crashes_restores_the_title_and_the_terminal(
    served: tuple[Served, asyncio.Event],
) -> None:
    server, _ = served
    program = (
        "import codextui.console.screens.main as screens, sys\n"
        "from codextui.cli import main\n"
        "screens.MainScreen.action_help = lambda self: 1 / 0\n"
        f"sys.exit(main(['-L', {server.name!r}]))\n"
    )
    with Terminal([sys.executable, "-c", program]) as terminal:
        wait_for_title(terminal, AT_REST)
        terminal.wait_for("? help")
        terminal.press("?")
        assert terminal.wait_exit() == 1
        assert b"ZeroDivisionError" in terminal.raw
        assert last_title(terminal) == RESTORED
        assert terminal.modes_left() == {}
