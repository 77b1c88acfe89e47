"""Queued messages in the console: the key of the composer, the lines above it, the dialog."""

from __future__ import annotations

import asyncio

import pytest
from console.screens.console import Console, build_console
from console.screens.dialog_host import on_screen

from codextui.console.screens.queue import QueueScreen
from codextui.console.screens.queue_edit import QueueEditScreen
from codextui.console.widgets.composer import Composer
from codextui.errors import ServerRefused
from codextui.protocol.threads import QueuedMessage, ThreadState, WholeQueuedMessage

QUEUE = tuple(QueuedMessage(f"q{number}", f"do {number}") for number in range(1, 6))


@pytest.fixture
def console() -> Console:
    return build_console()


async def test_ctrl_t_queues_while_a_turn_runs_and_replies_at_rest(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        await console.settle()
        await console.press("r", *"later", "ctrl+t")
        assert console.called("codex-queue") == [
            {"thread": thread, "prompt": "later", "action": "add"}
        ]
        console.server.thread("mine", ThreadState.IDLE)
        await console.settle()
        await console.press("r", *"now", "ctrl+t")
        assert console.called("codex-send") == [{"thread": thread, "prompt": "now"}]


async def test_what_is_queued_stands_above_the_composer_and_in_the_header(
    console: Console,
) -> None:
    async with console.open(size=(120, 40)):
        console.server.running("mine")
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE)
        await console.settle()
        assert "+5 queued" in on_screen(console.app)
        await console.press("r")
        shown = on_screen(console.app)
        for text in ("queued 1: do 1", "queued 3: do 3", "and 2 more queued", "steer mine"):
            assert text in shown
        assert "queued 4" not in shown
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE[4:])
        await console.settle()
        shown = on_screen(console.app)
        assert "queued 1: do 5" in shown
        assert "do 1" not in shown


async def test_a_queued_message_that_is_refused_stays_a_draft(console: Console) -> None:
    console.server.failures["codex-queue"] = ServerRefused("this Codex has no queue")
    async with console.open():
        console.server.running("mine")
        await console.settle()
        await console.press("r", *"later", "ctrl+t")
        await console.settle()
        assert any("has no queue" in notice for notice in console.notices())
        await console.press("r")
        assert isinstance(console.app.focused, Composer)
        assert console.app.focused.text == "later"


