"""Earlier prompts edited and sent again, turns that go on, and the folder of a thread."""

from __future__ import annotations

from pathlib import Path

import pytest
from console.screens.console import Console, build_console
from textual.widgets import OptionList, TextArea

from codextui.console.model.transcript import LOST
from codextui.console.screens.edit_turn import EditTurnScreen
from codextui.console.screens.prompt_actions import CONTINUE
from codextui.errors import ProgramUnavailable, ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def turns(console: Console, *prompts: str, state: str = "completed", handle: str = "mine") -> str:
    """Add a thread with turns; the last one ends with a state, the others are completed."""
    thread = console.server.thread(handle, brief=prompts[0] if prompts else "")
    for number, prompt in enumerate(prompts, 1):
        turn, ended = f"{handle}-{number}", state if number == len(prompts) else "completed"
        content = [{"type": "text", "text": prompt}]
        console.server.say(thread, ev.TurnStarted(), turn)
        item = {"type": "userMessage", "id": f"p{turn}", "content": content}
        console.server.item(thread, item, turn)
        if ended == "completed":
            console.server.say(thread, ev.TurnCompleted(), turn)
        elif ended != "running":
            console.server.say(thread, ev.TurnAborted(ended), turn)
    return thread


def asked(console: Console) -> list[str]:
    """Return the tools that were called for the user."""
    return [tool for tool, _ in console.server.calls if tool != "codex-server"]


# Edit.


async def test_an_edited_prompt_is_sent_in_a_fork_through_the_turn_before(console: Console) -> None:
    async with console.open():
        thread = turns(console, "plan it", "build it", "test it")
        await console.settle()
        await console.press("e")
        assert isinstance(console.app.screen, EditTurnScreen)
        for words in ("1  plan it", "2  build it", "3  test it", "The thread itself stays"):
            assert words in console.shown()
        assert console.app.screen.query_one(TextArea).text == "test it"
        info = console.server.threads[thread]
        console.server.results["codex-fork"] = {"thread": info.to_json()}
        await console.press("shift+tab", "up", "enter", *" well", "ctrl+s")
        assert console.called("codex-fork") == [
            {"thread": thread, "turn": "mine-1", "prompt": "build it well"}
        ]
        assert console.app.main._options.drafts.edits == {}


async def test_the_first_prompt_begins_another_thread_with_the_same_settings(
    console: Console,
) -> None:
    async with console.open():
        turns(console, "plan it")
        await console.settle()
        await console.press("e", *" now", "ctrl+s")
        assert console.called("codex-start") == [
            {
                "prompt": "plan it now",
                "model": "gpt-5.5",
                "cwd": "/home/ada/shop",
                "sandbox": "workspace-write",
                "approval-policy": "on-request",
            }
        ]


async def test_a_first_prompt_whose_past_is_not_known_is_not_offered(console: Console) -> None:
    async with console.open():
        turns(console, "go on")
        console.server.thread("mine", brief="what began it all")
        await console.settle()
        await console.press("e")
        assert "No prompt of mine is known here any more." in console.notices()


async def test_what_was_edited_is_a_draft_until_it_was_sent(console: Console) -> None:
    console.server.failures["codex-fork"] = ServerRefused("no such turn")
    async with console.open():
        turns(console, "plan it", "build it")
        await console.settle()
        await console.press("e", *" well", "escape", "e")
        assert console.app.screen.query_one(TextArea).text == "build it well"
        await console.press("ctrl+s", "e")
        assert "Could not fork the thread: no such turn" in console.notices()
        assert console.app.screen.query_one(TextArea).text == "build it well"
        await console.press("shift+tab", "up")
        assert console.app.screen.query_one(TextArea).text == "plan it"
        await console.press("down")
        assert console.app.screen.query_one(OptionList).highlighted == 1
        assert console.app.screen.query_one(TextArea).text == "build it well"


async def test_an_empty_prompt_is_not_sent(console: Console) -> None:
    async with console.open():
        turns(console, "a", "b")
        await console.settle()
        await console.press("e", "backspace", "ctrl+s")
        assert isinstance(console.app.screen, EditTurnScreen)
        assert asked(console) == []


async def test_an_edited_image_is_attached_again(console: Console) -> None:
    fork = console.server.thread
    async with console.open():
        turns(console, "a", "see [Image #1]\n[image /tmp/a.png]")
        info = console.server.threads[fork("fork")]
        console.server.results["codex-fork"] = {"thread": info.to_json()}
        await console.settle()
        console.app.main.open_thread("t-mine")
        await console.settle()
        await console.press("e")
        assert console.app.screen.query_one(TextArea).text == "see @image:/tmp/a.png"
        await console.press("ctrl+s")
        assert console.called("codex-fork") == [{"thread": "t-mine", "turn": "mine-1"}]
        assert console.called("codex-send") == [
            {"thread": "t-fork", "prompt": "see [Image #1]", "images": ["/tmp/a.png"]}
        ]


# Retry and continue.


@pytest.mark.parametrize("state", ["failed", "interrupted"])
async def test_w_sends_the_prompt_of_a_failed_turn_again(console: Console, state: str) -> None:
    async with console.open():
        thread = turns(console, "plan it", "build\nit", state=state)
        await console.settle()
        await console.press("w")
        assert console.called("codex-send") == [{"thread": thread, "prompt": "build\nit"}]


