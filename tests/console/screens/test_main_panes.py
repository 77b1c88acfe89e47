"""Which threads have a pane, which one is current, and how to change that."""

from __future__ import annotations

import pytest
from console.screens import story
from console.screens.console import NOW, Console, build_console, text_of

from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.protocol.threads import ThreadState

ROLES = ("backend", "frontend", "tester", "docs", "release", "security", "search", "data", "ops")


@pytest.fixture
def console() -> Console:
    return build_console()


def start(console: Console, count: int, state: ThreadState = ThreadState.RUNNING) -> list[str]:
    return [console.server.thread(role, state) for role in ROLES[:count]]


async def test_without_threads_the_console_says_how_to_start_one(console: Console) -> None:
    async with console.open():
        empty = console.app.main.workbench.grid.empty
        shown = str(empty.query_one("#empty-text").render())
        assert "No threads yet" in shown
        assert "codextui demo" in shown


async def test_each_new_thread_gets_a_pane(console: Console) -> None:
    async with console.open():
        threads = start(console, 3)
        await console.settle()
        assert console.panes() == threads
        assert not console.app.main.workbench.grid.empty.display


async def test_the_first_pane_has_the_focus_from_the_start(console: Console) -> None:
    async with console.open():
        threads = start(console, 3)
        await console.settle()
        assert console.current == threads[0]
        assert isinstance(console.app.focused, TranscriptPane)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
async def test_panes_fill_the_screen_and_do_not_overlap(console: Console, count: int) -> None:
    async with console.open():
        start(console, count)
        await console.settle()
        regions = [place.region for place in console.app.main.workbench.grid.tiles]
        assert len(regions) == count
        assert all(region.width >= 36 and region.height >= 8 for region in regions)
        for index, region in enumerate(regions):
            assert not any(region.overlaps(other) for other in regions[index + 1 :])


async def test_there_are_no_more_panes_than_fit_a_small_terminal(console: Console) -> None:
    async with console.open((80, 24)):
        start(console, 5)
        await console.settle()
        assert len(console.panes()) == 2
        assert "security" not in text_of(console.app.main.query_one(ThreadTree))


async def test_threads_that_need_the_user_get_panes_first(
    console: Console,
) -> None:
    async with console.app.run_test(size=(80, 24)):
        console.server.connect()
        for role in ROLES:
            console.server.thread(role, ThreadState.IDLE)
        console.server.thread("release", ThreadState.RUNNING)
        console.server.thread("search", ThreadState.NEEDS_INPUT)
        console.server.catch_up()
        await console.settle()
        assert console.panes() == ["t-release", "t-search"]


async def test_numbers_focus_panes(console: Console) -> None:
    async with console.open():
        threads = start(console, 4)
        await console.settle()
        await console.press("3")
        assert console.current == threads[2]
        assert console.app.focused is console.pane(threads[2])


async def test_a_number_without_a_pane_says_so(console: Console) -> None:
    async with console.open():
        start(console, 2)
        await console.settle()
        await console.press("7")
        assert console.notices() == ["There is no pane 7."]


async def test_tab_cycles_through_the_panes_and_the_tree(console: Console) -> None:
    async with console.open():
        threads = start(console, 2)
        await console.settle()
        await console.press("tab")
        assert console.current == threads[1]
        await console.press("tab")
        assert isinstance(console.app.focused, ThreadTree)
        await console.press("tab")
        assert console.app.focused is console.pane(threads[0])
        await console.press("shift+tab")
        assert isinstance(console.app.focused, ThreadTree)


async def test_arrows_focus_the_pane_in_their_direction(console: Console) -> None:
    async with console.open():
        threads = start(console, 4)
        await console.settle()
        visited = []
        for key in ("right", "down", "left", "up"):
            await console.press(key)
            visited.append(console.current)
        assert visited == [threads[1], threads[3], threads[2], threads[0]]


async def test_the_tree_is_left_of_the_panes(
    console: Console,
) -> None:
    async with console.open():
        threads = start(console, 2)
        await console.settle()
        await console.press("left")
        assert isinstance(console.app.focused, ThreadTree)
        await console.press("right")
        assert console.app.focused is console.pane(threads[0])


async def test_exactly_one_pane_is_marked_as_current(console: Console) -> None:
    async with console.open():
        threads = start(console, 3)
        await console.settle()
        for key in ("2", "3", "1"):
            await console.press(key)
            marked = [t for t in threads if "▌" in text_of(console.pane(t)).splitlines()[0]]
            assert marked == [console.current]


async def test_the_focus_can_be_seen_without_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = build_console()
    async with console.open():
        thread_id = start(console, 1)[0]
        await console.settle()
        assert console.app.no_color
        assert text_of(console.pane(thread_id)).startswith("▌")
        await console.press("left")
        assert text_of(console.app.main.query_one(ThreadTree)).startswith("▌")


async def test_a_zoomed_pane_fills_the_grid_until_it_is_unzoomed(console: Console) -> None:
    async with console.open():
        threads = start(console, 3)
        await console.settle()
        grid = console.app.main.workbench.grid
        await console.press("2", "z")
        assert console.panes() == [threads[1]]
        assert grid.tiles[1].region == grid.region
        await console.press("z")
        assert console.panes() == threads
        await console.press("z", "escape")
        assert console.panes() == threads


