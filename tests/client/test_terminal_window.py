"""Windows and panes of a terminal in which a program runs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from codextui.client.terminal_window import (
    choose_terminal,
    choose_window,
    open_window,
    window_args,
)
from codextui.config.terminal import AUTO_TERMINAL, TerminalChoice, TerminalKind, parse_terminal
from codextui.errors import ProgramUnavailable

TMUX = {"TMUX": "/tmp/tmux-1000/default,1,0"}
WORDS = ("sh", "-c", "cd /x && codex")


@pytest.mark.parametrize(
    ("choice", "env", "kind"),
    [
        ("auto", TMUX, TerminalKind.TMUX_WINDOW),
        ("auto", {}, TerminalKind.HERE),
        ("auto", {"TMUX": ""}, TerminalKind.HERE),
        ("here", TMUX, TerminalKind.HERE),
        ("tmux-pane", {}, TerminalKind.TMUX_PANE),
        ("x {command}", TMUX, TerminalKind.TEMPLATE),
    ],
)
def test_auto_is_tmux_inside_of_tmux_and_this_terminal_elsewhere(
    choice: str, env: dict[str, str], kind: TerminalKind
):
    assert choose_terminal(parse_terminal(choice), env).kind is kind


def test_another_window_is_one_of_tmux_or_as_configured():
    template = parse_terminal("x {command}")
    assert choose_window(template, {}) is template
    for choice in (AUTO_TERMINAL, TerminalChoice(TerminalKind.HERE)):
        assert choose_window(choice, TMUX).kind is TerminalKind.TMUX_WINDOW
        with pytest.raises(ProgramUnavailable, match=r"no other window.*ui. terminal"):
            choose_window(choice, {})


def test_a_window_is_opened_by_tmux_or_the_template():
    window = window_args(parse_terminal("tmux-window"), WORDS, "a#(touch x)", TMUX)
    printed = ("-P", "-F", "#{pane_id}")
    assert window == ["tmux", "new-window", "-n", "a(touch x)", *printed, "--", *WORDS]
    pane = window_args(parse_terminal("tmux-pane"), WORDS, "backend", TMUX)
    assert pane == ["tmux", "split-window", "-h", *printed, "--", *WORDS]
    assert window_args(parse_terminal("x -e {command}"), WORDS, "b", {}) == ["x", "-e", *WORDS]
    with pytest.raises(ProgramUnavailable, match=r'"tmux-pane".*not inside of tmux'):
        window_args(parse_terminal("tmux-pane"), WORDS, "backend", {})


async def test_a_terminal_that_cannot_be_opened_says_why(tmp_path: Path):
    with pytest.raises(ProgramUnavailable, match="no-such-terminal cannot be run: No such file"):
        await open_window([str(tmp_path / "no-such-terminal")])
    with pytest.raises(ProgramUnavailable, match="sh ended with 4: no display"):
        await open_window(["sh", "-c", "echo no display >&2; exit 4"])
    with pytest.raises(ProgramUnavailable, match="ended with 1: it said nothing"):
        await open_window(["sh", "-c", "exit 1"])


async def test_a_terminal_that_runs_on_is_not_waited_for(tmp_path: Path):
    assert await open_window(["echo", "%7"]) == "%7"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    await open_window(["sh", "-c", f"read -r _ <{gate}"], settle_s=0.05)
    await asyncio.to_thread(gate.write_text, "\n")  # which returns as it is still there to read
