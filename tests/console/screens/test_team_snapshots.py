"""Pictures of a team's run: its panes, gates, timeline and approvals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens import team_story
from console.screens.console import Console, build_console
from console.screens.dialog_host import DialogHost, FakeClock, approval, asking
from console.screens.test_dialog_snapshots import rested
from textual.pilot import Pilot

LOOKS = [((160, 45), "harbour"), ((80, 24), "paper"), ((160, 45), "paper"), ((80, 24), "harbour")]

Compare = Callable[..., bool]


def team(console: Console, *keys: str, until: str = "") -> Callable[[Pilot[int]], object]:
    async def run(_: Pilot[int]) -> None:
        console.server.connect()
        team_story.tell(console.server)
        console.server.catch_up()
        await console.settle()
        await console.press(*keys)
        await console.until(until)

    return run


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_a_run_at_work(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    console = build_console(theme=theme, layout=4)
    assert snap_compare(console.app, terminal_size=size, run_before=team(console))


@pytest.mark.parametrize(("size", "theme"), LOOKS[:2])
def test_a_tool_is_asked_about(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    clock = FakeClock()
    host = DialogHost(asking([approval(team_story.TOOL, handle="tester")], clock), theme=theme)
    assert snap_compare(host, terminal_size=size, run_before=rested(clock))
