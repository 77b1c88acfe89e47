"""The first start shows what the machine has and how to begin; later it is asked for."""

from __future__ import annotations

import asyncio
import threading

import pytest
from console.screens.console import NOW, Console, FakeServer

from codextui.console.app import ConsoleApp
from codextui.console.first_steps import DEMO_WANTED
from codextui.console.model.findings import Finding, Verdict
from codextui.console.screens.first_steps import FirstStepsScreen
from codextui.console.screens.history import HistoryScreen
from codextui.console.screens.new_thread import NewThreadScreen

FOUND = (
    Finding(Verdict.GOOD, "Codex", "0.171.0 at /opt/codex"),
    Finding(Verdict.BAD, "Login", "Codex is not logged in", "Type: codex login"),
)


def build(*, is_first_time: bool = False, inspect=lambda: FOUND) -> Console:  # type: ignore[no-untyped-def]
    servers: list[FakeServer] = []

    def connect(on_update):  # type: ignore[no-untyped-def]
        servers.append(FakeServer(on_update))
        return servers[0]

    app = ConsoleApp(
        "default",
        connect,
        now=lambda: NOW,
        typing_pause=3600,
        inspect=inspect,
        is_first_time=is_first_time,
    )
    return Console(app, servers[0])


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_the_first_time_what_was_found_stands_in_the_place_of_the_panes(
    size: tuple[int, int],
) -> None:
    console = build(is_first_time=True)
    async with console.open(size):
        await console.until("✓ Codex")
        shown = console.shown()
        assert "0.171.0 at /opt/codex" in shown
        assert "✗ Login" in shown
        assert "Type: codex login" in shown
        assert console.app.screen is console.app.main
        console.server.running("backend")
        await console.settle()
        assert "Login" not in console.shown()


async def test_what_was_found_is_looked_at_again_once_codex_can_be_used() -> None:
    found = [FOUND, FOUND[:1]]
    console = build(is_first_time=True, inspect=lambda: found.pop(0))
    console.server.results["codex-server"] = {"problem": "Codex is not logged in"}
    async with console.open():
        await console.until("✗ Login")
        console.server.results["codex-server"] = {"codex": {"pid": 7, "version": "0.171.0"}}
        await console.press("r")
        async with asyncio.timeout(60):
            while "✗ Login" in console.shown():
                await console.settle()
        assert "✓ Codex" in console.shown()


async def test_looking_holds_nothing_up() -> None:
    looked = threading.Event()

    def inspect() -> tuple[Finding, ...]:
        looked.wait(60)
        return FOUND

    console = build(is_first_time=True, inspect=inspect)
    async with console.open():
        console.server.running("backend")
        await console.settle()
        await console.press("1", "r", *"hi")
        assert "hi" in console.shown()
        looked.set()
        await console.settle()


async def test_the_second_time_nothing_is_looked_for() -> None:
    looks: list[int] = []

    def inspect() -> tuple[Finding, ...]:
        looks.append(1)
        return FOUND

    console = build(inspect=inspect)
    async with console.open():
        await console.settle()
        assert "✓ Codex" not in console.shown()
        assert looks == []
        await console.press("W")
        await console.until("✓ Codex")
        assert isinstance(console.app.screen, FirstStepsScreen)
        assert looks == [1]


@pytest.mark.parametrize(("key", "screen"), [("n", NewThreadScreen), ("H", HistoryScreen)])
async def test_it_leads_to_a_thread(key: str, screen: type) -> None:
    console = build()
    async with console.open():
        await console.press("W", key)
        async with asyncio.timeout(60):
            while not isinstance(console.app.screen, screen):
                await console.settle()


async def test_it_leads_on_without_a_change() -> None:
    console = build()
    async with console.open():
        await console.press("W", "escape")
        assert console.app.screen is console.app.main


async def test_it_leads_to_the_demo() -> None:
    console = build()
    async with console.open():
        await console.press("W", "d")
    assert console.app.return_value == DEMO_WANTED


async def test_where_nothing_can_be_found_the_key_says_so() -> None:
    console = build(inspect=None)
    async with console.open():
        await console.press("W")
        assert console.notices() == ["There is nothing to look for here."]


async def test_the_palette_has_it() -> None:
    console = build()
    async with console.open():
        await console.press("ctrl+p", *"first")
        await console.until("First steps")


async def test_without_a_login_the_demo_is_offered_as_well() -> None:
    console = build()
    async with console.open():
        console.server.results["codex-server"] = {"problem": "Codex is not logged in."}
        console.app._check_codex()
        await console.until("d demo")
        await console.press("d")
    assert console.app.return_value == DEMO_WANTED
