"""How the console begins and ends: with a server of its own making, or without what it needs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import PROGRAM, OpenTerminal, Serve, Served, configure

from codextui.demo import Say, Script, write_codex_home

COLOUR = re.compile(rb"\x1b\[[\d;]*(?:38|48);(?:2|5);")


@pytest.fixture
def own_server(scratch: Path) -> Iterator[str]:
    """The name of a server that nobody has started yet; it is ended after the test."""
    yield "own"
    command = [*PROGRAM, "kill-server", "-L", "own"]
    subprocess.run(command, capture_output=True, timeout=60, check=False)


def test_the_console_starts_a_server_that_outlives_it(
    own_server: str, scratch: Path, open_terminal: OpenTerminal
):
    home = write_codex_home(scratch / "codex-home", "http://127.0.0.1:9/v1")
    configure(f'[codex]\nattach = "own"\nhome = "{home}"\n')
    first = open_terminal("-L", own_server)
    first.wait_for("connected", timeout=60)
    first.wait_for("codex 0.")
    first.press("q")
    assert first.wait_exit() == 0
    command = [*PROGRAM, "ps", "-L", own_server]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    second = open_terminal("-L", own_server)
    second.wait_for("connected", timeout=60)


def test_without_a_codex_the_console_says_what_to_type(
    own_server: str, scratch: Path, open_terminal: OpenTerminal
):
    configure(f'[codex]\nattach = "own"\nbinary = "{scratch}/no-such-codex"\n')
    terminal = open_terminal("-L", own_server)
    terminal.wait_for("no-such-codex", timeout=60)
    terminal.wait_for("r ")
    terminal.press("q")
    assert terminal.wait_exit() != 0
    assert terminal.modes_left() == {}


def test_without_a_login_the_console_says_what_to_type(
    own_server: str, scratch: Path, open_terminal: OpenTerminal
):
    home = scratch / "codex-home"
    home.mkdir()
    configure(f'[codex]\nattach = "own"\nhome = "{home}"\n')
    terminal = open_terminal("-L", own_server, columns=80, lines=24)

    def told() -> bool:
        # A long path wraps the command, also in the middle of a word.
        return "codexlogin" in "".join(terminal.text.replace("▌", " ").split())

    terminal.wait_until(told, "'codex login' on the screen")


def test_a_wrong_configuration_is_told_before_the_screen_is_taken(open_terminal: OpenTerminal):
    configure("[ui]\nthme = 'harbour'\n")
    terminal = open_terminal()
    assert terminal.wait_exit() == 2
    assert "thme" in terminal.text
    assert "theme" in terminal.text
    assert b"\x1b[?1049h" not in terminal.raw


def test_without_colours_everything_is_there_all_the_same(
    serve: Serve, open_terminal: OpenTerminal
):
    served = serve(Script().on("", Say("# Title\n\nSome **bold** words.")))
    served.start_thread("say it")
    terminal = open_terminal("-L", served.name, env={"NO_COLOR": "1"})
    terminal.wait_for("Some bold words.")
    terminal.wait_for("idle")
    terminal.wait_quiet(quiet=0.2)
    # Shades of grey are what Textual leaves of colours.
    coloured = set(re.findall(rb"38;2;(\d+);(\d+);(\d+)", terminal.raw))
    assert all(max(map(int, rgb)) - min(map(int, rgb)) <= 8 for rgb in coloured)


def test_the_screen_follows_the_size_of_the_terminal(
    serve_fake: Served, open_terminal: OpenTerminal
):
    serve_fake.start_thread("history")
    terminal = open_terminal("-L", serve_fake.name)
    terminal.wait_for("item 199")
    for columns, lines in ((80, 24), (200, 50), (40, 12), (120, 30)):
        terminal.resize(columns, lines)
        terminal.wait_quiet()
        terminal.wait_for("item 199")
        assert max(map(len, terminal.rows)) <= columns
    terminal.press("q")
    assert terminal.wait_exit() == 0


def test_a_closed_terminal_ends_the_console_and_leaves_the_server(
    serve_fake: Served, open_terminal: OpenTerminal
):
    serve_fake.start_thread("history")
    terminal = open_terminal("-L", serve_fake.name)
    terminal.wait_for("item 199")
    terminal.hang_up()
    terminal.process.wait(20)
    assert serve_fake.run("ps")["handle"] == "worker"
