"""A thread that is handed to Codex's own TUI and back, in a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import PROGRAM, OpenTerminal, Serve, Served, configure
from e2e.terminal import Terminal

from codextui.codex.binary import find_codex
from codextui.demo import Run, Say, Script

ROUNDS = 10

PROMPT = "\u203a"
"""Before what was written, on the screen of Codex's own TUI."""

NOTICES = """
[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"
"""
"""What Codex's own TUI has written once its announcement of another model was read."""


@pytest.fixture(params=["bundled", "newest"])
def codex(request: pytest.FixtureRequest) -> Path:
    """A Codex whose app-server others can join."""
    if request.param == "newest":
        return Path(request.getfixturevalue("newest_codex"))
    return find_codex().path


def serve_with(codex: Path, serve: Serve, script: Script, settings: str = "") -> Served:
    configure(f'[codex]\nbinary = "{codex}"\nattach = "own"\n{settings}')
    served = serve(script)
    with (served.workspace.codex_home / "config.toml").open("a") as file:
        file.write(NOTICES)
    return served


def is_console(terminal: Terminal) -> bool:
    return "connected" in terminal.rows[0] and "q detach" in terminal.rows[-1]


def is_tui(terminal: Terminal) -> bool:
    return PROMPT in terminal.text and not is_console(terminal)


def wait_for_console(terminal: Terminal) -> None:
    terminal.wait_until(lambda: is_console(terminal), "the console")


def wait_for_tui(terminal: Terminal) -> None:
    terminal.wait_until(lambda: is_tui(terminal), "Codex's own TUI")


def quit_tui(terminal: Terminal) -> None:
    terminal.wait_for("Ask Codex to do anything")
    terminal.press(*"/quit")
    terminal.wait_for("exit Codex")
    terminal.press("enter")


@pytest.mark.slow
def test_ten_times_to_codex_and_back_while_a_turn_runs_lose_nothing(
    codex: Path, serve: Serve, open_terminal: OpenTerminal
):
    gates = [asyncio.Event() for _ in range(ROUNDS)]
    answers = [
        [Say(f"Part {n:02} is said.", gate=gate, open_deltas=0), Run(f"echo ran {n:02}")]
        for n, gate in enumerate(gates, start=1)
    ]
    served = serve_with(codex, serve, Script().on("long", *answers, Say("All is said.")))
    settings = settings_of(served.start_thread("The long turn")["thread"])
    terminal = open_terminal("-L", served.name, lines=80)
    terminal.wait_for("The long turn")
    terminal.press("1")
    for number, gate in enumerate(gates, start=1):
        terminal.press("c")
        wait_for_tui(terminal)
        served.call(gate.set)
        terminal.wait_for(f"Part {number:02} is said.")
        terminal.wait_for(f"ran {number:02}")
        if number == 5:
            terminal.resize(140, 90)
        quit_tui(terminal)
        wait_for_console(terminal)
        terminal.wait_for(f"Part {number:02} is said.")
    terminal.wait_for("turn 1 completed")
    shown = terminal.text
    for number in range(1, ROUNDS + 1):
        assert shown.count(f"Part {number:02} is said.") == 1
        assert f"echo ran {number:02}" in shown
    assert "All is said." in shown
    assert settings_of(served.run("ps")) == settings
    assert len(terminal.rows) == 90
    read = [item["text"] for item in messages_of(served)]
    assert read == [f"Part {n:02} is said." for n in range(1, ROUNDS + 1)] + ["All is said."]
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


def settings_of(thread: dict[str, Any]) -> dict[str, Any]:
    """What Codex's own TUI must not change by opening a thread."""
    names = ("cwd", "model", "sandbox", "approval_policy", "handle", "ours")
    return {name: thread[name] for name in names}


