"""Queued messages in the console: the key of the composer, the lines above it, the dialog."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console
from console.screens.dialog_host import on_screen

from codextui.console.screens.queue import QueueScreen
from codextui.console.widgets.composer import Composer
from codextui.errors import ServerRefused
from codextui.protocol.threads import QueuedMessage, ThreadState

QUEUE = tuple(QueuedMessage(f"q{number}", f"do {number}") for number in range(1, 6))


@pytest.fixture
def console() -> Console:
    return build_console()


async def test_ctrl_t_queues_while_a_turn_runs_and_replies_at_rest(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        await console.settle()
        await console.press("r", *"later", "ctrl+t")
        assert console.called("codex-queue") == [
            {"thread": thread, "prompt": "later", "action": "add"}
        ]
        console.server.thread("mine", ThreadState.IDLE)
        await console.settle()
        await console.press("r", *"now", "ctrl+t")
        assert console.called("codex-send") == [{"thread": thread, "prompt": "now"}]


async def test_what_is_queued_stands_above_the_composer_and_in_the_header(
    console: Console,
) -> None:
    async with console.open(size=(120, 40)):
        console.server.running("mine")
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE)
        await console.settle()
        assert "+5 queued" in on_screen(console.app)
        await console.press("r")
        shown = on_screen(console.app)
        for text in ("queued 1: do 1", "queued 3: do 3", "and 2 more queued", "steer mine"):
            assert text in shown
        assert "queued 4" not in shown
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE[4:])
        await console.settle()
        shown = on_screen(console.app)
        assert "queued 1: do 5" in shown
        assert "do 1" not in shown


async def test_a_queued_message_that_is_refused_stays_a_draft(console: Console) -> None:
    console.server.failures["codex-queue"] = ServerRefused("this Codex has no queue")
    async with console.open():
        console.server.running("mine")
        await console.settle()
        await console.press("r", *"later", "ctrl+t")
        await console.settle()
        assert any("has no queue" in notice for notice in console.notices())
        await console.press("r")
        assert isinstance(console.app.focused, Composer)
        assert console.app.focused.text == "later"


async def test_the_dialog_removes_starts_and_follows_the_queue(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE)
        await console.settle()
        await console.press("u", "j", "x")
        assert isinstance(console.app.screen, QueueScreen)
        assert console.called("codex-queue") == [
            {"thread": thread, "action": "remove", "message": "q2"}
        ]
        await console.press("s")  # not while a turn runs
        assert len(console.called("codex-queue")) == 1
        console.server.thread("mine", ThreadState.INTERRUPTED, queued=QUEUE[2:])
        console.app.screen._update()
        await console.press("x", "s")
        assert console.called("codex-queue")[1:] == [
            {"thread": thread, "action": "remove", "message": "q4"},
            {"thread": thread, "action": "start"},
        ]
        console.server.thread("mine", ThreadState.RUNNING, queued=())
        console.app.screen._update()
        await console.press("x")
        assert len(console.called("codex-queue")) == 3
        assert "Nothing is queued any more." in on_screen(console.app)
        await console.press("escape")
        await console.press("u")
        assert any("Nothing is queued for mine" in notice for notice in console.notices())
