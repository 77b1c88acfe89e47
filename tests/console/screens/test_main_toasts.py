"""Toasts: each text once, few at a time, and none over what needs the user."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

import pytest
from console.screens.console import Console, build_console
from textual.screen import ModalScreen
from textual.widgets._toast import Toast

from codextui.console import screens
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.toasts import MAX_TOAST_LENGTH, MAX_TOASTS
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.key_line import KeyLine
from codextui.protocol.events import ErrorRaised, Warned


@pytest.fixture
def console() -> Console:
    return build_console()


async def test_a_text_that_is_shown_is_not_shown_again(console: Console) -> None:
    async with console.open():
        await console.press("x", "x", "x")
        assert len(console.notices()) == 1


async def test_a_warning_of_every_new_server_is_shown_once(console: Console) -> None:
    async with console.open():
        for restart in range(3):
            console.server.clock += 100
            console.server.disconnect(ended=True)
            console.server.connect(fresh=True)
            console.server.catch_up()
            console.server.say("", Warned("no bubblewrap"))
            await console.settle()
            assert console.notices() == (["no bubblewrap"] if restart == 0 else [])
            console.app.clear_notifications()


async def test_few_toasts_are_shown_at_a_time_and_none_is_long(console: Console) -> None:
    async with console.open(size=(80, 24)):
        for number in range(20):
            console.server.clock += 1
            console.server.say("", ErrorRaised(f"{number} {'trouble ' * 100}"))
            await console.settle()
        assert len(console.notices()) == MAX_TOASTS
        assert console.notices()[-1].startswith("19 ")
        assert all(len(notice) <= MAX_TOAST_LENGTH for notice in console.notices())


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (50, 12)])
async def test_toasts_leave_the_strip_and_the_keys_in_sight(
    console: Console, size: tuple[int, int]
) -> None:
    async with console.open(size=size, toasts=True) as pilot:
        for number in range(4):
            console.server.running(f"role-{number}")
            console.server.ask(f"t-role-{number}", f"a{number}")
        await console.settle()
        await console.press("escape")
        for number in range(5):
            console.server.clock += 1
            console.server.say("", ErrorRaised(f"{number} {'trouble ' * 100}"))
        async with asyncio.timeout(60):
            while len([*console.app.screen.query(Toast)]) < MAX_TOASTS:
                await pilot.pause(0.05)
        await console.settle()
        toasts = [toast.region for toast in console.app.screen.query(Toast)]
        assert toasts
        for widget in (AttentionStrip, KeyLine):
            region = console.app.main.query_one(widget).region
            assert not any(toast.overlaps(region) for toast in toasts)


async def test_toasts_wait_until_a_dialog_is_closed(console: Console) -> None:
    async with console.open(size=(80, 24), toasts=True):
        console.server.running("backend")
        console.server.clock += 1
        console.server.say("", ErrorRaised("before the dialog"))
        await console.settle()
        console.server.ask("t-backend", "a1")
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        console.server.clock += 1
        console.server.say("", ErrorRaised("in the dialog"))
        await console.settle()
        assert not any(toast.region for toast in console.app.screen.query(Toast))
        assert "in the dialog" not in console.notices()
        await console.press("escape")
        async with asyncio.timeout(60):
            while "in the dialog" not in console.notices():
                await console.settle()
                await asyncio.sleep(0.05)


async def test_no_dialog_shows_a_toast_that_was_there_before(console: Console) -> None:
    async with console.open(size=(80, 24), toasts=True):
        console.server.running("backend")
        await console.settle()
        for key in ("T", "n", "question_mark"):
            console.server.clock += 1
            console.server.say("", ErrorRaised(f"before {key}"))
            await console.settle()
            await console.press(key)
            assert console.app.screen is not console.app.main
            assert not any(toast.region for toast in console.app.screen.query(Toast)), key
            await console.press("escape")


def test_all_dialogs_have_the_styles_of_one() -> None:
    for module in pkgutil.iter_modules(screens.__path__):
        for thing in vars(importlib.import_module(f"{screens.__name__}.{module.name}")).values():
            if isinstance(thing, type) and issubclass(thing, ModalScreen):
                assert "ModalScreen" in thing._css_type_names, thing