def messages_of(served: Served) -> list[dict[str, str]]:
    command = [*PROGRAM, "read", "-L", served.name, "--json", "worker"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    events = [json.loads(line) for line in ran.stdout.splitlines()[1:]]
    done = [event["msg"] for event in events if event["msg"]["type"] == "item_completed"]
    return [msg["item"] for msg in done if msg["item"]["type"] == "agentMessage"]


WRAPPER = """\
#!/bin/sh
case "$*" in
*--remote*) {instead} ;;
esac
exec {codex} "$@"
"""
"""A Codex whose own TUI is another program."""


def wrap(codex: Path, scratch: Path, instead: str) -> Path:
    wrapper = scratch / "codex"
    wrapper.write_text(WRAPPER.format(codex=shlex.quote(str(codex)), instead=instead))
    wrapper.chmod(0o700)
    return wrapper


@pytest.fixture
def bundled() -> Path:
    return find_codex().path


def test_a_tui_that_fails_at_once_is_quoted_and_the_console_is_back(
    bundled: Path, scratch: Path, serve: Serve, open_terminal: OpenTerminal
):
    failing = wrap(bundled, scratch, "echo 'Error: no way in' >&2; exit 7")
    served = serve_with(failing, serve, Script().on("first", Say("One.")))
    served.start_thread("The first prompt")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("One.")
    terminal.press("1", "c")
    terminal.wait_for("code 7: Error: no way in")
    wait_for_console(terminal)
    terminal.press("q")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == {}


def test_a_tui_that_is_killed_leaves_a_terminal_that_works(
    bundled: Path, scratch: Path, serve: Serve, open_terminal: OpenTerminal
):
    wild = "stty raw -echo; printf '\\033[?1002h\\033[?1049h%s' wild; kill -9 $$"
    served = serve_with(
        wrap(bundled, scratch, wild),
        serve,
        Script().on("first", Say("One.")).on("second", Say("Two.")),
    )
    served.start_thread("The first prompt")
    script = f"{shlex.join([*PROGRAM, '-L', served.name])}; stty -a; echo over"
    terminal = Terminal(["sh", "-c", f"stty -a; {script}"])
    with terminal:
        terminal.wait_for("One.")
        before = stty_of(terminal, 0)
        terminal.press("1", "c")
        terminal.wait_for("signal 9")
        wait_for_console(terminal)
        terminal.press("r")
        terminal.wait_for("reply to worker")
        terminal.press("second")
        terminal.wait_for("second")
        terminal.press("enter")
        terminal.wait_for("Two.")
        terminal.press("q")
        terminal.wait_for("over")
        assert stty_of(terminal, -1) == before
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == {}


def stty_of(terminal: Terminal, number: int) -> str:
    """The words of `stty -a` that the terminal has printed, in that place."""
    return re.findall(rb"speed .*?(?=\r\n\r\n|\x1b|over)", bytes(terminal.raw), re.DOTALL)[
        number
    ].decode()


def test_an_approval_that_comes_meanwhile_rings_and_waits(
    bundled: Path, scratch: Path, serve: Serve, open_terminal: OpenTerminal
):
    gate = asyncio.Event()
    script = Script().on("first", Say("One."))
    script.on(
        "risky", [Say("Now.", gate=gate, open_deltas=0), Run("id", escalate=True)], Say("Ran.")
    )
    served = serve_with(bundled, serve, script)
    served.start_thread("The first prompt", handle="calm")
    served.start_thread("A risky prompt", handle="risky")
    terminal = open_terminal("-L", served.name)
    terminal.wait_for("One.")
    terminal.wait_for("A risky prompt")
    terminal.press("1", "c")
    wait_for_tui(terminal)
    terminal.wait_for("Ask Codex to do anything")
    begun = len(terminal.raw)
    served.call(gate.set)
    terminal.wait_until(lambda: b"\a" in terminal.raw[begun:], "the bell")
    assert is_tui(terminal)
    terminal.press("y", "y")  # meant for Codex's own TUI, and written there
    terminal.wait_for("yy")
    terminal.press("backspace", "backspace")
    quit_tui(terminal)
    terminal.wait_for("risky")
    terminal.wait_for("keys ready")
    assert len(served.run("approvals")) > 0
    terminal.press("y")
    terminal.wait_for("Ran.")


def test_ctrl_z_stops_both_and_fg_brings_codex_back(codex: Path, serve: Serve, scratch: Path):
    served = serve_with(codex, serve, Script().on("first", Say("One.")).on("second", Say("Two.")))
    served.start_thread("The first prompt")
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Terminal(shell, env={"PS1": "shell> "}) as terminal:
        terminal.wait_for("shell>")
        terminal.press(shlex.join([*PROGRAM, "-L", served.name]), "enter")
        terminal.wait_for("One.")
        terminal.press("1", "c")
        wait_for_tui(terminal)
        terminal.wait_for("Ask Codex to do anything")
        terminal.press("\x1a")
        terminal.wait_for("Stopped")
        terminal.press("fg", "enter")
        wait_for_tui(terminal)
        terminal.wait_for("Ask Codex to do anything")
        quit_tui(terminal)
        wait_for_console(terminal)
        terminal.press("r")
        terminal.wait_for("reply to worker")
        terminal.press("second")
        terminal.wait_for("second")
        terminal.press("enter")
        terminal.wait_for("Two.")
        terminal.press("q")
        terminal.wait_until(lambda: terminal.text.rstrip().endswith("shell>"), "the shell")
        terminal.press("exit", "enter")
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == {}


@pytest.mark.parametrize("how", ["open", "print"])
def test_a_shell_opens_a_thread_by_its_handle(
    how: str, bundled: Path, serve: Serve, open_terminal: OpenTerminal
):
    served = serve_with(bundled, serve, Script().on("first", Say("One.")))
    served.start_thread("The first prompt")
    if how == "open":
        terminal = open_terminal("open", "-L", served.name, "worker")
    else:
        command = [*PROGRAM, "open", "-L", served.name, "worker", "--print"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        terminal = Terminal(["sh", "-c", ran.stdout])
    with terminal:
        terminal.wait_for("One.")
        assert is_tui(terminal)
        quit_tui(terminal)
        assert terminal.wait_exit() == 0


def test_the_oldest_codex_opens_a_thread_too(
    oldest_codex: Path, serve: Serve, open_terminal: OpenTerminal
):
    served = serve_with(oldest_codex, serve, Script().on("first", Say("One.")))
    served.start_thread("The first prompt")
    terminal = open_terminal("open", "-L", served.name, "worker")
    terminal.wait_for("One.")
    assert is_tui(terminal)
    quit_tui(terminal)
    assert terminal.wait_exit() == 0


TMUX_PREFIX = "\x02"


def test_in_tmux_the_console_stays_and_codex_has_a_window(
    bundled: Path, serve: Serve, scratch: Path
):
    served = serve_with(bundled, serve, Script().on("first", Say("One.")))
    served.start_thread("The first prompt")
    tmux = ["tmux", "-L", f"codextui-{os.getpid()}", "-f", "/dev/null"]
    with Terminal(
        [*tmux, "new-session", "-x", "160", "-y", "45", *PROGRAM, "-L", served.name]
    ) as terminal:
        try:
            terminal.wait_for("One.")
            terminal.press("1", "c")
            terminal.wait_for("Ask Codex to do anything")
            assert "worker" in terminal.rows[-1]  # the windows by name
            quit_tui(terminal)
            terminal.wait_for("opens in another window")
            terminal.press("c")
            terminal.wait_for("Ask Codex to do anything")
            terminal.press(TMUX_PREFIX, "p")
            terminal.wait_for("opens in another window")
            terminal.press("c")
            terminal.wait_for("Ask Codex to do anything")
            assert terminal.rows[-1].count("worker") == 1
            quit_tui(terminal)
            terminal.wait_for("is open already")
            terminal.press("q")
            terminal.wait_exit()
        finally:
            subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