async def test_focusing_another_pane_while_zoomed_zooms_that_one(console: Console) -> None:
    async with console.open():
        threads = start(console, 3)
        await console.settle()
        await console.press("z", "3")
        assert console.panes() == [threads[2]]
        await console.press("tab", "tab")
        assert console.panes() == [threads[0]]


async def test_a_selected_thread_without_a_pane_takes_the_current_pane(
    console: Console,
) -> None:
    async with console.open((80, 24)):
        threads = start(console, 4)
        await console.settle()
        await console.press("2", "left", "down", "down", "enter")
        assert console.current == threads[3]
        assert console.panes() == [threads[0], threads[3]]


async def test_moving_the_tree_cursor_opens_nothing(console: Console) -> None:
    async with console.open((80, 24)):
        threads = start(console, 4)
        await console.settle()
        calls = len(console.server.calls)
        await console.press("left", "j", "j", "k", "down", "up", "home", "end")
        assert console.current == threads[3]
        assert console.panes() == threads[:2]
        assert len(console.server.calls) == calls


async def test_a_click_in_the_tree_shows_the_thread(console: Console) -> None:
    async with console.open((80, 24)) as pilot:
        threads = start(console, 4)
        await console.settle()
        await pilot.click(ThreadTree, offset=(5, 2 + 3))
        await console.settle()
        assert threads[3] in console.panes()
        assert console.current == threads[3]


async def test_a_click_on_a_pane_focuses_it(console: Console) -> None:
    async with console.open() as pilot:
        threads = start(console, 2)
        await console.settle()
        await pilot.click(console.pane(threads[1]), offset=(10, 5))
        await console.settle()
        assert console.current == threads[1]


async def test_forks_are_listed_below_their_source(console: Console) -> None:
    async with console.open():
        threads = start(console, 2, ThreadState.IDLE)
        console.server.thread("backend-fork", ThreadState.IDLE, forked_from=threads[0])
        await console.settle()
        rows = text_of(console.app.main.query_one(ThreadTree)).splitlines()
        names = [row for row in rows if "idle" in row]
        assert ["backend-fork" in row for row in names] == [False, True, False]


async def test_a_hundred_threads_can_be_scrolled_through(console: Console) -> None:
    async with console.open((80, 24)):
        for number in range(100):
            console.server.thread(f"agent-{number:02}", ThreadState.IDLE, created_at=NOW + number)
        await console.settle()
        await console.press("left", "end")
        tree = text_of(console.app.main.query_one(ThreadTree))
        assert "agent-99" in tree
        assert "agent-00" not in tree


async def test_the_number_of_panes_can_be_changed(console: Console) -> None:
    async with console.open():
        threads = start(console, 4)
        await console.settle()
        counts = []
        for key in ["minus"] * 3 + ["plus"] * 2:
            await console.press(key)
            counts.append(len(console.panes()))
        assert counts == [3, 2, 1, 2, 3]
        assert console.panes() == threads[:3]


async def test_panes_that_would_be_too_small_are_refused(console: Console) -> None:
    async with console.open((80, 24)):
        start(console, 4)
        await console.settle()
        await console.press("plus")
        assert "no room" in console.notices()[0]
        assert len(console.panes()) == 2


async def test_the_tree_can_be_hidden_for_more_room(console: Console) -> None:
    async with console.open((80, 24)):
        start(console, 1)
        await console.settle()
        await console.press("t")
        assert console.app.main.workbench.grid.region.width == 80
        await console.press("t")
        assert console.app.main.workbench.grid.region.width == 58


async def test_a_resize_fits_the_panes_to_the_terminal(console: Console) -> None:
    async with console.open() as pilot:
        threads = start(console, 6)
        await console.settle()
        assert console.panes() == threads
        await pilot.resize_terminal(80, 24)
        await console.settle()
        assert len(console.panes()) == 2
        await pilot.resize_terminal(160, 45)
        await console.settle()
        assert console.panes() == threads


async def test_a_resize_keeps_the_pane_of_an_open_composer(console: Console) -> None:
    async with console.open() as pilot:
        threads = start(console, 6)
        await console.settle()
        await console.press("4", "r", *"so far")
        await pilot.resize_terminal(60, 18)
        await console.settle()
        assert threads[3] in console.panes()
        assert console.current == threads[3]
        await console.press("x", "enter")
        assert console.called("codex-send") == [{"thread": threads[3], "prompt": "so farx"}]


async def test_the_status_line_sums_up_all_threads(console: Console) -> None:
    async with console.open():
        start(console, 3)
        console.server.thread("tester", ThreadState.NEEDS_INPUT)
        await console.settle()
        status = text_of(console.app.main.query_one(StatusLine))
        assert "2 running" in status
        assert "1 needs you" in status
        assert "connected" in status


@pytest.mark.parametrize("size", [(1, 1), (8, 3), (20, 6), (40, 12), (500, 120)])
async def test_a_terminal_of_any_size_can_be_drawn(console: Console, size: tuple[int, int]) -> None:
    async with console.open() as pilot:
        story.tell(console.server, 6)
        story.trouble(console.server)
        await console.settle()
        await console.press("escape", "r", "h", "i")
        await pilot.resize_terminal(*size)
        await console.settle()
        await console.press("escape", "pageup", "z", "tab", "end")
        await pilot.resize_terminal(160, 45)
        await console.settle()
        assert len(console.app.main.workbench.grid.tiles) == 7
