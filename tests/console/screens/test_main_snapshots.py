"""Pictures of the main screen: large and small, dark and light, idle and busy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens import story
from console.screens.console import Console, build_console
from textual.pilot import Pilot

from codextui.console.widgets.composer import Composer

SIZES = ((160, 45), (80, 24))
THEMES = ("harbour", "paper")

Compare = Callable[..., bool]


def team(console: Console, count: int) -> Callable[[Pilot[int]], object]:
    async def run(_: Pilot[int]) -> None:
        console.server.connect()
        story.tell(console.server, count)
        console.server.catch_up()
        await console.settle()

    return run


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_a_team_at_work(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    console = build_console(theme=theme)

    async def run(pilot: Pilot[int]) -> None:
        await team(console, 3)(pilot)

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_somebody_steers_a_thread(snap_compare: Compare, size: tuple[int, int]) -> None:
    console = build_console()

    async def run(pilot: Pilot[int]) -> None:
        await team(console, 3)(pilot)
        await console.press("2", "enter", *"Use the ledger", "ctrl+j", *"and say so.")
        console.app.main.query_one(Composer).cursor_blink = False
        await console.settle()

    assert snap_compare(console.app, terminal_size=size, run_before=run)


def test_nobody_is_there_yet(snap_compare: Compare) -> None:
    console = build_console()

    async def run(_: Pilot[int]) -> None:
        console.server.connect()
        console.server.catch_up()
        await console.settle()

    assert snap_compare(console.app, terminal_size=(80, 24), run_before=run)


def test_the_server_is_gone(snap_compare: Compare) -> None:
    console = build_console()

    async def run(pilot: Pilot[int]) -> None:
        await team(console, 3)(pilot)
        console.server.disconnect("the server closed the connection")
        await console.settle()

    assert snap_compare(console.app, terminal_size=(80, 24), run_before=run)
