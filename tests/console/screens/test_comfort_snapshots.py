"""Pictures of the first start, and of the main screen in its extreme sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens import story
from console.screens.console import Console, build_console
from console.screens.places import FOUND
from textual.pilot import Pilot

from codextui.config.schema import Config, UiConfig

SIZES = ((160, 45), (80, 24), (50, 12))
THEMES = ("harbour", "paper")
Compare = Callable[..., bool]


async def begin(console: Console) -> None:
    console.server.connect()
    console.server.catch_up()
    await console.settle()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_first_start(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    config = Config(ui=UiConfig(theme=theme, bell=False))
    console = build_console(config=config, inspect=lambda: FOUND, is_first_time=True)

    async def run(_: Pilot[int]) -> None:
        await begin(console)
        if size[1] > 20:
            await console.until("✓ Codex")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [(50, 12), (220, 60)])
@pytest.mark.parametrize("theme", ["fjord", "noon", "signal", "terminal"])
def test_a_team_on_a_tiny_and_on_a_large_screen(
    snap_compare: Compare, theme: str, size: tuple[int, int]
) -> None:
    console = build_console(config=Config(ui=UiConfig(theme=theme, bell=False)))

    async def run(_: Pilot[int]) -> None:
        console.server.connect()
        story.tell(console.server, 6)
        story.trouble(console.server)
        console.server.catch_up()
        await console.settle()
        await console.press("escape", "full_stop")

    assert snap_compare(console.app, terminal_size=size, run_before=run)
