"""What is typed stays text, and stays: whatever arrives meanwhile, and however one leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from console.screens.console import NOW, Console, FakeServer, build_console
from console.screens.dialog_host import on_screen
from textual import events
from textual.widgets import Input, TextArea

from codextui.console.drafts import Drafts
from codextui.console.problems import codex_unusable
from codextui.console.screens.fork import ForkScreen
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.screens.problem import ProblemScreen
from codextui.console.widgets.composer import Composer
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.approvals import Question, QuestionsAsked
from codextui.protocol.decisions import Declined
from codextui.protocol.events import ItemCompleted, TurnCompleted, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def composer_of(console: Console) -> Composer:
    """Return the composer, which must have the focus."""
    focused = console.app.focused
    assert isinstance(focused, Composer), focused
    return focused


class SlowServer:
    """Holds back the answers of a fake server's tool until the test lets them go."""

    def __init__(self, server: FakeServer, tool: str) -> None:
        self.go = asyncio.Event()
        self._call = server.call
        self._tool = tool
        server.call = self.call  # type: ignore[method-assign]

    async def call(self, tool: str, arguments: JsonObject) -> Mapping[str, object]:
        if tool == self._tool:
            await self.go.wait()
        return await self._call(tool, arguments)


def fork_of(console: Console, handle: str, source: str) -> ThreadInfo:
    info = ThreadInfo(f"t-{handle}", handle, ThreadState.IDLE, forked_from=source, created_at=NOW)
    console.server.results["codex-fork"] = {"thread": info.to_json()}
    return info


@pytest.mark.parametrize("layout", [1, 2, 9])
@pytest.mark.parametrize("is_known_first", [True, False])
async def test_a_fork_that_arrives_does_not_take_the_focus_from_the_composer(
    layout: int, is_known_first: bool
) -> None:
    console = build_console(layout=layout)
    async with console.open() as pilot:
        source = console.server.thread("shop")
        await console.settle()
        fork_of(console, "fork", source)
        slow = SlowServer(console.server, "codex-fork")
        await console.press("f", "r", *"stop")
        if is_known_first:
            console.server.thread("fork", forked_from=source)
        slow.go.set()
        await console.settle()
        console.server.thread("fork", forked_from=source)
        await console.settle()
        await pilot.press(*"xXq")
        await console.settle()
        assert composer_of(console).thread_id == source
        assert composer_of(console).text == "stopxXq"
        assert not console.called("codex-interrupt")
        assert ("t-fork" in console.panes()) == (layout > 1)


async def test_a_fork_that_arrives_after_other_keys_does_not_take_them(console: Console) -> None:
    async with console.open():
        source = console.server.thread("shop")
        console.server.running("other")
        await console.settle()
        fork_of(console, "fork", source)
        slow = SlowServer(console.server, "codex-fork")
        await console.press("1", "f", "2")
        slow.go.set()
        console.server.thread("fork", forked_from=source)
        await console.settle()
        assert console.current == "t-other"


async def test_threads_that_arrive_leave_the_composer_alone(console: Console) -> None:
    async with console.open(size=(100, 30)):
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"half a ")
        for number in range(12):
            console.server.running(f"other-{number}")
            console.server.ask(f"t-other-{number}", f"a{number}")
            await console.settle()
        await console.press(*"line")
        assert composer_of(console).text == "half a line"


async def test_a_restart_of_the_server_leaves_the_composer_alone(console: Console) -> None:
    async with console.open():
        console.server.running("mine")
        console.server.running("other")
        await console.settle()
        await console.press("1", "r", *"half a ")
        console.server.disconnect()
        await console.settle()
        await console.press(*"l")
        console.server.connect(fresh=True)
        console.server.thread("other")
        console.app.main.refresh_clocks()  # draws also while the past is replayed
        await console.settle()
        await console.press(*"in")
        console.server.catch_up()
        await console.settle()
        await console.press(*"e")
        assert composer_of(console).text == "half a line"
        console.server.thread("mine")
        await console.settle()
        await console.press("enter")
        assert console.called("codex-send") == [{"thread": "t-mine", "prompt": "half a line"}]


