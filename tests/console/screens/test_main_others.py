"""Threads of other programs: in the tree, in panes, followed, and what keys do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from console.screens import story
from console.screens.console import Console, build_console, text_of

from codextui.config.schema import ApprovalsConfig, Config, UiConfig
from codextui.console.model.items import ApprovalItem
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.key_line import KeyLine
from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol import events as ev
from codextui.protocol.approvals import Others
from codextui.protocol.events import ThreadLeft
from codextui.protocol.threads import AWAY_NOTE, ThreadState

ELSEWHERE = "answered elsewhere: in Codex TUI, or another program on the same Codex."


@pytest.fixture
def console() -> Console:
    return build_console()


def foreign(
    console: Console, handle: str = "tui-1", state: ThreadState = ThreadState.IDLE, **more: object
) -> str:
    more = {"origin": "Codex TUI", "ours": False, "followed": False, **more}
    return console.server.thread(handle, state, **more)


def tree(console: Console) -> list[str]:
    """Return the rows of the tree without the second lines of threads."""
    rows = text_of(console.app.main.query_one(ThreadTree)).splitlines()
    return [row for row in rows[2:] if row.strip() and row.strip("│ ") not in ("writes", "thinks")]


def follows(console: Console) -> list[tuple[object, object]]:
    calls = console.called("codex-follow")
    return [(arguments["thread"], arguments["follow"]) for arguments in calls]


# The tree.


async def test_threads_of_other_programs_stand_in_groups_below_our_own(console: Console) -> None:
    async with console.open():
        story.neighbours(console.server)
        console.server.running("backend")
        await console.settle()
        rows = tree(console)
        assert [row.split()[:2] for row in rows] == [
            ["1", "●"],
            ["Codex", "TUI"],
            ["●", "Fix"],
            ["○", "Why"],
            ["└", "●"],
            ["IDE", "1"],
            ["○", "ide-1"],
            ["exec", "1"],
            ["✗", "exec-1"],
        ]
        assert "Codex TUI 3" in rows[1]
        assert "running" in rows[2]
        assert "idle shop@main" in rows[3]


async def test_who_asks_stands_above_our_own_with_its_program(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        thread_id = foreign(console)
        foreign(console, "tui-2")
        foreign(console, "ide-1", origin="IDE")
        console.server.ask(thread_id, "a1")
        await console.settle()
        await console.press("escape")
        first, second, *_ = tree(console)
        assert first.split()[1:4] == ["?", "tui-1", "approval"]
        assert first.endswith("approval · Codex TUI")
        assert "pytest -q tests · waits" in second
        assert "Codex TUI 1" in console.shown()


async def test_a_group_by_folder_says_who_needs_you(console: Console) -> None:
    async with console.open():
        foreign(console)
        foreign(console, "tui-2")
        console.server.ask("t-tui-1", "a1")
        await console.settle()
        await console.press("escape", "left", "G", "G")
        assert " 2  ? tui-1 needs you" in tree(console)[0]
        console.server.ask("t-tui-2", "a2")
        await console.settle()
        assert " 2  ? 2 need you" in tree(console)[0]


async def test_a_name_stands_in_place_of_a_handle_that_the_server_made(console: Console) -> None:
    async with console.open():
        foreign(console, name="Fix the login")
        foreign(console, "reviewer", name="Read it all")
        await console.settle()
        rows = tree(console)
        assert "Fix the login" in rows[1]
        assert "Read it all" in rows[2]
        await console.press("enter")
        assert "tui-1 Fix the login" in text_of(console.pane("t-tui-1")).splitlines()[0]


async def test_a_handle_that_somebody_gave_a_thread_of_ours_stays(console: Console) -> None:
    async with console.open():
        console.server.thread("reviewer", name="Read it all")
        console.server.thread("codex-2", name="Mend the roof")
        await console.settle()
        rows = tree(console)
        assert "reviewer" in rows[0]
        assert "Mend the roof" in rows[1]


async def test_a_thread_that_is_taken_over_moves_to_our_own(console: Console) -> None:
    async with console.open():
        foreign(console)
        await console.settle()
        assert "Codex TUI 1" in tree(console)[0]
        foreign(console, ours=True, followed=True)
        await console.settle()
        assert not any("Codex TUI" in row for row in tree(console))


async def test_the_cursor_skips_the_headings_and_a_click_on_one_folds_the_group(
    console: Console,
) -> None:
    async with console.open() as pilot:
        console.server.running("backend")
        foreign(console)
        foreign(console, "ide-1", origin="IDE")
        await console.settle()
        await console.press("left", "down")
        assert console.current == "t-tui-1"
        await console.press("down")
        assert console.current == "t-ide-1"
        await console.press("up", "up")
        assert console.current == "t-backend"
        await pilot.click(ThreadTree, offset=(5, 2 + 2))
        await console.settle()
        assert console.panes() == ["t-backend"]
        assert "▸ Codex TUI" in tree(console)[1]
        await pilot.click(ThreadTree, offset=(5, 2 + 2))
        await pilot.click(ThreadTree, offset=(5, 2 + 3))
        await console.settle()
        assert console.panes() == ["t-backend", "t-tui-1"]


async def test_what_programs_call_themselves_is_escaped(console: Console) -> None:
    async with console.open():
        foreign(console, origin="\x1b[31mevil\u202e", name="\x1b]0;x\x07", cwd="/\x1b[2J")
        console.server.ask("t-tui-1", "a1")
        await console.settle()
        assert "\x1b" not in console.shown()
        assert "\u202e" not in console.shown()


# Panes.


async def test_a_thread_of_another_program_takes_no_pane_by_itself(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        story.neighbours(console.server)
        await console.settle()
        assert console.panes() == ["t-backend"]
        assert follows(console) == []


async def test_without_threads_of_our_own_the_screen_says_where_the_others_are(
    console: Console,
) -> None:
    async with console.open():
        story.neighbours(console.server)
        await console.settle()
        assert console.panes() == []
        assert "5 of other programs in the tree" in console.shown()
        assert console.current == "t-tui-1"
        await console.press("enter")
        assert console.panes() == ["t-tui-1"]


async def test_one_that_asks_for_a_decision_takes_a_free_pane(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        thread_id = foreign(console)
        await console.settle()
        console.server.ask(thread_id, "a1")
        await console.settle()
        assert console.panes() == ["t-backend", thread_id]
        assert follows(console) == [(thread_id, True)]


async def test_one_that_no_longer_asks_yields_its_pane_to_a_new_thread_of_ours() -> None:
    console = build_console(layout=2)
    async with console.open():
        console.server.running("backend")
        thread_id = foreign(console)
        approval = console.server.ask(thread_id, "a1")
        await console.settle()
        assert console.panes() == ["t-backend", thread_id]
        console.server.resolve(approval)
        console.server.running("frontend")
        await console.settle()
        assert console.panes() == ["t-backend", "t-frontend"]
        assert follows(console) == [(thread_id, True), (thread_id, False)]


async def test_one_that_left_gives_its_pane_and_the_cursor_back() -> None:
    console = build_console(layout=2)
    async with console.open():
        thread_id = foreign(console)
        foreign(console, "ide-1", origin="IDE")
        await console.settle()
        await console.press("enter")
        assert console.panes() == [thread_id]
        console.server.say(thread_id, ThreadLeft(), "")
        await console.settle()
        assert console.panes() == []
        assert console.notices() == ["tui-1 was closed; the history has it."]
        assert console.current == "t-ide-1"
        assert not any("Codex TUI" in row for row in tree(console))
        for role in ("a", "b"):
            console.server.running(role)
        await console.settle()
        assert console.panes() == ["t-a", "t-b"]


async def test_what_one_that_left_has_asked_is_asked_no_more(console: Console) -> None:
    async with console.open():
        thread_id = foreign(console)
        console.server.ask(thread_id, "a1")
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        console.server.say(thread_id, ThreadLeft(), "")
        await console.settle()
        assert console.app.screen is console.app.main
        await console.press("a")
        assert console.app.screen is console.app.main


async def test_one_that_was_pinned_keeps_its_pane() -> None:
    console = build_console(layout=2)
    async with console.open():
        console.server.running("backend")
        thread_id = foreign(console)
        await console.settle()
        await console.press("left", "down", "enter", "full_stop", "1")
        console.server.running("frontend")
        await console.settle()
        assert console.panes() == ["t-backend", thread_id]


# Following.


class FollowServer:
    """Holds `codex-follow` until the test releases it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.gate = asyncio.Event()
        self._call = console.server.call
        console.server.call = self.call  # type: ignore[method-assign]

    async def call(self, tool: str, arguments: JsonObject) -> Mapping[str, object]:
        result = await self._call(tool, arguments)
        if tool == "codex-follow":
            await self.gate.wait()
        return result


