"""`codextui demo` in a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from e2e.conftest import OpenTerminal
from e2e.terminal import Terminal

from codextui.demo.workspace import Workspace, check_results

START_S = 60


def decide(terminal: Terminal, asks: str, key: str) -> None:
    """Press a key in an approval dialog once its keys are accepted."""
    terminal.wait_for(asks, timeout=START_S)
    terminal.wait_for("keys ready")
    terminal.press(key)
    terminal.wait_gone(asks)


def workspace_of(terminal: Terminal) -> Workspace:
    """The workspace that the demo prints at its end."""
    found = re.search(r"What was made is in (\S+) and", terminal.text)
    assert found, terminal.text
    return Workspace(Path(found[1]).parent, has_git=True)


@pytest.mark.slow
def test_a_person_supervises_the_demo_from_start_to_end(open_terminal: OpenTerminal):
    # Wide enough that the paths of the last lines are not broken.
    terminal = open_terminal("demo", columns=200, lines=45)
    decide(terminal, "writer asks to change files", "y")
    decide(terminal, "builder asks to run a command", "y")
    decide(terminal, "builder asks to run a command", "y")
    terminal.wait_for("is the finished program", timeout=START_S)
    terminal.wait_until(lambda: " running" not in terminal.text, "every thread at rest")

    terminal.press("1", "r")
    terminal.wait_for("reply to builder")
    terminal.press("hello there")
    terminal.wait_for("hello there")
    terminal.press("enter")
    terminal.wait_for("I am played by a script")

    terminal.press("f")
    terminal.wait_for("builder-fork")
    terminal.press("X")
    terminal.wait_for("killed")

    terminal.press("q")
    assert terminal.wait_exit(timeout=60) == 0
    assert terminal.modes_left() == {}
    assert [check for check in check_results(workspace_of(terminal)) if check.fault] == []


@pytest.mark.slow
def test_the_demo_fits_a_small_terminal(open_terminal: OpenTerminal):
    terminal = open_terminal("demo", columns=80, lines=24)
    terminal.wait_for("asks to change files", timeout=START_S)
    terminal.wait_for("y once")
    terminal.wait_for("keys ready")
    assert max(map(len, terminal.rows)) <= 80
    terminal.press("n")
    terminal.wait_for("asks to run a command", timeout=START_S)
    terminal.wait_for("keys ready")
    terminal.press("y")
    terminal.wait_gone("asks to run a command")
    terminal.press("q")
    assert terminal.wait_exit(timeout=60) == 0
    assert terminal.modes_left() == {}
