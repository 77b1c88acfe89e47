"""Titles and notifications as escape sequences: which ones, and nothing else in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codextui.config.notices import Notice
from codextui.console.terminal_notices import (
    known_notice,
    notice_sequences,
    restore_sequence,
    title_sequence,
)

TMUX = {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "tmux-256color"}
SEQUENCE = re.compile(
    r"\x1b\](?:0|9|777);[^\x00-\x1f\x7f-\x9f]*\x07|\x1bk[^\x00-\x1f\x7f-\x9f]*\x1b\\"
)


def test_a_title_is_set_and_in_tmux_the_name_of_the_window_too() -> None:
    assert title_sequence("? 1 needs you · codextui", {}) == "\x1b]0;? 1 needs you · codextui\x07"
    assert title_sequence("x", TMUX) == "\x1b]0;x\x07\x1bkx\x1b\\"
    assert restore_sequence({}) == "\x1b[23;0t"
    assert restore_sequence(TMUX) == "\x1b[23;0t\x1bk\x1b\\"


@pytest.mark.parametrize(
    ("env", "way"),
    [
        ({"TERM_PROGRAM": "WezTerm"}, Notice.OSC9),
        ({"TERM_PROGRAM": "iTerm.app"}, Notice.OSC9),
        ({"LC_TERMINAL": "iTerm2", "TMUX": "x"}, Notice.OSC9),
        ({"TERM": "xterm-kitty"}, Notice.OSC9),
        ({"TERM": "xterm-ghostty"}, Notice.OSC9),
        ({"TERM": "foot-extra"}, Notice.OSC777),
        ({"TERM": "rxvt-unicode-256color"}, Notice.OSC777),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "linux"}, None),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({}, None),
    ],
)
def test_a_terminal_gets_a_notification_only_if_it_is_known_to_show_it(
    env: dict[str, str], way: Notice | None
) -> None:
    assert known_notice(env) is way
    expected = {None: "", Notice.OSC9: "\x1b]9;", Notice.OSC777: "\x1b]777;notify;"}[way]
    sent = notice_sequences([Notice.DESKTOP, Notice.TITLE], "title", "body", env)
    assert expected in sent.replace("\x1b\x1b", "\x1b")
    assert bool(sent) is bool(expected)


def test_one_that_is_asked_for_is_sent_to_any_terminal() -> None:
    sent = notice_sequences([Notice.OSC9, Notice.OSC777], "a;b", "c;d", {"TERM": "linux"})
    assert sent == "\x1b]9;codextui: c;d\x07\x1b]777;notify;a,b;c;d\x07"


def test_tmux_passes_it_through() -> None:
    sent = notice_sequences([Notice.OSC9], "t", "b", TMUX)
    assert sent == "\x1bPtmux;\x1b\x1b]9;codextui: b\x07\x1b\\"


@given(st.text(max_size=300), st.text(max_size=300), st.booleans())
def test_nothing_in_a_text_ends_a_sequence_or_begins_another(
    title: str, body: str, tmux: bool
) -> None:
    env = TMUX if tmux else {}
    assert SEQUENCE.sub("", title_sequence(title, env)) == ""
    sent = notice_sequences([Notice.OSC9, Notice.OSC777], title, body, env)
    if tmux:
        parts = re.findall(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", sent)
        assert "".join(f"\x1bPtmux;{part}\x1b\\" for part in parts) == sent
        sent = "".join(parts).replace("\x1b\x1b", "\x1b")
    assert SEQUENCE.sub("", sent) == ""
    assert sent.count("\x1b") == 2