@pytest.mark.parametrize("state", ["failed", "interrupted"])
async def test_c_has_a_thread_go_on_with_a_turn_that_was_cut_off(
    console: Console, state: str
) -> None:
    async with console.open():
        thread = turns(console, "plan it", state=state)
        await console.settle()
        await console.press("C")
        assert console.called("codex-send") == [{"thread": thread, "prompt": CONTINUE}]


@pytest.mark.parametrize("key", ["w", "C"])
async def test_a_turn_that_ended_well_is_not_sent_again(console: Console, key: str) -> None:
    async with console.open():
        turns(console, "plan it")
        await console.settle()
        await console.press(key)
        assert "The last turn of mine is completed: r writes to it." in console.notices()
        assert asked(console) == []


async def test_a_prompt_with_more_than_text_is_not_sent_again(console: Console) -> None:
    async with console.open():
        turns(console, "use it\n[skill lint: /s/lint.md]", state="failed")
        await console.settle()
        await console.press("w")
        assert "That prompt had more than text" in console.notices()[0]
        assert asked(console) == []


@pytest.mark.parametrize("key", ["e", "w", "C"])
async def test_a_thread_without_turns_says_so(console: Console, key: str) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press(key)
        assert console.notices() == ["mine has no turn yet: r writes to it."]


@pytest.mark.parametrize("key", ["w", "C"])
async def test_a_running_turn_goes_on_by_itself(console: Console, key: str) -> None:
    async with console.open():
        turns(console, "plan it", state="running")
        console.server.thread("mine", ThreadState.RUNNING)
        await console.settle()
        await console.press(key)
        assert console.notices() == ["mine is running: its turn goes on, and r writes to it."]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("e", "only the prompts of its Codex threads can be edited"),
        ("w", "R runs a role again"),
        ("C", "R runs a role again"),
    ],
)
async def test_a_role_says_what_works_instead(console: Console, key: str, words: str) -> None:
    async with console.open():
        console.server.thread("run", ThreadState.RUNNING, kind=ThreadKind.RUN)
        console.server.thread("role", ThreadState.RUNNING, kind=ThreadKind.ROLE, parent="t-run")
        await console.settle()
        console.app.main.open_thread("t-role")
        await console.settle()
        await console.press(key)
        assert words in console.notices()[-1]


@pytest.mark.parametrize("key", ["w", "C"])
async def test_a_killed_thread_takes_no_prompts(console: Console, key: str) -> None:
    async with console.open():
        turns(console, "plan it", state="failed")
        console.server.thread("mine", ThreadState.KILLED)
        await console.settle()
        console.app.main.open_thread("t-mine")
        await console.settle()
        await console.press(key)
        assert console.notices() == ["mine was killed and takes no more prompts; f forks it."]


# Continue all.


def cut_off(console: Console, handle: str) -> str:
    """Add a thread whose turn was lost with its Codex."""
    return turns(console, "plan it", state=LOST, handle=handle)


async def test_ctrl_o_lists_what_a_crash_cut_off_and_has_it_go_on(console: Console) -> None:
    async with console.open():
        first, second = cut_off(console, "one"), cut_off(console, "two")
        turns(console, "done", handle="three")
        await console.settle()
        await console.press("ctrl+o")
        assert "Go on with 2 turns that a crash cut off?" in console.shown()
        assert "one, two: each is told" in console.shown()
        await console.press("n")
        assert asked(console) == []
        await console.press("ctrl+o", "y")
        assert console.called("codex-send") == [
            {"thread": first, "prompt": CONTINUE},
            {"thread": second, "prompt": CONTINUE},
        ]


async def test_ctrl_o_without_a_crash_says_so(console: Console) -> None:
    async with console.open():
        turns(console, "done", state="failed")
        await console.settle()
        await console.press("ctrl+o")
        assert console.notices() == ["No turn was cut off by a crash."]


# The folder.


@pytest.mark.parametrize(("key", "method"), [("E", "open_folder"), ("!", "open_shell")])
async def test_the_folder_opens_in_the_editor_or_a_shell(
    console: Console, key: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, str]] = []

    async def open_(folder: str, name: str) -> str:
        opened.append((folder, name))
        if len(opened) > 1:
            raise ProgramUnavailable("there is no editor")
        return "it opens"

    async with console.open():
        monkeypatch.setattr(console.app.editor, method, open_)
        console.server.thread("mine", cwd=str(tmp_path))
        await console.settle()
        await console.press("exclamation_mark" if key == "!" else key)
        assert opened == [(str(tmp_path), "mine")]
        assert "it opens" in console.notices()
        await console.press("exclamation_mark" if key == "!" else key)
        assert "Cannot open the folder: there is no editor" in console.notices()


@pytest.mark.parametrize("key", ["E", "exclamation_mark"])
async def test_a_thread_without_a_folder_says_so(console: Console, key: str) -> None:
    async with console.open():
        console.server.thread("mine", cwd="")
        await console.settle()
        await console.press(key)
        assert console.notices() == ["mine has no folder of its own."]
