"""Partial updates draw the same screen as a full redraw."""

from __future__ import annotations

import asyncio
import random

import pytest
from console.screens import team_story
from console.screens.console import Console, FakeServer, build_console, text_of
from console.screens.dialog_host import on_screen
from console.screens.drawn import DrawnTerminal

from codextui.console.widgets.drawing import FRAME_INTERVAL
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

SIZE = (160, 45)
COMMAND: JsonObject = {"type": "commandExecution", "id": "c1", "command": "make", "cwd": "/"}


@pytest.mark.parametrize("lines", range(2, 10))
async def test_a_shrinking_item_is_drawn_with_the_older_items_that_reappear(
    lines: int,
) -> None:
    console = build_console()
    terminal = DrawnTerminal(console, SIZE)
    async with console.open(SIZE):
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        for number in range(200):
            item = {"type": "agentMessage", "id": f"m{number}", "text": f"message {number}"}
            console.server.item(thread_id, item)
        text = "".join(f"line {line}\n\n" for line in range(lines))
        console.server.text(thread_id, text, "last")
        await console.settle()
        console.server.item(thread_id, {"type": "agentMessage", "id": "last", "text": "the end"})
        await console.settle()
        assert "the end" in terminal.text
        assert terminal.text == on_screen(console.app)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_no_row_is_duplicated_or_left_behind_whatever_a_team_does(seed: int) -> None:
    chance = random.Random(seed)
    console = build_console()
    terminal = DrawnTerminal(console, SIZE)
    async with console.open(SIZE):
        team_story.begin(console.server)
        for number in range(150):
            happen(console.server, chance, number)
            if chance.random() < 0.2:
                await asyncio.sleep(chance.choice([0, FRAME_INTERVAL]))
            elif chance.random() < 0.3:
                await look_elsewhere(console, chance)
                assert terminal.text == on_screen(console.app)
                await assert_drawn_whole(console)


async def look_elsewhere(console: Console, chance: random.Random) -> None:
    """Settle, mostly after a key that moves rows or panes."""
    keys = ("z", "pageup", "end", "k", "tab", "1", "2", "t", "home", "f1")
    await console.settle()
    if chance.random() < 0.4:
        await console.press(chance.choice(keys))


async def assert_drawn_whole(console: Console) -> None:
    """Assert that every pane shows the same as after a full redraw."""
    panes = [place.pane for place in console.app.main.workbench.grid.tiles if place.display]
    shown = [text_of(pane) for pane in panes]
    for pane in panes:
        pane._redraw()
    await console.settle()
    assert [text_of(pane) for pane in panes] == shown


def happen(server: FakeServer, chance: random.Random, number: int) -> None:
    """Make something random happen to a team."""
    name = chance.choice(team_story.ROLES)
    role_id = team_story.role_id(name)
    codex_id = f"t-{name}-codex"
    match chance.randrange(8):
        case 0:
            team_story.work(server, name, chance.choice([ThreadState.RUNNING, ThreadState.DONE]))
            server.say(role_id, ev.TurnStarted(), f"t{number}")
        case 1:
            for thread_id in (role_id, team_story.RUN):
                server.say(thread_id, ev.HandedOff(name, chance.choice(team_story.ROLES)), "t1")
        case 2:
            missing = tuple(f"file {line}" for line in range(chance.randrange(1, 5)))
            server.say(team_story.RUN, ev.HandoffRefused(name, "tester", missing), "t1")
        case 3:
            server.say(team_story.RUN, ev.RunNoted("role_started", name, "is at work"), "t1")
        case _ if codex_id not in server.threads:
            team_story.codex_of(server, name)
        case 4:
            server.say(codex_id, ev.ItemStarted(COMMAND | {"id": f"c{number}"}))
            server.say(codex_id, ev.OutputDelta(f"c{number}", "line\n" * chance.randrange(30)))
        case 5:
            done = {"status": "completed", "exitCode": 0, "aggregatedOutput": ""}
            server.item(codex_id, COMMAND | done | {"id": f"c{number - chance.randrange(30)}"})
        case 6:
            server.text(codex_id, chance.choice(["word ", "- a\n", "\n\n"]) * 5, f"m{number // 9}")
        case _:
            text = chance.choice(["short", "a\n\nb\n\nc", ""])
            server.item(codex_id, {"type": "agentMessage", "id": f"m{number // 9}", "text": text})
