"""What a person must know stands on the first screen, whatever the fleet does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from console.screens.console import NOW, Console, build_console

from codextui.protocol import events as ev
from codextui.protocol.approvals import Approval, CommandAsked, FileChange, PatchAsked
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadInfo, ThreadState
from codextui.text.figures import format_running

FLEETS = 50
"""Fleets that are generated."""

ROLES = ("tester", "backend", "frontend", "docs", "designer", "security", "migrations", "reviewer")
COMMANDS = ("npm test", "git push", "make all", "pytest -q", "cargo fmt", "rm -r dist", "ls -la")


@dataclass
class Fleet:
    """What a generated fleet does.

    Attributes:
        asks: handle → what it asks for in a word or two, and the seconds since when.
        failed: handles.
        running: handle → what it does.
    """

    asks: dict[str, tuple[str, int]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)


def generate(console: Console, seed: int) -> Fleet:
    """Start up to twenty threads and roles in any state, most of them at rest."""
    chance, server, fleet = random.Random(seed), console.server, Fleet()
    for number in range(chance.randint(3, 20)):
        handle = f"{chance.choice(ROLES)}-{number}"
        kind = chance.choices(("asks", "failed", "running", "idle", "killed"), (3, 2, 4, 6, 2))[0]
        if kind == "asks" and len(fleet.asks) < 8:
            thread_id = server.running(handle)
            ask(console, thread_id, fleet, chance)
        elif kind == "failed":
            server.thread(handle, ThreadState.FAILED, note="stream disconnected")
            fleet.failed.append(handle)
        elif kind == "running":
            command = chance.choice(COMMANDS)
            start(console, handle, command)
            fleet.running[handle] = command
        else:
            state = ThreadState.KILLED if kind == "killed" else ThreadState.IDLE
            server.thread(handle, state)
    return fleet


def ask(console: Console, thread_id: str, fleet: Fleet, chance: random.Random) -> None:
    """Let a thread ask for a command or for changes to a file."""
    server, number = console.server, len(fleet.asks)
    handle, seconds = server.threads[thread_id].handle, chance.randint(1, 5000)
    if chance.random() < 0.7:
        what = chance.choice(COMMANDS)
        wrapped = f"/bin/bash -lc '{what}'" if chance.random() < 0.5 else what
        asked: CommandAsked | PatchAsked = CommandAsked(wrapped, cwd="/home/ada/shop")
    else:
        what = f"f{number}.py"
        asked = PatchAsked((FileChange(what, "add", "x\n"),))
    approval = Approval(f"a{number}", thread_id, "u1", f"i{number}", handle, NOW - seconds, asked)
    server.thread(handle, ThreadState.NEEDS_INPUT, waits_for="approval")
    server.say(thread_id, ev.ApprovalAsked(approval))
    fleet.asks[handle] = what, seconds


def start(console: Console, handle: str, command: str) -> None:
    """Let a thread run a command, in the shell as Codex does."""
    server = console.server
    thread_id = server.thread(handle, ThreadState.RUNNING, turn_id="u1")
    server.say(thread_id, ev.TurnStarted())
    item = {
        "type": "commandExecution",
        "id": "c1",
        "command": f"/bin/bash -lc '{command}'",
        "commandActions": [],
        "cwd": "/home/ada/shop",
        "status": "inProgress",
    }
    server.say(thread_id, ev.ItemStarted(item))


def missing(shown: str, *told: str) -> bool:
    """Return whether no line of the screen tells all of these together."""
    return not any(all(word in line for word in told) for line in shown.splitlines())


@pytest.mark.parametrize("seed", range(FLEETS))
async def test_the_first_screen_tells_all_that_a_person_must_know(seed: int) -> None:
    console = build_console(layout=4)
    async with console.open((160, 45)):
        fleet = generate(console, seed)
        await console.settle()
        await console.press("escape")  # the dialog of the oldest approval
        shown = console.shown()
        for handle, (what, seconds) in fleet.asks.items():
            assert not missing(shown, handle, format_running(seconds), what), handle
        for handle in fleet.failed:
            assert not missing(shown, handle, "failed"), handle
        lines = shown.splitlines()
        for handle, command in fleet.running.items():
            rows = [n for n, line in enumerate(lines) if f"● {handle} " in line[:36]]
            assert rows, handle
            assert any("running" in lines[n] for n in rows), handle
            assert any(f"runs {command}" in lines[n + 1] for n in rows), handle
        if fleet.asks:
            need = "needs" if len(fleet.asks) == 1 else "need"
            assert f"? {len(fleet.asks)} {need} you" in lines[0]


@pytest.mark.parametrize("seed", range(FLEETS))
async def test_a_small_screen_tells_who_asks_for_what(seed: int) -> None:
    console = build_console(layout=4)
    async with console.open((80, 24)):
        fleet = generate(console, seed)
        await console.settle()
        await console.press("escape")  # the dialog of the oldest approval
        shown = console.shown()
        for handle, (what, _) in fleet.asks.items():
            assert not missing(shown, handle, what), handle


@pytest.mark.parametrize("size", [(80, 24), (160, 45), (220, 60)])
async def test_twelve_that_ask_among_thirty_are_all_told(size: tuple[int, int]) -> None:
    console = build_console(layout=4)
    async with console.open(size):
        fleet, chance = Fleet(), random.Random(1)
        for number in range(18):
            start(console, f"role-{number}", "make all")
        for number in range(12):
            ask(console, console.server.running(f"asker-{number}"), fleet, chance)
        await console.settle()
        await console.press("escape")
        shown = console.shown()
        for handle, (what, seconds) in fleet.asks.items():
            assert not missing(shown, handle, what, format_running(seconds)), handle


async def test_yesterdays_failed_runs_fill_neither_the_tree_nor_the_strip() -> None:
    console = build_console(layout=4)
    async with console.open((80, 24)):
        for number in range(20):
            run = ThreadInfo(
                f"run:r{number}",
                f"run-{number}",
                ThreadState.FAILED,
                kind=ThreadKind.RUN,
                created_at=NOW - 90_000,
                note="the limit was reached",
            )
            console.server.say(run.thread_id, ev.ThreadChanged(run), "")
        start(console, "today", "make all")
        await console.settle()
        shown = console.shown()
        assert "run-" not in shown
        assert "20 runs put away" in shown
        assert not missing(shown, "today", "running")
        assert "nothing needs you" in shown
