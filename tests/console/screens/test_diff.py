"""The diff view: its keys, its comments, and how it follows what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from console.screens.console import Console, build_console
from console.screens.dialog_host import DialogHost, on_screen
from console.screens.diff_text import TextDiffs
from textual.pilot import Pilot

from codextui.console.drafts import Drafts
from codextui.console.screens.comment import CommentScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.diff_view import DiffView
from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadState

DIFF = """diff --git a/shop/cost.py b/shop/cost.py
--- a/shop/cost.py
+++ b/shop/cost.py
@@ -1,3 +1,3 @@ def total():
 same
-old = item.count
+new = item.amount\x20
 end
@@ -11,1 +11,2 @@
 there
+more\x1b[31m \u202e
diff --git a/b.txt b/b.txt
--- a/b.txt
+++ b/b.txt
@@ -1 +1 @@
-a
+b
"""


@pytest.fixture
def console() -> Console:
    return build_console(drafts=Drafts())


@asynccontextmanager
async def showing(
    source: TextDiffs, size: tuple[int, int] = (160, 45)
) -> AsyncIterator[tuple[Pilot[None], DialogHost]]:
    host = DialogHost(DiffScreen(source))
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, host


def backend(diff: str = DIFF) -> TextDiffs:
    return TextDiffs("backend: turn 3", diff)


def view_of(host: DialogHost) -> DiffView:
    view = host.dialog.query_one(DiffView)
    assert isinstance(view, DiffView)
    return view


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def line_at_cursor(host: DialogHost) -> str:
    view = view_of(host)
    line = view.entry and view.document.line_of(view.entry)
    return line.text.strip() if line else ""


# -- reading


async def test_files_stand_beside_the_diff_with_their_counts() -> None:
    async with showing(backend()) as (_, host):
        lines = on_screen(host).splitlines()
        assert "backend: turn 3   2 files, +3 -2" in lines[0]
        assert "M shop/cost.py" in lines[1]
        assert "+2 -1" in lines[1]
        assert "file 1 of 2   hunk 0 of 3   unified" in on_screen(host)


@pytest.mark.parametrize("keys", [("]", "["), ("n", "N")])
async def test_keys_go_by_hunk(keys: tuple[str, str]) -> None:
    forward, back = (
        {"]": "right_square_bracket", "[": "left_square_bracket"}.get(key, key) for key in keys
    )
    async with showing(backend()) as (pilot, host):
        await press(pilot, forward)
        assert "hunk 1 of 3" in on_screen(host)
        await press(pilot, forward, "down", back)
        assert view_of(host).hunk_number == 1
        await press(pilot, back)
        assert view_of(host).hunk_number == 0


async def test_keys_go_by_file() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "J")
        assert "file 2 of 2" in on_screen(host)
        await press(pilot, "J", "K")
        assert "file 1 of 2" in on_screen(host)


async def test_keys_go_by_line_and_page() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "j", "down")
        assert line_at_cursor(host) == "same"
        await press(pilot, "k", "up")
        assert line_at_cursor(host) == ""
        await press(pilot, "end")
        assert line_at_cursor(host) == "b"
        await press(pilot, "home", "G", "pageup", "pagedown", "space")
        assert line_at_cursor(host) == "b"


async def test_a_click_goes_to_a_file_and_to_a_line() -> None:
    async with showing(backend()) as (pilot, host):
        await pilot.click("#files", offset=(5, 1))
        await pilot.pause()
        assert "file 2 of 2" in on_screen(host)
        await pilot.click("#body", offset=(30, 2))
        await pilot.pause()
        assert line_at_cursor(host) == "same"


async def test_side_by_side_and_back() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "v", "n", "down", "down")
        assert "side by side, new side" in on_screen(host)
        row = next(row for row in on_screen(host).splitlines() if "old = item" in row)
        assert "new = item.amount·" in row
        await press(pilot, "left")
        assert "side by side, old side" in on_screen(host)
        await press(pilot, "right", "v")
        assert "unified" in on_screen(host)
        assert line_at_cursor(host) == "new = item.amount"


async def test_side_by_side_falls_back_where_it_is_narrow_and_says_so() -> None:
    async with showing(backend(), (80, 24)) as (pilot, host):
        await press(pilot, "v")
        assert "unified: side by side needs 100 columns" in on_screen(host)
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        assert "side by side, new side" in on_screen(host)


async def test_blanks_are_shown_on_request_and_those_at_ends_always() -> None:
    async with showing(backend()) as (pilot, host):
        assert "new = item.amount·" in on_screen(host)
        await press(pilot, "w")
        assert "new·=·item.amount·" in on_screen(host)


async def test_hostile_characters_are_named() -> None:
    async with showing(backend()) as (_, host):
        assert "more␛[31m <U+202E>" in on_screen(host)


async def test_the_list_of_files_can_be_hidden_and_gives_way() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "f")
        assert not host.dialog.query_one("#files").display
        await pilot.resize_terminal(80, 24)
        await press(pilot, "f")
        assert "needs 90 columns" in on_screen(host)


async def test_what_is_compared_can_be_chosen() -> None:
    source = backend()
    source.others["backend: turn 2"] = DIFF.replace("shop/cost", "shop/other")
    async with showing(source) as (pilot, host):
        await press(pilot, "s")
        assert "Compare" in on_screen(host)
        await press(pilot, "j", "k", "down", "enter")
        assert "backend: turn 2" in on_screen(host)
        assert "shop/other.py" in on_screen(host)
        await press(pilot, "s", "escape", "d")
        assert host.result is None


async def test_colours_come_later_and_change_no_text() -> None:
    async with showing(backend("--- a/x.py\n+++ b/x.py\n@@ -0,0 +1 @@\n+def f(): pass\n")) as (
        pilot,
        host,
    ):
        before = on_screen(host)
        async with asyncio.timeout(60):
            while not view_of(host)._colors:
                await pilot.pause(0.02)
        await pilot.pause()
        assert on_screen(host) == before


# -- following


async def test_a_diff_that_grows_keeps_the_place() -> None:
    source = backend("".join(DIFF for _ in range(5)))
    async with showing(source, (120, 20)) as (pilot, host):
        await press(pilot, "J", "n", "down")
        assert line_at_cursor(host) == "a"
        row = view_of(host).row_of(view_of(host).cursor) - view_of(host).scroll_offset.y
        source.diff = source.diff.replace("@@ -1,3 +1,3 @@", "@@ -1,3 +1,5 @@", 1).replace(
            " same\n", "+x\n+y\n same\n", 1
        )
        host.dialog._update()
        await pilot.pause()
        assert line_at_cursor(host) == "a"
        view = view_of(host)
        assert view.row_of(view.cursor) - view.scroll_offset.y == row
        assert "+17" in on_screen(host)


async def test_nothing_is_laid_out_again_while_nothing_changes() -> None:
    async with showing(backend()) as (pilot, host):
        document = view_of(host).document
        host.dialog._update()
        await pilot.pause()
        assert view_of(host).document is document


# -- comments


async def write(pilot: Pilot[None], *keys: str) -> None:
    await press(pilot, "c", *keys, "enter")


async def test_a_comment_is_written_shown_edited_and_removed() -> None:
    source = backend()
    async with showing(source) as (pilot, host):
        await press(pilot, "n", "down", "down", "down")
        await write(pilot, *"why", "ctrl+j", *"so")
        (comment,) = source.kept["t-backend"]
        assert (comment.path, comment.number, comment.sign) == ("shop/cost.py", 2, "+")
        assert comment.text == "why\nso"
        assert "┃ why" in on_screen(host)
        assert "R sends a comment · reply to backend" in on_screen(host)
        await write(pilot, "!")
        assert source.kept["t-backend"][0].text == "why\nso!"
        await press(pilot, "down", "x")
        assert source.kept["t-backend"] == ()
        assert "u restores it" in on_screen(host)
        await press(pilot, "u")
        assert source.kept["t-backend"][0].text == "why\nso!"


async def test_esc_keeps_a_draft_that_is_not_sent() -> None:
    source = backend()
    async with showing(source) as (pilot, host):
        await press(pilot, "n", "down", "c", *"half", "escape")
        assert source.kept["t-backend"][0].is_draft
        assert "✎ draft, not sent yet" in on_screen(host)
        assert "1 not finished" in on_screen(host)
        await press(pilot, "R")
        assert source.sent == []
        await press(pilot, "c")
        assert host.screen.query_one(Composer).text == "half"
        await press(pilot, "enter", "R")
        assert "half" in source.sent[0][1]


async def test_what_is_typed_is_kept_before_it_is_finished() -> None:
    source = backend()
    async with showing(source) as (pilot, host):
        await press(pilot, "n", "down", "c", *"ab")
        assert isinstance(host.screen, CommentScreen)
        assert source.kept["t-backend"][0].text == "ab"
        await press(pilot, "backspace", "backspace", "escape")
        assert source.kept["t-backend"] == ()


async def test_comments_are_listed_and_gone_to() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "L")
        assert "There is no comment yet" in on_screen(host)
        await press(pilot, "end")
        await write(pilot, *"last")
        await press(pilot, "home", "L")
        assert "b.txt:1: last" in on_screen(host)
        await press(pilot, "enter")
        assert "file 2 of 2" in on_screen(host)


async def test_a_comment_at_the_old_side_is_about_the_removed_line() -> None:
    source = backend()
    async with showing(source) as (pilot, _):
        await press(pilot, "v", "n", "down", "down", "left")
        await write(pilot, *"old")
        await press(pilot, "right")
        await write(pilot, *"new")
        assert [one.sign for one in source.kept["t-backend"]] == ["+", "-"]
        assert {one.text for one in source.kept["t-backend"]} == {"old", "new"}


async def test_a_heading_takes_no_comment() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "home", "c")
        assert "Only a line of a file can be commented" in on_screen(host)
        await press(pilot, "x")
        assert "There is no comment here" in on_screen(host)
        await press(pilot, "u")
        assert "No comment was removed" in on_screen(host)
        await press(pilot, "R")
        assert "There is no comment to send" in on_screen(host)


# -- in the console


async def commenting(console: Console, state: ThreadState) -> str:
    thread_id = console.server.running("backend")
    console.server.say(thread_id, ev.DiffUpdated(DIFF))
    if state is ThreadState.IDLE:
        console.server.say(thread_id, ev.TurnCompleted())
        console.server.thread("backend", ThreadState.IDLE)
    await console.settle()
    await console.press("d", "n", "down", "c", *"why", "enter")
    return thread_id


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ThreadState.IDLE, "reply to backend: starts its next turn"),
        (ThreadState.RUNNING, "steer backend: it reads this in the turn that runs"),
    ],
)
async def test_a_review_is_sent_as_one_message(
    console: Console, state: ThreadState, words: str
) -> None:
    async with console.open():
        thread_id = await commenting(console, state)
        assert words in console.shown()
        await console.press("R")
        (sent,) = console.called("codex-send")
        assert sent["thread"] == thread_id
        assert "shop/cost.py:1" in str(sent["prompt"])
        assert "why" in str(sent["prompt"])
        assert console.app._main_options.drafts.comments == {}


async def test_comments_stay_when_sending_fails(console: Console) -> None:
    async with console.open():
        thread_id = await commenting(console, ThreadState.IDLE)
        console.server.failures["codex-send"] = ServerUnreachable("gone")
        await console.press("R")
        drafts = console.app._main_options.drafts
        assert "why" in drafts.comments[thread_id]
        assert thread_id not in drafts.replies
        del console.server.failures["codex-send"]
        await console.press("R")
        assert len(console.called("codex-send")) == 2
        assert drafts.comments == {}


async def test_comments_outlive_the_view(console: Console) -> None:
    async with console.open():
        await commenting(console, ThreadState.IDLE)
        await console.press("escape", "d")
        assert "┃ why" in console.shown()


async def test_a_review_waits_for_the_server(console: Console) -> None:
    async with console.open():
        await commenting(console, ThreadState.IDLE)
        console.server.disconnect()
        await console.settle()
        await console.press("R")
        assert "the server is out of reach" in console.shown()
        assert console.called("codex-send") == []


async def test_a_diff_that_arrives_is_shown(console: Console) -> None:
    async with console.open():
        thread_id = await commenting(console, ThreadState.RUNNING)
        console.server.say(thread_id, ev.DiffUpdated(DIFF.replace("b.txt", "arrived.txt")))
        await console.until("arrived.txt")


async def test_a_thread_is_shown_from_its_first_heading_on(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend")
        for turn_id in ("u1", "u2"):
            console.server.say(thread_id, ev.TurnStarted(), turn_id)
            console.server.say(thread_id, ev.DiffUpdated(DIFF), turn_id)
            console.server.say(thread_id, ev.TurnCompleted(), turn_id)
        await console.settle()
        await console.press("d", "s", "j", "enter")
        assert "backend: the whole thread" in console.shown()
        assert "━━ turn 1 (completed)" in console.shown()
        assert "cannot be put together exactly" in console.shown()


# -- the folder on the disk


def tree(diff: str = DIFF, **more: object) -> dict[str, object]:
    return {
        "root": "/home/ada/shop",
        "base": "0123456789abcdef",
        "patch": diff,
        "notes": [],
        **more,
    }


async def test_the_folder_is_read_and_read_again(console: Console) -> None:
    results = console.server.results
    async with console.open():
        thread_id = console.server.thread("backend")
        await console.settle()
        results["codex-changes"] = tree()
        await console.press("d")
        await console.settle()
        assert console.called("codex-changes") == [{"thread": thread_id}]
        shown = console.shown()
        assert "backend: on the disk   2 files, +3 -2" in shown
        assert "What is in /home/ada/shop now, whoever changed it, against commit 012345" in shown
        assert "read 0s ago   file 1 of 2" in shown
        await console.press("J", "down", "down")
        results["codex-changes"] = tree(DIFF.replace("+b", "+bb"))
        console.server.item(thread_id, {"type": "agentMessage", "id": "m9", "text": "Done."})
        assert await shows(console, "worked on since: r reads again")
        assert "+ b" in console.shown()
        await console.press("r")
        assert await shows(console, "+ bb")
        assert "worked on since" not in console.shown()
        assert "file 2 of 2" in console.shown()
        results["codex-changes"] = tree("")
        await console.press("r")
        assert await shows(console, "Nothing is changed.")
        console.server.failures["codex-changes"] = ServerUnreachable("git is not installed")
        await console.press("r")
        assert await shows(console, "It could not be read: git is not installed")


async def test_the_folder_is_chosen_after_a_turn(console: Console) -> None:
    async with console.open((80, 24)):
        thread_id = console.server.running("backend")
        console.server.say(thread_id, ev.DiffUpdated(DIFF))
        await console.settle()
        await console.press("d")
        console.server.results["codex-changes"] = tree(DIFF.replace("+b", "+on the disk"))
        answered = console.server.gates["codex-changes"] = asyncio.Event()
        await console.press("s", "end", "enter")
        assert await shows(console, "reading the folder…")
        answered.set()
        assert await shows(console, "backend: on the disk   2 files")
        assert await shows(console, "M shop/cost.py")
        await console.press("s", "home", "enter")
        assert await shows(console, "turn 1, the last one")
        assert await shows(console, "M shop/cost.py")


async def shows(console: Console, words: str) -> bool:
    """Wait until something is shown."""
    async with asyncio.timeout(60):
        while words not in console.shown():
            await Pilot(console.app).pause(0.05)
    return True


async def test_comments_on_a_folder_go_to_its_agent_as_one_review(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend")
        await console.settle()
        console.server.results["codex-changes"] = tree()
        await console.press("d")
        await console.settle()
        await console.press("n", "down", "down", "c", *"why", "enter", "J", "down", "down", "c")
        await console.press(*"no", "enter", "R")
        await console.settle()
        ((_, sent),) = [call for call in console.server.calls if call[0] == "codex-send"]
        assert sent["thread"] == thread_id
        assert "have 2 comments" in str(sent["prompt"])
        assert "shop/cost.py:2" in str(sent["prompt"])
        assert "b.txt:1" in str(sent["prompt"])


async def test_r_says_where_there_is_nothing_to_read() -> None:
    async with showing(backend()) as (pilot, host):
        await press(pilot, "r")
        assert "This follows by itself" in on_screen(host)
        assert "r read again" not in on_screen(host)


@pytest.mark.parametrize("size", [(80, 24), (50, 12)])
async def test_the_keys_that_fit_are_shown(size: tuple[int, int]) -> None:
    async with showing(backend(), size) as (pilot, host):
        lines = on_screen(host).splitlines()
        assert "s compare" in lines[-1]
        assert "esc close" in lines[-1]
        assert "…" not in lines[-1]
        await press(pilot, "n", "down")
        assert "same" in on_screen(host)
    async with showing(backend(""), size) as (_, host):
        assert "No file was changed" in on_screen(host)
        assert "[ ] hunk" not in on_screen(host)
