"""The checks of a keymap, and its effect in Textual."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.binding import Binding, BindingsMap, BindingType

from codextui.console.binding_places import PLACES as REAL_PLACES
from codextui.console.binding_places import changed_keys, checked_keys
from codextui.console.bindings import KeyRow, check_keymap, format_keys, is_unbound, key_groups
from codextui.errors import ConfigInvalid

CONSOLE: list[BindingType] = [
    Binding("X", "kill", "Kill the thread", id="thread.kill"),
    Binding("enter,r", "reply", "Reply", id="thread.reply"),
    Binding("question_mark", "help", "Help", id="app.help"),
    Binding("j,down", "move", "Down"),
    Binding("ctrl+c", "nothing", "", show=False),
]
DIALOG: list[BindingType] = [
    Binding("y", "approve", "Approve once", id="approval.once"),
    Binding("n", "decline", "Decline", id="approval.decline"),
]
PLACES = {"Console": CONSOLE, "Approval": DIALOG}


def refusal(keys: dict[str, str], path: Path | None = None) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        check_keymap(keys, PLACES, path)
    return str(caught.value)


def test_a_key_may_be_rebound_to_one_or_more_keys() -> None:
    keys = {"thread.kill": "ctrl+k, f8", "app.help": ","}
    assert check_keymap(keys, PLACES) == {"thread.kill": "ctrl+k,f8", "app.help": "comma"}


def test_two_bindings_can_swap_keys() -> None:
    assert check_keymap({"approval.once": "n", "approval.decline": "y"}, PLACES)


def test_the_same_key_may_do_different_things_in_different_places() -> None:
    assert check_keymap({"thread.kill": "y"}, PLACES) == {"thread.kill": "y"}


def test_an_unknown_binding_is_refused_with_a_suggestion() -> None:
    assert refusal({"thread.kil": "x"}) == (
        "ui.keys.thread.kil is no binding; did you mean thread.kill?"
    )
    assert "the help screen (?) lists them all" in refusal({"zzz": "x"})


@pytest.mark.parametrize(
    "key",
    [
        *("ctr+x", "ctrl+", "escap", "a,,b", "shift+x", "x y", "\x1b", "a, ", "shift+slash"),
        *("ctrl+banana", "banana", "🍌", "snowman", "ctrl+shift+", "Enter", "ctrl+Enter", "F5"),
        *("ctrl+K", "alt+K", "shift+ctrl+home", "ctrl+ctrl+k", "solidus", "Comma", "return"),
        *("latin_small_letter_a", "hyphen_minus", "space bar", "f99", "ctrl++x", "kp_7"),
    ],
)
def test_a_key_that_no_terminal_sends_is_refused(key: str) -> None:
    assert refusal({"thread.kill": key}).startswith("ui.keys.thread.kill has ")


@pytest.mark.parametrize(
    "key",
    [
        *("x", "X", "+", "ctrl+k", "alt+enter", "shift+f3", "full_stop", "!", "ä", "ctrl+j"),
        *("ctrl+shift+home", "alt+shift+k", "ctrl+plus", "ctrl+ä", "shift+space", "я", "中"),
        *("€", "euro_sign", "shift+tab", "super+k", "f24", "ctrl+at", "ctrl+underscore"),
    ],
)
def test_a_key_that_terminals_send_is_accepted(key: str) -> None:
    assert check_keymap({"thread.kill": key}, PLACES) == {"thread.kill": key}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("ctrl+pgup", "did you mean ctrl+pageup?"),
        ("esc", "did you mean escape?"),
        ("Enter", "did you mean enter?"),
        ("escap", "did you mean escape?"),
        ("solidus", "did you mean slash?"),
        ("ctrl+banana", "write for example x, X, ctrl+x, f5 or pageup"),
        ("shift+ctrl+home", "write its modifiers in their order: ctrl+shift+home"),
        ("ctrl+K", "write ctrl+k, or ctrl+shift+k where shift is held, too"),
        ("shift+k", "write 'K'"),
        ("shift+1", "write that character"),
    ],
)
def test_the_key_that_is_probably_meant_is_named(key: str, meant: str) -> None:
    assert meant in refusal({"thread.kill": key})


@pytest.mark.parametrize(
    "sequence", [*ANSI_SEQUENCES_KEYS, *map(chr, range(33, 127)), "ä", "\x1b[107;5u", "\x1b[27u"]
)
def test_every_key_that_textual_makes_of_what_a_terminal_sends_is_accepted(sequence: str) -> None:
    for event in XTermParser()._sequence_to_key_events(sequence):
        if not event.key.startswith("<") and event.key.isprintable():
            assert check_keymap({"app.help": event.key}, {"Alone": [CONSOLE[2]]})


@pytest.mark.parametrize("key", ["r", "j", "down", "?", "question_mark", "f5,enter"])
def test_a_clash_on_the_same_screen_is_refused(key: str) -> None:
    assert "clashes (Console)" in refusal({"thread.kill": key})


def test_all_problems_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[ui.keys]\n"thread.kil" = "x"\nthread.reply = "nokey"\n')
    message = refusal({"thread.kil": "x", "thread.reply": "nokey"}, path)
    assert [line.split(" ")[0] for line in message.splitlines()] == [f"{path}:2:", f"{path}:3:"]


def test_the_help_shows_rebound_keys() -> None:
    keymap = check_keymap({"thread.kill": "ctrl+k", "approval.decline": ""}, PLACES)
    console, dialog = key_groups(PLACES, keymap)
    assert console.keys == (
        KeyRow("^k", "Kill the thread", "thread.kill"),
        KeyRow("⏎ r", "Reply", "thread.reply"),
        KeyRow("?", "Help", "app.help"),
        KeyRow("j ↓", "Down", ""),
    )
    assert dialog.keys == (
        KeyRow("y", "Approve once", "approval.once"),
        KeyRow("", "Decline", "approval.decline"),
    )


class Host(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "hit('kill')", "Kill", id="thread.kill"),
        Binding("y", "hit('reply')", "Reply", id="thread.reply"),
    ]

    def __init__(self, keymap: dict[str, str]) -> None:
        super().__init__()
        self.set_keymap(keymap)
        self.hits: list[str] = []

    def action_hit(self, what: str) -> None:
        self.hits.append(what)


async def test_textual_applies_the_keymap_and_an_empty_string_unbinds() -> None:
    keymap = check_keymap({"thread.kill": "", "thread.reply": "?"}, {"Host": Host.BINDINGS})
    async with Host(keymap).run_test() as pilot:
        await pilot.press("x", "y", "question_mark")
        assert isinstance(pilot.app, Host)
        assert pilot.app.hits == ["reply"]
        bindings = [active.binding for active in pilot.app.screen.active_bindings.values()]
        assert [b.id for b in bindings if is_unbound(b)] == ["thread.kill"]


def test_keys_are_formatted_for_the_screen() -> None:
    assert format_keys("ctrl+s,escape,exclamation_mark,alt+enter,left") == "^s esc ! alt+⏎ ←"


@given(st.dictionaries(st.text(), st.text()))
def test_any_keymap_is_either_accepted_or_refused(keys: dict[str, str]) -> None:
    try:
        taken = check_keymap(keys, PLACES)
    except ConfigInvalid:
        return
    assert taken.keys() == keys.keys()


@given(st.text())
def test_textual_can_bind_every_accepted_key(key: str) -> None:
    try:
        taken = check_keymap({"thread.kill": key}, PLACES)
    except ConfigInvalid:
        return
    Host(taken)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"approval.once": "space"}, "has 'space', which goes on or leaves"),
        ({"approval.always": "P,pagedown"}, "has 'pagedown', which goes on"),
        ({"many.approve": "right"}, "has 'right', which goes on"),
        ({"approval.session": "a"}, "has 'a', which opens the approvals"),
        ({"approvals.open": "f9", "approval.session": "f9"}, "has 'f9', which opens"),
        ({"approvals.open": "U"}, "has 'U', which opens"),
    ],
)
def test_a_key_that_would_approve_by_accident_is_refused(
    keys: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigInvalid, match=problem):
        checked_keys(keys, None)


def test_a_key_of_its_own_approves() -> None:
    keys = {"approval.once": "f9", "approvals.open": "f11", "approval.decline": "escape"}
    keys["approval.later"] = "f10"
    assert checked_keys(keys, None) == keys


def test_a_clash_names_the_binding_that_has_the_key() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        changed_keys({"thread.kill": "f9"}, "thread.fork", "x,f9")
    assert str(caught.value).splitlines() == [
        "x is taken: Interrupt the turn, or stop a role (thread.interrupt), in Console.",
        "f9 is taken: Kill the thread or the run (thread.kill), in Console.",
    ]
    assert changed_keys({"thread.fork": "f9"}, "thread.fork", None) == {}
    assert changed_keys({}, "thread.fork", "") == {"thread.fork": ""}
    with pytest.raises(ConfigInvalid, match="is no key"):
        changed_keys({}, "thread.fork", "ctrl+nothing")


def test_every_binding_can_be_rebound_and_unbound() -> None:
    for title, bindings in REAL_PLACES.items():
        for binding in bindings:
            assert isinstance(binding, Binding)
            assert binding.id
            for key, found in (("f12", "f12"), ("", f"unbound.{binding.id}")):
                keymap = check_keymap({binding.id: key}, REAL_PLACES)
                bound = BindingsMap(bindings)
                bound.apply_keymap(keymap)
                taken = bound.key_to_bindings[found]
                assert {one.id for one in taken} == {binding.id}, title
