"""Long output can be read: unfolded in its pane, zoomed, or in the pager."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from console.screens.console import Console, build_console, text_of
from textual.events import Key
from textual.strip import Strip
from textual.widgets import Static

from codextui.console.model.item_reading import read_item
from codextui.console.model.items import TranscriptItem, content_size
from codextui.console.render.palette import Palette
from codextui.console.screens.pager import PagerScreen, beginning_of, copy_of
from codextui.console.widgets.strip_view import StripView
from codextui.console.widgets.transcript_pane import TranscriptPane
from codextui.protocol.events import ItemCompleted, ItemStarted, OutputDelta, TurnStarted


@pytest.fixture
def console() -> Console:
    return build_console()


def command(lines: int, item_id: str = "c1") -> dict[str, object]:
    return {
        "type": "commandExecution",
        "id": item_id,
        "command": f"seq {lines}",
        "commandActions": [],
        "cwd": "/w",
        "status": "completed",
        "exitCode": 0,
        "aggregatedOutput": "\n".join(f"out-{number}" for number in range(1, lines + 1)),
    }


async def show(console: Console, *items: dict[str, object]) -> str:
    thread_id = console.server.running("backend")
    for item in items:
        console.server.item(thread_id, item)
    await console.settle()
    return thread_id


def pager_text(console: Console) -> str:
    assert isinstance(console.app.screen, PagerScreen)
    return text_of(console.app.screen.query_one(StripView))


async def test_space_unfolds_what_the_pane_shows_and_folds_it_again(console: Console) -> None:
    async with console.open(size=(100, 40)):
        thread_id = await show(console, command(30))
        before = text_of(console.pane(thread_id))
        assert "out-18\n" not in before
        assert "… 18 more lines" in before
        assert "space unfold" in console.shown()
        await console.press("space")
        unfolded = text_of(console.pane(thread_id))
        assert all(f"out-{number}\n" in unfolded for number in range(1, 30))
        assert "space unfold" not in console.shown()
        await console.press("space")
        assert text_of(console.pane(thread_id)) == before


async def test_an_unfolded_item_is_shown_from_its_start(console: Console) -> None:
    async with console.open(size=(100, 24)):
        thread_id = await show(console, command(100), {"type": "plan", "id": "p", "text": "next"})
        await console.press("space")
        shown = text_of(console.pane(thread_id))
        assert "$ seq 100" in shown
        assert "out-1\n" in shown
        console.server.text(thread_id, "more")
        await console.settle()
        assert "out-1\n" in text_of(console.pane(thread_id))


async def test_any_item_can_be_unfolded(console: Console) -> None:
    call = {
        "type": "mcpToolCall",
        "id": "t1",
        "server": "notes",
        "tool": "search",
        "status": "completed",
        "arguments": {"text": "arg " * 2000 + "LAST-ARGUMENT"},
        "result": {"content": [{"type": "text", "text": "row\n" * 60 + "LAST-RESULT"}]},
    }
    diff = "\n".join(f"added-{number}" for number in range(50))
    patch = {
        "type": "fileChange",
        "id": "f1",
        "status": "completed",
        "changes": [{"path": "a.py", "kind": {"type": "add"}, "diff": diff}],
    }
    unknown = {"type": "novelty", "id": "n1", "list": [f"v{number}" for number in range(50)]}
    for item, last in (
        (call, "LAST-ARGUMENT"),
        (call, "LAST-RESULT"),
        (patch, "added-49"),
        (unknown, "v49"),
    ):
        console = build_console(layout=1)
        async with console.open(size=(160, 160)):
            thread_id = await show(console, item)
            assert last not in text_of(console.pane(thread_id))
            await console.press("space")
            assert last in text_of(console.pane(thread_id))


async def test_unfolding_stays_after_a_resize(console: Console) -> None:
    async with console.open(size=(100, 44)) as pilot:
        thread_id = await show(console, command(30))
        await console.press("space")
        await pilot.resize_terminal(90, 44)
        await console.settle()
        assert "out-1\n" in text_of(console.pane(thread_id))


async def test_zoom_unfolds_what_fits(console: Console) -> None:
    async with console.open():
        thread_id = await show(console, command(30))
        console.server.running("other")
        await console.settle()
        assert "out-5\n" not in text_of(console.pane(thread_id))
        await console.press("1", "z")
        assert "out-1\n" in text_of(console.pane(thread_id))
        await console.press("z")
        assert "out-5\n" not in text_of(console.pane(thread_id))


async def test_the_pager_shows_all_of_an_item(console: Console) -> None:
    async with console.open(size=(80, 24)):
        await show(console, command(5000))
        await console.press("o")
        assert "out-1\n" in pager_text(console)
        await console.press("G")
        assert "out-5000" in pager_text(console)
        assert "of 500" in str(console.app.screen.query_one("#position", Static).content)
        await console.press("escape")
        assert console.app.screen is console.app.main


async def test_the_pager_goes_to_the_items_before_and_after(console: Console) -> None:
    async with console.open(size=(80, 24)):
        await show(console, command(40, "c1"), command(50, "c2"))
        await console.press("o")
        assert "seq 50" in pager_text(console)
        await console.press("p")
        assert "seq 40" in pager_text(console)
        await console.press("n", "n", "n")
        assert "seq 50" in pager_text(console)


async def test_the_pager_follows_an_item_that_grows(console: Console) -> None:
    async with console.open(size=(80, 24)):
        thread_id = console.server.thread("backend")
        console.server.say(thread_id, TurnStarted())
        item = command(0) | {"status": "inProgress", "exitCode": None, "aggregatedOutput": None}
        console.server.say(thread_id, ItemStarted(item))
        await console.settle()
        await console.press("o")
        console.server.say(thread_id, OutputDelta("c1", "10%\r50%\r"))
        await console.until("50%")
        assert "10%" not in console.shown()
        console.server.say(thread_id, ItemCompleted(command(3)))
        await console.until("out-3")


async def test_there_may_be_nothing_to_unfold_or_to_read(console: Console) -> None:
    async with console.open():
        console.server.thread("backend")
        await console.settle()
        await console.press("space", "o")
        assert console.notices() == ["Nothing is folded here.", "There is nothing to read yet."]


def spied_layout(monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[bool, int]], threading.Event]:
    """Note on which thread how much is laid out; whole large items wait for the event."""
    laid_out: list[tuple[bool, int]] = []
    may_end = threading.Event()
    lay_out = PagerScreen._lay_out

    def spy(item: TranscriptItem, width: int, palette: Palette) -> Sequence[Strip]:
        is_main = threading.current_thread() is threading.main_thread()
        laid_out.append((is_main, content_size(item.content)))
        assert may_end.wait(60)
        return lay_out(item, width, palette)

    monkeypatch.setattr(PagerScreen, "_lay_out", staticmethod(spy))
    return laid_out, may_end


def mebibyte(kind: str) -> dict[str, object]:
    text = "".join(f"line {number} of many, **long**\n\n" for number in range(35_000))[: 1 << 20]
    if kind == "agentMessage":
        return {"type": kind, "id": "big", "text": text}
    if kind == "fileChange":
        diff = "".join(f"+line {number}\n" for number in range(70_000))
        change = {"path": "a.py", "kind": {"type": "add"}, "diff": diff}
        return {"type": kind, "id": "big", "status": "completed", "changes": [change]}
    return command(0) | {"id": "big", "aggregatedOutput": text}


@pytest.mark.parametrize("kind", ["commandExecution", "agentMessage", "fileChange"])
async def test_a_large_item_is_laid_out_off_the_loop_and_its_beginning_shown_at_once(
    console: Console, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    laid_out, may_end = spied_layout(monkeypatch)
    async with console.open(size=(80, 24)):
        await show(console, mebibyte(kind))
        await console.press("o")
        assert "line 0" in pager_text(console) or "+line 0" in pager_text(console)
        await console.press("j", "G")
        assert "the rest is being laid out" in pager_text(console)
        may_end.set()
        assert isinstance(console.app.screen, PagerScreen)
        await console.app.workers.wait_for_complete(
            [worker for worker in console.app.workers if worker.group == "layout"]
        )
        await console.settle()
        assert "the rest is being laid out" not in pager_text(console)
        assert "line " in pager_text(console)
        assert [(is_main, size > 500_000) for is_main, size in laid_out] == [(False, True)]
        await console.press("home")
        assert "line 0" in pager_text(console) or "+line 0" in pager_text(console)


async def test_the_pager_copies_its_item(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with console.open(size=(80, 24)):
        monkeypatch.setattr(console.app, "copy_to_clipboard", copied.append)
        await show(console, command(3))
        await console.press("o", "y")
        assert copied == ["$ seq 3\nout-1\nout-2\nout-3"]


@pytest.mark.parametrize("kind", ["commandExecution", "agentMessage", "fileChange"])
def test_the_beginning_of_a_large_item_is_small(kind: str) -> None:
    content = read_item(mebibyte(kind))
    item = TranscriptItem("u", "big", 0, content, 1, done=True)
    assert 5_000 < content_size(beginning_of(item).content) < 20_000
    other = copy_of(item)
    assert other.content is not item.content
    assert content_size(other.content) == content_size(item.content)


async def test_a_key_is_handled_between_the_long_answers_of_many_threads(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    current_at_drawing: list[str] = []
    flush = TranscriptPane.flush

    def spy(pane: TranscriptPane) -> None:
        current_at_drawing.append(console.current)
        flush(pane)

    async with console.open():
        threads = [console.server.running(f"backend{number}") for number in range(9)]
        await console.settle()
        await console.press("1")
        first = console.current
        monkeypatch.setattr(TranscriptPane, "flush", spy)
        for thread_id in threads:
            console.server.item(thread_id, mebibyte("agentMessage"))
        console.app.post_message(Key("9", "9"))
        await console.settle()
        assert console.current != first
        assert len(current_at_drawing) >= len(threads)
        assert current_at_drawing.count(first) < len(threads)
        for thread_id in threads:
            assert "of many, **long**" in text_of(console.pane(thread_id))