async def test_a_pane_says_that_it_loads_until_the_history_is_there(console: Console) -> None:
    server = FollowServer(console)
    async with console.open():
        foreign(console)
        await console.settle()
        await console.press("enter")
        assert "loading what was said …" in text_of(console.pane("t-tui-1"))
        foreign(console, followed=True)
        console.server.item("t-tui-1", {"type": "agentMessage", "id": "m1", "text": "Hello there"})
        server.gate.set()
        await console.settle()
        shown = text_of(console.pane("t-tui-1"))
        assert "loading" not in shown
        assert "not followed" not in shown
        assert "Hello there" in shown


async def test_a_thread_that_leaves_all_panes_is_unfollowed(console: Console) -> None:
    async with console.open((80, 24)):
        foreign(console)
        for role in ("a", "b", "c"):
            console.server.running(role)
        await console.settle()
        await console.press("left", "end", "enter")
        assert follows(console) == [("t-tui-1", True)]
        await console.press("left", "home", "down", "down", "enter")
        assert "t-tui-1" not in console.panes()
        assert follows(console) == [("t-tui-1", True), ("t-tui-1", False)]


async def test_it_stays_followed_while_its_approval_is_open() -> None:
    console = build_console(layout=1)
    async with console.open((80, 24)):
        thread_id = foreign(console)
        for role in ("a", "b", "c"):
            console.server.running(role)
        await console.settle()
        await console.press("left", "end", "enter")
        approval = console.server.ask(thread_id, "a1")
        await console.settle()
        await console.press("escape", "left", "home", "down", "down", "enter")
        assert thread_id not in console.panes()
        assert follows(console) == [(thread_id, True)]
        console.server.resolve(approval)
        await console.settle()
        assert follows(console) == [(thread_id, True), (thread_id, False)]


