"""Everything on the main screen can be done by mouse."""

from __future__ import annotations

import pytest
from console.screens import story
from console.screens.console import Console, build_console, text_of
from textual.pilot import Pilot

from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.key_line import KeyLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.console.widgets.tiling import MIN_PANE_WIDTH
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console(layout=4)


async def click(console: Console, pilot: Pilot[int], x: int, y: int, times: int = 1) -> None:
    await pilot.click(offset=(x, y), times=times)
    await console.settle()


async def test_a_click_into_a_pane_or_on_its_frame_focuses_it(console: Console) -> None:
    async with console.open() as pilot:
        threads = [console.server.running(name) for name in "abcd"]
        await console.settle()
        for index in (3, 0, 2):
            region = console.app.main.workbench.grid.tiles[index].region
            await click(console, pilot, region.x + 8, region.y + 5)
            assert console.current == threads[index]
        for index in (1, 2, 0):
            region = console.app.main.workbench.grid.tiles[index].region
            await click(console, pilot, region.x + 8, region.bottom - 1)
            assert console.app.focused is console.pane(threads[index])


@pytest.mark.parametrize("on_frame", [False, True])
async def test_a_double_click_zooms_a_pane_and_tiles_the_panes_again(
    console: Console, on_frame: bool
) -> None:
    async with console.open() as pilot:
        threads = [console.server.running(name) for name in "abcd"]
        await console.settle()
        for expected in ([threads[3]], threads):
            region = console.app.main.workbench.grid.tiles[3].region
            y = region.bottom - 1 if on_frame else region.y + 4
            await click(console, pilot, region.x + 8, y, times=2)
            assert console.panes() == expected
        assert not console.app.main.selections


async def test_the_wheel_scrolls_the_pane_below_it(console: Console) -> None:
    async with console.open() as pilot:
        threads = [console.server.running(name) for name in "ab"]
        for thread_id in threads:
            console.server.text(thread_id, "\n\n".join(f"line {n}" for n in range(200)))
        await console.settle()
        await console.press("1")
        other = console.pane(threads[1])
        await pilot._post_mouse_events([_scroll_up()], other, offset=(10, 10))
        await console.settle()
        assert other.rows_below > 0
        assert console.pane(threads[0]).rows_below == 0
        await pilot.click(other, offset=(10, other.size.height - 1))
        await console.settle()
        assert other.rows_below == 0


def _scroll_up() -> type:
    from textual.events import MouseScrollUp  # noqa: PLC0415

    return MouseScrollUp


async def test_a_click_in_the_tree_and_in_the_strip_opens_what_it_names(console: Console) -> None:
    async with console.open() as pilot:
        story.tell(console.server, 6)
        story.trouble(console.server)
        await console.settle()
        await console.press("escape")
        rows = console.shown().splitlines()
        tree = console.app.main.query_one(ThreadTree).region
        y = next(y for y, row in enumerate(rows) if "security" in row[: tree.right])
        await click(console, pilot, 6, y)
        assert console.current == "t-security"
        strip = console.app.main.query_one(AttentionStrip).region
        y = next(y for y in range(strip.y, strip.bottom) if "tester failed" in rows[y])
        await click(console, pilot, 6, y)
        assert console.current == "t-tester"
        y = next(
            y for y in range(strip.y, strip.bottom) if "frontend" in console.shown().splitlines()[y]
        )
        await click(console, pilot, 6, y)
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_every_key_in_the_footer_can_be_clicked(console: Console) -> None:
    async with console.open() as pilot:
        console.server.thread("a", ThreadState.IDLE)
        await console.settle()
        line = console.app.main.query_one(KeyLine)
        await pilot.click(KeyLine, offset=(text_of(line).index("new"), 0))
        await console.settle()
        assert isinstance(console.app.screen, NewThreadScreen)
        await console.press("escape")
        await pilot.click(KeyLine, offset=(text_of(line).index("zoom"), 0))
        await console.settle()
        assert console.app.main.workbench.grid.zoomed == "t-a"
        await pilot.click(KeyLine, offset=(text_of(line).index("reply"), 0))
        await console.settle()
        assert isinstance(console.app.focused, Composer)


async def test_a_click_beside_the_composer_keeps_what_was_written(console: Console) -> None:
    async with console.open() as pilot:
        threads = [console.server.thread(name, ThreadState.IDLE) for name in "ab"]
        await console.settle()
        await console.press("1", "r", *"so far")
        first = console.current
        other = next(thread for thread in threads if thread != first)
        await pilot.click(console.pane(other), offset=(10, 5))
        await console.settle()
        assert console.current == other
        composer = console.app.main.query_one(Composer)
        await pilot.click(composer, offset=(2, 0))
        await console.settle()
        assert console.current == first
        assert composer.text == "so far"


async def test_a_click_on_what_is_put_away_shows_it_and_puts_it_away_again(
    console: Console,
) -> None:
    async with console.open() as pilot:
        console.server.running("backend")
        console.server.thread("quiet")
        await console.settle()
        await console.press("left", "end", "h")
        tree = console.app.main.query_one(ThreadTree)
        line = next(y for y, row in enumerate(text_of(tree).splitlines()) if "put away" in row)
        for is_shown in (True, False):
            await click(console, pilot, tree.region.x + 4, tree.region.y + line)
            assert ("quiet" in text_of(tree)) == is_shown


async def test_the_edge_of_the_tree_is_dragged_and_moved_by_keys(console: Console) -> None:
    async with console.open() as pilot:
        console.server.running("backend")
        await console.settle()
        tree = console.app.main.query_one(ThreadTree)
        before, edge = tree.size.width, (tree.region.right - 1, tree.region.y + 2)
        current = console.current
        await pilot.mouse_down(offset=edge)
        await pilot.hover(offset=(edge[0] + 10, edge[1]))
        await pilot.mouse_up(offset=(edge[0] + 10, edge[1]))
        await console.settle()
        assert tree.size.width == before + 10
        assert console.current == current
        await console.press("less_than_sign")
        assert tree.size.width == before + 6
        await console.press("greater_than_sign")
        assert console.app.main.fleet.tree_width == before + 10
        await console.press("greater_than_sign", "greater_than_sign")
        assert tree.size.width == before + 18
        await click(console, pilot, tree.region.right - 1, edge[1], times=2)
        assert tree.size.width == before
        for _ in range(40):
            await console.press("greater_than_sign")
        assert console.app.main.workbench.grid.size.width >= MIN_PANE_WIDTH
        await pilot.resize_terminal(50, 12)
        await console.settle()
        await console.press("t")
        assert tree.size.width == 50
