"""The composer: files after @, commands after /, earlier prompts, the editor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from console.screens.console import Console, build_console
from textual import events

from codextui.console.widgets.composer import Composer
from codextui.console.widgets.composer_box import ComposerBox
from codextui.console.widgets.suggestion_list import SuggestionList
from codextui.errors import ProgramUnavailable, ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def composer(console: Console) -> Composer:
    return console.app.screen.query_one(Composer)


def suggested(console: Console) -> list[str]:
    """Return the labels in the list; empty while it is hidden."""
    shown = console.app.screen.query_one(SuggestionList)
    return [one.label for one in shown._suggestions] if shown.display else []


async def workers_done(console: Console, group: str) -> None:
    async with asyncio.timeout(60):
        while any(one.group == group and not one.is_finished for one in console.app.workers):
            await console.settle()
    await console.settle()


async def files_found(console: Console) -> None:
    await workers_done(console, "files")


def asked(console: Console) -> list[str]:
    """Return the tools that were called for the user."""
    return [tool for tool, _ in console.server.calls if tool != "codex-server"]


async def paste(console: Console, text: str) -> None:
    console.app.post_message(events.Paste(text))
    await console.settle()


async def write(console: Console, *keys: str, folder: Path | None = None) -> str:
    """Open the composer of a thread, press keys, and return the thread's id."""
    thread = console.server.thread("mine", cwd=str(folder) if folder else "/nowhere")
    await console.settle()
    await console.press("r", *keys)
    return thread


def past(console: Console, *prompts: str) -> None:
    """Add turns to the thread."""
    for number, prompt in enumerate(prompts, 1):
        turn = f"u{number}"
        console.server.thread("mine")
        console.server.say("t-mine", ev.TurnStarted(), turn)
        item = {
            "type": "userMessage",
            "id": f"p{number}",
            "content": [{"type": "text", "text": prompt}],
        }
        console.server.item("t-mine", item, turn)
        console.server.say("t-mine", ev.TurnCompleted(), turn)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cost.py", "costs.md", "shot.png"):
        (tmp_path / name).touch()
    return tmp_path


async def test_tab_takes_the_file_that_the_arrows_chose(console: Console, folder: Path) -> None:
    async with console.open():
        await write(console, *"see ", "@", "c", "o", folder=folder)
        await files_found(console)
        assert suggested(console) == ["cost.py", "costs.md"]
        assert "tab takes it" in console.shown()
        await console.press("down", "tab")
        assert composer(console).text == "see costs.md "
        assert suggested(console) == []
        await console.press("ctrl+z")
        assert composer(console).text == "see @co"


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (50, 12)])
async def test_the_list_leaves_room_for_what_is_written(
    console: Console, size: tuple[int, int]
) -> None:
    async with console.open(size=size):
        console.server.running("other")
        await write(console, "/")
        rows = console.shown().splitlines()
        first = next(row for row, text in enumerate(rows) if "▸ /queue" in text)
        assert any("esc closes this" in row for row in rows[first:])
        region = composer(console).region
        assert region.height >= 1
        assert region.bottom <= console.app.main.workbench.grid.region.bottom - 1
        assert "┃ / " in rows[region.y]


async def test_enter_sends_a_text_with_an_open_list_of_files_unless_one_was_chosen(
    console: Console, folder: Path
) -> None:
    async with console.open():
        thread = await write(console, "@", "c", "o", folder=folder)
        await files_found(console)
        await console.press("enter")
        assert console.called("codex-send") == [{"thread": thread, "prompt": "@co"}]
        await console.press("r", "@", "c", "o")
        await files_found(console)
        await console.press("up", "enter")
        assert composer(console).text == "costs.md "


async def test_an_image_is_attached_by_its_name(console: Console, folder: Path) -> None:
    async with console.open():
        await write(console, "@", "s", "h", folder=folder)
        await files_found(console)
        await console.press("tab")
        assert composer(console).text == f"@image:{folder}/shot.png "
        assert "with the image shot.png" in console.shown()


