"""Nothing that is pasted is a key: no decision, no command, nothing sent."""

from __future__ import annotations

import random

import pytest
from e2e.conftest import OpenTerminal, Serve
from e2e.terminal import Terminal

from codextui.demo import Run, Say, Script

LOG_LINE = "[36mINFO[0m started y worker x\r\nrm -rf / r hello\ny\n"
COLOURED = LOG_LINE.replace("[36m", "\x1b[36m").replace("[0m", "\x1b[0m")
ASKS = Run("touch ../APPROVED", escalate=True)


def hostile(seed: int) -> str:
    """Text full of the keys that decide, in and between sequences."""
    pieces = [
        *"ysp n!YxXrfq\r\n\t\x03\x00",
        "\x1b",
        "\x1b[31m",
        "\x1b[",
        "\x1bO",
        "\x1b]0;",
        "text ",
    ]
    pieces += ["text ", "\x1b[121u", "\x1b[200~", "\x9b"]
    chosen = random.Random(seed)
    return "".join(chosen.choice(pieces) for _ in range(chosen.randint(2, 80)))


def assert_still_asked(terminal: Terminal) -> None:
    terminal.wait_quiet()
    assert "asks to run a command" in terminal.text
    assert "APPROVED" in terminal.text


@pytest.fixture
def asked(serve: Serve, open_terminal: OpenTerminal) -> Terminal:
    served = serve(Script().on("", ASKS, Say("It was decided.")))
    served.start_thread("Ask me")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("keys ready")
    return terminal


def test_a_coloured_log_line_decides_nothing(serve: Serve, open_terminal: OpenTerminal) -> None:
    pastes = [(brackets, piece) for brackets in (True, False) for piece in (0, 1, 7)]
    asks = [Run(f"touch ../APPROVED{number}", escalate=True) for number in range(len(pastes))]
    served = serve(Script().on("", *asks, Say("It was decided.")))
    served.start_thread("Ask me")
    terminal = open_terminal("-L", served.name)
    for number, (brackets, piece) in enumerate(pastes):
        terminal.wait_for(f"APPROVED{number}")
        terminal.wait_for("keys ready")
        terminal.wait_gone("Pasted text decides nothing.")
        terminal.paste(COLOURED, brackets=brackets, piece=piece)
        terminal.wait_for("Pasted text decides nothing.")
        assert_still_asked(terminal)
        assert f"APPROVED{number}" in terminal.text
        terminal.wait_for("keys ready")
        terminal.press("n")
    terminal.wait_for("It was decided.")


@pytest.mark.slow
def test_nothing_that_can_be_pasted_decides(asked: Terminal) -> None:
    for seed in range(40):
        asked.paste(hostile(seed), piece=random.Random(seed).choice([0, 1, 3, 16]))
    assert_still_asked(asked)


@pytest.mark.slow
def test_a_paste_without_an_end_decides_nothing_and_the_keys_work_again(asked: Terminal) -> None:
    asked.paste("\x1b[200~y\x1b[31my\n", brackets=False)
    asked.wait_for("Pasted text decides nothing.")
    assert_still_asked(asked)
    asked.wait_for("keys ready")
    asked.press("n")
    asked.wait_for("It was decided.")


@pytest.mark.slow
@pytest.mark.parametrize("brackets", [True, False])
def test_on_the_main_screen_nothing_happens(
    serve: Serve, open_terminal: OpenTerminal, brackets: bool
) -> None:
    served = serve(Script().on("", Say("I am here.")))
    served.start_thread("Say something")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("I am here.")
    terminal.press("1")
    terminal.wait_quiet()
    terminal.paste(COLOURED, brackets=brackets)
    terminal.wait_for("Pasted text was ignored")
    assert "reply to worker" not in terminal.text
    assert "hello" not in terminal.text


@pytest.mark.slow
@pytest.mark.parametrize("brackets", [True, False])
def test_in_the_composer_it_is_text_and_not_sent(
    serve: Serve, open_terminal: OpenTerminal, brackets: bool
) -> None:
    served = serve(Script().on("", Say("I am here.")))
    served.start_thread("Say something")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("I am here.")
    terminal.press("1", "r")
    terminal.wait_for("reply to worker")
    terminal.paste(COLOURED, brackets=brackets)
    terminal.wait_for("rm -rf / r hello")
    terminal.wait_for("INFO started y worker x")
    terminal.wait_quiet()
    terminal.press("enter")
    terminal.wait_for("> INFO started y worker x")
    terminal.wait_quiet()
    assert terminal.text.count("INFO started y worker x") == 1
