"""Marked threads, and one message to all of them."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console
from textual.widgets import TextArea

from codextui.console.screens.broadcast import BroadcastScreen
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


async def mark(console: Console, *threads: str) -> None:
    for thread in threads:
        console.app.main.open_thread(thread)
        await console.settle()
        await console.press("m")


async def test_m_marks_by_sign_and_word_and_m_or_esc_takes_it_away(console: Console) -> None:
    async with console.open():
        one, two = console.server.running("one"), console.server.thread("two")
        await console.settle()
        await mark(console, one, two)
        workbench = console.app.main.workbench
        assert workbench.marked == (one, two)
        assert console.shown().count("◆ marked") == 2
        assert console.shown().count("one  marked") == 1
        await console.press("m")
        assert workbench.marked == (one,)
        assert console.shown().count("◆ marked") == 1
        await console.press("escape")
        assert workbench.marked == ()
        assert "marked" not in console.shown()


async def test_a_mark_goes_with_its_thread(console: Console) -> None:
    async with console.open():
        one, two = console.server.running("one"), console.server.thread("two")
        await console.settle()
        await mark(console, one, two)
        console.server.say(two, ev.ThreadLeft())
        await console.settle()
        assert console.app.main.workbench.marked == (one,)


async def test_b_sends_to_all_marked_and_says_what_it_does_to_each(console: Console) -> None:
    async with console.open():
        one, two = console.server.running("one"), console.server.thread("two")
        console.server.thread("run", ThreadState.RUNNING, kind=ThreadKind.RUN)
        role = console.server.thread(
            "role", ThreadState.RUNNING, kind=ThreadKind.ROLE, parent="t-run"
        )
        dead = console.server.thread("dead", ThreadState.KILLED)
        await console.settle()
        await mark(console, one, two, role, dead)
        await console.press("b")
        shown = console.shown()
        for words in (
            "One message to 3 threads, 1 cannot get it",
            "→ one  steer one",
            "→ two  reply to two: starts its next turn",
            "→ @role  write to role",
            "✗ dead  cannot: dead was killed",
        ):
            assert words in shown
        await console.press(*"stop", "ctrl+s")
        assert console.called("codex-send") == [
            {"thread": one, "prompt": "stop"},
            {"thread": two, "prompt": "stop"},
        ]
        assert [call["thread"] for call in console.called("codex-role")] == [role]
        assert "Not sent to dead: it is a draft there." in console.notices()
        assert console.app.main.workbench.drafts == {dead: "stop"}


async def test_a_failure_is_told_for_each_thread_and_the_text_is_kept(console: Console) -> None:
    console.server.failures["codex-send"] = ServerRefused("the limit is reached")
    async with console.open():
        one, two = console.server.thread("one"), console.server.thread("two")
        await console.settle()
        await mark(console, one, two)
        await console.press("b", *"stop", "ctrl+s")
        for handle in ("one", "two"):
            told = f"Could not send it to {handle}, where it is a draft now: the limit is reached"
            assert told in console.notices()
        assert console.app.main.workbench.drafts == {one: "stop", two: "stop"}


async def test_without_marks_b_says_how_to_mark(console: Console) -> None:
    async with console.open():
        console.server.thread("one")
        await console.settle()
        await console.press("b")
        assert console.notices() == [
            "Nothing is marked: m marks a thread, and b writes to all marked."
        ]


async def test_without_threads_m_says_so(console: Console) -> None:
    async with console.open():
        await console.press("m")
        assert console.notices() == ["Nothing to mark: no thread is chosen."]


async def test_esc_keeps_the_message_and_an_empty_one_is_not_sent(console: Console) -> None:
    async with console.open():
        one = console.server.thread("one")
        await console.settle()
        await mark(console, one)
        await console.press("b", "ctrl+s")
        assert "There is nothing to send yet." in console.shown()
        await console.press(*"later", "escape", "b")
        assert console.app.screen.query_one(TextArea).text == "later"
        console.server.disconnect()
        await console.press("ctrl+s")
        assert isinstance(console.app.screen, BroadcastScreen)
        assert "Nobody can get it now" in console.shown()
        assert console.called("codex-send") == []
