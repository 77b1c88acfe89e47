from __future__ import annotations

import pytest
from console.screens.console import build_console
from console.screens.dialog_host import rows_on_screen
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual import constants
from textual.color import Color

from codextui.console.nearest_colours import (
    FIRST_FIXED,
    FIXED_COLOURS,
    NearestColours,
    nearest_number,
)
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.main import MainScreen


def test_a_colour_that_a_terminal_has_stays() -> None:
    for colour in FIXED_COLOURS:
        assert FIXED_COLOURS[nearest_number(*colour) - FIRST_FIXED] == colour


@pytest.mark.parametrize("colour", ["#161d27", "#202a37", "#10151c"])
def test_dark_surfaces_become_grey_and_not_navy(colour: str) -> None:
    assert nearest_number(*Color.parse(colour).rgb) >= 232


def test_only_colours_are_replaced() -> None:
    meta = Style.from_meta({"@click": "app.bell"})
    style = Style(color="#74b4f2", bgcolor="#161d27", bold=True) + meta
    plain, ansi = Style(bold=True), Style(color="red")
    segments = [Segment("a", style), Segment("b", plain), Segment("c", ansi), Segment("d")]
    first, *others = NearestColours().apply(segments, Color(0, 0, 0))
    assert first.style is not None
    assert first.style.color is not None
    assert first.style.bgcolor is not None
    assert (first.style.color.number, first.style.bgcolor.number) == (111, 234)
    assert (first.style.bold, first.style.meta) == (True, {"@click": "app.bell"})
    assert others == segments[1:]


async def test_a_screen_with_256_colours_has_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "COLOR_SYSTEM", "256")
    console = build_console()
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        for screen in (ApprovalScreen, MainScreen):
            assert isinstance(console.app.screen, screen)
            update = rows_on_screen(console.app)
            colours = {
                colour.type
                for strip in update
                for _, style, _ in strip
                if style is not None
                for colour in (style.color, style.bgcolor)
                if colour is not None
            }
            assert colours == {ColorType.EIGHT_BIT}
            await console.press("escape")
