"""The command palette finds what asks, threads, runs, actions with their keys, and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from console.screens.console import Console, build_console

from codextui.config.schema import Config, UiConfig
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.palette import PaletteScreen, list_files
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console(layout=2)


async def type_in(console: Console, text: str) -> str:
    await console.press("ctrl+p", *("space" if one == " " else one for one in text))
    assert isinstance(console.app.screen, PaletteScreen)
    return console.shown()


async def test_a_thread_is_found_by_handle_brief_and_state(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", brief="Build the refund endpoint")
        console.server.thread("frontend", ThreadState.FAILED, brief="Build the form")
        console.server.thread("docs")
        await console.settle()
        for text in ("frontend", "build form", "failed", "frnt"):
            await type_in(console, text)
            await console.press("enter")
            assert console.current == "t-frontend"
            console.app.main.workbench.focus_thread("t-backend")


async def test_an_action_is_found_with_its_key_and_done(console: Console) -> None:
    async with console.open():
        console.server.thread("backend")
        await console.settle()
        shown = await type_in(console, "zoom")
        assert "Zoom the pane" in shown
        await console.press("enter")
        assert console.app.main.workbench.grid.zoomed == "t-backend"
        await type_in(console, "new thread")
        await console.press("enter")
        assert isinstance(console.app.screen, NewThreadScreen)


async def test_actions_that_have_no_place_in_the_footer_are_found(console: Console) -> None:
    async with console.open(size=(120, 24)):
        thread_id = console.server.thread("backend")
        for number in range(30):
            item = {"type": "agentMessage", "id": f"m{number}", "text": f"item-{number}"}
            console.server.item(thread_id, item)
        await console.settle()
        await type_in(console, "to the beginning")
        await console.press("enter")
        assert not console.pane(thread_id).follow


async def test_an_action_that_cannot_act_says_why_in_the_list_and_when_chosen(
    console: Console,
) -> None:
    async with console.open():
        shown = await type_in(console, "interrupt")
        assert "not now: Cannot interrupt a thread: no thread is chosen." in shown
        await console.press("enter")
        assert console.notices()[0].startswith("Cannot interrupt a thread")


async def test_the_keys_are_those_of_the_keymap() -> None:
    console = build_console(config=Config(ui=UiConfig(bell=False, keys={"pane.zoom": "f8"})))
    async with console.open():
        line = next(
            row for row in (await type_in(console, "zoom the")).splitlines() if "Zoom" in row
        )
        assert " f8" in line


async def test_what_asks_comes_first_and_opens(console: Console) -> None:
    async with console.open():
        console.server.thread("docs")
        console.server.thread("backend")
        await console.settle()
        console.server.ask("t-backend", "a1")
        await console.until("pytest -q tests")
        await console.press("escape")
        if isinstance(console.app.screen, ApprovalScreen):
            await console.press("escape")
        await console.press("ctrl+p")
        rows = [row for row in console.shown().splitlines() if "backend: run: pytest" in row]
        assert "> asks" in rows[0]
        threads = [row for row in console.shown().splitlines() if "  thread  " in row]
        assert ["backend" in row for row in threads] == [True, False]
        await console.press("enter")
        assert isinstance(console.app.screen, ApprovalScreen)


async def test_a_file_is_mentioned_to_the_thread(console: Console, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "billing.py").write_text("")
    async with console.open():
        console.server.thread("backend", cwd=str(tmp_path))
        await console.settle()
        await type_in(console, "billing")
        await console.until("billing.py")
        await console.press("enter")
        assert console.app.main.workbench.drafts["t-backend"] == "@src/billing.py "
        assert console.app.main.is_composing()


async def test_escape_does_nothing(console: Console) -> None:
    async with console.open():
        await type_in(console, "new")
        await console.press("escape")
        assert console.app.screen is console.app.main


def test_files_are_listed_without_what_nobody_looks_for(tmp_path: Path) -> None:
    for path in ("b.py", "a/c.py", "a/d/e.py", ".git/config", "node_modules/x.js", "a/.env"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list_files(tmp_path) == ["b.py", "loop", "a/c.py", "a/d/e.py"]
    assert list_files(tmp_path, max_files=1) == ["b.py"]
    assert list_files(tmp_path, max_folders=1) == ["b.py", "loop"]
    assert list_files(tmp_path / "none") == []
