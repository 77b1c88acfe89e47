from __future__ import annotations

import pytest
from console.screens.console import Console, build_console
from textual.pilot import Pilot
from textual.widgets import Static

from codextui.console.hint_clicks import key_at
from codextui.console.screens.first_steps import FirstStepsScreen
from codextui.console.screens.problem import Problem, ProblemScreen

KEYS = {"esc", "↑", "↓", "y", "space", "?"}


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("esc", "esc"),
        ("close", "esc"),
        ("close it", "esc"),
        ("↓", "↓"),
        ("space", "space"),
        ("scroll", ""),  # of several keys the one under the mouse
        ("x stop", ""),  # does nothing now
        ("lines 1 to 3", ""),
        ("to 3   y", ""),
    ],
)
def test_a_click_on_a_hint_means_its_key(words: str, key: str) -> None:
    line = "lines 1 to 3   y yes   ↑ ↓ space scroll   x stop   esc close it"
    assert key_at(line, line.index(words), KEYS) == key
    assert key_at(line, len(line), KEYS) == ""
    assert key_at(line, line.index("   ↑"), KEYS) == ""


async def click_on(console: Console, pilot: Pilot[int], words: str) -> None:
    """Click on words of a dialog's hints, once they are drawn."""
    await console.settle()
    hints = console.app.screen.query_one("#keys, .dialog-keys", Static)
    region = hints.content_region
    rows = console.shown().splitlines()[region.y : region.bottom]
    y, row = next((y, row) for y, row in enumerate(rows, region.y) if words in row)
    await pilot.click(offset=(row.index(words), y))
    await console.settle()


async def test_the_hints_of_a_dialog_can_be_clicked() -> None:
    console = build_console()
    async with console.open() as pilot:
        answers: list[object] = []
        console.app.push_screen(ProblemScreen(Problem("No Codex", "It is gone.")), answers.append)
        await click_on(console, pilot, "try again")
        console.app.push_screen(FirstStepsScreen(), answers.append)
        await click_on(console, pilot, "go on")
        assert answers == ["retry", None]
        await console.press("n")
        await click_on(console, pilot, "cancel")
        assert console.app.screen is console.app.main
