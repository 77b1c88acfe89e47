"""The dialog for the settings of a thread."""

from __future__ import annotations

import pytest
from console.screens.console import Console, build_console, usage
from console.screens.dialog_host import on_screen

from codextui.console.screens.preferences import UNSAVED_NOTE
from codextui.console.screens.settings import SettingsScreen
from codextui.errors import CodexLoginMissing
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


async def test_only_what_was_changed_is_sent_and_the_answer_is_shown(console: Console) -> None:
    console.server.results["codex-settings"] = {"text": "budget 200k tokens; effort low"}
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("s", "tab", *"low", "tab", *"200k", "ctrl+s")
        await console.settle()
        assert console.called("codex-settings") == [
            {"thread": "t-mine", "budget": 200_000, "effort": "low"}
        ]
        assert "budget 200k tokens; effort low" in console.notices()


async def test_nothing_changed_sends_nothing(console: Console) -> None:
    async with console.open():
        console.server.thread("mine", budget=5000)
        await console.settle()
        await console.press("s", "ctrl+s", "s", "x", "backspace", "escape")
        assert not isinstance(console.app.screen, SettingsScreen)
        assert console.called("codex-settings") == []


@pytest.mark.parametrize("typed", [["x"], ["tab", "tab", *"lots"], ["tab", "tab", "tab", "right"]])
async def test_leaving_changes_behind_takes_the_key_twice(
    console: Console, typed: list[str]
) -> None:
    async with console.open(size=(100, 40)):
        console.server.thread("mine")
        await console.settle()
        await console.press("s", *typed, "escape")
        assert UNSAVED_NOTE in on_screen(console.app)
        await console.press("escape")
        assert not isinstance(console.app.screen, SettingsScreen)
        assert console.called("codex-settings") == []


@pytest.mark.parametrize("policy", ["granular", ""])
async def test_a_policy_that_is_not_listed_stays(console: Console, policy: str) -> None:
    async with console.open():
        console.server.thread("mine", approval_policy=policy, sandbox="")
        await console.settle()
        await console.press("s", *"x", "ctrl+s")
        assert console.called("codex-settings") == [{"thread": "t-mine", "model": "gpt-5.5x"}]


async def test_policy_and_sandbox_are_chosen_and_a_budget_is_removed(console: Console) -> None:
    async with console.open(size=(100, 40)):
        console.server.thread("mine", budget=5)
        await console.settle()
        await console.press("s", "tab", "tab", "backspace", "tab", "right", "tab", "right")
        assert "No sandbox: the agent can do whatever you can." in on_screen(console.app)
        await console.press("ctrl+s")
        assert console.called("codex-settings") == [
            {
                "thread": "t-mine",
                "budget": 0,
                "approval-policy": "never",
                "sandbox": "danger-full-access",
            }
        ]


async def test_a_budget_that_is_no_number_keeps_the_dialog_open(console: Console) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("s", "tab", "tab", *"lots", "ctrl+s")
        assert isinstance(console.app.screen, SettingsScreen)
        assert "A budget is a count of tokens" in on_screen(console.app)


async def test_the_header_shows_the_budget(console: Console) -> None:
    async with console.open(size=(120, 40)):
        console.server.thread("mine", usage=usage(12_300), budget=200_000, effort="low")
        await console.settle()
        shown = on_screen(console.app)
        assert "12.3k of 200k" in shown
        assert "gpt-5.5 low" in shown


async def test_a_killed_thread_says_why_it_has_no_settings(console: Console) -> None:
    async with console.open():
        console.server.thread("mine", ThreadState.KILLED)
        await console.settle()
        await console.press("s")
        assert console.notices()


async def test_the_usage_is_read_when_asked_for_and_the_charge_takes_the_place_of_the_cost(
    console: Console,
) -> None:
    console.server.results["codex-usage"] = {"text": "this thread: 1.23 USD\n5h limit 40% used"}
    async with console.open(size=(120, 40)):
        console.server.thread("mine")
        await console.settle()
        assert console.called("codex-usage") == []
        await console.press("dollar_sign")
        await console.settle()
        assert console.called("codex-usage") == [{"thread": "t-mine"}]
        assert "this thread: 1.23 USD\n5h limit 40% used" in console.notices()
        console.server.thread("mine", cost_usd=1.234)
        await console.settle()
        assert "1.23 USD" in on_screen(console.app)


async def test_a_missing_login_is_one_sentence(console: Console) -> None:
    console.server.failures["codex-usage"] = CodexLoginMissing("Codex has no ChatGPT login")
    async with console.open(size=(120, 40)):
        console.server.thread("mine")
        await console.settle()
        await console.press("dollar_sign")
        await console.settle()
        assert console.notices() == ["Could not read the usage: Codex has no ChatGPT login"]
