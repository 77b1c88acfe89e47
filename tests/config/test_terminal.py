"""Where the console opens Codex's own TUI, as the configuration says it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.config.terminal import (
    AUTO_TERMINAL,
    TerminalChoice,
    TerminalKind,
    fill_template,
    parse_terminal,
)
from codextui.errors import ConfigInvalid

TEMPLATE = TerminalKind.TEMPLATE
WORDS = ["sh", "-c", "cd '/a b' && exec codex"]
LINE = shlex.join(WORDS)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("auto", AUTO_TERMINAL),
        ("here", TerminalChoice(TerminalKind.HERE)),
        ("tmux-window", TerminalChoice(TerminalKind.TMUX_WINDOW)),
        ("tmux-pane", TerminalChoice(TerminalKind.TMUX_PANE)),
        ("wezterm start -- {command}", TerminalChoice(TEMPLATE, "wezterm start -- {command}")),
        ("x --run='{command}'", TerminalChoice(TEMPLATE, "x --run='{command}'")),
    ],
)
def test_every_terminal_is_parsed(text: str, choice: TerminalChoice):
    assert parse_terminal(text) == choice
    assert parse_terminal(str(choice)) == choice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Auto",
        "template",
        "tmux",
        "xterm",
        "xterm -e",
        "{command}",
        "'{command}' x",
        "x '{command}",
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str):
    with pytest.raises(ConfigInvalid, match="must"):
        parse_terminal(text)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("xterm -e {command}", ["xterm", "-e", *WORDS]),
        ("{command} after", [*WORDS, "after"]),
        ("kitty '{command}'", ["kitty", LINE]),
        ('xfce4-terminal -e "{command}"', ["xfce4-terminal", "-e", LINE]),
        ("foo --command={command}", ["foo", f"--command={LINE}"]),
        ("sh -c 'tmux split-window {command} &'", ["sh", "-c", f"tmux split-window {LINE} &"]),
        ("'my term' -t 'a b' {command}", ["my term", "-t", "a b", *WORDS]),
    ],
)
def test_a_command_takes_the_place_that_the_template_gives_it(template: str, words: list[str]):
    assert fill_template(template, WORDS) == words


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1))
def test_no_word_of_a_command_is_ever_read_as_anything_else(words: list[str]):
    assert fill_template("x -e {command}", words) == ["x", "-e", *words]
    for template in ("x '{command}'", "x 'run {command} now'"):
        (_, line) = fill_template(template, words)
        assert shlex.split(line.removeprefix("run ").removesuffix(" now")) == words


@pytest.mark.parametrize(
    "word", ["$(touch x)", "`id`", "a;b", "'", '"', "\\", "\n", "{command}", "é ü"]
)
def test_a_shell_reads_a_quoted_command_as_it_is(word: str):
    show = [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])", word]
    ran = subprocess.run(
        fill_template("sh -c '{command}'", show), capture_output=True, check=True, timeout=60
    )
    assert ran.stdout.decode() == word
