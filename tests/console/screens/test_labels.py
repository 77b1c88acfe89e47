"""Jump labels stand on everything visible, and typing one goes there."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of
from hypothesis import given
from hypothesis import strategies as st

from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.labels import LETTERS, LabelsScreen, make_labels
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console(layout=4)


def label_at(console: Console, x: int, y: int) -> str:
    screen = console.app.screen
    assert isinstance(screen, LabelsScreen)
    labels = [label for label, one in screen._targets.items() if (one.x, one.y) == (x, y)]
    assert labels, f"no label at {x}, {y}"
    return labels[0]


async def start(console: Console) -> None:
    for handle in ("backend", "frontend", "docs"):
        thread_id = console.server.thread(handle)
        for number in range(3):
            item = {"type": "agentMessage", "id": f"m{number}", "text": f"{handle}-{number}"}
            console.server.item(thread_id, item)
    await console.settle()


@given(st.integers(0, 700))
def test_labels_are_short_and_none_begins_another(count: int) -> None:
    labels = make_labels(count)
    assert len(labels) == min(count, len(LETTERS) ** 2)
    assert len(set(labels)) == len(labels)
    singles = {label for label in labels if len(label) == 1}
    assert not any(label[0] in singles for label in labels if len(label) > 1)
    assert [len(label) for label in labels] == sorted(len(label) for label in labels)


async def test_a_letter_goes_to_a_pane(console: Console) -> None:
    async with console.open(size=(160, 45)):
        await start(console)
        pane = console.pane("t-docs")
        await console.press("apostrophe")
        await console.press(*label_at(console, pane.region.x, pane.region.y))
        assert console.current == "t-docs"
        assert console.app.focused is console.pane("t-docs")


async def test_a_letter_goes_to_a_row_of_the_tree(console: Console) -> None:
    async with console.open(size=(160, 45)):
        await start(console)
        tree = console.app.main.workbench.thread_tree
        line, thread_id = tree.visible_threads()[1]
        await console.press("apostrophe")
        await console.press(*label_at(console, tree.region.x, tree.region.y + line))
        assert console.current == thread_id


async def test_a_letter_marks_an_item(console: Console) -> None:
    async with console.open(size=(160, 45)):
        await start(console)
        pane = console.pane("t-docs")
        line, _ = pane.visible_items()[1]
        await console.press("apostrophe")
        await console.press(*label_at(console, pane.region.x, pane.region.y + line))
        assert "▎docs-1" in text_of(console.pane("t-docs"))
        assert console.current == "t-docs"


async def test_a_letter_opens_what_the_strip_shows(console: Console) -> None:
    async with console.open(size=(160, 45)):
        await start(console)
        console.server.thread("broken", ThreadState.FAILED, note="no network")
        await console.settle()
        await console.press("r", "a")  # nothing opens by itself while one writes
        console.server.ask("t-backend", "a1")
        await console.settle()
        await console.press("escape")
        strip = console.app.main.attention_strip
        assert len(strip.visible_entries()) == 2
        if not isinstance(console.app.screen, ApprovalScreen):
            await console.press("apostrophe")
            await console.press(*label_at(console, strip.region.x, strip.region.y))
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_escape_goes_nowhere_and_backspace_forgets_a_letter(console: Console) -> None:
    async with console.open(size=(160, 45)):
        for number in range(40):
            console.server.thread(f"t{number}")
        await console.settle()
        current = console.current
        await console.press("apostrophe")
        screen = console.app.screen
        assert isinstance(screen, LabelsScreen)
        pair = next(label for label in screen._targets if len(label) == 2)
        await console.press(pair[0])
        assert sum(static.display for static in screen._shown.values()) < len(screen._shown)
        await console.press("backspace")
        assert all(static.display for static in screen._shown.values())
        await console.press("escape")
        assert console.app.screen is console.app.main
        assert console.current == current


async def test_there_may_be_nothing_to_go_to(console: Console) -> None:
    async with console.open():
        await console.press("apostrophe")
        assert console.notices() == ["There is nothing to go to yet: n starts a thread."]
