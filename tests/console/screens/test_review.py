"""The dialog that starts a review, and a review in a pane."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console
from console.screens.dialog_host import on_screen

from codextui.console.screens.review import ReviewScreen
from codextui.protocol.threads import ThreadInfo, ThreadState


@pytest.fixture
def console() -> Console:
    console = build_console()
    beside = ThreadInfo("t-mine-review", "mine-review", ThreadState.RUNNING)
    console.server.results["codex-review"] = {"thread": beside.to_json()}
    return console


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        ([], {"detached": True}),
        (["tab", "tab", "right"], {}),
        (["right", "tab", *"main"], {"base": "main", "detached": True}),
        (["right", "right", "tab", *"abc"], {"commit": "abc", "detached": True}),
        (["right", "right", "right", "tab", *"it"], {"instructions": "it", "detached": True}),
    ],
)
async def test_the_dialog_asks_what_to_review_and_where(
    console: Console, keys: list[str], arguments: dict[str, object]
) -> None:
    async with console.open(size=(120, 40)):
        console.server.thread("mine")
        await console.settle()
        await console.press("v", *keys, "ctrl+s")
        assert console.called("codex-review") == [{"thread": "t-mine", **arguments}]


async def test_what_is_missing_keeps_the_dialog_open(console: Console) -> None:
    async with console.open(size=(120, 40)):
        console.server.running("mine")
        await console.settle()
        await console.press("v", "right", "ctrl+s")
        assert "Name the branch." in on_screen(console.app)
        await console.press(*"main", "tab", "right", "ctrl+s")
        assert isinstance(console.app.screen, ReviewScreen)
        assert "A turn runs there: choose a new thread." in on_screen(console.app)
        await console.press("escape")
        assert console.called("codex-review") == []


async def test_the_thread_that_reviews_is_shown(console: Console) -> None:
    async with console.open(size=(120, 40)):
        console.server.thread("mine")
        await console.settle()
        await console.press("v", "ctrl+s")
        console.server.running("mine-review")
        await console.settle()
        assert console.current == "t-mine-review"


async def test_a_review_in_a_pane_says_what_it_reviews_and_that_it_has_ended(
    console: Console,
) -> None:
    async with console.open(size=(120, 40)):
        thread = console.server.running("mine")
        console.server.item(
            thread, {"type": "enteredReviewMode", "id": "r1", "review": "current changes"}
        )
        console.server.item(thread, {"type": "exitedReviewMode", "id": "r2", "review": "Fine."})
        await console.settle()
        shown = on_screen(console.app)
        assert "the review begins: current changes" in shown
        assert "the review is done" in shown
