"""Pictures of the screen are saved beside all others, and their path is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from console.screens import story
from console.screens.console import Console, build_console

from codextui.console.screenshots import PicturePresenter


async def told(console: Console) -> str:
    async with asyncio.timeout(60):
        while not console.notices():
            await console.settle()
    return console.notices()[-1]


@pytest.mark.parametrize("key", ["", "question_mark", "H"])
async def test_ctrl_s_saves_the_screen_and_the_dialog_above_it(tmp_path: Path, key: str) -> None:
    console = build_console()
    console.app.pictures = PicturePresenter(console.app, lambda: 0.0, lambda: tmp_path)
    async with console.open():
        story.tell(console.server, 2)
        await console.settle()
        if key:
            await console.press(key)
        await console.press("ctrl+s")
        async with asyncio.timeout(60):
            while not [*tmp_path.iterdir()]:
                await console.settle()
        if key:
            await console.press("escape")
        [path] = tmp_path.iterdir()
        assert str(path) in await told(console)
        assert path.suffix == ".svg"
        assert "backend" in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_dialog_that_is_sent_by_the_same_key_is_sent(tmp_path: Path) -> None:
    console = build_console(folder=str(tmp_path))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    console.app.pictures = PicturePresenter(console.app, lambda: 0.0, lambda: pictures)
    async with console.open():
        await console.press("n", *"hello", "ctrl+s")
        await console.settle()
        assert [call["prompt"] for call in console.called("codex-start")] == ["hello"]
        assert not [*pictures.iterdir()]


async def test_while_writing_the_key_saves_a_picture_and_a_letter_does_not(tmp_path: Path) -> None:
    console = build_console()
    console.app.pictures = PicturePresenter(console.app, lambda: 0.0, lambda: tmp_path)
    async with console.open():
        console.server.thread("a")
        await console.settle()
        await console.press("r", "ctrl+s")
        await told(console)
        assert len([*tmp_path.iterdir()]) == 1
        console.app.set_keymap({"console.picture": "Y"})
        await console.press("Y")
        assert console.app.focused.text == "Y"  # type: ignore[union-attr]


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    console = build_console()
    missing = tmp_path / "none"
    missing.write_text("no folder")
    console.app.pictures = PicturePresenter(console.app, lambda: 0.0, lambda: missing)
    async with console.open():
        await console.press("ctrl+s")
        assert "could not be saved" in await told(console)
