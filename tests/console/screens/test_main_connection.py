"""The console and its server: found, lost, found again; and what it says meanwhile."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of

from codextui.console.screens.problem import ProblemScreen
from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.protocol.events import CodexLost, CodexReady, Warned
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def status(console: Console) -> str:
    return text_of(console.app.main.query_one(StatusLine))


async def test_the_screen_is_there_before_the_server_is(console: Console) -> None:
    async with console.app.run_test(size=(160, 45)):
        await console.settle()
        assert "connecting" in status(console)
        await console.press("n")
        assert "still connecting" in console.notices()[0]


async def test_a_lost_server_is_said_and_the_panes_stay_readable(console: Console) -> None:
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


async def test_found_again_the_console_goes_on_where_it_was(console: Console) -> None:
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


async def test_a_server_with_another_past_replaces_what_was_known(console: Console) -> None:
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


async def test_a_server_that_cannot_be_reached_at_first_is_a_screen_of_its_own(
    console: Console,
) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.disconnect("no socket, and it did not start")
        await console.settle()
        assert isinstance(console.app.screen, ProblemScreen)
        console.server.connect()
        await console.settle()
        assert console.app.screen is console.app.main


async def test_a_person_can_have_it_try_again(console: Console) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.disconnect("no socket, and it did not start")
        await console.settle()
        await console.press("r")
        assert console.server.retries == 1
        assert console.app.screen is console.app.main


async def test_a_lost_server_can_be_tried_at_once(console: Console) -> None:
    async with console.open():
        console.server.disconnect()
        await console.settle()
        await console.press("ctrl+r")
        assert console.server.retries == 1


async def test_a_server_without_a_usable_codex_says_what_to_do(console: Console) -> None:
    console.server.results["codex-server"] = {"problem": "not logged in: type codex login"}
    async with console.open():
        assert isinstance(console.app.screen, ProblemScreen)


async def test_a_lost_codex_process_is_said_until_it_is_back(console: Console) -> None:
    async with console.open():
        console.server.say("", CodexLost("codex app-server was killed"), "")
        await console.settle()
        assert "codex app-server was killed" in status(console)
        console.server.say("", CodexReady("0.163.0"), "")
        await console.settle()
        assert "killed" not in status(console)
        assert "codex 0.163.0" in status(console)


async def test_what_concerns_the_whole_server_is_said_when_it_happens(console: Console) -> None:
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


async def test_without_a_usable_codex_the_threads_of_the_past_can_still_be_read(
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
