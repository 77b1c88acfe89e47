"""Text streams into panes in order, and does not move what is being read."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of
from textual.geometry import NULL_SIZE

from codextui.protocol.events import ItemStarted, PlanStep, PlanUpdated
from codextui.protocol.threads import ThreadState


def lines(first: int, last: int) -> str:
    return "".join(f"line {number}\n\n" for number in range(first, last))


@pytest.fixture
def console() -> Console:
    return build_console()


async def test_deltas_of_many_threads_reach_their_panes_in_order(console: Console) -> None:
    async with console.open():
        threads = [console.server.running(name) for name in ("backend", "frontend", "tester")]
        for word in ["one", "two", "three", "four", "five", "six", "seven"]:
            for thread_id in threads:
                console.server.text(thread_id, f"{word} ")
        await console.settle()
        for thread_id in threads:
            assert "one two three four five six seven" in text_of(console.pane(thread_id))


async def test_deltas_one_by_one_draw_the_same_screen_as_all_at_once(
    console: Console,
) -> None:
    text = "# Heading\n\nSome **bold** text.\n\n```python\nprint(1)\n```\n\n- a\n- b\n"
    async with console.open():
        slow, fast = console.server.running("slow"), console.server.running("fast")
        await console.settle()
        for character in text:
            console.server.text(slow, character)
            console.pane(slow).flush()
        console.server.text(fast, text)
        await console.settle()
        body = text_of(console.pane(slow)).split("Heading")[1]
        assert body == text_of(console.pane(fast)).split("Heading")[1]


async def test_a_pane_follows_its_end(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, lines(0, 200))
        await console.settle()
        shown = text_of(console.pane(thread_id))
        assert "line 199" in shown
        assert "line 0\n" not in shown


async def test_a_pane_scrolled_up_keeps_its_position_and_counts_the_rows_below(
    console: Console,
) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, lines(0, 100))
        await console.settle()
        await console.press("1", "pageup")
        before = text_of(console.pane(thread_id)).splitlines()
        console.server.text(thread_id, lines(100, 150))
        await console.settle()
        after = text_of(console.pane(thread_id)).splitlines()
        assert after[2:-1] == before[2:-1]
        assert "more lines below" in after[-1]
        assert not console.pane(thread_id).follow


async def test_the_count_of_rows_below_grows_while_it_streams(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, lines(0, 100))
        await console.settle()
        await console.press("1", "pageup")
        before = console.pane(thread_id).rows_below
        console.server.text(thread_id, lines(100, 110))
        await console.settle()
        assert console.pane(thread_id).rows_below == before + 20


async def test_end_follows_again(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, lines(0, 100))
        await console.settle()
        await console.press("1", "pageup", "end")
        console.server.text(thread_id, lines(100, 150))
        await console.settle()
        assert "line 149" in text_of(console.pane(thread_id))


async def test_scrolling_down_to_the_end_follows_again(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, lines(0, 100))
        await console.settle()
        await console.press("1", "k", "k", "j", "j")
        assert console.pane(thread_id).follow


async def test_home_shows_the_first_row_of_a_long_transcript(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        for number in range(300):
            item = {"type": "agentMessage", "id": f"m{number}", "text": f"message {number}"}
            console.server.item(thread_id, item)
        await console.settle()
        assert "message 299" in text_of(console.pane(thread_id))
        await console.press("1", "home")
        assert "message 0\n" in text_of(console.pane(thread_id))


async def test_a_resize_keeps_the_scroll_position(console: Console) -> None:
    async with console.open() as pilot:
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        for number in range(200):
            item = {"type": "agentMessage", "id": f"m{number}", "text": f"message {number}"}
            console.server.item(thread_id, item)
        await console.settle()
        await console.press("1", "pageup", "pageup", "pageup")
        first = text_of(console.pane(thread_id)).splitlines()[2:5]
        await pilot.resize_terminal(120, 40)
        await console.settle()
        assert text_of(console.pane(thread_id)).splitlines()[2:5] == first


async def test_rows_added_above_do_not_move_the_visible_rows(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        command = {"type": "commandExecution", "id": "c1", "command": "make", "cwd": "/"}
        console.server.say(thread_id, ItemStarted(command | {"status": "inProgress"}))
        console.server.text(thread_id, lines(0, 100))
        for number in range(100):
            item = {"type": "agentMessage", "id": f"x{number}", "text": f"message {number}"}
            console.server.item(thread_id, item)
        await console.settle()
        await console.press("1", "pageup")
        before = text_of(console.pane(thread_id)).splitlines()
        done = {"status": "completed", "exitCode": 0, "aggregatedOutput": "one\ntwo\nthree\n"}
        console.server.item(thread_id, command | done)
        await console.settle()
        assert text_of(console.pane(thread_id)).splitlines()[2:-1] == before[2:-1]


async def test_the_header_shows_handle_folder_settings_and_brief(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend", brief="Build the refund endpoint")
        steps = (PlanStep("Read it", "completed"), PlanStep("Write it", "inProgress"))
        console.server.say(thread_id, PlanUpdated("", steps))
        await console.settle()
        head = "\n".join(text_of(console.pane(thread_id)).splitlines()[:4])
        for part in (
            "1",
            "backend",
            "running",
            "gpt-5.5",
            "~/shop@main",
            "workspace-write",
            "brief  Build the refund endpoint",
            "Write it",
        ):
            assert part in head


async def test_markup_and_escapes_of_an_agent_are_shown_as_text(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend", brief="[red]brief[/red] \x1b[31m")
        console.server.text(thread_id, "[bold]not bold[/bold] \x1b]0;title\x07 \x1b[2Jgone")
        await console.settle()
        shown = text_of(console.pane(thread_id))
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]not bold[/bold]" in shown
        assert "[red]brief[/red]" in shown


async def test_a_pane_hidden_by_a_zoom_shows_what_came_meanwhile(
    console: Console,
) -> None:
    async with console.open():
        one, two = console.server.running("backend"), console.server.running("frontend")
        await console.settle()
        await console.press("1", "z")
        console.server.text(two, "while it was hidden")
        await console.settle()
        await console.press("z")
        assert "while it was hidden" in text_of(console.pane(two))
        assert console.panes() == [one, two]


async def test_text_can_be_selected_with_the_mouse_in_one_pane(console: Console) -> None:
    async with console.open() as pilot:
        one, two = console.server.running("backend"), console.server.running("frontend")
        console.server.text(one, "first line\n\nsecond line")
        console.server.text(two, "not this")
        await console.settle()
        pane = console.pane(one)
        rows = text_of(pane).splitlines()
        top = next(y for y, row in enumerate(rows) if "first line" in row)
        await pilot.mouse_down(pane, offset=(7, top))
        await pilot.hover(pane, offset=(7, top + 2))
        await pilot.mouse_up(pane, offset=(7, top + 2))
        await console.settle()
        assert console.app.screen.get_selected_text() == "line\n\nsecond"
        await console.press("ctrl+c")
        assert console.app.clipboard == "line\n\nsecond"
        await console.press("escape")
        assert console.app.screen.get_selected_text() is None


async def test_a_pane_without_a_resize_event_is_drawn(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "here")
        await console.settle()
        pane = console.pane(thread_id)
        pane._head, pane._drawn_size = [], NULL_SIZE
        assert "backend" in text_of(pane)
        assert "here" in text_of(pane)
