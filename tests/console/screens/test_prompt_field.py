"""Prompts that are written in dialogs: files after @, and the user's editor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from console.screens.console import Console, build_console
from console.screens.dialog_host import NOTHING_YET, DialogHost, on_screen
from textual.pilot import Pilot
from textual.screen import Screen

from codextui.console.screens.broadcast import BroadcastScreen, Recipient
from codextui.console.screens.comment import CommentScreen
from codextui.console.screens.edit_turn import EarlierPrompt, Edited, EditTurnScreen
from codextui.console.screens.fork import ForkChoice, ForkPoint, ForkScreen
from codextui.console.screens.messages import NewThread
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.widgets.composer import PromptArea
from codextui.console.widgets.prompt_field import PromptField
from codextui.console.widgets.suggestion_list import SuggestionList
from codextui.errors import ProgramUnavailable

EARLIER = EarlierPrompt("u2", "u1", "see")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "shop").mkdir()
    for name in ("shop/cost.py", "shop/cart.py", "notes.md", "picture.png"):
        (tmp_path / name).write_text("")
    return str(tmp_path)


def to_all(*folders: str) -> BroadcastScreen:
    found = [Recipient(f"t{at}", f"r{at}", "replies", True, one) for at, one in enumerate(folders)]
    return BroadcastScreen(lambda: found, {"text": "see"})


DIALOGS: dict[str, tuple[Callable[[str], Screen[Any]], tuple[str, ...], object]] = {
    "edit": (
        lambda folder: EditTurnScreen("mine", [EARLIER], {}, folder=folder),
        ("ctrl+s",),
        Edited(EARLIER, "see shop/cost.py  now"),
    ),
    "broadcast": (lambda folder: to_all(folder, folder), ("ctrl+s",), "see shop/cost.py  now"),
    "new thread": (lambda folder: NewThreadScreen(NewThread("see", folder)), ("ctrl+s",), None),
    "fork": (
        lambda folder: ForkScreen("mine", [ForkPoint("u1", "one")], "see", folder=folder),
        ("enter",),
        ForkChoice("u1", "see shop/cost.py  now"),
    ),
    "comment": (
        lambda folder: CommentScreen("a.py:1", "+x", "see", lambda _: None, folder=folder),
        ("enter",),
        "see shop/cost.py  now",
    ),
}


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def suggested(pilot: Pilot[None], host: DialogHost) -> list[str]:
    """Return what is suggested once the files are listed."""
    async with asyncio.timeout(60):
        while any(one.group == "files" and not one.is_finished for one in host.workers):
            await pilot.pause()
    await pilot.pause()
    shown = host.screen.query_one(SuggestionList)
    return [one.label for one in shown._suggestions] if shown.display else []


@pytest.mark.parametrize("name", DIALOGS)
async def test_files_are_completed_in_every_dialog_with_a_prompt(folder: str, name: str) -> None:
    build, keys, result = DIALOGS[name]
    host = DialogHost(build(folder))
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        if name == "fork":
            await press(pilot, "tab", "end")
        await press(pilot, *" @c")
        assert await suggested(pilot, host) == [*("shop/cart.py", "shop/cost.py", "picture.png")]
        shown = on_screen(host)
        assert "▸ shop/cart.py" in shown
        assert " esc " in shown  # how to leave is still there
        await press(pilot, "down", "tab")
        area = host.screen.query_one(PromptArea)
        assert area.text == "see shop/cost.py "
        assert host.focused is area
        await press(pilot, *" @zzz", "escape")  # nothing is suggested: it leaves the dialog
        assert host.result is None

    host = DialogHost(build(folder))
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        if name == "fork":
            await press(pilot, "tab", "end")
        await press(pilot, *" @c")
        await suggested(pilot, host)
        await press(pilot, "escape")  # closes the suggestions, not the dialog
        assert await suggested(pilot, host) == []
        assert host.result is NOTHING_YET
        await press(pilot, *"os")
        assert await suggested(pilot, host) == ["shop/cost.py"]
        await press(pilot, "tab", *" now", *keys)
        if name == "new thread":
            assert isinstance(host.result, NewThread)
            assert host.result.prompt == "see shop/cost.py  now"
        else:
            assert host.result == result


async def test_a_message_to_several_folders_suggests_nothing(folder: str) -> None:
    host = DialogHost(to_all(folder, "/elsewhere"))
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await press(pilot, *" @c")
        assert await suggested(pilot, host) == []


async def test_a_new_thread_suggests_the_files_of_the_folder_that_is_written(folder: str) -> None:
    host = DialogHost(NewThreadScreen(NewThread("", "/nowhere")))
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await press(pilot, "@", "c")
        assert await suggested(pilot, host) == []
        host.screen.query_one("#cwd").value = f" {folder} "  # type: ignore[attr-defined] # an input
        await pilot.pause()
        await press(pilot, "a")
        assert await suggested(pilot, host) == ["shop/cart.py"]
        host.screen.query_one("#cwd").value = ""  # type: ignore[attr-defined] # an input
        await pilot.pause()
        assert host.screen.query_one(PromptField).folder == ""


async def edited(console: Console) -> None:
    async with asyncio.timeout(60):
        while any(one.group == "editor" and not one.is_finished for one in console.app.workers):
            await console.settle()
    await console.settle()


async def test_ctrl_g_writes_a_prompt_of_a_dialog_in_the_users_editor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = build_console()
    asked: list[str] = []
    answers: list[str | ProgramUnavailable] = ["a whole\nletter", ProgramUnavailable("vi ended")]

    async def edit(text: str) -> str:
        asked.append(text)
        answer = answers.pop(0)
        if isinstance(answer, ProgramUnavailable):
            raise answer
        return answer

    monkeypatch.setattr(console.app.editor, "edit", edit)
    async with console.open():
        await console.press("n", *"one", "ctrl+g")
        await edited(console)
        area = console.app.screen.query_one(PromptArea)
        assert area.text == "a whole\nletter"
        await console.press("ctrl+g")
        await edited(console)
        assert area.text == "a whole\nletter"
        assert asked == ["one", "a whole\nletter"]
        await console.press("ctrl+z")
        assert area.text == "one"
