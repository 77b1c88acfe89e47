"""Pictures of threads of other programs, and of the picker of Codex's history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from console.screens import story
from console.screens.console import Console, build_console
from console.screens.test_history import HistoryServer, past
from textual.pilot import Pilot
from textual.widgets import Input

from codextui.errors import ServerRefused
from codextui.protocol.approvals import CommandAsked

Compare = Callable[..., bool]

SIZES = ((160, 45), (80, 24))
SMALL = ((160, 45), (80, 24), (50, 12))

PAST = [
    past(1, name="Fix the login page", origin="Codex TUI", loaded=True, handle="tui-1", state=""),
    past(2, brief="Why does the search take four seconds on the staging server?", origin="IDE"),
    past(700, name="backend", origin="", loaded=True, handle="backend", state="running"),
    past(3000, brief="Summarise the changelog for the release notes", origin="exec"),
    past(90_000, brief="日本語のドキュメントを書いて", cwd="/srv/docs", branch="", model="o4"),
    *(past(100_000 + n, brief=f"An older conversation, number {n}") for n in range(60)),
]


def show(console: Console) -> None:
    console.server.results["codex-server"] = {
        "codex": {"version": "0.171.0", "attach": "daemon", "pid": 1}
    }
    console.server.connect()
    story.tell(console.server, 2)
    story.neighbours(console.server)
    console.server.catch_up()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["harbour", "paper"])
def test_threads_of_other_programs(snap_compare: Compare, theme: str, size: tuple[int, int]):
    console = build_console(theme=theme)

    async def run(_: Pilot[int]) -> None:
        show(console)
        console.server.thread("tui-2", followed=True)
        await console.settle()
        asked = CommandAsked("npm publish", "/home/ada/shop")
        console.server.ask("t-tui-2", "a1", asked)
        await console.settle()
        await console.press("escape")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_another_program_asks(snap_compare: Compare, size: tuple[int, int]):
    console = build_console()

    async def run(_: Pilot[int]) -> None:
        show(console)
        await console.settle()
        console.server.ask("t-tui-1", "a1", CommandAsked("npm publish", "/home/ada/portal"))
        await console.settle()
        await console.until("keys ready")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_one_that_could_not_be_followed(snap_compare: Compare, size: tuple[int, int]):
    console = build_console()

    async def run(_: Pilot[int]) -> None:
        console.server.failures["codex-follow"] = ServerRefused("20 are followed already")
        console.server.connect()
        story.neighbours(console.server)
        console.server.catch_up()
        await console.settle()
        await console.press("enter")

    assert snap_compare(console.app, terminal_size=size, run_before=run)


def picker(console: Console, *keys: str) -> Callable[[Pilot[int]], object]:
    async def run(_: Pilot[int]) -> None:
        show(console)
        await console.settle()
        await console.press("H", *keys)
        for field in console.app.screen.query(Input):
            field.cursor_blink = False
        await console.settle()

    return run


@pytest.mark.parametrize("size", SMALL)
def test_the_history_in_the_list(snap_compare: Compare, size: tuple[int, int]):
    console = build_console(theme="paper")
    HistoryServer(console, PAST)
    run = picker(console, "tab", "a", "n" if size == (160, 45) else "end")
    assert snap_compare(console.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SMALL)
def test_the_history_of_a_slow_server(snap_compare: Compare, size: tuple[int, int]):
    console = build_console()
    HistoryServer(console, PAST).gate = asyncio.Event()
    assert snap_compare(console.app, terminal_size=size, run_before=picker(console))


@pytest.mark.parametrize("size", SMALL)
def test_an_empty_history(snap_compare: Compare, size: tuple[int, int]):
    console = build_console()
    HistoryServer(console, [])
    assert snap_compare(console.app, terminal_size=size, run_before=picker(console, "o", "h"))


def test_a_history_that_cannot_be_read(snap_compare: Compare):
    console = build_console()
    HistoryServer(console, []).failure = ServerRefused("the daemon does not answer")
    assert snap_compare(console.app, terminal_size=(80, 24), run_before=picker(console))
