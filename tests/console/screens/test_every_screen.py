"""Pictures of every screen: in three sizes, dark and light."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from console.screens.places import PLACES, build, still
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen

from codextui.console import screens

SIZES = ((160, 45), (80, 24), (50, 12))
THEMES = ("harbour", "paper")

Compare = Callable[..., bool]

pytestmark = pytest.mark.usefixtures("utc")


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", PLACES)
def test_a_screen(snap_compare: Compare, name: str, theme: str, size: tuple[int, int]) -> None:
    console = build(theme)
    place = PLACES[name]

    async def run(_: Pilot[int]) -> None:
        await console.server.ran.wait()
        await place.open(console)
        screen = console.app.screen
        if isinstance(screen, ModalScreen) and not place.is_over_main:
            screen.styles.background = screen.styles.background.with_alpha(1)
        await still(console)

    assert snap_compare(console.app, terminal_size=size, run_before=run)


def screen_classes() -> Iterator[type[Screen[Any]]]:
    """Yield every screen that a module of the console's screens defines."""
    for module in pkgutil.iter_modules(screens.__path__, f"{screens.__name__}."):
        for one in vars(importlib.import_module(module.name)).values():
            is_class = isinstance(one, type) and one.__module__ == module.name
            if is_class and issubclass(one, Screen) and not one.__subclasses__():
                yield one


def test_every_screen_is_among_them() -> None:
    shown = {place.screen for place in PLACES.values()}
    assert {one.__name__ for one in screen_classes()} - {one.__name__ for one in shown} == set()