async def test_esc_closes_the_list_only(console: Console, folder: Path) -> None:
    async with console.open():
        await write(console, "@", "c", "o", folder=folder)
        await files_found(console)
        await console.press("escape")
        assert suggested(console) == []
        assert composer(console).text == "@co"
        await console.press("s")
        assert suggested(console) == ["cost.py", "costs.md"]
        await console.press("escape", "escape")
        assert not console.app.screen.query(Composer)
        assert console.app.main.workbench.drafts == {"t-mine": "@cos"}


async def test_a_folder_that_cannot_be_read_suggests_nothing(console: Console) -> None:
    async with console.open():
        await write(console, "@", "c")
        await files_found(console)
        assert suggested(console) == []
        await console.press("enter")
        assert console.called("codex-send") == [{"thread": "t-mine", "prompt": "@c"}]


async def test_a_command_runs_by_enter_and_is_not_sent(console: Console) -> None:
    async with console.open():
        await write(console, *"/ki")
        assert suggested(console) == ["/kill"]
        await console.press("enter")
        assert composer(console).text == "/kill"
        assert asked(console) == []
        await console.press("enter")
        assert console.called("codex-kill") == [{"thread": "t-mine"}]
        assert console.called("codex-send") == []
        assert console.app.main.workbench.drafts == {}


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("/queue then test", "codex-send", {"prompt": "then test"}),
        ("/fork try it", "codex-fork", {"prompt": "try it"}),
        ("/fork", "codex-fork", {}),
        ("/rename cost", "codex-rename", {"handle": "cost"}),
        ("/model gpt-5.5", "codex-settings", {"model": "gpt-5.5"}),
    ],
)
async def test_commands_with_an_argument(
    console: Console, text: str, tool: str, arguments: dict[str, object]
) -> None:
    async with console.open():
        await write(console)
        await paste(console, text)
        await console.press("enter")
        assert console.called(tool) == [{"thread": "t-mine", **arguments}]


