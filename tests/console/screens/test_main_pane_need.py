"""Panes follow need on the screen, and say why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from console.screens.console import Console, build_console, text_of
from textual.pilot import Pilot

from codextui.console.drafts import Drafts
from codextui.console.model.tree import Grouping
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


@asynccontextmanager
async def next_day(console: Console, *names: str) -> AsyncIterator[None]:
    """Run the app on a server that has threads from before."""
    async with console.app.run_test(size=(160, 45)):
        async with asyncio.timeout(60):
            await console.server.ran.wait()
        console.server.connect()
        for name in names:
            console.server.thread(name, IDLE, cwd=f"/work/{name}")
        console.server.thread("killed", ThreadState.KILLED)
        console.server.catch_up()
        await console.settle()
        yield


async def test_pins_and_the_arranged_tree_are_there_on_the_next_day(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    names = ("a", "b", "c", "d", "gone", "killed")
    first = build_console(layout=4, drafts=Drafts(path))
    async with first.open():
        for name in names:
            first.server.thread(name, IDLE, cwd=f"/work/{name}")
        await first.settle()
        for name in ("b", "gone", "killed", "a"):
            first.app.main.open_thread(f"t-{name}")
            await first.settle()
            await first.press("full_stop")
        first.app.main.workbench.thread_tree.focus()
        await first.press("G", "G")  # by state, by folder
        for key in ("group:work/b", "t-gone", "t-a"):
            first.app.main.fleet.set_folded(key, folded=True)
    assert path.stat().st_mode & 0o777 == 0o600

    second = build_console(layout=2, drafts=Drafts(path))
    async with next_day(second, *"abcd"):
        assert set(second.panes()) == {"t-a", "t-b"}
        assert all("pinned" in second.pane(id_).note for id_ in ("t-a", "t-b"))
        assert second.app.main.workbench._slots.pinned == {"t-a", "t-b"}
        assert second.app.main.fleet.grouping is Grouping.FOLDER
        second.server.running("e")  # which needs a pane, and gets none
        await second.settle()
        assert set(second.panes()) == {"t-a", "t-b"}
        await second.press("1", "full_stop")
        unpinned = second.current
        second.app.main.workbench.thread_tree.focus()
        await second.press("G", "G", "G")
    drafts = Drafts(path)
    assert set(drafts.pins) == {"t-a", "t-b"} - {unpinned}
    assert drafts.folds == {"group:work/b": "folded", "t-a": "folded"}
    assert drafts.tree == {}

    narrow = build_console(layout=1, drafts=Drafts(path))
    narrow.app._main_options.drafts.pins["t-c"] = "pinned"
    async with next_day(narrow, *"abcd"):
        assert len(narrow.panes()) == 1
        await narrow.press("plus")
        pins = {"t-a", "t-b", "t-c"} - {unpinned}
        assert set(narrow.panes()) == pins


async def test_a_pin_outlives_a_connection_that_is_lost(console: Console) -> None:
    async with console.open():
        for name in ("a", "b"):
            console.server.running(name)
        await console.settle()
        await console.press("1", "full_stop")
        pinned = console.current
        console.server.disconnect()
        await console.settle()
        console.server.connect(fresh=True)
        await console.settle()
        for name in ("a", "b"):
            console.server.running(name)
        console.server.catch_up()
        await console.settle()
        assert console.app.main.workbench._slots.pinned == {pinned}
