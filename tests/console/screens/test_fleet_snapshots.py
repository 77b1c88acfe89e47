"""Pictures of a large fleet: the tree by need and by state, the cells, and the strip in columns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens import story, team_story
from console.screens.console import NOW, Console, build_console
from textual.pilot import Pilot

from codextui.protocol.approvals import CommandAsked
from codextui.protocol.events import ThreadChanged
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState

SIZES = ((220, 60), (160, 45), (80, 24))
THEMES = ("harbour", "paper")
COMMANDS = ("npm test -- --watch=false", "git push origin main", "make deploy", "rm -r dist")

Compare = Callable[..., bool]


def start(console: Console) -> None:
    """Start a team at work, threads that ask, and runs that ended today and yesterday."""
    server = console.server
    server.connect()
    team_story.tell(server)
    team_story.spans(server)
    story.neighbours(server)
    story.tell(server, 6)
    for number in range(6):
        state = ThreadState.DONE if number % 3 else ThreadState.FAILED
        run = ThreadInfo(
            f"run:{number}",
            f"shop-{number}",
            state,
            kind=ThreadKind.RUN,
            created_at=NOW - 7300 - number * 12_000,
            note="" if number % 3 else "the limit was reached",
        )
        server.say(run.thread_id, ThreadChanged(run), "")
    for number, command in enumerate(COMMANDS * 2):
        thread_id = server.running(f"asker-{number}")
        server.ask(thread_id, f"a{number}", CommandAsked(f"/bin/bash -lc '{command}'"))
    server.catch_up()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "keys", [("escape",), ("escape", "left", "G")], ids=["by need", "by state"]
)
def test_a_large_fleet(
    snap_compare: Compare, theme: str, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    console = build_console(theme=theme, layout=4)

    async def run(_: Pilot[int]) -> None:
        start(console)
        await console.settle()
        await console.press(*keys)

    assert snap_compare(console.app, terminal_size=size, run_before=run)
