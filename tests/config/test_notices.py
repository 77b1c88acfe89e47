"""`[approvals] popup`, `[ui] notify` and `notify_command`: what they take, and what they say."""

from __future__ import annotations

import pytest

from codextui.config.notices import Notice
from codextui.config.schema import parse_config
from codextui.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("text", "popup"),
    [
        ('"always"', "always"),
        ('"never"', "never"),
        ('["risk"]', ("risk",)),
        (
            '["risk:deletes", "kind:patch", "role:test*"]',
            ("risk:deletes", "kind:patch", "role:test*"),
        ),
    ],
)
def test_popup_takes_a_word_or_conditions(text: str, popup: object) -> None:
    assert parse_config(f"[approvals]\npopup = {text}\n").approvals.popup == popup


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"sometimes"', 'must be "always", "never" or a list'),
        ("[]", 'must be "always", "never" or a list'),
        ("true", 'must be "always", "never" or a list'),
        ('["always"]', "there are risk, risk:WORDS, kind:KIND and role:NAME"),
        ('["role:"]', "there are risk, risk:WORDS"),
        ("[3]", "there are risk, risk:WORDS"),
        ('["kind:comand"]', "'kind:comand'; there are command, patch, permissions"),
        ('["risk:danger"]', "'risk:danger'; there are hidden characters, as root"),
    ],
)
def test_a_mistake_in_popup_says_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(f"[approvals]\npopup = {text}\n")
    assert "config.toml:2: approvals.popup" in str(caught.value)
    assert words in str(caught.value)


def test_notify_takes_known_ways_and_may_be_empty() -> None:
    ui = parse_config('[ui]\nnotify = ["title", "osc777"]\n').ui
    assert ui.notify == (Notice.TITLE, Notice.OSC777)
    assert parse_config("[ui]\nnotify = []\n").ui.notify == ()
    with pytest.raises(ConfigInvalid, match=r"config.toml:2: ui.notify.*title, desktop, osc9"):
        parse_config('[ui]\nnotify = ["email"]\n')


def test_a_command_is_a_list_with_known_placeholders() -> None:
    text = '[ui]\nnotify_command = ["notify-send", "{title}", "{body} {{x}}", "--n={count}"]\n'
    assert parse_config(text).ui.notify_command[0] == "notify-send"
    assert parse_config("[ui]\nnotify_command = []\n").ui.notify_command == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"notify-send {title}"', "must be a list of a program and its arguments"),
        ("[1]", "must be a list of a program and its arguments"),
        ('["", "x"]', "must begin with a program"),
        ('["{title}"]', "must begin with a program"),
        ('["x", "{titel}"]', "has {titel} in '{titel}'; there are {title}, {body}"),
        ('["x", "{}"]', "has {} in '{}'"),
        ('["x", "{0.__class__}"]', "there are {title}"),
        ('["x", "{title!r}{body.x}"]', "has {body.x}"),
        ('["x", "{"]', "write {{ for a brace"),
        ('["x\\u0000"]', "at most 64 words"),
    ],
)
def test_a_mistake_in_the_command_says_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(f"[ui]\nnotify_command = {text}\n")
    assert "config.toml:2: ui.notify_command" in str(caught.value)
    assert words in str(caught.value)
