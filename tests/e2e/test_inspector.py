"""The protocol inspector in a terminal, on a server with the real Codex."""

from __future__ import annotations

import pytest
from e2e.conftest import OpenTerminal, Serve

from codextui.demo import Say, Script


def test_a_turn_is_watched_filtered_saved_and_a_tool_called(
    serve: Serve, open_terminal: OpenTerminal
):
    served = serve(Script().on("hello", Say("Hello.")))
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("connected")
    terminal.press("i")
    terminal.wait_for("No frames yet")
    served.start_thread("Say hello")
    terminal.wait_for("turn/completed")
    terminal.press("/")
    terminal.wait_for("method:turn/ thread:tester")
    terminal.press("method:turn/start", "enter")
    terminal.wait_for("filter: method:turn/start")
    terminal.press("home", "enter")
    terminal.wait_for("esc list")
    assert '"method": "turn/start"' in terminal.text
    terminal.press("esc")
    terminal.wait_for("esc close")
    terminal.press("s")
    terminal.wait_for("frames saved, without secrets")
    terminal.press("c")
    terminal.wait_for("Run a Codex session")
    terminal.press("esc")
    terminal.wait_gone("Run a Codex session")
    terminal.press("esc")
    terminal.wait_for("● connected")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


@pytest.mark.slow
def test_on_a_small_terminal(serve: Serve, open_terminal: OpenTerminal):
    served = serve(Script().on("hello", Say("Hello.")))
    terminal = open_terminal("-L", served.name, columns=80, lines=24)
    terminal.wait_for("connected")
    terminal.press("i")
    terminal.wait_for("No frames yet")
    served.start_thread("Say hello")
    terminal.wait_for("turn/completed")
    terminal.press("up", "enter")
    terminal.wait_for('"params"')
    terminal.press("esc")
    terminal.wait_for("esc close")
    terminal.press("esc")
    terminal.wait_for("● connected")