async def test_a_failure_is_told_in_the_pane_and_enter_in_the_tree_tries_again(
    console: Console,
) -> None:
    async with console.open():
        console.server.failures["codex-follow"] = ServerRefused("20 are followed already")
        foreign(console)
        await console.settle()
        await console.press("enter")
        assert console.notices() == ["Could not follow tui-1: 20 are followed already"]
        assert "not followed: 20 are followed already" in text_of(console.pane("t-tui-1"))
        del console.server.failures["codex-follow"]
        foreign(console, followed=True)
        await console.settle()
        assert len(follows(console)) == 1
        foreign(console, followed=False)
        await console.press("left", "enter")
        assert len(follows(console)) == 2
        foreign(console, followed=True)
        await console.settle()
        assert "not followed" not in text_of(console.pane("t-tui-1"))


async def test_what_is_shown_is_followed_again_after_a_reconnect(console: Console) -> None:
    async with console.open():
        foreign(console)
        await console.settle()
        await console.press("enter")
        console.server.disconnect()
        await console.settle()
        assert "not followed: the server is out of reach" in text_of(console.pane("t-tui-1"))
        console.server.connect(fresh=False)
        console.server.catch_up()
        await console.settle()
        assert follows(console) == [("t-tui-1", True)] * 2


async def test_a_pane_stays_while_its_codex_is_away_and_shows_its_thread_again(
    console: Console,
) -> None:
    async with console.open():
        foreign(console, followed=True)
        await console.settle()
        await console.press("enter")
        state = ThreadState.DISCONNECTED
        foreign(console, state=state, followed=False)
        await console.settle()
        assert "its Codex is out of reach" in text_of(console.pane("t-tui-1"))
        foreign(console, state=state, followed=False, note=AWAY_NOTE)
        await console.settle()
        assert "not open: its Codex was restarted" in text_of(console.pane("t-tui-1"))
        foreign(console, followed=True, note="")
        await console.settle()
        assert "not open" not in text_of(console.pane("t-tui-1"))
        assert follows(console) == [("t-tui-1", True)]


async def test_the_status_line_says_what_is_joined_and_how_many_are_followed(
    console: Console,
) -> None:
    console.server.results["codex-server"] = {
        "codex": {"version": "0.171.0", "attach": "daemon", "pid": 1}
    }
    async with console.open():
        await console.settle()
        status = console.app.main.query_one(StatusLine)
        assert "daemon 0.171.0" in text_of(status)
        assert "followed" not in text_of(status)
        foreign(console)
        foreign(console, "tui-2", followed=True)
        await console.settle()
        assert "daemon 0.171.0   1 followed" in text_of(status)


# Deciding.


async def test_the_dialog_the_strip_and_the_rows_say_who_asks(console: Console) -> None:
    async with console.open():
        thread_id = foreign(console, "tui-2")
        console.server.ask(thread_id, "a1")
        await console.settle()
        assert isinstance(console.app.screen, ApprovalScreen)
        shown = console.shown()
        assert "Codex TUI · shop · tui-2 asks to run a command" in shown
        assert "only you decide it, here or in Codex TUI" in shown
        await console.press("escape")
        strip = text_of(console.app.main.query_one(AttentionStrip))
        assert "? Codex TUI · shop · tui-2 14s run: pytest -q tests" in strip


