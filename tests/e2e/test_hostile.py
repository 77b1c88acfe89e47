"""Whatever an agent, a server or a file says, the terminal stays the person's own."""

from __future__ import annotations

import re

import pytest
from e2e.conftest import OpenTerminal, Served
from e2e.fake_codex import LONG_COMMAND


def test_escapes_and_markup_are_shown_and_do_nothing(
    serve_fake: Served, open_terminal: OpenTerminal
):
    serve_fake.start_thread("escapes")
    terminal = open_terminal("-L", serve_fake.name)
    terminal.wait_for("asks to change files")
    terminal.wait_for("[bold red]markup[/]")
    terminal.wait_quiet()
    for sequence in ("\x1b]0;stolen", "\x1b[?1049l", "\x1b[2J\x1b]", "\x9b1m", "\u202e"):
        assert sequence.encode() not in terminal.raw
    assert "connected" in terminal.text
    terminal.wait_for("keys ready")
    terminal.press("n")
    terminal.wait_for("answered")
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


@pytest.mark.slow
def test_a_command_of_10000_characters_can_be_read_whole(
    serve_fake: Served, open_terminal: OpenTerminal
):
    serve_fake.start_thread("long_command")
    terminal = open_terminal("-L", serve_fake.name, columns=80, lines=24)
    terminal.wait_for("asks to run a command")
    terminal.wait_for("word0000")
    seen = set(re.findall(r"word\d{4}", terminal.text))
    for _ in range(1000):
        if "# the end of it" in terminal.text:
            break
        terminal.press("pagedown")
        terminal.wait_quiet(quiet=0.1)
        seen |= set(re.findall(r"word\d{4}", terminal.text))
    assert seen == set(re.findall(r"word\d{4}", LONG_COMMAND))


@pytest.mark.slow
def test_a_line_of_20_megabytes_delays_nobody_for_long(
    serve_fake: Served, open_terminal: OpenTerminal
):
    terminal = open_terminal("-L", serve_fake.name, columns=100, lines=30)
    terminal.wait_for("connected")
    serve_fake.start_thread("long_line")
    terminal.wait_for("after the long line")
    terminal.wait_for("xxxxxxxxxx")
    terminal.press("?")
    terminal.wait_for("Reply, steer", timeout=5)
    terminal.press("esc")
    terminal.wait_gone("Reply, steer", timeout=5)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    late = open_terminal("-L", serve_fake.name, columns=100, lines=30)
    late.wait_for("after the long line")
    late.wait_for("xxxxxxxxxx")


def test_what_nobody_knows_stays_visible_and_can_be_declined(
    serve_fake: Served, open_terminal: OpenTerminal
):
    serve_fake.start_thread("unknown")
    terminal = open_terminal("-L", serve_fake.name)
    terminal.wait_for("item/teleport/requestApproval")
    terminal.wait_for("the moon")
    terminal.wait_for("keys ready")
    terminal.press("n")
    terminal.wait_for("answered")
    terminal.wait_for("hologram")
    terminal.wait_for("levitated")
    terminal.wait_for("after what nobody knows")