async def test_letters_for_a_field_that_has_gone_are_not_commands(console: Console) -> None:
    async with console.open():
        console.server.running("mine")
        await console.settle()
        await console.press("n", *"write")
        console.app._problems.show(codex_unusable("it is broken"))
        await console.settle()
        await console.press(*"qqq")
        assert isinstance(console.app.screen, ProblemScreen)
        console.app._last_key_at -= 7200
        await console.press("q")
        assert not console.app.is_running or console.app._exit


# Drafts.


async def test_a_draft_survives_q_and_attach(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"half a line", "escape", "q")
    again = build_console(drafts=Drafts(path))
    async with again.open():
        again.server.thread("mine")
        await again.settle()
        assert "draft  half a line" in again.shown()
        await again.press("r")
        assert composer_of(again).text == "half a line"


async def test_a_draft_is_saved_while_it_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"half")
        async with asyncio.timeout(30):
            while Drafts(path).replies != {"t-mine": "half"}:
                await console.settle()
                await asyncio.sleep(0.05)
        await console.press("enter")
        async with asyncio.timeout(30):
            while Drafts(path).replies:
                await console.settle()
                await asyncio.sleep(0.05)


async def test_a_half_filled_form_survives_esc_and_q(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        await console.press("n", *"write docs", "tab", *"docs", "escape", "n")
        screen = console.app.screen
        assert isinstance(screen, NewThreadScreen)
        assert screen.query_one("#prompt", TextArea).text == "write docs"
        await console.press("escape", "q")
    again = build_console(drafts=Drafts(path))
    async with again.open():
        await again.press("n")
        screen = again.app.screen
        assert screen.query_one("#prompt", TextArea).text == "write docs"
        assert screen.query_one("#handle", Input).value == "docs"


async def test_a_started_thread_leaves_no_draft(console: Console) -> None:
    async with console.open():
        info = ThreadInfo("t-docs", "docs", ThreadState.RUNNING, created_at=NOW)
        console.server.results["codex-start"] = {"thread": info.to_json()}
        await console.press("n", *"write", "ctrl+s", "n")
        assert console.called("codex-start") == [{"prompt": "write"}]
        assert console.app.screen.query_one("#prompt", TextArea).text == ""


async def test_the_prompt_of_a_fork_survives_esc_and_a_failure(console: Console) -> None:
    async with console.open():
        thread = console.server.thread("shop")
        console.server.say(thread, TurnStarted())
        item = {"type": "userMessage", "id": "i1", "content": [{"type": "text", "text": "go"}]}
        console.server.say(thread, ItemCompleted(item))
        console.server.say(thread, TurnCompleted())
        await console.settle()
        await console.press("F", "tab", *"try", "escape", "F")
        screen = console.app.screen
        assert isinstance(screen, ForkScreen)
        assert screen.query_one(TextArea).text == "try"
        console.server.failures["codex-fork"] = ServerRefused("not now")
        await console.press("tab", "enter", "F")
        assert console.called("codex-fork")
        assert console.app.screen.query_one(TextArea).text == "try"


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_failed_prompt_and_the_next_draft_are_both_kept(
    console: Console, is_open: bool
) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        slow = SlowServer(console.server, "codex-send")
        console.server.failures["codex-send"] = ServerRefused("not now")
        await console.press("r", *"first", "enter", "r", *"second")
        if not is_open:
            await console.press("escape")
        slow.go.set()
        await console.settle()
        if not is_open:
            await console.press("r")
        assert composer_of(console).text == "first\n\nsecond"


async def test_a_prompt_on_its_way_is_a_draft_if_the_console_ends(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        SlowServer(console.server, "codex-send")
        await console.press("r", *"hello", "enter", "q")
    console.app.save_drafts()
    assert Drafts(path).replies == {"t-mine": "hello"}


# Keys of the composer.


async def test_ctrl_x_without_a_selection_cuts_nothing(console: Console) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"text", "ctrl+x")
        assert composer_of(console).text == "text"
        await console.press("shift+left", "shift+left", "ctrl+x")
        assert composer_of(console).text == "te"
        await console.press("ctrl+z")
        assert composer_of(console).text == "text"


async def test_ctrl_z_undoes_in_the_composer_also_after_esc(console: Console) -> None:
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"one two", "ctrl+w")
        assert composer_of(console).text == "one "
        await console.press("escape", "r", "ctrl+z")
        assert composer_of(console).text == "one two"
        await console.press("ctrl+y")
        assert composer_of(console).text == "one "


