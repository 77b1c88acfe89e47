"""Every key on the main screen acts, or says why it does not."""

from __future__ import annotations

import string

import pytest
from console.screens.console import Console, build_console
from textual import events
from textual.keys import _character_to_key

from codextui.console.binding_places import PLACES
from codextui.console.bindings import key_groups
from codextui.console.screens.dead_keys import explain_dead_key

PRINTABLE = [
    _character_to_key(character)
    for character in string.printable
    if character.isprintable() and character not in "qQ"
]
"""Every printable key but those that leave the console."""


def looks(console: Console) -> object:
    """Return what is on the screen, the dialogs over it, and what has the focus."""
    app = console.app
    focused = None if app.focused is None else id(app.focused)
    return console.shown(), len(app.screen_stack), focused, len(console.server.calls)


async def acts(console: Console, key: str) -> bool:
    """Press a key; return whether anything follows from it, and go back to the main screen."""
    console.app._notifications.clear()
    console.app._toasts._shown_until.clear()
    before = looks(console)
    await console.press(key)
    has_acted = looks(console) != before or bool(console.notices())
    while len(console.app.screen_stack) > 1:
        await console.press("escape")
    if not console.app.main.keys_are_commands():
        await console.press("escape")
    return has_acted


async def dead_keys(console: Console) -> list[str]:
    return [key for key in PRINTABLE if not await acts(console, key)]


async def test_every_printable_key_acts_or_says_why_without_threads() -> None:
    console = build_console()
    async with console.open(size=(120, 40)):
        assert await dead_keys(console) == []


@pytest.mark.parametrize("focus", ["tree", "pane"])
async def test_every_printable_key_acts_or_says_why_with_threads(focus: str) -> None:
    console = build_console()
    async with console.open(size=(120, 40)):
        for handle in ("backend", "frontend"):
            thread_id = console.server.running(handle)
            console.server.text(thread_id, "Hello, I begin.")
        await console.settle()
        dead: list[str] = []
        for key in PRINTABLE:
            workbench = console.app.main.workbench
            if focus == "tree":
                workbench.thread_tree.focus()
            else:
                workbench.focus_thread("t-backend")
            await console.settle()
            if not await acts(console, key):
                dead.append(key)
        assert dead == []


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("left", "There is no pane yet"),
        ("right", "There is no pane yet"),
        ("tab", "There is no pane yet"),
        ("j", "There are no threads yet"),
        ("enter", "There are no threads yet"),
        ("f9", "f9 does nothing here. ? lists every key"),
        ("z", "Nothing to zoom"),
        ("escape", "Nothing to go back from"),
    ],
)
async def test_a_key_without_effect_says_what_would_be_right(key: str, reason: str) -> None:
    console = build_console()
    async with console.open(size=(120, 40)):
        await console.press(key)
        assert console.notices()[0].startswith(reason)


async def test_the_ends_of_a_pane_are_named() -> None:
    console = build_console()
    async with console.open(size=(120, 40)):
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "Hello")
        await console.settle()
        console.app.main.workbench.focus_thread(thread_id)
        await console.press("end", "home", "right")
        assert console.notices() == [
            "This is the end, and the pane follows it.",
            "This is the beginning.",
            "There is no pane to the right.",
        ]


async def test_the_mouse_wheel_says_nothing_at_an_end() -> None:
    console = build_console()
    async with console.open(size=(120, 40)) as pilot:
        thread_id = console.server.running("backend")
        await console.settle()
        await pilot._post_mouse_events([events.MouseScrollDown], console.pane(thread_id))
        await console.settle()
        assert console.notices() == []


async def test_what_is_typed_into_a_field_is_never_explained() -> None:
    console = build_console()
    async with console.open(size=(120, 40)):
        console.server.thread("backend")
        await console.settle()
        await console.press("r", *"wWkK%")
        assert console.notices() == []
        await console.press("f9")
        assert [note.split(".")[0] for note in console.notices()] == ["f9 does nothing here"]


def test_a_key_of_another_place_is_named_with_it() -> None:
    groups = key_groups(PLACES, {})
    assert explain_dead_key("ctrl+d", groups) == "^d works in a pane (tab goes there): Page down."
    assert explain_dead_key("f9", groups, help_key="h").endswith(
        "h lists every key, and ^p every action."
    )