async def test_a_queued_command_waits_for_the_running_turn(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        await console.settle()
        await console.press("r", *"/queue later", "enter")
        assert console.called("codex-queue") == [
            {"thread": thread, "prompt": "later", "action": "add"}
        ]


async def test_an_unknown_command_is_not_sent_and_says_why(console: Console) -> None:
    async with console.open():
        await write(console, *"/kil it", "enter")
        assert "There is no command /kil: did you mean /kill?" in console.shown()
        assert asked(console) == []
        await console.press("ctrl+t")
        assert asked(console) == []
        await console.press("home", "space")
        assert "There is no command" not in console.shown()
        await console.press("enter")
        assert console.called("codex-send") == [{"thread": "t-mine", "prompt": "/kil it"}]


async def test_a_command_is_never_queued(console: Console) -> None:
    async with console.open():
        await write(console, *"/kill", "ctrl+t")
        assert "/kill is a command, which cannot wait" in console.shown()
        assert asked(console) == []


@pytest.mark.parametrize("pasted", ["/kill", "/kill\n", "/kill\n\n", "\n/kill\n"])
async def test_a_paste_never_runs_a_command(console: Console, pasted: str) -> None:
    async with console.open():
        await write(console)
        await paste(console, pasted)
        assert composer(console).text == pasted
        assert asked(console) == []
        assert console.app.screen is console.app.main


async def test_a_paste_before_the_composer_has_the_focus_never_runs_a_command(
    console: Console,
) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        console.app.post_message(events.Key("r", "r"))
        console.app.post_message(events.Paste("/kill\n"))
        await console.settle()
        assert composer(console).text == "/kill\n"
        assert asked(console) == []


async def test_a_role_gets_a_text_with_a_slash_as_it_is(console: Console) -> None:
    async with console.open():
        console.server.thread("run", ThreadState.RUNNING, kind=ThreadKind.RUN)
        console.server.thread("role", ThreadState.RUNNING, kind=ThreadKind.ROLE, parent="t-run")
        await console.settle()
        console.app.main.open_thread("t-role")
        await console.settle()
        await console.press("r", *"/kill")
        assert suggested(console) == []
        await console.press("enter")
        assert [call["text"] for call in console.called("codex-role")] == ["/kill"]


async def test_the_arrows_recall_earlier_prompts_at_the_edge(console: Console) -> None:
    async with console.open():
        console.server.thread("mine")
        past(console, "first", "second\nline", "/kill me")
        await console.settle()
        await console.press("r", "up")
        assert composer(console).text == " /kill me"
        await console.press("up")
        assert composer(console).text == "second\nline"
        await console.press("up")
        assert composer(console).text == "first"
        await console.press("up", "down")
        assert composer(console).text == "second\nline"
        await console.press("down", "down")
        assert composer(console).text == ""
        await console.press(*"new", "up", "down")
        assert composer(console).text == "new"


async def test_a_command_for_a_thread_that_has_gone_is_kept(console: Console) -> None:
    async with console.open():
        thread = await write(console, *"/queue later")
        console.server.say(thread, ev.ThreadLeft())
        await console.settle()
        assert composer(console).text == "/queue later"
        await console.press("enter")
        assert asked(console) == []
        assert console.app.main.workbench.drafts == {thread: "/queue later"}


async def test_a_command_that_cannot_run_now_keeps_its_text(console: Console) -> None:
    async with console.open():
        thread = await write(console, *"/queue later")
        console.server.disconnect()
        await console.settle()
        await console.press("enter")
        assert composer(console).text == "/queue later"
        assert console.app.main.workbench.drafts == {thread: "/queue later"}


async def test_a_text_with_a_slash_that_was_not_sent_is_still_a_text(console: Console) -> None:
    console.server.failures["codex-send"] = ServerRefused("no")
    async with console.open():
        await write(console, "space", *"/kill", "enter")
        await console.press("r")
        assert composer(console).text == " /kill"


async def test_an_approval_that_opens_over_the_list_leaves_the_text(
    console: Console, folder: Path
) -> None:
    async with console.open():
        thread = await write(console, "@", "c", "o", folder=folder)
        await files_found(console)
        console.server.ask(thread, "a1")
        await console.settle()
        box = console.app.main.query_one(ComposerBox)
        assert box.composer.text == "@co"


# The editor.


class Editor:
    """An editor that the test ends."""

    def __init__(self, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        self.started = asyncio.Event()
        self.result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(console.app.editor, "edit", self.edit)

    async def edit(self, text: str) -> str:
        self.texts.append(text)
        self.started.set()
        return await self.result

    async def end(self, console: Console, text: str | Exception) -> None:
        async with asyncio.timeout(60):
            await self.started.wait()
        if isinstance(text, str):
            self.result.set_result(text)
        else:
            self.result.set_exception(text)
        await workers_done(console, "editor")


async def test_ctrl_g_edits_the_text_and_undo_takes_it_back(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.open():
        editor = Editor(console, monkeypatch)
        await write(console, *"draft", "ctrl+g")
        await editor.end(console, "a whole\nletter")
        assert editor.texts == ["draft"]
        assert composer(console).text == "a whole\nletter"
        assert composer(console).has_focus
        await console.press("ctrl+z")
        assert composer(console).text == "draft"


async def test_a_failing_editor_leaves_the_text(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.open():
        editor = Editor(console, monkeypatch)
        await write(console, *"draft", "ctrl+g")
        await editor.end(console, ProgramUnavailable("vi ended with exit code 1"))
        assert composer(console).text == "draft"
        assert "Cannot edit it: vi ended with exit code 1" in console.notices()


async def test_what_was_edited_is_a_draft_where_the_composer_is_closed_by_then(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.open():
        editor = Editor(console, monkeypatch)
        thread = await write(console, *"draft", "ctrl+g")
        console.app.main.workbench.close_composer(thread)
        console.server.say(thread, ev.ThreadLeft())
        await editor.end(console, "edited")
        assert console.app.main.workbench.drafts == {thread: "edited"}


async def test_a_text_that_came_back_meanwhile_stays_beside_what_was_edited(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.open():
        editor = Editor(console, monkeypatch)
        thread = await write(console, *"draft", "ctrl+g")
        console.app.main.workbench.save_draft(thread, "was not sent")
        await editor.end(console, "edited")
        assert composer(console).text == "was not sent\n\nedited"