# Approvals.

QUESTIONS = QuestionsAsked((Question("name", question="Who?"), Question("key", secret=True)))


def dialog_input(console: Console, index: int) -> Input:
    return [*console.app.screen.query("FieldRow Input").results(Input)][index]


async def open_dialog(console: Console) -> None:
    """Open the dialog, and pass over its quiet moment."""
    await console.press("a")
    await asyncio.sleep(0.7)
    await console.settle()


async def test_why_an_approval_is_declined_survives_esc_and_q(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.ask(thread_id, "a1")
        await console.settle()
        await asyncio.sleep(0.7)
        await console.press("e", *"not ye", "escape", "escape")
        await open_dialog(console)
        await console.press("e", "t")
        assert console.app.screen.query_one("#message", Input).value == "not yet"
        await console.press("escape", "escape", "q")
    again = build_console(drafts=Drafts(path))
    async with again.open():
        thread_id = again.server.running("backend")
        approval = again.server.ask(thread_id, "a1")
        await again.settle()
        await asyncio.sleep(0.7)
        await again.press("e", "enter")
        assert [(key, str(answer)) for key, answer in again.server.answers] == [
            ("a1", str(Declined("not yet")))
        ]
        again.server.resolve(approval, "denied")
        await again.settle()
        await again.press("q")
    assert not Drafts(path).answers


async def test_a_half_filled_form_of_an_approval_survives_esc(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    console = build_console(drafts=Drafts(path))
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.ask(thread_id, "a1", QUESTIONS)
        await console.settle()
        dialog_input(console, 0).focus()
        await console.settle()
        await console.press(*"ada")
        dialog_input(console, 1).focus()
        await console.settle()
        await console.press(*"hunter")
        await console.press("escape", "escape")
        assert console.app.screen is console.app.main
        await console.press("a")
        assert dialog_input(console, 0).value == "ada"
        await console.press("escape", "escape", "q")
    assert "ada" in path.read_text()
    assert "hunter" not in path.read_text()


async def test_a_pasted_image_is_attached_and_undo_makes_it_text(console: Console) -> None:
    async with console.open(size=(120, 40)):
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"see")
        composer_of(console).post_message(events.Paste("'/tmp/a b.png'"))
        await console.settle()
        assert composer_of(console).text == 'see @image:"/tmp/a b.png" '
        assert "with the image a b.png" in on_screen(console.app)
        await console.press("ctrl+z")
        assert composer_of(console).text == "see'/tmp/a b.png'"
        await console.press("ctrl+y", "enter")
        assert console.called("codex-send") == [
            {"thread": "t-mine", "prompt": "see [Image #1]", "images": ["/tmp/a b.png"]}
        ]


async def test_a_refused_image_leaves_the_draft_with_its_mark(console: Console) -> None:
    console.server.failures["codex-send"] = ServerRefused("the image '/a.png' does not exist")
    async with console.open():
        console.server.thread("mine")
        await console.settle()
        await console.press("r", *"see @image:/a.png", "enter")
        await console.settle()
        await console.press("r")
        assert composer_of(console).text == "see @image:/a.png"
