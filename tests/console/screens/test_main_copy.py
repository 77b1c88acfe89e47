"""Items are marked, folded one by one, and copied as they were."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of
from textual.geometry import Offset
from textual.selection import Selection

from codextui.console.clipboard import osc52
from codextui.console.screens.copy import CopyScreen

LONG = "A long paragraph that is wrapped at the width of the pane, and copied in one line. " * 3


@pytest.fixture
def console() -> Console:
    return build_console()


def message(text: str, item_id: str) -> dict[str, object]:
    return {"type": "agentMessage", "id": item_id, "text": text}


def command(lines: int, item_id: str = "c1") -> dict[str, object]:
    return {
        "type": "commandExecution",
        "id": item_id,
        "command": f"seq {lines}",
        "status": "completed",
        "exitCode": 0,
        "aggregatedOutput": "\n".join(f"out-{number}" for number in range(1, lines + 1)),
    }


async def show(console: Console, *items: dict[str, object]) -> str:
    thread_id = console.server.thread("backend")
    for item in items:
        console.server.item(thread_id, item)
    await console.settle()
    console.app.main.workbench.focus_thread(thread_id)
    await console.settle()
    return thread_id


def written(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    sequences: list[str] = []
    monkeypatch.setattr(console.app, "_write", sequences.append)
    return sequences


async def copied(console: Console) -> None:
    """Wait until what was copied is out."""
    if running := [worker for worker in console.app.workers if worker.group == "clipboard"]:
        await console.app.workers.wait_for_complete(running)
    await console.settle()


async def test_y_copies_the_last_item_as_it_was(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = written(console, monkeypatch)
    async with console.open(size=(100, 40)):
        await show(console, command(3), message(LONG, "m1"))
        await console.press("y")
        await copied(console)
        assert sequences == [osc52(LONG, {})]
        assert console.notices()[0].startswith("Copied: A long paragraph")


async def test_y_asks_which_part_and_y_again_copies_all(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = written(console, monkeypatch)
    async with console.open(size=(100, 40)):
        await show(console, message("Run\n\n```sh\nmake all\n```", "m1"))
        await console.press("y")
        assert isinstance(console.app.screen, CopyScreen)
        assert "code, sh  1 line" in console.shown()
        await console.press("2")
        await copied(console)
        await console.press("y", "y")
        await copied(console)
        assert sequences == [osc52("make all", {}), osc52("Run\n\n```sh\nmake all\n```", {})]
        await console.press("y", "escape")
        assert len(sequences) == 2


async def test_a_marked_item_is_copied(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = written(console, monkeypatch)
    async with console.open(size=(100, 40)):
        thread_id = await show(console, message("first", "m1"), message("second", "m2"))
        await console.press("K", "K", "y")
        await copied(console)
        assert sequences == [osc52("first", {})]
        assert "▎first" in text_of(console.pane(thread_id))
        await console.press("escape")
        assert "▎first" not in text_of(console.pane(thread_id))


async def test_selected_text_is_copied_without_line_breaks_and_margins(console: Console) -> None:
    async with console.open(size=(100, 40)):
        thread_id = await show(console, message(f"{LONG}\n\n- one two\n- three", "m1"))
        pane = console.pane(thread_id)
        everything, _ = pane.get_selection(Selection(None, None)) or ("", "")
        assert LONG.strip() in everything
        assert "\n• one two\n• three" in everything
        assert "\n " not in everything
        row = next(at for at, strip in enumerate(pane._rows.rows) if "A long" in strip.text)
        part, _ = pane.get_selection(Selection(Offset(3, row), Offset(9, row + 1))) or ("", "")
        assert part == LONG[2 : len(part) + 2]
        assert len(part) > 60


async def test_there_may_be_nothing_to_copy(console: Console) -> None:
    async with console.open(size=(100, 40)):
        await console.press("y")
        assert console.notices() == ["There is nothing to copy yet."]


async def test_space_folds_the_marked_item_alone(console: Console) -> None:
    async with console.open(size=(100, 50)):
        thread_id = await show(console, command(20, "c1"), command(20, "c2"), message("ok", "m"))
        before = text_of(console.pane(thread_id))
        await console.press("K", "K", "space")
        unfolded = text_of(console.pane(thread_id))
        assert unfolded.count("out-1\n") == 1
        assert unfolded.count("8 more lines") == 1
        await console.press("space")
        await console.press("escape")
        assert text_of(console.pane(thread_id)) == before


async def test_an_item_that_is_shown_whole_folds_to_a_line(console: Console) -> None:
    async with console.open(size=(100, 40)):
        thread_id = await show(console, message("one\n\ntwo\n\nthree", "m1"), command(2))
        await console.press("K", "K", "space")
        folded = text_of(console.pane(thread_id))
        assert "▎one" in folded
        assert "folded: 4 more lines" in folded
        assert "two" not in folded
        console.server.item(thread_id, message("last", "m2"))
        await console.settle()
        assert "two" not in text_of(console.pane(thread_id))
        await console.press("space")
        assert "two" in text_of(console.pane(thread_id))


async def test_marking_goes_from_item_to_item_and_scrolls(console: Console) -> None:
    async with console.open(size=(100, 16)):
        items = [message(f"item-{number}", f"m{number}") for number in range(30)]
        thread_id = await show(console, *items)
        await console.press("K")
        assert "▎item-29" in text_of(console.pane(thread_id))
        await console.press(*["K"] * 20)
        assert "▎item-9" in text_of(console.pane(thread_id))
        await console.press("J")
        assert "▎item-10" in text_of(console.pane(thread_id))
        await console.press(*["K"] * 11)
        assert console.notices() == ["This is the first item."]


async def test_news_below_is_counted_while_one_reads_above(console: Console) -> None:
    async with console.open(size=(100, 16)):
        items = [message(f"item-{number}", f"m{number}") for number in range(30)]
        thread_id = await show(console, *items)
        await console.press("pageup")
        assert "new" not in text_of(console.pane(thread_id)).splitlines()[-1]
        console.server.item(thread_id, message("and more", "m31"))
        await console.settle()
        assert ", 2 new   end follows" in text_of(console.pane(thread_id))
        await console.press("end")
        assert "and more" in text_of(console.pane(thread_id))
        await console.press("pageup")
        assert ", 2 new" not in text_of(console.pane(thread_id))
