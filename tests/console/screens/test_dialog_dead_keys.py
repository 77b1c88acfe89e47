"""A key that does nothing in a dialog says so beside the keys that do; `?` lists them all."""

from __future__ import annotations

from console.screens.console import build_console

from codextui.config.schema import Config, UiConfig
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.widgets.dialog_keys import DialogKeys


async def test_a_dead_key_says_so_until_the_next_key() -> None:
    console = build_console()
    async with console.open(size=(80, 24)):
        console.server.running("backend")
        await console.settle()
        await console.press("T")
        shown = console.shown()
        await console.press("Z")
        assert "Z does nothing here.   ↑ ↓ role" in console.shown()
        await console.press("up")
        assert console.shown() == shown


async def test_a_question_without_a_line_of_keys_says_it_too() -> None:
    console = build_console()
    async with console.open(size=(80, 24)):
        console.server.running("backend")
        await console.settle()
        await console.press("X", "f5")
        assert "f5 does nothing here." in console.shown()
        await console.press("right")
        assert "does nothing" not in console.shown()


async def test_text_is_no_dead_key() -> None:
    console = build_console()
    async with console.open(size=(80, 24)):
        await console.press("n", *"Zx?", "f5")
        assert isinstance(console.app.screen, NewThreadScreen)
        assert "f5 does nothing here." in str(console.app.screen.query_one(DialogKeys).render())
        assert "Zx?" in console.shown()


async def test_the_help_lists_the_keys_of_the_dialog_first() -> None:
    console = build_console()
    async with console.open(size=(80, 24)):
        console.server.running("backend")
        await console.settle()
        await console.press("T", "question_mark")
        assert isinstance(console.app.screen, HelpScreen)
        assert "Here: Timeline" in console.shown()
        await console.press("question_mark", "escape")
        assert console.app.screen is console.app.main


async def test_the_line_names_the_keys_that_the_user_has_chosen() -> None:
    keys = {"timeline.close": "f9", "timeline.save": "", "confirm.yes": "f8"}
    keys["new_thread.start"] = "f5"
    console = build_console(config=Config(ui=UiConfig(keys=keys)))
    async with console.open(size=(160, 45)):
        console.server.running("backend")
        await console.settle()
        await console.press("T")
        assert "f9 close" in console.shown()
        assert "esc close" not in console.shown()
        assert "save" not in console.shown()
        await console.press("f9", "X")
        assert "f8  Kill it" in console.shown()
        assert "n  Cancel" in console.shown()
        await console.press("n", "n")
        assert isinstance(console.app.screen, NewThreadScreen)
        assert "f5 start" in console.shown()
