"""The smaller dialogs: new thread, fork, confirm, help, problem, diff."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from console.screens.dialog_host import NOTHING_YET, DialogHost, on_screen
from console.screens.diff_text import TextDiffs
from msgspec.structs import replace
from textual.binding import Binding
from textual.events import Key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, Static, TextArea

from codextui.console.binding_places import PLACES
from codextui.console.bindings import KeyGroup, KeyRow, key_groups
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.fork import ForkChoice, ForkPoint, ForkScreen
from codextui.console.screens.help import HelpScreen, here_first
from codextui.console.screens.messages import NewThread
from codextui.console.screens.new_thread import FolderSuggester, NewThreadScreen
from codextui.console.screens.problem import Problem, ProblemScreen
from codextui.console.widgets.choice_list import ChoiceList

HOSTILE = "\x1b[31mred\x1b[0m [bold red]x[/] \u202eevil\u202c \x07 [@click=app.quit]click[/]"


@asynccontextmanager
async def showing(
    dialog: Screen[Any], *, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Pilot[None], DialogHost]]:
    host = DialogHost(dialog)
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, host


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


# -- new thread


async def test_a_new_thread_needs_a_prompt_and_nothing_else() -> None:
    async with showing(NewThreadScreen()) as (pilot, host):
        await press(pilot, *"Go", "enter", *"on", "ctrl+s")
        assert host.result == NewThread(prompt="Go\non")


async def test_text_and_start_key_in_one_burst_start_the_thread_with_the_text() -> None:
    async with showing(NewThreadScreen()) as (pilot, host):
        for key in ("G", "o", "ctrl+s"):
            host.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert host.result == NewThread(prompt="Go")


async def test_every_setting_of_a_new_thread_can_be_given(tmp_path: Path) -> None:
    async with showing(NewThreadScreen()) as (pilot, host):
        await press(pilot, *"Go", "tab", *"tester", "enter")
        host.screen.query_one("#cwd", Input).value = str(tmp_path)
        await press(pilot, "enter", *"gpt-5.5", "enter", "down", "down", "enter", "right", "ctrl+s")
        assert host.result == NewThread(
            "Go", str(tmp_path), "gpt-5.5", "workspace-write", "untrusted", "tester"
        )


async def test_a_new_thread_starts_from_the_last_settings(tmp_path: Path) -> None:
    last = NewThread("Go on", str(tmp_path), "gpt-5.5", "read-only", "never", "docs")
    async with showing(NewThreadScreen(last)) as (pilot, host):
        await press(pilot, "ctrl+s")
        assert host.result == last


async def test_problems_are_shown_beside_their_fields_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    last = NewThread("", str(tmp_path / "file"), "a b", "", "", "no spaces")
    async with showing(NewThreadScreen(last)) as (pilot, host):
        await press(pilot, "ctrl+s")
        assert host.result is NOTHING_YET
        problems = {
            name: str(host.screen.query_one(f"#{name}-problem", Static).content)
            for name in ("prompt", "handle", "cwd", "model")
        }
        assert problems["prompt"] == "Write what the agent should do."
        assert problems["handle"].startswith("A role is a short word")
        assert problems["cwd"] == "This is not a folder."
        assert problems["model"] == "A model's name has no spaces in it."
        assert isinstance(host.screen.focused, TextArea)


@pytest.mark.parametrize(
    "cwd", ["/nowhere/at/all", "~nobody-of-that-name", "/a\0b", "/" + "x" * 9_000]
)
async def test_a_missing_folder_is_refused(cwd: str) -> None:
    async with showing(NewThreadScreen(NewThread("Go"))) as (pilot, host):
        host.screen.query_one("#cwd", Input).value = cwd
        await press(pilot, "ctrl+s")
        assert host.result is NOTHING_YET
        problem = host.screen.query_one("#cwd-problem", Static)
        assert str(problem.content) == "There is no such folder."


async def test_a_relative_folder_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path)
    async with showing(NewThreadScreen(NewThread("Go", "shop"))) as (pilot, host):
        await press(pilot, "ctrl+s")
        assert isinstance(host.result, NewThread)
        assert host.result.cwd == str(tmp_path / "shop")


async def test_running_without_a_sandbox_shows_a_warning() -> None:
    async with showing(NewThreadScreen(NewThread("Go"))) as (pilot, host):
        host.screen.query_one("#sandbox", ChoiceList).focus()
        await press(pilot, "down", "down", "down")
        warning = host.screen.query_one("#sandbox-problem", Static)
        assert "the agent can do whatever you can" in str(warning.content)
        await press(pilot, "up", "ctrl+s")
        assert isinstance(host.result, NewThread)
        assert host.result.sandbox == "workspace-write"


async def test_the_start_button_starts_and_esc_does_not() -> None:
    async with showing(NewThreadScreen(NewThread("Go"))) as (pilot, host):
        await pilot.click(host.screen.query_one("#start", Button))
        await pilot.pause()
        assert host.result == NewThread("Go")
    async with showing(NewThreadScreen(NewThread("Go"))) as (pilot, host):
        await press(pilot, "escape")
        assert host.result is None


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_start_button_is_always_visible(size: tuple[int, int]) -> None:
    wrong = NewThread("", "/nowhere", "a b", "danger-full-access", "", "a b")
    async with showing(NewThreadScreen(wrong), size=size) as (pilot, host):
        await press(pilot, "ctrl+s")
        assert "^s start" in on_screen(host)


async def test_folders_are_completed(tmp_path: Path) -> None:
    for name in ("shop", "shed", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "sham").write_text("")
    suggest = FolderSuggester().get_suggestion
    assert await suggest(f"{tmp_path}/sh") == f"{tmp_path}/shed/"
    assert await suggest(f"{tmp_path}/sho") == f"{tmp_path}/shop/"
    assert await suggest(f"{tmp_path}/") == f"{tmp_path}/shed/"
    assert await suggest(f"{tmp_path}/.h") == f"{tmp_path}/.hidden/"
    assert await suggest(f"{tmp_path}/zzz") is None
    assert await suggest("relative") is None
    assert await suggest("/nowhere/at/all/x") is None
    assert await suggest("~nobody-of-that-name/x") is None
    assert await suggest("/a\0b/x") is None


# -- fork

TURNS = (
    ForkPoint("t1", "Write the tests"),
    ForkPoint("t2", "Run them", "interrupted"),
    ForkPoint("t3", "Fix what fails", "running"),
)


async def test_a_fork_goes_through_the_newest_ended_turn_by_default() -> None:
    async with showing(ForkScreen("backend", TURNS)) as (pilot, host):
        await press(pilot, "enter")
        assert host.result == ForkChoice("t2")
    async with showing(ForkScreen("backend", TURNS)) as (pilot, host):
        await press(pilot, "k", "enter")
        assert host.result == ForkChoice("t1")


async def test_a_fork_can_have_a_prompt() -> None:
    async with showing(ForkScreen("backend", TURNS)) as (pilot, host):
        await press(pilot, "up", "tab", *"Try", "space", "j", "enter")
        assert host.result == ForkChoice("t1", "Try j")


async def test_a_running_turn_cannot_be_chosen_and_says_why() -> None:
    async with showing(ForkScreen("backend", TURNS)) as (pilot, host):
        assert "it has to end first" in on_screen(host)
        await press(pilot, "down")
        assert host.screen.query_one(OptionList).highlighted != 2
        await pilot.click(OptionList, offset=(5, 2))
        await pilot.pause()
        assert host.result is NOTHING_YET


@pytest.mark.parametrize("turns", [(), TURNS[2:]])
async def test_without_an_ended_turn_nothing_can_be_forked(turns: tuple[ForkPoint, ...]) -> None:
    async with showing(ForkScreen("backend", turns)) as (pilot, host):
        assert "There is no turn to fork through yet" in on_screen(host)
        await press(pilot, "enter", "tab", "enter")
        assert host.result is NOTHING_YET
        await press(pilot, "escape")
        assert host.result is None


async def test_with_many_turns_the_keys_stay_visible() -> None:
    turns = [ForkPoint(f"t{at}", "word " * 100) for at in range(300)]
    async with showing(ForkScreen("backend", turns)) as (pilot, host):
        assert "esc cancel" in on_screen(host)
        assert "300" in on_screen(host)
        await press(pilot, "home", "enter")
        assert host.result == ForkChoice("t0")


# -- confirm


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], False),
        (["escape"], False),
        (["n"], False),
        (["y"], True),
        (["tab", "enter"], True),
        (["right", "enter"], True),
    ],
)
async def test_only_a_clear_yes_confirms(keys: list[str], answer: bool) -> None:
    async with showing(ConfirmScreen("Kill backend?", "A turn runs.", yes="Kill it")) as (
        pilot,
        host,
    ):
        await press(pilot, *keys)
        assert host.result is answer


async def test_a_click_confirms() -> None:
    async with showing(ConfirmScreen("Kill backend?", "A turn runs.", yes="Kill it")) as (
        pilot,
        host,
    ):
        await pilot.click("#yes")
        await pilot.pause()
        assert host.result is True


# -- help


async def test_the_help_lists_every_key_of_its_bindings() -> None:
    groups = key_groups({"Approval": ApprovalScreen.BINDINGS}, {})
    async with showing(HelpScreen(groups), size=(100, 60)) as (pilot, host):
        lines = on_screen(host)
        for row in groups[0].keys:
            assert row.description in lines
            assert row.binding_id in lines
        await press(pilot, "escape")
        assert host.result is None


async def test_a_long_help_scrolls() -> None:
    rows = tuple(KeyRow("x", f"Thing {at}", f"thing.{at}") for at in range(100))
    async with showing(HelpScreen([KeyGroup("Console", rows)])) as (pilot, host):
        assert "Thing 99" not in on_screen(host)
        await press(pilot, "tab", "end")
        assert "Thing 99" in on_screen(host)
        await press(pilot, "home", "j")
        assert "Thing 0" in on_screen(host)


async def test_typing_narrows_the_help_and_escape_clears_it_first() -> None:
    groups = key_groups({"Approval": ApprovalScreen.BINDINGS, "Help": HelpScreen.BINDINGS}, {})
    async with showing(HelpScreen(groups), size=(100, 60)) as (pilot, host):
        await press(pilot, "a", "space", *"page")
        lines = on_screen(host)
        assert "Down a page" in lines
        assert "approval." not in lines
        await press(pilot, *"zz")
        assert "No key does that." in on_screen(host)
        await press(pilot, "escape")
        assert "approval." in on_screen(host)
        await press(pilot, "question_mark")
        assert not isinstance(host.screen, HelpScreen)


def test_the_help_begins_with_what_has_the_focus() -> None:
    groups = [KeyGroup(title, ()) for title in ("Console", "Panes", "Threads", "Writing")]
    titles = [group.title for group in here_first(groups, "Threads")]
    assert titles == ["Here: Threads", "Console", "Panes", "Writing"]
    assert here_first(groups, "") == tuple(groups)


# -- trouble


MISSING = Problem("There is no Codex", "None on PATH.", ("npm install -g @openai/codex",))
FOR_GOOD = Problem("The configuration is wrong", "c.toml:3: ui.them", can_retry=False)


async def test_a_problem_says_what_is_wrong_and_what_to_type() -> None:
    async with showing(ProblemScreen(MISSING)) as (_, host):
        lines = on_screen(host)
        for words in ("There is no Codex", "None on PATH.", "$ npm install -g @openai/codex"):
            assert words in lines


async def test_a_problem_can_be_retried_or_quit() -> None:
    for key, answer in (("r", "retry"), ("q", "quit")):
        async with showing(ProblemScreen(MISSING)) as (pilot, host):
            await press(pilot, "question_mark")
            assert "? does nothing here" in on_screen(host)
            assert host.result is NOTHING_YET
            await press(pilot, key)
            assert host.result == answer


async def test_a_problem_closes_without_an_answer() -> None:
    async with showing(ProblemScreen(MISSING)) as (pilot, host):
        assert "esc close" in on_screen(host)
        await press(pilot, "escape")
        assert host.result is None


async def test_a_solved_problem_closes_and_closes_no_other_screen() -> None:
    async with showing(ProblemScreen(MISSING)) as (pilot, host):
        over = ConfirmScreen("Sure?", "Really?", yes="Yes")
        host.push_screen(over)
        await pilot.pause()
        assert isinstance(host.dialog, ProblemScreen)
        host.dialog.dismiss_when_active()
        await pilot.pause()
        assert host.screen is over
        await press(pilot, "n")
        assert host.result is None
        assert len(host.screen_stack) == 1


async def test_a_problem_that_a_retry_cannot_solve_is_not_retried() -> None:
    async with showing(ProblemScreen(FOR_GOOD)) as (pilot, host):
        assert "try again" not in on_screen(host)
        await press(pilot, "r")
        assert host.result is NOTHING_YET


async def test_a_long_message_scrolls_and_the_keys_stay_visible() -> None:
    story = "\n".join(f"config.toml:{at}: wrong" for at in range(100))
    async with showing(ProblemScreen(replace(FOR_GOOD, message=story))) as (pilot, host):
        assert "q quit" in on_screen(host)
        await press(pilot, "end")
        assert "config.toml:99: wrong" in on_screen(host)


# -- diff

DIFF = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n"


async def test_a_diff_can_be_read_to_its_end() -> None:
    diff = DIFF.replace("+1,2", "+1,202") + "".join(f"+line {at}\n" for at in range(200))
    async with showing(DiffScreen(TextDiffs("backend: turn 3", diff))) as (pilot, host):
        assert "x.py" in on_screen(host)
        assert "file 1 of 1" in on_screen(host)
        await press(pilot, "end")
        assert "line 199" in on_screen(host)
        await press(pilot, "home", "pagedown", "space", "k", "d")
        assert host.result is None


async def test_an_empty_diff_says_so() -> None:
    async with showing(DiffScreen(TextDiffs("backend: turn 3", ""))) as (_, host):
        assert "No file was changed." in on_screen(host)


# -- all of them


@pytest.mark.parametrize(
    "dialog",
    [
        lambda: NewThreadScreen(NewThread(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)),
        lambda: ForkScreen(HOSTILE, [ForkPoint(HOSTILE, HOSTILE, HOSTILE)]),
        lambda: ConfirmScreen(HOSTILE, HOSTILE, yes="Yes"),
        lambda: ProblemScreen(Problem(HOSTILE, HOSTILE, (HOSTILE,))),
        lambda: DiffScreen(TextDiffs(HOSTILE, f"{HOSTILE}\n{DIFF}+{HOSTILE}\n")),
    ],
    ids=["new-thread", "fork", "confirm", "trouble", "diff"],
)
async def test_hostile_text_is_shown_as_text(dialog: Any) -> None:
    async with showing(dialog(), size=(160, 45)) as (_, host):
        lines = on_screen(host)
        assert "[bold red]x[/]" in lines
        assert not any(bad in lines for bad in ("\x1b", "\x07", "\u202e"))


def test_every_binding_of_a_dialog_has_an_id() -> None:
    bindings = [one for place in PLACES.values() for one in place]
    assert [one for one in bindings if not isinstance(one, Binding) or not one.id] == []


def test_no_dialog_has_two_bindings_of_its_own_on_one_key() -> None:
    for screen in (ApprovalScreen, NewThreadScreen, ForkScreen, ConfirmScreen, DiffScreen):
        keys = [one.key for one in Binding.make_bindings(screen.BINDINGS)]
        assert len(keys) == len(set(keys))
