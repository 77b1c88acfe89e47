"""What a long diff costs on the screen, against a short one."""

from __future__ import annotations

import statistics
import time

import pytest
from benchmarks.conftest import Figures
from console.screens.dialog_host import DialogHost
from console.screens.diff_text import TextDiffs

from codextui.console.screens.diff import DiffScreen
from codextui.console.widgets.diff_view import DiffView

pytestmark = pytest.mark.benchmark

SHORT, LONG = 100, 10_000
ROUNDS = 5
AIM_OPENING = 3.0
"""Times that opening 10,000 lines may take of opening 100."""
AIM_MOVING = 2.0
"""The same of a page."""


def diff_of(lines: int) -> str:
    count = min(lines, 500) // 2
    body = "".join(
        f"-\told value = {number} + rest\n+\tnew value = {number} + rest\n"
        for number in range(count)
    )
    names = (f"f{number}.py" for number in range(max(1, lines // 500)))
    return "".join(
        f"--- a/{name}\n+++ b/{name}\n@@ -1,{count} +1,{count} @@\n{body}" for name in names
    )


async def measure(lines: int) -> tuple[float, float]:
    """Return the seconds until a diff is on the screen, and those of ten pages."""
    source = TextDiffs("backend: turn 3", diff_of(lines))
    started = time.perf_counter()
    host = DialogHost(DiffScreen(source))
    async with host.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        opened = time.perf_counter()
        view = host.screen.query_one(DiffView)
        for step in range(10):
            view.action_page(-1 if step % 2 else 1)
            await pilot.pause()
        return opened - started, time.perf_counter() - opened


async def test_a_long_diff_opens_and_moves_as_a_short_one(figures: Figures) -> None:
    await measure(SHORT)
    rounds = [(await measure(SHORT), await measure(LONG)) for _ in range(ROUNDS)]
    opening = statistics.median(long[0] / short[0] for short, long in rounds)
    moving = statistics.median(long[1] / short[1] for short, long in rounds)
    figures("a diff of 10,000 lines opens, against 100", f"{opening:.2f}x", f"<= {AIM_OPENING:g}x")
    figures("a page of a diff of 10,000 lines", f"{moving:.2f}x", f"<= {AIM_MOVING:g}x")
    # A diff that is laid out whole would take a hundred times as long.
    assert opening <= LONG / SHORT / 5
    assert moving <= LONG / SHORT / 5
