"""Themes are chosen in the configuration or the command palette, saved, and never fatal."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.screens import story
from console.screens.console import Console, FakeServer, build_console
from textual.geometry import Region
from textual.widget import Widget

from codextui.config.schema import Config, UiConfig, load_config
from codextui.console.app import ConsoleApp
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.thread_tree import ThreadTree


def colours_of(widget: Widget) -> set[str]:
    strips = widget.render_lines(Region(0, 0, widget.size.width, widget.size.height))
    styles = [segment.style for strip in strips for segment in strip if segment.style]
    return {style.bgcolor.name for style in styles if style.bgcolor}


def console_with_file(path: Path) -> Console:
    servers: list[FakeServer] = []

    def connect(on_update):  # type: ignore[no-untyped-def]
        servers.append(FakeServer(on_update))
        return servers[0]

    app = ConsoleApp("default", connect, config=load_config(path), config_path=path)
    return Console(app, servers[0])


async def test_another_theme_redraws_everything() -> None:
    console = build_console(theme="harbour")
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        pane = console.pane(thread_id)
        tree = console.app.main.query_one(ThreadTree)
        before = colours_of(pane), colours_of(tree)
        console.app.theme = "paper"
        await console.settle()
        assert colours_of(pane).isdisjoint(before[0])
        assert colours_of(tree).isdisjoint(before[1])


async def test_a_theme_chosen_on_the_screen_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\n[ui]\ntheme = "harbour" # for now\n')
    console = console_with_file(path)
    async with console.open():
        console.app.theme = "juniper"
        await console.settle()
        assert load_config(path).ui.theme == "juniper"
        assert "# mine" in path.read_text()


async def test_starting_does_not_write_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    console = console_with_file(path)
    async with console.open():
        assert not path.exists()


async def test_an_unknown_theme_is_reported_with_those_that_exist() -> None:
    console = build_console(config=Config(ui=UiConfig(theme="harbor")))
    async with console.open():
        [told] = console.notices()
        assert "no theme 'harbor'" in told
        assert "harbour" in told


async def test_bad_theme_files_are_reported_and_ignored(tmp_path: Path) -> None:
    themes = tmp_path / "themes"
    themes.mkdir()
    (themes / "broken.toml").write_text('name = "broken"\nprimary = "bleu"\n')
    console = console_with_file(tmp_path / "config.toml")
    async with console.open():
        assert any("broken.toml" in told for told in console.notices())
        assert console.app.theme == "harbour"


def write_theme(folder: Path, colour: str) -> Path:
    path = folder / "themes" / "mine.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'name = "mine"\nbackground = "#101010"\nprimary = "{colour}"\n')
    return path


async def test_an_edited_theme_is_shown_at_once_and_a_broken_one_leaves_the_old_look(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[ui]\ntheme = "mine"\n')
    path = write_theme(tmp_path, "#ff8800")
    console = console_with_file(config)
    async with console.open(toasts=True):
        watcher = console.app.appearance.watcher
        await watcher.check("mine", path)
        write_theme(tmp_path, "#00ff00")
        await watcher.check("mine", path)
        while "00ff00" not in console.app.theme_variables["primary"].lower():
            await console.settle()
        write_theme(tmp_path, "green-ish")
        await watcher.check("mine", path)
        async with asyncio.timeout(60):
            while not console.notices():
                await asyncio.sleep(0.05)
                await console.settle()
        told = console.notices()[-1]
        assert "The old look stays." in told
        assert f'{path}: line 3: primary must be a colour such as "#74b4f2"' in told
        assert "00ff00" in console.app.theme_variables["primary"].lower()
        assert config.read_text() == '[ui]\ntheme = "mine"\n'


async def test_only_a_theme_of_the_users_is_watched(tmp_path: Path) -> None:
    write_theme(tmp_path, "#ff8800")
    console = console_with_file(tmp_path / "config.toml")
    async with console.open():
        watcher = console.app.appearance.watcher
        assert watcher._timer is None
        console.app.theme = "mine"
        await console.settle()
        assert watcher._timer is not None
        console.app.theme = "paper"
        await console.settle()
        assert watcher._timer is None


async def test_without_motion_nothing_blinks_or_scrolls_smoothly() -> None:
    console = build_console(config=Config(ui=UiConfig(motion=False)))
    async with console.open():
        console.server.thread("a")
        await console.settle()
        await console.press("r")
        assert console.app.animation_level == "none"
        assert isinstance(console.app.focused, Composer)
        assert not console.app.focused.cursor_blink


async def test_every_theme_draws_every_region() -> None:
    console = build_console()
    async with console.open():
        story.tell(console.server, 3)
        story.trouble(console.server)
        await console.settle()
        await console.press("escape")
        for name in ("ember", "fjord", "noon", "signal", "signal-day", "terminal"):
            console.app.theme = name
            await console.settle()
            assert "? frontend" in console.shown()
            await console.press("n")
            await console.press("escape")
