"""Panes follow need on the screen, and say why."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of
from textual.pilot import Pilot

from codextui.console.widgets.pane_slots import REASON_SHOWN_FOR
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState

IDLE, RUNNING = ThreadState.IDLE, ThreadState.RUNNING


@pytest.fixture
def console() -> Console:
    return build_console(layout=2)


def titles(console: Console) -> list[str]:
    tiles = console.app.main.workbench.grid.tiles
    return [text_of(tile.pane).splitlines()[0] for tile in tiles]


async def test_attached_again_the_running_thread_gets_the_pane_of_an_idle_one(
    console: Console,
) -> None:
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.thread(name, IDLE)
        await console.settle()
        await console.press("1")
        held = console.current
        console.server.disconnect()
        console.server.connect(fresh=False)
        console.server.thread("late", RUNNING)
        console.server.catch_up()
        await console.settle()
        assert console.panes() == [held, "t-late"]
        assert "← runs" in titles(console)[1]


async def test_what_was_there_before_the_console_attached_is_not_taken_for_new(
    console: Console,
) -> None:
    async with console.open():
        console.server.disconnect()
        console.server.connect()
        for name, state in (("old", IDLE), ("rests", IDLE), ("bad", ThreadState.FAILED)):
            console.server.thread(name, state)
        console.server.catch_up()
        await console.settle()
        assert console.panes() == ["t-rests", "t-bad"]
        assert not any("newest" in title for title in titles(console))
        console.server.thread("fresh", IDLE)
        await console.settle()
        assert "← newest" in " ".join(titles(console))


async def test_who_asks_gets_a_pane_and_its_frame_says_so_for_a_while(console: Console) -> None:
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.running(name)
        await console.settle()
        await console.press("1")
        console.server.ask("t-c", "a1")
        await console.settle()
        await console.press("escape")
        assert console.panes() == ["t-a", "t-c"]
        assert "← asks" in titles(console)[1]
        console.app.main.workbench._slots._now = lambda: console.server.clock + REASON_SHOWN_FOR
        console.app.main.refresh_clocks()
        await console.settle()
        assert "asks" not in titles(console)[1]


async def test_a_new_run_gets_panes_for_its_roles(console: Console) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.thread(name, IDLE)
        await console.settle()
        console.server.thread("run", RUNNING, kind=ThreadKind.RUN)
        console.server.thread("builder", RUNNING, kind=ThreadKind.ROLE, parent="t-run")
        console.server.thread("tester", ThreadState.WAITING, kind=ThreadKind.ROLE, parent="t-run")
        await console.settle()
        assert sorted(console.panes()) == ["t-builder", "t-tester"]
        notes = " ".join(titles(console))
        assert "← runs" in notes
        assert "← newest" in notes


async def test_a_pinned_pane_is_never_replaced_until_it_is_unpinned(console: Console) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.thread(name, IDLE)
        await console.settle()
        await console.press("1", "full_stop", "2")
        pinned = console.panes()[0]
        assert "◆ pinned" in titles(console)[0]
        console.server.running("c")
        console.server.running("d")
        await console.settle()
        assert console.panes()[0] == pinned
        await console.press("1", "full_stop", "2")
        assert "pinned" not in titles(console)[0]
        console.server.running("e")
        await console.settle()
        assert pinned not in console.panes()


async def test_where_every_pane_is_pinned_a_chosen_thread_is_refused_with_the_reason(
    console: Console,
) -> None:
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.running(name)
        await console.settle()
        await console.press("1", "full_stop", "2", "full_stop")
        await console.press("left", "left", "end", "enter")
        assert console.panes() == ["t-a", "t-b"]
        assert any("Every pane is pinned" in notice for notice in console.notices())


async def test_pinning_a_thread_without_a_pane_gives_it_one(console: Console) -> None:
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.running(name)
        await console.settle()
        await console.press("left", "end", "full_stop")
        assert "t-c" in console.panes()
        assert console.app.main.workbench._slots.pinned == {"t-c"}


async def test_without_threads_a_pin_says_why_it_does_nothing(console: Console) -> None:
    async with console.open():
        await console.press("full_stop")
        assert console.notices() == ["Nothing to pin: no thread has a pane yet."]


async def test_a_pane_that_is_written_to_stays(console: Console) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.thread(name, IDLE)
        await console.settle()
        await console.press("1", "r", *"so", "escape", "2")
        written, focused = console.panes()
        console.server.running("c")
        await console.settle()
        assert console.panes() == [written, focused]


async def test_a_fork_takes_the_pane_of_an_idle_thread_and_not_of_its_source(
    console: Console,
) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.thread(name, IDLE)
        await console.settle()
        await console.press("2")
        source = console.current
        console.server.thread("fork", RUNNING, forked_from=source)
        await console.settle()
        assert set(console.panes()) == {source, "t-fork"}


async def test_more_panes_go_to_those_that_need_them_most(console: Console) -> None:
    async with console.open():
        for name, state in (("a", IDLE), ("b", IDLE), ("c", RUNNING), ("d", RUNNING), ("e", IDLE)):
            console.server.thread(name, state)
        await console.settle()
        assert console.panes() == ["t-c", "t-d"]
        await console.press("plus")
        assert console.panes() == ["t-c", "t-d", "t-e"]
        await console.press("minus", "minus")
        assert len(console.panes()) == 1
        assert console.panes() == [console.current]


# Frames and small screens.


async def test_titles_are_numbered_and_the_last_frame_says_how_many_threads_there_are(
    console: Console,
) -> None:
    async with console.open():
        for name in ("a", "b", "c"):
            console.server.running(name)
        await console.settle()
        assert "[1] ● a running" in titles(console)[0]
        assert "[2] ● b running" in titles(console)[1]
        last = console.app.main.workbench.grid.tiles[-1]
        assert "2 of 3 threads ─╯" in console.shown().splitlines()[last.region.bottom - 1]
        await console.press("z")
        assert "1 of 3 threads" in console.shown()
        await console.press("z", "plus")
        assert "threads ─" not in console.shown()


async def test_the_frame_with_the_focus_is_heavy(console: Console) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.running(name)
        await console.settle()
        for key, corners in (("1", "┏┗╭╰"), ("2", "╭╰┏┗")):
            await console.press(key)
            rows = console.shown().splitlines()
            regions = [tile.region for tile in console.app.main.workbench.grid.tiles]
            found = [rows[y][r.x] for r in regions for y in (r.y, r.bottom - 1)]
            assert "".join(found) == corners


async def test_a_tiny_screen_has_one_pane_and_a_key_for_the_tree(console: Console) -> None:
    async with console.open((50, 12)):
        for name in ("a", "b"):
            console.server.running(name)
        await console.settle()
        assert [tile.region.width for tile in console.app.main.workbench.grid.tiles] == [50]
        assert console.app.focused is console.pane("t-a")
        await console.press("t")
        tree = console.app.main.workbench.thread_tree
        assert console.app.focused is tree
        assert tree.region.width == 50
        await console.press("end", "enter")
        await console.settle()
        assert console.app.focused is console.pane("t-b")
        await console.press("t", "t")
        assert console.app.focused is console.pane("t-b")
        await console.press("t")
        await Pilot(console.app).resize_terminal(160, 45)
        await console.settle()
        assert console.panes() == ["t-b", "t-a"]
