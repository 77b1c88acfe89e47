"""Without colours (NO_COLOR) everything works and is distinguishable."""

from __future__ import annotations

import pytest
from console.screens import story
from console.screens.console import Console, build_console, text_of

from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.thread_tree import ThreadTree


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("NO_COLOR", "1")
    return build_console()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_every_screen_can_be_drawn_without_colours(
    console: Console, size: tuple[int, int]
) -> None:
    async with console.open(size):
        story.tell(console.server, 6)
        await console.settle()
        for key in ("n", "question_mark", "d", "F", "X", "Q", "ctrl+p", "enter"):
            await console.press(key, "escape")
        story.trouble(console.server)
        await console.settle()
        await console.press("escape", "pageup")
        console.server.disconnect()
        await console.settle()


async def test_states_are_words_and_marks_without_colours(console: Console) -> None:
    async with console.open():
        story.tell(console.server, 6)
        story.trouble(console.server)
        await console.settle()
        await console.press("escape")
        tree = text_of(console.app.main.query_one(ThreadTree))
        for state in ("● backend", "running", "? frontend", "needs approval", "✗ tester", "† old"):
            assert state in tree
        assert "✗ tester failed" in text_of(console.app.main.query_one(AttentionStrip))
