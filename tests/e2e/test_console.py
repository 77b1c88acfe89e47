"""The console on a shared server, in a terminal."""

from __future__ import annotations

import asyncio

import pytest
from e2e.conftest import OpenTerminal, Serve
from e2e.terminal import Terminal

from codextui.demo import ModelRequest, Run, Say, Script, Step


def write(terminal: Terminal, text: str) -> None:
    """Types into the open composer, and sends it."""
    terminal.press(text)
    terminal.wait_for(text)
    terminal.press("enter")


def test_a_reply_goes_out_and_its_answer_comes_in(serve: Serve, open_terminal: OpenTerminal):
    served = serve(Script().on("first", Say("One.")).on("second", Say("Two **bold** words.")))
    served.start_thread("The first prompt")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("One.")
    terminal.press("1", "r")
    terminal.wait_for("reply to worker")
    write(terminal, "And the second")
    terminal.wait_for("Two bold words.")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


def test_keys_that_come_fast_are_taken_in_their_order(serve: Serve, open_terminal: OpenTerminal):
    served = serve(Script().on("first", Say("One.")).on("fast typist", Say("Two.")))
    served.start_thread("The first prompt")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("One.")
    terminal.press("1", "r", *"I am a fast typist", "enter")
    terminal.wait_for("> I am a fast typist")
    terminal.wait_for("Two.")


@pytest.mark.slow
def test_closing_detaches_and_attaching_again_shows_the_past_and_what_came_meanwhile(
    serve: Serve, open_terminal: OpenTerminal
):
    gate = asyncio.Event()
    served = serve(Script().on("", Say("alpha beta gamma omega.", gate=gate, open_deltas=2)))
    served.start_thread("Tell me letters")
    first = open_terminal("-L", served.name)
    first.wait_for("alpha beta")
    first.press("q")
    assert first.wait_exit() == 0
    assert "omega" not in first.text

    second = open_terminal("-L", served.name, columns=120, lines=30)
    second.wait_for("Tell me letters")
    second.wait_for("alpha beta")
    served.call(gate.set)
    second.wait_for("alpha beta gamma omega.")
    second.wait_for("turn 1 completed")
    second.press("q")
    assert second.wait_exit() == 0


@pytest.mark.slow
def test_two_consoles_show_the_same_and_the_first_answer_wins(
    serve: Serve, open_terminal: OpenTerminal
):
    asking = Run("id -un", escalate=True, justification="to know who runs this")
    served = serve(Script().on("", asking, Say("Thanks.")))
    served.start_thread("Who are you?")
    one = open_terminal("-L", served.name)
    two = open_terminal("-L", served.name, columns=100, lines=30)
    for terminal in (one, two):
        terminal.wait_for("worker asks to run a command")
        terminal.wait_for("to know who runs this")
    two.wait_for("keys ready")
    two.press("n")
    one.wait_gone("worker asks to run a command")
    for terminal in (one, two):
        terminal.wait_for("Thanks.")
        terminal.wait_for("declined")


def test_a_running_command_is_interrupted_and_a_thread_is_killed(
    serve: Serve, open_terminal: OpenTerminal
):
    count = "for i in $(seq 1 6000); do echo tick $i; sleep 0.1; done"
    served = serve(Script().on("count", Run(count, yield_ms=60_000), Say("Never said.")))
    served.start_thread("Please count")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("tick ")
    terminal.press("1", "x")
    terminal.wait_for("interrupted")
    terminal.press("X")
    terminal.wait_for("killed")
    assert served.run("ps", "--all")["state"] == "killed"
    terminal.press("q")
    assert terminal.wait_exit() == 0


@pytest.mark.slow
def test_a_thread_is_forked_now_and_through_a_turn(serve: Serve, open_terminal: OpenTerminal):
    def answer(request: ModelRequest) -> list[Step]:
        return [Say(f"I was asked {len(request.user_texts)} times: {request.last_user_text}.")]

    served = serve(answer)
    served.start_thread("the first")
    served.run("reply", "worker", "the second", "--wait")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("I was asked 2 times")
    terminal.press("1", "f")
    terminal.wait_for("worker-fork")
    terminal.press("1", "F")
    terminal.wait_for("Fork worker through a turn")
    terminal.wait_quiet()
    terminal.press("k", "enter")
    terminal.wait_for("worker-fork-2")
    asked = served.run("reply", "worker-fork", "once more", "--wait")
    assert "3 times" in asked["content"]
    asked = served.run("reply", "worker-fork-2", "once more", "--wait")
    assert "2 times" in asked["content"]


def test_a_new_thread_is_started_from_the_console(serve: Serve, open_terminal: OpenTerminal):
    served = serve(Script().on("", Say("At your service.")))
    terminal = open_terminal("-L", served.name, columns=80, lines=24)
    terminal.wait_for("connected")
    terminal.press("n")
    terminal.wait_for("What should the agent do?")
    terminal.press("Serve me")
    terminal.wait_for("Serve me")
    terminal.press("ctrl+s")
    terminal.wait_for("At your service.")
    terminal.press("Q")
    terminal.wait_for("y ")
    terminal.press("y")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}
