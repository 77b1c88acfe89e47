"""The harness itself, so that a failure elsewhere is a failure of the program."""

from __future__ import annotations

import sys

import pytest
from e2e.terminal import Terminal

APP = """
from textual.app import App
from textual.widgets import Input, Label

class Echo(App):
    BINDINGS = [("ctrl+q", "quit", "Quit")]
    def compose(self):
        yield Label("[b]size[/b] %s" % (self.size,), id="size")
        yield Input()
        yield Label("", id="said")
    def on_input_submitted(self, event):
        self.query_one("#said", Label).update(f"said {event.value}")

print("before")
Echo().run()
print("after")
"""


def test_a_textual_app_is_seen_answers_keys_and_leaves_the_terminal_as_it_was():
    with Terminal([sys.executable, "-c", APP], columns=90, lines=20) as terminal:
        terminal.wait_for("size Size(width=90, height=20)")
        assert "before" not in terminal.text
        terminal.press("h", "i", "enter")
        terminal.wait_for("said hi")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == {}
        assert terminal.rows[:2] == ["before", "after"]


def test_modes_that_stay_on_are_told():
    program = r"print('\x1b[?1000h\x1b[?1006h\x1b[?25l\x1b[?2004h\x1b[?2004l', end='')"
    with Terminal([sys.executable, "-c", program]) as terminal:
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == {1000: "h", 1006: "h", 25: "l"}


def test_a_wait_for_what_never_comes_fails_with_the_screen():
    with (
        Terminal([sys.executable, "-c", "print('hello'); input()"]) as terminal,
        pytest.raises(AssertionError, match="hello"),
    ):
        terminal.wait_for("goodbye", timeout=1)


def test_a_wait_fails_at_once_where_the_program_ends():
    with (
        Terminal([sys.executable, "-c", "print('hello')"]) as terminal,
        pytest.raises(AssertionError, match="ended without"),
    ):
        terminal.wait_for("goodbye", timeout=60)


def test_half_a_frame_is_not_shown():
    program = r"""
print('\x1b[?2026hhalf', end='', flush=True)
input()
print('\x1b[?2026l', end='', flush=True)
input()
"""
    with Terminal([sys.executable, "-c", program]) as terminal:
        terminal.wait_until(lambda: b"half" in terminal.raw, "the half of a frame")
        assert "half" not in terminal.text
        terminal.press("enter")
        terminal.wait_for("half")