async def test_the_dialog_does_not_promise_that_where_our_rules_decide_for_others() -> None:
    approvals = ApprovalsConfig(others=Others.DECIDE)
    console = build_console(config=Config(approvals=approvals, ui=UiConfig(bell=False)))
    async with console.open():
        console.server.ask(foreign(console), "a1")
        await console.settle()
        assert "Codex TUI · shop · tui-1 asks" in console.shown()
        assert "only you" not in console.shown()


@pytest.mark.parametrize(
    ("outcome", "by", "words"),
    [
        ("answered_elsewhere", "another program", f"tui-1's a1 was {ELSEWHERE}"),
        ("withdrawn", "", "tui-1's a1 was withdrawn by the agent."),
        ("approved", "cli", "tui-1's a1 was approved by cli."),
    ],
)
async def test_what_is_answered_elsewhere_closes_the_dialog_and_says_where(
    console: Console, outcome: str, by: str, words: str
) -> None:
    async with console.open():
        approval = console.server.ask(foreign(console), "a1")
        await console.settle()
        dialog = console.app.screen
        assert isinstance(dialog, ApprovalScreen)
        console.server.resolve(approval, outcome, by)
        await console.settle()
        assert console.app.screen is console.app.main
        for choice in ("once", "session", "always", "decline", "stop"):
            dialog.action_choose(choice)
        dialog.action_open_thread()
        console.app._toasts.show_waiting()
        await console.settle()
        assert console.notices() == [words]
        await console.settle()
        assert console.server.answers == []


async def test_a_decision_that_came_second_is_told_and_stands_in_the_transcript(
    console: Console,
) -> None:
    async with console.open():
        approval = console.server.ask(foreign(console), "a1")
        await console.settle()
        await console.press("escape")
        console.server.resolve(approval, "approved", "me")
        console.server.say(approval.thread_id, ev.ApprovalCorrected("a1", "declined"))
        await console.settle()
        console.app._toasts.show_waiting()
        await console.settle()
        assert "tui-1's a1: another client's answer came first: declined there" in console.notices()
        view = console.app.state.threads[approval.thread_id]
        (asked,) = [
            item.content for item in view.transcript.items if isinstance(item.content, ApprovalItem)
        ]
        assert (asked.outcome and asked.outcome.outcome) == "approved"
        assert asked.correction == ev.ApprovalCorrected("a1", "declined")


async def test_a_key_that_comes_before_the_dialog_has_closed_decides_nothing() -> None:
    approvals = ApprovalsConfig(quiet=0.0)
    console = build_console(config=Config(approvals=approvals, ui=UiConfig(bell=False)))
    async with console.open() as pilot:
        approval = console.server.ask(foreign(console), "a1")
        await console.settle()
        console.server.resolve(approval, "answered_elsewhere")
        await pilot.press("y")
        await console.settle()
        assert console.server.answers == []


# Keys.


async def test_a_thread_of_another_program_cannot_be_killed_here(console: Console) -> None:
    async with console.open():
        foreign(console)
        await console.settle()
        await console.press("X")
        assert "tui-1 belongs to Codex TUI: only there can it be closed." in console.notices()[0]
        assert console.called("codex-kill") == []
        assert "kill" not in text_of(console.app.main.query_one(KeyLine))


async def test_writing_to_it_works_and_says_that_the_other_program_shows_it(
    console: Console,
) -> None:
    async with console.open():
        foreign(console)
        await console.settle()
        await console.press("r")
        purpose = str(console.app.main.query_one(".purpose").render())
        assert "reply to tui-1: starts its next turn, and Codex TUI shows it" in purpose
        await console.press(*"hi", "enter")
        assert console.called("codex-send") == [{"thread": "t-tui-1", "prompt": "hi"}]


async def test_interrupting_and_forking_it_work_and_say_so(console: Console) -> None:
    async with console.open():
        foreign(console, state=ThreadState.RUNNING)
        await console.settle()
        await console.press("x", "f")
        assert console.called("codex-interrupt") == [{"thread": "t-tui-1"}]
        assert console.called("codex-fork") == [{"thread": "t-tui-1"}]
        told = console.notices()
        assert "The turn of tui-1 is interrupted, and Codex TUI shows it." in told


async def test_its_failure_rings_no_bell_and_is_only_in_the_tree(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(type(console.app), "_ring", lambda _: rung.append(1))
    async with console.open():
        foreign(console, state=ThreadState.FAILED)
        await console.settle()
        assert rung == []
        assert "nothing needs you" in text_of(console.app.main.query_one(AttentionStrip))
        assert "failed" in tree(console)[1]
