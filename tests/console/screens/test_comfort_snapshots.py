"""Pictures of the settings, of the first steps, and of the main screen in its extreme sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from console.screens import story
from console.screens.console import NOW, Console, FakeServer, build_console
from textual.pilot import Pilot

from codextui.config.schema import Config, UiConfig
from codextui.console.app import ConsoleApp
from codextui.console.model.findings import Finding, Verdict
from codextui.console.screens.preferences import PreferencesScreen

SIZES = ((160, 45), (80, 24), (50, 12))
THEMES = ("harbour", "paper")
FOUND = (
    Finding(Verdict.GOOD, "Codex", "0.171.0 at ~/.local/bin/codex"),
    Finding(Verdict.BAD, "Login", "Codex is not logged in", "Type: codex login"),
    Finding(Verdict.NOTE, "Daemon", "Codex's daemon did not run"),
)

Compare = Callable[..., bool]


def build(theme: str, *, is_first_time: bool = False) -> Console:
    servers: list[FakeServer] = []

    def connect(on_update):  # type: ignore[no-untyped-def]
        servers.append(FakeServer(on_update))
        return servers[0]

    app = ConsoleApp(
        "default",
        connect,
        config=Config(ui=UiConfig(theme=theme, keys={"thread.kill": "ctrl+k"})),
        config_path=Path("/home/ada/.config/codextui/config.toml"),
        now=lambda: NOW,
        typing_pause=3600,
        inspect=lambda: FOUND,
        is_first_time=is_first_time,
    )
    return Console(app, servers[0])


async def begin(console: Console) -> None:
    console.server.connect()
    console.server.catch_up()
    await console.settle()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_settings(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    console = build(theme)

    async def run(_: Pilot[int]) -> None:
        await begin(console)
        await console.press("S")
        async with asyncio.timeout(60):
            while not isinstance(console.app.screen, PreferencesScreen):
                await console.settle()
        await console.press("down", "right", "right")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_first_start(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    console = build(theme, is_first_time=True)

    async def run(_: Pilot[int]) -> None:
        await begin(console)
        if size[1] > 20:
            await console.until("✓ Codex")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_first_steps(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    console = build(theme)

    async def run(_: Pilot[int]) -> None:
        await begin(console)
        await console.press("W")
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
