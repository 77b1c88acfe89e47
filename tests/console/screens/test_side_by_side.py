"""Threads side by side: what is shown, what is picked, and that only a yes puts others away."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console

from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.pick import PickScreen
from codextui.console.screens.side_by_side import SideBySideScreen
from codextui.console.widgets.strip_view import StripView
from codextui.protocol import events as ev
from codextui.protocol.threads import Usage


@pytest.fixture
def console() -> Console:
    return build_console()


def turn(console: Console, thread_id: str, turn_id: str, said: str, diff: str = "") -> None:
    """Play a turn: its prompt, and behind ` -> ` its answer."""
    server = console.server
    prompt, _, answer = said.partition(" -> ")
    server.say(thread_id, ev.TurnStarted(), turn_id)
    content = [{"type": "text", "text": prompt}]
    server.item(
        thread_id, {"type": "userMessage", "id": f"p-{turn_id}", "content": content}, turn_id
    )
    server.item(thread_id, {"type": "agentMessage", "id": f"m-{turn_id}", "text": answer}, turn_id)
    if diff:
        server.say(thread_id, ev.DiffUpdated(diff), turn_id)
    server.clock += 90
    server.say(thread_id, ev.TurnCompleted(usage=Usage(total=4_200)), turn_id)


def patch(line: str) -> str:
    return f"--- a/cost.py\n+++ b/cost.py\n@@ -1 +1 @@\n-old\n+{line}\n"


def tell(console: Console) -> tuple[str, str]:
    """Fork a thread, and let both do a turn of their own."""
    source = console.server.thread("backend", usage=Usage(total=9_000))
    turn(console, source, "u1", "Read the code -> Read.")
    fork = console.server.thread("backend-2", forked_from=source)
    turn(console, fork, "u1", "Read the code -> Read.")
    turn(console, source, "u2", "Sort by price -> I sorted by **price**.", patch("sorted(items)"))
    turn(console, fork, "u3", "Sort by name -> I sorted by name.", patch("by_name(items)"))
    return source, fork


async def opened(console: Console) -> tuple[str, str]:
    ids = tell(console)
    await console.settle()
    console.app.main.open_thread(ids[0])
    await console.press("D")
    assert isinstance(console.app.screen, SideBySideScreen)
    return ids


async def test_a_fork_stands_beside_its_source(console: Console) -> None:
    async with console.open():
        await opened(console)
        shown = console.shown()
        assert "Side by side: backend, backend-2" in shown
        row = next(row for row in shown.splitlines() if "Sort by price" in row)
        assert "Sort by name" in row
        row = next(row for row in shown.splitlines() if "I sorted by price." in row)
        assert "I sorted by name." in row
        row = next(row for row in shown.splitlines() if "+ sorted(items)" in row)
        assert "+ by_name(items)" in row
        assert "fork of backend · the turn before is the same" in shown
        assert "1m 30s" in shown
        assert "4.2k tokens" in shown
        assert "Read the code" not in shown


@pytest.mark.parametrize("keys", [("2",), ("right",), ("tab",), ("l",), ("left",), ("h",)])
async def test_a_thread_is_chosen(console: Console, keys: tuple[str, ...]) -> None:
    async with console.open():
        await opened(console)
        assert "▌1 backend" in console.shown()
        await console.press(*keys)
        assert "▌2 backend-2" in console.shown()
        await console.press("3")
        assert "There is no thread 3" in console.shown()
        await console.press("1", "j", "k")
        assert "▌1 backend" in console.shown()


async def test_all_columns_scroll_together(console: Console) -> None:
    async with console.open((80, 12)):
        await opened(console)
        await console.press("end")
        assert console.app.screen.query_one(StripView).scroll_offset.y > 0
        row = next(row for row in console.shown().splitlines() if "+ sorted(items)" in row)
        assert "+ by_name(items)" in row


async def test_threads_are_put_beside_and_taken_out(console: Console) -> None:
    async with console.open():
        other = console.server.thread("other")
        await opened(console)
        for handle in ("other", "backend-2", "fourth"):
            if handle == "fourth":
                console.server.thread("fourth")
                console.server.thread("fifth")
                await console.settle()
            await pick(console, handle)
        assert "Side by side: backend, other, fourth" in console.shown()
        await pick(console, "fifth")
        assert "3 threads fit beside each other" in console.shown()
        assert other


async def test_marked_threads_are_compared_first(console: Console) -> None:
    async with console.open():
        threads = [console.server.thread(handle) for handle in ("one", "two", "three", "four")]
        await console.settle()
        for thread_id in threads[:2]:
            console.app.main.workbench.toggle_mark(thread_id)
        console.app.main.open_thread(threads[2])
        await console.press("D")
        assert "Side by side: one, two\n" in console.shown()
        await console.press("escape")
        console.app.main.workbench.toggle_mark(threads[1])
        await console.press("D")
        assert "Side by side: one, three\n" in console.shown()
        await console.press("escape")
        for thread_id in threads[1:]:
            console.app.main.workbench.toggle_mark(thread_id)
        await console.press("D")
        assert "Side by side: one, two, three\n" in console.shown()
        assert "4 are marked, and 3 fit: s changes which" in console.shown()
        await console.press("j")
        assert "4 are marked" not in console.shown()


async def pick(console: Console, handle: str) -> None:
    await console.press("s")
    screen = console.app.screen
    assert isinstance(screen, PickScreen)
    at = next(n for n, entry in enumerate(screen._entries) if f"] {handle}:" in entry)
    await console.press(*["down"] * at, "enter")


async def test_a_thread_without_relatives_asks_for_another(console: Console) -> None:
    async with console.open():
        console.server.thread("alone")
        console.server.thread("other")
        await console.settle()
        await console.press("D")
        await console.until("Put beside, or take out")
        await console.press("escape")
        assert "Side by side: " in console.shown()
        await console.press("d")
        assert "There is nothing to compare it with" in console.shown()
        await console.press("K")
        assert "There is no other thread to put away" in console.shown()


async def test_d_shows_the_diff_of_both(console: Console) -> None:
    async with console.open():
        await opened(console)
        await console.press("d")
        assert isinstance(console.app.screen, DiffScreen)
        assert "backend against backend-2: what each has changed since the fork" in console.shown()
        assert "only backend-2" in console.shown()


async def test_enter_opens_the_chosen_thread(console: Console) -> None:
    async with console.open():
        _, fork = await opened(console)
        await console.press("2", "enter")
        assert console.app.screen is console.app.main
        assert console.current == fork


async def test_keeping_one_says_what_happens_and_needs_a_yes(console: Console) -> None:
    async with console.open():
        source, _ = await opened(console)
        await console.press("2", "K")
        assert isinstance(console.app.screen, ConfirmScreen)
        assert "Keep backend-2 only?" in console.shown()
        assert "backend is idle: what it does stops" in console.shown()
        await console.press("enter")  # the focus is on no
        assert console.called("codex-kill") == []
        await console.press("K", "n", "K", "y")
        assert console.called("codex-kill") == [{"thread": source}]


async def test_a_thread_of_another_program_is_left_as_it_is(console: Console) -> None:
    async with console.open():
        await opened(console)
        console.server.thread("backend-2", ours=False, origin="Codex TUI")
        await console.settle()
        await console.press("K")
        assert "only there can it be closed" in console.shown()
        assert console.called("codex-kill") == []


async def test_what_goes_on_is_followed(console: Console) -> None:
    async with console.open():
        source, _ = await opened(console)
        turn(console, source, "u9", "Go on -> Went on.")
        await console.until("Went on.")


async def test_a_run_cannot_stand_beside_others(console: Console) -> None:
    async with console.open():
        await console.press("D")
        assert "no thread is chosen" in console.notices()[0]
