"""The console while its server is connected, lost and reconnected."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of

from codextui.console.screens.problem import ProblemScreen
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.protocol.events import (
    CodexLost,
    CodexReady,
    TurnAborted,
    TurnCompleted,
    TurnStarted,
    Warned,
)
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def status(console: Console) -> str:
    return text_of(console.app.main.query_one(StatusLine))


async def test_the_screen_opens_before_the_server_is_connected(console: Console) -> None:
    async with console.app.run_test(size=(160, 45)):
        await console.settle()
        assert "connecting" in status(console)
        await console.press("n")
        assert "still connecting" in console.notices()[0]


async def test_a_lost_server_is_shown_and_the_panes_stay_readable(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "what it said")
        await console.settle()
        console.server.disconnect("the server closed the connection")
        await console.settle()
        assert "disconnected" in status(console)
        assert "the server closed the connection" in status(console)
        assert "what it said" in text_of(console.pane(thread_id))
        assert "disconnected" in text_of(console.app.main.query_one(ThreadTree))
        assert console.app.screen is console.app.main


async def test_what_a_lost_server_asked_is_counted_and_asked_again_after_a_reconnect(
    console: Console,
) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        await console.press("escape")
        console.server.running("frontend")
        await console.settle()
        strip = console.app.main.query_one(AttentionStrip)
        tree = console.app.main.query_one(ThreadTree)
        assert "pytest -q tests" in text_of(strip)
        assert "writes" in text_of(tree)
        console.server.disconnect()
        await console.settle()
        assert "waits" not in text_of(tree)
        assert "writes" not in text_of(tree)
        assert text_of(strip).strip() == "~ shown as it was last known: 1 waited for you"
        console.server.connect(fresh=False)
        console.server.catch_up()
        await console.settle()
        assert "pytest -q tests" in text_of(strip)


async def test_after_a_reconnect_the_console_continues_where_it_was(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "before ")
        console.server.disconnect()
        console.server.connect(fresh=False)
        console.server.text(thread_id, "and after")
        console.server.catch_up()
        await console.settle()
        assert "before and after" in text_of(console.pane(thread_id))
        assert "connected" in status(console)
        assert "running" in text_of(console.app.main.query_one(ThreadTree))


async def test_a_server_with_another_history_replaces_the_state(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        await console.settle()
        console.server.disconnect()
        console.server.connect(fresh=True)
        console.server._seq = iter(range(1, 100))  # type: ignore[assignment]
        console.server.thread("other", ThreadState.IDLE)
        console.server.catch_up()
        await console.settle()
        assert console.panes() == ["t-other"]
        assert "backend" not in text_of(console.app.main.query_one(ThreadTree))


async def test_a_server_that_cannot_be_reached_at_first_opens_the_problem_screen(
    console: Console,
) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.disconnect("no socket, and it did not start")
        await console.settle()
        assert isinstance(console.app.screen, ProblemScreen)
        console.server.connect()
        await console.settle()
        assert console.app.screen is console.app.main


async def test_the_user_can_retry(console: Console) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.disconnect("no socket, and it did not start")
        await console.settle()
        await console.press("r")
        assert console.server.retries == 1
        assert console.app.screen is console.app.main


async def test_the_user_can_reconnect_at_once(console: Console) -> None:
    async with console.open():
        console.server.disconnect()
        await console.settle()
        await console.press("ctrl+r")
        assert console.server.retries == 1


async def test_a_server_without_a_usable_codex_opens_the_problem_screen(console: Console) -> None:
    console.server.results["codex-server"] = {"problem": "not logged in: type codex login"}
    async with console.open():
        assert isinstance(console.app.screen, ProblemScreen)


async def test_a_lost_codex_process_is_shown_until_it_is_back(console: Console) -> None:
    async with console.open():
        console.server.say("", CodexLost("codex app-server was killed"), "")
        await console.settle()
        assert "codex app-server was killed" in status(console)
        console.server.say("", CodexReady("0.163.0"), "")
        await console.settle()
        assert "killed" not in status(console)
        assert "codex 0.163.0" in status(console)


async def test_events_about_the_whole_server_show_a_notice(console: Console) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.connect()
        console.server.say("", Warned("an old warning"), "")
        console.server.catch_up()
        await console.settle()
        assert console.notices() == []
        console.server.clock += 1
        console.server.say("", Warned("[b]the disk[/b] is nearly full"), "")
        await console.settle()
        assert console.notices() == ["[b]the disk[/b] is nearly full"]


async def test_without_a_usable_codex_old_threads_can_still_be_read(
    console: Console,
) -> None:
    console.server.results["codex-server"] = {"problem": "Codex is not logged in."}
    async with console.app.run_test(size=(160, 45)):
        console.server.connect()
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "what it said")
        console.server.catch_up()
        await console.settle()
        assert console.app.screen is console.app.main
        assert "Codex is not logged in." in status(console)
        assert "what it said" in text_of(console.pane(thread_id))


async def test_text_on_the_screen_stays_after_the_server_was_killed(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "half an ans")
        await console.settle()
        console.server.disconnect("the server closed the connection")
        await console.settle()
        assert "cut off" not in console.shown()  # It may still be there.
        console.server.disconnect("no server is running", ended=True)
        await console.settle()
        assert "half an ans" in console.shown()
        assert "cut off, the server stopped" in console.shown()


@pytest.mark.parametrize("knows_turn", [True, False])
async def test_a_restarted_server_that_lost_a_text_leaves_it_on_the_screen(
    console: Console, knows_turn: bool
) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "half an ans")
        console.server.disconnect("no server is running", ended=True)
        await console.settle()
        console.server.connect(fresh=True)
        if knows_turn:
            console.server.say(thread_id, TurnStarted())
            console.server.say(thread_id, TurnAborted("lost", "the server stopped"))
        console.server.thread("backend", ThreadState.INTERRUPTED)
        console.server.catch_up()
        await console.settle()
        pane = text_of(console.pane(thread_id))
        assert "half an ans" in pane
        assert "cut off, the server stopped" in pane
        assert "turn 1 lost" in pane
        assert "interrupted" in text_of(console.app.main.query_one(ThreadTree))


async def test_a_thread_that_a_restarted_server_does_not_know_can_still_be_read(
    console: Console,
) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "half an ans")
        console.server.disconnect("no server is running", ended=True)
        console.server.connect(fresh=True)
        console.server.catch_up()
        await console.settle()
        assert "half an ans" in text_of(console.pane(thread_id))
        assert "cut off, the server stopped" in console.shown()
        assert "disconnected" in text_of(console.app.main.query_one(ThreadTree))


async def test_a_text_that_the_restarted_server_knows_whole_is_not_marked(
    console: Console,
) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.text(thread_id, "half an ans")
        console.server.disconnect("no server is running", ended=True)
        console.server.connect(fresh=True)
        console.server.thread("backend")
        console.server.say(thread_id, TurnStarted())
        answer = {"type": "agentMessage", "id": "m1", "text": "half an answer, and the rest"}
        console.server.item(thread_id, answer)
        console.server.say(thread_id, TurnCompleted())
        console.server.catch_up()
        await console.settle()
        assert "half an answer, and the rest" in console.shown()
        assert "cut off" not in console.shown()


async def test_one_wait_has_one_clock(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.ask(thread_id, "a1")  # 14 seconds ago, in a turn that runs for 42
        await console.settle()
        await console.press("escape")
        assert "needs approval 14s" in text_of(console.app.main.query_one(ThreadTree))
        assert "needs approval · 14s" in text_of(console.pane(thread_id))
        assert "backend 14s" in text_of(console.app.main.query_one(AttentionStrip))
        await console.press("a")
        assert "waits 14s" in console.shown()
        assert "42s" not in console.shown()
