"""The dialog that changes keys: what it refuses, what it saves, and that it is in use at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from console.screens.console import Console
from console.screens.test_preferences import open_on, open_settings, text_in
from textual.widgets import Input, OptionList

from codextui.console.screens.help import HelpScreen
from codextui.console.screens.keys import KeysScreen
from codextui.console.widgets.composer import Composer


async def open_keys(console: Console) -> KeysScreen:
    await open_settings(console)
    await console.press("K")
    assert isinstance(console.app.screen, KeysScreen)
    return console.app.screen


async def go_to(console: Console, binding_id: str) -> None:
    """Find a binding by its id, and go to it."""
    screen = console.app.screen
    assert isinstance(screen, KeysScreen)
    await console.press("slash")
    screen.query_one(Input).value = binding_id
    await console.settle()
    await console.press("enter")
    listed = screen.query_one(OptionList)
    for _ in range(listed.option_count):
        if screen._current == binding_id:
            return
        await console.press("j")
    raise AssertionError(f"{binding_id} is not in the list")


async def saved(console: Console) -> str:
    """Wait until a change was saved or refused, and return what is said of it."""
    async with asyncio.timeout(60):
        while any(one.group == "save" and not one.is_finished for one in console.app.workers):
            await console.settle()
    await console.settle()
    return text_in(console, "said")


async def leave(console: Console) -> None:
    async with asyncio.timeout(60):
        while console.app.screen is not console.app.main:
            await console.press("escape")


async def test_another_key_is_saved_with_the_comments_and_works_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\n[ui.keys]\nthread.kill = "ctrl+k" # not so easily\n"run.gates" = ""\n')
    console = open_on(path)
    async with console.open(size=(80, 24)):
        console.server.running("mine")
        await console.settle()
        await open_keys(console)
        await go_to(console, "thread.interrupt")
        assert "thread.interrupt   default: x" in text_in(console, "about")
        await console.press("enter")
        assert "Press the new key" in text_in(console, "hints")
        await console.press("ctrl+p")  # also a key that works everywhere otherwise
        assert "ctrl+p is taken" not in text_in(console, "hints")
        assert "^p is taken: Find anything" in await saved(console)
        assert path.read_text().count("interrupt") == 0
        await console.press("enter", "I")
        assert "thread.interrupt is I" in await saved(console)
        await console.press("plus", "ctrl+x")
        assert "^x is taken: " in await saved(console)
        await console.press("plus", "f7")
        assert "thread.interrupt is I f7" in await saved(console)
        await leave(console)
        assert path.read_text() == (
            '# mine\n[ui.keys]\nthread.kill = "ctrl+k" # not so easily\n"run.gates" = ""\n'
            '"thread.interrupt" = "I,f7"\n'
        )
        await console.press("x")
        assert console.called("codex-interrupt") == []
        await console.press("I", "f7")
        assert len(console.called("codex-interrupt")) == 2
        await console.press("question_mark")
        assert isinstance(console.app.screen, HelpScreen)
        rows = [row for group in console.app.screen._groups for row in group.keys]
        assert {row.keys for row in rows if row.binding_id == "thread.interrupt"} == {"I f7"}
        await console.press("escape")

        await open_keys(console)
        for id_ in ("thread.interrupt", "thread.kill", "run.gates"):
            await go_to(console, id_)
            await console.press("backspace")
            assert "Saved" in await saved(console)
        await console.press("backspace")
        assert "It has its default keys." in text_in(console, "said")
        await leave(console)
        assert path.read_text() == "# mine\n[ui.keys]\n"
        await console.press("x")
        assert len(console.called("codex-interrupt")) == 3


@pytest.mark.parametrize(
    ("binding_id", "key", "problem"),
    [
        ("approval.once", "space", "it would approve unread"),
        ("many.approve", "enter", "it would approve unread"),
        ("approval.once", "a", "pressed twice it would approve"),
        ("approvals.open", "y", "pressed twice it would approve"),
        ("approval.once", "n", "n is taken: Decline (approval.decline), in Approvals."),
    ],
)
async def test_a_key_that_would_approve_by_accident_is_refused(
    tmp_path: Path, binding_id: str, key: str, problem: str
) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open():
        await open_keys(console)
        await go_to(console, binding_id)
        await console.press("enter", key)
        assert problem in await saved(console)
        assert not path.exists()


async def test_no_key_is_changed_by_leaving(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[ui]\nbell = false\n")
    console = open_on(path)
    async with console.open():
        await open_keys(console)
        await go_to(console, "composer.send")
        await console.press("enter", "escape")  # no key after all
        assert isinstance(console.app.screen, KeysScreen)
        await console.press("slash", *"zzz")
        assert "No key does that." in console.shown()
        await leave(console)
        assert path.read_text() == "[ui]\nbell = false\n"


async def test_a_key_that_is_removed_does_nothing_any_more(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await open_keys(console)
        await go_to(console, "composer.send")
        await console.press("enter", "f8")
        await saved(console)
        await go_to(console, "thread.kill")
        await console.press("delete")
        assert "without a key" in await saved(console)
        assert path.read_text() == '[ui.keys]\n"composer.send" = "f8"\n"thread.kill" = ""\n'
        await leave(console)
        await console.press("X")
        assert console.called("codex-kill") == []
        await console.press("r", *"one", "enter", *"two")
        assert isinstance(console.app.focused, Composer)
        assert console.app.focused.text == "one\ntwo"
        await console.press("f8")
        assert console.called("codex-send")[0]["prompt"] == "one\ntwo"


async def test_a_file_with_mistakes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open():
        await open_keys(console)
        path.write_text("[ui]\nbell = 3\n")
        await go_to(console, "thread.kill")
        await console.press("enter", "f8")
        assert "bell" in await saved(console)
        assert path.read_text() == "[ui]\nbell = 3\n"
