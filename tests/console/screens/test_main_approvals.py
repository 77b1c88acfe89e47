"""Approvals on the main screen: when the dialog opens, and what the strip shows."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, text_of
from textual.widgets import Static

from codextui.client.updates import ApprovalOffered
from codextui.config.schema import ApprovalsConfig, Config, UiConfig
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.composer import Composer
from codextui.errors import ApprovalGone, ServerRefused, ServerUnreachable
from codextui.protocol.approvals import Approval, CommandAsked, Deciders, PatchAsked
from codextui.protocol.decisions import Approved
from codextui.protocol.events import ApprovalAsked
from codextui.protocol.threads import ThreadState

ASKED = CommandAsked("pytest -q tests")


@pytest.fixture
def console() -> Console:
    return build_console(
        config=Config(approvals=ApprovalsConfig(quiet=0.0), ui=UiConfig(layout=9, bell=True))
    )


def strip(console: Console) -> str:
    return text_of(console.app.main.query_one(AttentionStrip))


async def test_an_approval_opens_the_dialog_by_itself_and_y_approves(console: Console) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        await console.press("y")
        assert console.server.answers == [("a1", Approved())]


async def test_an_approval_decided_elsewhere_closes_the_dialog(console: Console) -> None:
    async with console.open():
        approval = console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        console.server.resolve(approval)
        await console.settle()
        assert console.app.screen is console.app.main
        assert "nothing needs you" in strip(console)


async def test_a_postponed_approval_stays_in_the_strip_until_it_is_opened(console: Console) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        await console.press("escape")
        assert console.app.screen is console.app.main
        assert "backend" in strip(console)
        assert "pytest -q tests" in strip(console)
        console.server.running("frontend")
        await console.settle()
        assert console.app.screen is console.app.main
        await console.press("a")
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_a_click_in_the_strip_opens_that_approval(console: Console) -> None:
    async with console.open() as pilot:
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        await console.press("escape")
        await pilot.click(AttentionStrip, offset=(5, 0))
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_the_strip_lists_the_oldest_first_and_counts_the_rest(console: Console) -> None:
    async with console.open((70, 16)):
        for number in range(6):
            console.server.ask(console.server.running(f"role-{number}"), f"a{number}")
        await console.settle()
        await console.press("escape")
        rows = strip(console).splitlines()
        assert len(rows) == 4
        assert "role-0" in rows[0]
        assert "role-2" in rows[2]
        assert "3 more" in rows[3]


async def test_the_strip_grows_with_the_screen(console: Console) -> None:
    async with console.open((70, 16)) as pilot:
        for number in range(6):
            console.server.ask(console.server.running(f"role-{number}"), f"a{number}")
        await console.settle()
        await console.press("escape")
        await pilot.resize_terminal(160, 45)
        await console.settle()
        rows = strip(console).splitlines()
        assert len(rows) == 6
        assert all(f"role-{n} 14s run: pytest -q tests" in row for n, row in enumerate(rows))


async def test_approvals_stand_before_failures_in_columns_if_there_are_many(
    console: Console,
) -> None:
    async with console.open((80, 24)) as pilot:
        console.server.thread("first")
        console.server.thread("broken", ThreadState.FAILED, note="stream disconnected")
        for number in range(9):
            console.server.ask(console.server.running(f"role-{number}"), f"a{number}")
        await console.settle()
        await console.press("escape", "left")
        rows = strip(console).splitlines()
        assert len(rows) == 5
        assert "role-0" in rows[0]
        assert "role-5" in rows[0]
        assert "role-8 14s run: pytest" in rows[3]
        assert "broken failed" in rows[4]
        await pilot.click(AttentionStrip, offset=(50, 3))
        await console.settle()
        assert "role-8 asks to run a command" in console.shown()


async def test_failures_take_no_line_from_those_that_ask(console: Console) -> None:
    async with console.open((80, 24)):
        console.server.thread("first")
        for number in range(2):
            console.server.thread(f"broken-{number}", ThreadState.FAILED, note="no network")
        for number in range(12):
            console.server.ask(console.server.running(f"role-{number}"), f"a{number}")
        await console.settle()
        await console.press("escape", "left")
        rows = strip(console).splitlines()
        assert all(f"role-{number} " in "\n".join(rows) for number in range(12))
        assert rows[-1].rstrip().endswith("… 2 failed")
        console.server.ask(console.server.running("late"), "a12")
        await console.settle()
        await console.press("escape")
        assert strip(console).splitlines()[-1].rstrip().endswith("… 4 more: 2 ask, 2 failed")


async def test_a_failed_thread_is_in_the_strip_until_it_is_looked_at(
    console: Console,
) -> None:
    async with console.open():
        console.server.running("backend")
        console.server.running("frontend")
        await console.settle()
        console.server.thread("frontend", ThreadState.FAILED, note="stream disconnected")
        await console.settle()
        assert "frontend failed 10m ago stream disconnected" in strip(console)
        await console.press("2")
        assert "nothing needs you" in strip(console)


async def test_the_dialog_does_not_open_while_the_user_writes(
    console: Console,
) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("r", *"yes")
        console.server.ask(thread_id, "a1")
        await console.settle()
        assert console.app.screen is console.app.main
        assert "pytest -q tests" in strip(console)
        await console.press(*"nnn")
        assert console.app.main.query_one(Composer).text == "yesnnn"
        assert console.server.answers == []
        console.app._last_key_at -= 7200
        console.app._approvals.open_if_allowed()
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_the_dialog_waits_for_another_dialog_to_close(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("X")
        dialog = console.app.screen
        console.server.ask(thread_id, "a1")
        await console.settle()
        assert console.app.screen is dialog
        await console.press("escape")
        console.app._approvals.open_if_allowed()
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_replayed_approvals_do_not_open_the_dialog_before_the_replay_ends(
    console: Console,
) -> None:
    async with console.app.run_test(size=(160, 45)):
        console.server.connect()
        approval = console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        assert console.app.screen is console.app.main
        console.server.resolve(approval)
        console.server.catch_up()
        await console.settle()
        assert console.app.screen is console.app.main


async def test_a_decision_that_comes_too_late_shows_a_notice(console: Console) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        console.server.failures["answer"] = ApprovalGone("a1 was declined by another console")
        await console.press("y")
        assert "a1 was declined by another console" in console.notices()


async def test_a_failed_decision_can_be_made_again(console: Console) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        console.server.failures["answer"] = ServerUnreachable("the connection was lost")
        await console.press("y")
        del console.server.failures["answer"]
        await console.press("y")
        assert console.server.answers == [("a1", Approved()), ("a1", Approved())]


async def test_the_dialog_that_opens_again_says_why_a_decision_failed(console: Console) -> None:
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        console.server.failures["answer"] = ServerRefused("the disk is full")
        await console.press("y")
        await console.settle()
        note = console.app.screen.query_one("#note", Static)
        assert note.display
        assert str(note.render()) == "a1: the disk is full"


async def test_what_a_client_is_asked_opens_no_dialog_until_it_is_put_to_the_console() -> None:
    approvals = ApprovalsConfig(quiet=0.0, clients=Deciders.CLIENT)
    console = build_console(config=Config(approvals=approvals, ui=UiConfig(bell=False)))
    async with console.open():
        thread_id = console.server.running("backend")
        approval = Approval("a1", thread_id, "u1", "i", "backend", 1.0, ASKED)
        console.server.say(approval.thread_id, ApprovalAsked(approval))
        await console.settle()
        assert console.app.screen is console.app.main
        console.server.on_update(ApprovalOffered(approval))
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_a_lost_server_closes_the_dialog(console: Console) -> None:
    async with console.open():
        approval = console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        console.server.disconnect("the server went away")
        await console.settle()
        assert console.app.screen is console.app.main
        await console.press("a")
        assert "Nothing can be decided: the server is out of reach." in console.notices()
        console.server.connect(fresh=False)
        console.server.on_update(ApprovalOffered(approval))
        console.server.catch_up()
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        assert console.server.answers == []


async def test_the_bell_rings_once_for_each_approval(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(type(console.app), "bell", lambda _: rung.append(1))
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        assert rung == []
        approval = console.server.ask(thread_id, "a1")
        console.server.text(thread_id, "more")
        await console.settle()
        assert len(rung) == 1
        console.server.resolve(approval)
        console.server.ask(thread_id, "a2")
        await console.settle()
        assert len(rung) == 2


async def test_a_says_so_if_nothing_needs_a_decision(console: Console) -> None:
    async with console.open():
        await console.press("a")
        assert console.notices() == ["Nothing needs a decision."]


async def test_the_thread_of_an_approval_can_be_opened(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        thread_id = console.server.running("frontend")
        console.server.ask(thread_id, "a1")
        await console.settle()
        await console.press("o")
        assert console.app.screen is console.app.main
        assert console.current == thread_id


async def test_where_it_does_not_pop_up_the_strip_and_the_bell_still_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approvals = ApprovalsConfig(quiet=0.0, popup=("risk", "role:deployer"))
    console = build_console(config=Config(approvals=approvals, ui=UiConfig(bell=True)))
    rung: list[int] = []
    monkeypatch.setattr(type(console.app), "bell", lambda _: rung.append(1))
    async with console.open():
        console.server.ask(console.server.running("backend"), "a1")
        await console.settle()
        assert console.app.screen is console.app.main
        assert "pytest -q tests" in strip(console)
        assert rung == [1]
        await console.press("a")
        assert isinstance(console.app.screen, ApprovalScreen)
        await console.press("escape")
        console.server.ask(console.server.running("deployer"), "a2")
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        await console.press("escape")
        risky = CommandAsked("rm -rf build")
        console.server.ask(console.server.running("tester"), "a3", risky)
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        assert console.server.answers == []


async def test_an_open_dialog_takes_what_would_not_pop_up(console: Console) -> None:
    approvals = ApprovalsConfig(quiet=0.0, popup=("kind:command",))
    console = build_console(config=Config(approvals=approvals, ui=UiConfig(bell=False)))
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.ask(thread_id, "a1")
        await console.settle()
        console.server.ask(console.server.running("docs"), "a2", PatchAsked())
        await console.settle()
        assert str(console.app.screen.query_one("#place", Static).content) == "1 of 2"
