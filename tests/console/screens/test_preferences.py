"""The settings of the console: shown as in the file, checked as it is, saved with comments."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from console.screens.console import Console, FakeServer, text_of
from textual.widgets import Static

from codextui.config.schema import load_config
from codextui.console.app import ConsoleApp
from codextui.console.screens.preferences import UNSAVED_NOTE, PreferencesScreen
from codextui.console.widgets.settings_list import SettingsList


def open_on(path: Path) -> Console:
    servers: list[FakeServer] = []

    def connect(on_update):  # type: ignore[no-untyped-def]
        servers.append(FakeServer(on_update))
        return servers[0]

    config = load_config(path) if path.exists() else None
    app = ConsoleApp("default", connect, config=config, config_path=path, typing_pause=3600)
    return Console(app, servers[0])


async def open_settings(console: Console) -> PreferencesScreen:
    await console.press("S")
    async with asyncio.timeout(60):
        while not isinstance(console.app.screen, PreferencesScreen):
            await console.settle()
    await console.settle()
    return console.app.screen


def text_in(console: Console, name: str) -> str:
    """The text of a part of the screen, whatever lines it is broken into."""
    return str(console.app.screen.query_one(f"#{name}", Static).render())


async def closed(console: Console) -> None:
    async with asyncio.timeout(60):
        while console.app.screen is not console.app.main:
            await console.settle()


async def go_to(console: Console, name: str) -> None:
    settings = console.app.screen.query_one(SettingsList)
    passed: list[str] = []
    while settings.current.name != name:
        assert settings.current.name not in passed, f"{name} does not follow {passed}"
        passed.append(settings.current.name)
        await console.press("down")


async def test_changes_are_saved_with_the_comments_and_applied_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\n[ui]\ntheme = "harbour" # for now\nbell = false\n')
    console = open_on(path)
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.running(name)
        await console.settle()
        await open_settings(console)
        assert str(path) in text_in(console, "file")
        await console.press("right")
        assert console.app.theme == "juniper"
        assert "harbour" in path.read_text()
        await go_to(console, "layout")
        await console.press("right", "right")
        await go_to(console, "bell")
        await console.press("backspace")
        await console.press("ctrl+s")
        await closed(console)
        assert path.read_text() == '# mine\n[ui]\ntheme = "juniper" # for now\nlayout = 2\n'
        await console.settle()
        assert len(console.panes()) == 2
        assert console.app.theme == "juniper"


async def test_the_rest_is_applied_at_once_too(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open():
        await open_settings(console)
        await go_to(console, "motion")
        await console.press("right")
        await go_to(console, "archive_after")
        await console.press("enter", "end", *["backspace"] * 2, "3", "enter")
        await go_to(console, "terminal")
        await console.press("enter", "end", *["backspace"] * 4, *"here", "enter", "ctrl+s")
        await closed(console)
        assert console.app.main.fleet.archive_after == 3 * 3600
        assert console.app.animation_level == "none"
        assert str(console.app.tui.choice) == "here"


async def test_leaving_says_once_what_is_lost_and_shows_the_saved_theme_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[ui]\ntheme = "paper"\n')
    console = open_on(path)
    async with console.open():
        await open_settings(console)
        await console.press("right")
        assert console.app.theme != "paper"
        await console.press("escape")
        assert UNSAVED_NOTE in text_in(console, "problem")
        await console.press("left", "right", "escape")
        assert UNSAVED_NOTE in text_in(console, "problem")
        await console.press("escape")
        await closed(console)
        assert console.app.theme == "paper"
        assert path.read_text() == '[ui]\ntheme = "paper"\n'


async def test_a_wrong_value_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open():
        await open_settings(console)
        assert "it is made when you save" in text_in(console, "file")
        await go_to(console, "quiet")
        await console.press("enter", "end", *["backspace"] * 3, *"99", "enter")
        assert "quiet must be a number from 0 to 10 seconds, not 99" in text_in(console, "problem")
        await console.press("backspace", "backspace", *"1.5", "ctrl+s")
        await closed(console)
        assert path.read_text() == "[approvals]\nquiet = 1.5\n"


async def test_a_file_with_mistakes_is_told_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    text = "[ui]\nlayout = 99\n"
    async with console.open():
        path.write_text(text)
        await open_settings(console)
        assert "It has mistakes" in text_in(console, "problem")
        assert 'layout must be "auto"' in text_in(console, "problem")
        await console.press("right", "ctrl+s")
        await console.until("Nothing was saved.")
        assert path.read_text() == text
        assert isinstance(console.app.screen, PreferencesScreen)
        assert console.app.screen.query_one(SettingsList).values


async def test_a_read_only_file_is_told_and_what_was_changed_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[ui]\nbell = true\n")
    path.chmod(0o400)
    console = open_on(path)
    async with console.open():
        await open_settings(console)
        await console.press("right", "ctrl+s")
        await console.until("Nothing was saved.")
        assert "is read-only" in text_in(console, "problem")
        assert path.read_text() == "[ui]\nbell = true\n"
        assert console.app.screen.query_one(SettingsList).values


async def test_rebound_keys_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[ui.keys]\n"thread.kill" = "ctrl+k"\n')
    console = open_on(path)
    async with console.open():
        await open_settings(console)
        assert "thread.kill = ctrl+k" in console.shown()


async def test_settings_are_changed_by_mouse(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = open_on(path)
    async with console.open() as pilot:
        screen = await open_settings(console)
        settings = screen.query_one(SettingsList)
        names = [row.strip() for row in text_of(settings).splitlines()]
        y = next(y for y, name in enumerate(names) if name.startswith("bell"))
        await pilot.click(SettingsList, offset=(30, y))
        await console.settle()
        assert settings.current.name == "bell"
        assert settings.values == {}
        await pilot.click(SettingsList, offset=(30, y))
        await console.settle()
        assert settings.values == {"ui.bell": "false"}


@pytest.mark.parametrize("size", [(80, 24), (50, 12)])
async def test_every_setting_can_be_reached_on_a_small_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    console = open_on(tmp_path / "config.toml")
    async with console.open(size):
        await open_settings(console)
        await go_to(console, "others")
        assert "▌ others" in console.shown()
        await console.press(*["up"] * 20)
        assert "▌ theme" in console.shown()