async def test_the_dialog_removes_starts_and_follows_the_queue(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        console.server.thread("mine", ThreadState.RUNNING, queued=QUEUE)
        await console.settle()
        await console.press("u", "j", "x")
        assert isinstance(console.app.screen, QueueScreen)
        assert console.called("codex-queue") == [
            {"thread": thread, "action": "remove", "message": "q2"}
        ]
        await console.press("s")  # not while a turn runs
        assert len(console.called("codex-queue")) == 1
        console.server.thread("mine", ThreadState.INTERRUPTED, queued=QUEUE[2:])
        console.app.screen._update()
        await console.press("x", "s")
        assert console.called("codex-queue")[1:] == [
            {"thread": thread, "action": "remove", "message": "q4"},
            {"thread": thread, "action": "start"},
        ]
        console.server.thread("mine", ThreadState.RUNNING, queued=())
        console.app.screen._update()
        await console.press("x")
        assert len(console.called("codex-queue")) == 3
        assert "Nothing is queued any more." in on_screen(console.app)
        await console.press("escape")
        await console.press("u")
        assert any("Nothing is queued for mine" in notice for notice in console.notices())


def show_message(console: Console, text: str, version: str = "v1", images: int = 0) -> None:
    """Let the server have a message in full."""
    whole = WholeQueuedMessage("q2", text, images, version)
    console.server.results["codex-queue"] = {"message": whole.to_json()}


def actions(console: Console, *kinds: str) -> list[dict[str, object]]:
    """Return the calls that change the queue."""
    calls = [dict(one) for one in console.called("codex-queue")]
    return [one for one in calls if one["action"] in (kinds or ("edit", "move", "remove"))]


async def change(console: Console, *messages: QueuedMessage) -> None:
    """Change the queue on the server, and let the dialogs notice."""
    console.server.thread("mine", ThreadState.RUNNING, queued=messages)
    await console.settle()
    for screen in console.app.screen_stack[1:]:
        if isinstance(screen, QueueScreen):
            screen._update()
        elif isinstance(screen, QueueEditScreen):
            screen._follow()
    await console.settle()
    await workers_done(console)


async def workers_done(console: Console) -> None:
    async with asyncio.timeout(60):
        while any(one.group == "queued" and not one.is_finished for one in console.app.workers):
            await console.settle()
    await console.settle()


async def noticed(console: Console, words: str) -> None:
    """Wait for a toast, which waits until no dialog is open."""
    async with asyncio.timeout(60):
        while not any(words in notice for notice in console.notices()):
            await console.settle()


async def edit_second(console: Console, *keys: str) -> str:
    """Open the queue, and press keys in the dialog that edits its second message."""
    thread = console.server.running("mine", cwd="/nowhere")
    await change(console, *QUEUE)
    await console.press("u", "j", "e")
    await workers_done(console)
    await console.press(*keys)
    return thread


async def test_a_queued_message_is_edited_where_it_waits(console: Console) -> None:
    show_message(console, "do 2")
    async with console.open():
        thread = await edit_second(console, *" now")
        assert isinstance(console.app.screen, QueueEditScreen)
        await console.press("ctrl+s")
        assert isinstance(console.app.screen, QueueScreen)
        assert actions(console) == [
            {
                "thread": thread,
                "action": "edit",
                "message": "q2",
                "prompt": "do 2 now",
                "version": "v1",
            }
        ]
        assert console.app.main.queue_edits.read(f"{thread}/q2") is None
        await console.press("enter", *" @image:/a.png ", "ctrl+s")  # an image more
        assert actions(console)[-1]["images"] == ["/a.png"]
        await console.press("enter", "ctrl+s")  # nothing was changed
        await console.press("enter", "ctrl+u", "ctrl+s")
        assert "x in the list removes" in on_screen(console.app)
        assert len(actions(console)) == 2


async def test_an_edit_that_was_not_saved_is_there_again(console: Console) -> None:
    show_message(console, "do 2")
    async with console.open():
        thread = await edit_second(console, *" now", "escape")
        console.app.screen.query_one("OptionList")
        console.app.screen._update()  # type: ignore[attr-defined] # it is the list
        await console.settle()
        assert "edited, not saved  do 2" in on_screen(console.app)
        await console.press("e")
        await workers_done(console)
        shown = on_screen(console.app)
        assert "do 2 now" in shown
        assert "what you wrote and did not save" in shown
        console.server.failures["codex-queue"] = ServerRefused("it says something else by now")
        await console.press("ctrl+s")
        assert "What you wrote was not saved" in on_screen(console.app)
        assert console.app.main.queue_edits.read(f"{thread}/q2") == "do 2 now"
        assert actions(console, "edit")[0]["prompt"] == "do 2 now"


async def test_a_message_that_starts_while_it_is_edited_leaves_a_draft(console: Console) -> None:
    show_message(console, "do 2")
    async with console.open():
        thread = await edit_second(console, *" now")
        await change(console, *QUEUE[2:])
        assert "It is not queued any more" in on_screen(console.app)
        assert console.app.main.workbench.drafts == {}  # it is still being written
        await console.press(*"!", "ctrl+s", "escape")
        assert actions(console) == []
        assert console.app.main.workbench.drafts == {thread: "do 2 now!"}
        await noticed(console, "what you wrote is a draft there")
        await console.press("r")
        assert isinstance(console.app.focused, Composer)
        assert console.app.focused.text == "do 2 now!"


async def test_an_edit_that_the_server_got_too_late_is_a_draft(console: Console) -> None:
    show_message(console, "do 2")
    async with console.open():
        thread = await edit_second(console, *" now")
        console.server.failures["codex-queue"] = ServerRefused("it may have been sent")
        await console.press("ctrl+s")
        assert console.app.main.workbench.drafts == {}  # the queue still has it, as far as is known
        await change(console, *QUEUE[2:])
        assert console.app.main.workbench.drafts == {thread: "do 2 now"}


async def test_a_message_that_another_console_edits_is_told_of(console: Console) -> None:
    show_message(console, "do 2")
    async with console.open():
        await edit_second(console)
        show_message(console, "theirs", "v2")
        await change(console, QUEUE[0], QueuedMessage("q2", "theirs"))
        assert "It was edited elsewhere just now." in on_screen(console.app)
        assert console.app.screen.query_one("PromptArea").text == "theirs"  # type: ignore[attr-defined]
        await console.press(*" mine")
        show_message(console, "theirs again", "v3")
        await change(console, QUEUE[0], QueuedMessage("q2", "theirs again"))
        shown = on_screen(console.app)
        assert "and says: “theirs again”" in shown
        assert "theirs mine" in shown
        await console.press("ctrl+s")
        assert (actions(console)[0]["prompt"], actions(console)[0]["version"]) == (
            "theirs mine",
            "v3",
        )


async def test_a_long_message_is_edited_in_full(console: Console) -> None:
    long = "word " * 200 + "end\x1b[2J"
    show_message(console, long, images=2)
    async with console.open(size=(80, 24)):
        thread = console.server.running("mine", cwd="/nowhere")
        await change(console, QUEUE[0], QueuedMessage("q2", long[:499] + "…", 2))
        await console.press("u", "j", "e")
        await workers_done(console)
        assert "2 files go with it" in on_screen(console.app)
        await console.press(*"!", "ctrl+s")
        assert actions(console)[0]["prompt"] == "word " * 200 + "end!"
        await console.press("e")
        await workers_done(console)
        await console.press(*" @image:/c.png", "ctrl+s")  # two go with it already
        assert str(actions(console)[1]["prompt"]).endswith("end [Image #3]")
        assert actions(console)[1]["images"] == ["/c.png"]
        console.server.failures["codex-queue"] = ServerRefused("gone")
        await console.press("e", *"lost", "ctrl+s")
        await workers_done(console)
        assert "It cannot be read: gone" in on_screen(console.app)
        assert len(actions(console)) == 2
        await console.press("escape")
        assert console.app.main.queue_edits.read(f"{thread}/q2") is None


async def test_messages_are_moved_at_once_and_follow_others(console: Console) -> None:
    async with console.open():
        thread = console.server.running("mine")
        await change(console, *QUEUE[:3])
        await console.press("u", "K")
        assert "It is the first one." in on_screen(console.app)
        gate = console.server.gates["codex-queue"] = asyncio.Event()
        await console.press("J", "J")
        shown = on_screen(console.app)
        assert shown.index("do 2") < shown.index("do 3") < shown.index("do 1")
        place = {"thread": thread, "action": "move", "message": "q1"}
        assert actions(console) == [{**place, "before": "q3"}, place]
        await change(console, QUEUE[1], QUEUE[0], QUEUE[2])  # the first is carried out
        shown = on_screen(console.app)
        assert shown.index("do 2") < shown.index("do 3") < shown.index("do 1")
        console.server.failures["codex-queue"] = ServerRefused("no")
        gate.set()
        await console.settle()
        await change(console, QUEUE[2], QUEUE[1], QUEUE[0])  # another client has moved them
        shown = on_screen(console.app)
        assert shown.index("do 3") < shown.index("do 2") < shown.index("do 1")
        console.server.failures.clear()
        await console.press("K")  # what was moved is still chosen
        assert actions(console)[-1] == {**place, "before": "q2"}
