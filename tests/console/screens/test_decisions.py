"""The history of decisions: rows, filter, details; from a real audit log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from console.screens.console import NOW, Console, build_console
from textual.widgets import Input, Static

from codextui.console.screens.decisions import DecisionsScreen
from codextui.console.widgets.decision_list import DecisionList
from codextui.errors import ServerRefused
from codextui.jsonrpc import fields
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Approval, Asked, CommandAsked, FileChange, PatchAsked
from codextui.protocol.events import ApprovalResolved
from codextui.server.store.decision_log import parse_filter, read_decision, read_decisions
from codextui.server.store.journal import Journal

DAY = 86_400


class LoggedConsole(Console):
    """A console whose server reads decisions from a journal."""

    def serve_log(self, path: Path) -> None:
        call = self.server.call

        async def answer(tool: str, arguments: JsonObject) -> Mapping[str, object]:
            answered = await call(tool, arguments)
            if tool != "codex-decisions":
                return answered
            if "approval" in arguments:
                found = read_decision(path, fields.text(arguments, "approval"))
                return {"decisions": [found] if found else [], "cursor": ""}
            page = read_decisions(
                path,
                parse_filter(fields.text_or(arguments, "filter")),
                cursor=fields.text_or(arguments, "cursor"),
                limit=fields.integer_or(arguments, "limit", 50),
            )
            return {"decisions": list(page.decisions), "cursor": page.cursor}

        self.server.call = answer  # type: ignore[method-assign]


async def log(path: Path, *decided: tuple[str, str, Asked], handle: str = "backend") -> None:
    journal = Journal(path)
    for number, (outcome, by, asked) in enumerate(decided, 1):
        at = NOW - 2 * DAY + number
        one = Approval(f"a{number}", f"t-{handle}", "u", "", handle, at, asked)
        journal.record_approval(one)
        end = ApprovalResolved(one.approval_id, outcome, by, "not so" if by == "ada" else "", 75)
        journal.record_resolution(one, end, at=at + 75)
    await journal.close()


@pytest.fixture
async def console(tmp_path: Path) -> LoggedConsole:
    path = tmp_path / "journal.sqlite"
    await log(
        path,
        ("approved", "codextui", CommandAsked("npm test")),
        ("denied", "ada", PatchAsked((FileChange("src/a.py", "add", "print(1)\n"),))),
        ("approved_always", "codextui", CommandAsked("git push", rule=("git", "push"))),
        ("withdrawn", "", CommandAsked("ls\x1b[31m [bold]x[/]")),
    )
    built = build_console()
    logged = LoggedConsole(built.app, built.server)
    logged.serve_log(path)
    return logged


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (50, 12)])
async def test_decisions_of_earlier_days_are_listed_newest_first(
    console: LoggedConsole, size: tuple[int, int]
) -> None:
    async with console.open(size):
        await console.press("A")
        assert isinstance(console.app.screen, DecisionsScreen)
        words = ("withdrawn", "✓", "✗")
        rows = [row for row in console.shown().splitlines() if any(word in row for word in words)]
        assert "withdrawn" in rows[0]
        assert "✓ always" in rows[1]
        assert "git push" in rows[1]
        assert "✗ declined" in rows[2]
        assert "✓ approved" in rows[3]
        assert "\x1b" not in console.shown()
        if size[0] == 160:
            assert "ada · client" in rows[2]
            assert "codextui · console" in rows[3]
            assert "1m 15s" in rows[2]
            assert "1d" in rows[2]
        await console.press("escape")
        assert console.app.screen is console.app.main


async def test_a_filter_narrows_as_it_is_typed_and_a_mistake_is_explained(
    console: LoggedConsole,
) -> None:
    async with console.open():
        await console.press("A", "slash", *"outcome:approved")
        assert "git push" in console.shown()
        assert "src/a.py" not in console.shown()
        await console.press("space", *"npm")
        assert "git push" not in console.shown()
        assert "npm test" in console.shown()
        await console.press("x")
        assert "Nothing has “outcome:approved npmx”." in console.shown()
        field = console.app.screen.query_one("#search", Input)
        field.value = "outcome:perhaps"
        await console.settle()
        assert "outcome:perhaps is not known; there are approved" in console.shown()
        field.value = ""
        await console.settle()
        assert "src/a.py" in console.shown()
        await console.press("tab")
        assert console.app.focused is console.app.screen.query_one(DecisionList)


async def test_enter_shows_all_of_a_decision_and_esc_goes_back(console: LoggedConsole) -> None:
    async with console.open():
        await console.press("A", "j", "j", "enter")
        shown = console.shown()
        for words in (
            "Decision a2",
            "✗ declined",
            "in an MCP client",
            "not so",
            "1m 15s",
            "src/a.py",
            "print(1)",
        ):
            assert words in shown
        await console.press("escape", "k", "enter")
        assert "rule" in console.shown()
        assert "in a console of codextui" in console.shown()
        await console.press("escape", "escape")
        assert console.app.screen is console.app.main


async def test_o_opens_the_thread_of_a_decision(console: LoggedConsole) -> None:
    async with console.open():
        console.server.running("frontend")
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("A", "o")
        assert console.app.screen is console.app.main
        assert console.current == thread_id


async def test_a_click_on_the_row_of_the_cursor_shows_it(console: LoggedConsole) -> None:
    async with console.open() as pilot:
        await console.press("A")
        await pilot.click(DecisionList, offset=(5, 1))
        await console.settle()
        assert console.app.screen.query_one(DecisionList).index == 1
        await pilot.click(DecisionList, offset=(5, 1))
        await console.settle()
        assert "Decision a3" in console.shown()


async def test_more_rows_come_as_the_cursor_gets_near_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await log(path, *[("approved", "codextui", CommandAsked(f"make {n}")) for n in range(120)])
    built = build_console()
    console = LoggedConsole(built.app, built.server)
    console.serve_log(path)
    async with console.open((80, 24)):
        await console.press("A")
        assert "Decisions · 50+" in console.shown()
        await console.press("end", "end", "end")
        assert "Decisions · 120" in console.shown()
        assert "make 0" in console.shown()
        assert len(console.called("codex-decisions")) == 3


async def test_why_the_log_cannot_be_read_is_said_and_asked_again(console: LoggedConsole) -> None:
    async with console.open():
        console.server.failures["codex-decisions"] = ServerRefused("the audit log is gone")
        await console.press("A")
        assert "✗ the audit log is gone   ^r asks again" in console.shown()
        del console.server.failures["codex-decisions"]
        await console.press("ctrl+r")
        assert "npm test" in console.shown()


async def test_nothing_was_decided_and_out_of_reach_are_said(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await log(path)
    built = build_console()
    console = LoggedConsole(built.app, built.server)
    console.serve_log(path)
    async with console.open(toasts=True):
        await console.press("A")
        assert "Nothing was decided yet." in console.shown()
        await console.press("escape")
        console.server.disconnect("it went away")
        await console.settle()
        await console.press("A")
        assert console.app.screen is console.app.main
        assert any("Cannot show what was decided" in text for text in console.notices())


async def test_it_opens_above_the_inbox_and_leaves_it_as_it_was(console: LoggedConsole) -> None:
    async with console.open():
        thread_id = console.server.running("frontend")
        console.server.ask(thread_id, "b1")
        console.server.ask(thread_id, "b2")
        await console.settle()
        inbox = console.app.screen
        await console.press("j", "A")
        assert isinstance(console.app.screen, DecisionsScreen)
        assert "npm test" in console.shown()
        await console.press("escape")
        assert console.app.screen is inbox
        assert str(inbox.query_one("#place", Static).content) == "2 of 2"
        assert console.server.answers == []
