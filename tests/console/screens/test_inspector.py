"""The protocol inspector on the screen, by its keys."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from console.screens.console import Console, build_console
from console.screens.frames_story import SECRET, THREAD, codex, frame, story
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from codextui.console.screens.inspector import InspectorScreen
from codextui.console.widgets.frame_list import FrameList
from codextui.console.widgets.json_view import JsonView
from codextui.errors import ServerRefused, ServerUnreachable
from codextui.protocol.codex_tools import TOOLS
from codextui.protocol.frames import Frame
from codextui.protocol.threads import ThreadState
from codextui.protocol.tools import SUPERVISOR_TOOLS

SnapCompare = Callable[..., bool]


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with monkeypatch.context() as changed:
        changed.setenv("XDG_STATE_HOME", str(tmp_path))
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield tmp_path / "codextui" / "captures"
    time.tzset()


@pytest.fixture
def console() -> Console:
    return build_console()


@asynccontextmanager
async def inspecting(
    console: Console, size: tuple[int, int] = (160, 45), frames: list[Frame] | None = None
) -> AsyncIterator[InspectorScreen]:
    async with console.open(size):
        console.server.thread("backend", ThreadState.RUNNING, turn_id="u1")
        await console.press("i")
        screen = inspector(console)
        await come(console, story() if frames is None else frames)
        yield screen


def inspector(console: Console) -> InspectorScreen:
    screen = console.app.screen
    assert isinstance(screen, InspectorScreen)
    return screen


async def come(console: Console, frames: list[Frame], lost: int = 0) -> None:
    assert console.server.on_frames is not None
    console.server.on_frames(frames, lost)
    screen = console.app.screen
    if isinstance(screen, InspectorScreen):
        screen._redraw()
    await console.settle()


def note(console: Console) -> str:
    return str(inspector(console).query_one("#note").render())


def current(console: Console) -> int:
    entry = inspector(console).query_one(FrameList).current
    return -1 if entry is None else entry.frame.number


async def type_text(console: Console, text: str) -> None:
    pilot: Pilot[Any] = Pilot(console.app)
    for character in text:
        await pilot.press({" ": "space"}.get(character, character))
    await console.settle()


async def test_frames_are_shown_while_the_inspector_is_open_only(console: Console):
    async with console.open():
        assert console.server.on_frames is None
        await console.press("i")
        assert console.server.on_frames is not None
        assert "No frames yet" in console.shown()
        await come(console, story(), lost=3)
        shown = console.shown()
        assert "Inspector: default, live · 7 of 10 frames" in shown or "10 frames" in shown
        assert "3 outstanding" in shown
        assert "3 lost" in shown
        await console.press("escape")
        assert not isinstance(console.app.screen, InspectorScreen)
        assert console.server.on_frames is None


async def test_what_waits_stands_on_top_with_its_age(console: Console):
    async with inspecting(console):
        lines = console.shown().splitlines()
        assert "tools/call codex #7" in lines[1]
        assert "… waits 41s" in lines[1]
        assert "item/commandExecution/request" in lines[2]
        assert "… waits 14s" in lines[2]
        assert "elicitation/create" in lines[3]
        assert "3 outstanding" in lines[4]
        await come(
            console, [codex(11, {"id": 0, "result": {"decision": "accept"}}, 1.0, sent=True)]
        )
        lines = console.shown().splitlines()
        assert "elicitation/create" in lines[2]
        assert "✓ 13s" in console.shown()


async def test_the_list_follows_until_the_cursor_leaves_its_end(console: Console):
    async with inspecting(console):
        assert current(console) == 8
        await come(console, [codex(11, {"method": "turn/completed"}, 1.0)])
        assert current(console) == 11
        await console.press("up")
        assert current(console) == 8
        await come(console, [codex(12, {"method": "turn/completed"}, 1.0)])
        assert current(console) == 8
        assert "end follows" in console.shown()
        await console.press("end")
        assert current(console) == 12
        await console.press("k", "j")
        assert current(console) == 12
        await console.press("home")
        assert current(console) == 1
        await console.press("pagedown")
        assert current(console) == 12
        await console.press("pageup", "pageup")
        assert current(console) == 1
        await console.press("G")
        assert current(console) == 12


async def test_a_frame_is_read_folded_and_left(console: Console):
    async with inspecting(console) as screen:
        await console.press("home")
        shown = console.shown()
        assert '"prompt": "Fix it with [masked]"' in shown
        assert SECRET not in shown
        await console.press("enter")
        assert isinstance(screen.focused, JsonView)
        await console.press("j", "j", "j", "j", "j", "j", "space")
        assert '"prompt"' not in console.shown()
        await console.press("right")
        assert '"prompt"' in console.shown()
        await console.press("minus")
        assert '"name"' not in console.shown()
        assert "params" in console.shown()
        await console.press("plus")
        assert '"prompt"' in console.shown()
        await console.press("end", "k", "pageup", "pagedown", "home", "left")
        assert isinstance(screen.focused, FrameList)
        await console.press("tab")
        assert isinstance(screen.focused, JsonView)
        await console.press("tab", "right", "escape")
        assert isinstance(screen.focused, FrameList)


async def test_a_filter_is_applied_while_it_is_typed(console: Console):
    async with inspecting(console) as screen:
        await console.press("slash")
        await type_text(console, "method:turn")
        shown = [entry.frame.number for entry in screen._view.shown]
        assert shown == [4, 5]
        await console.press("enter")
        assert isinstance(screen.focused, FrameList)
        assert "filter: method:turn" in console.shown()
        assert "0 outstanding" in console.shown()
        await console.press("slash")
        await type_text(console, " is:lost")
        assert "is: is one of error" in note(console)
        await console.press("escape")


async def test_nothing_that_fits_is_told(console: Console):
    async with inspecting(console):
        await console.press("slash")
        await type_text(console, "nothing-of-it")
        assert "No frame fits the filter" in console.shown()


async def test_protocol_and_thread_are_chosen_by_a_key(console: Console):
    async with inspecting(console) as screen:
        await console.press("p")
        assert {e.frame.protocol for e in screen._view.shown} == {"app-server"}
        await console.press("p")
        assert {e.frame.protocol for e in screen._view.shown} == {"mcp"}
        await console.press("p")
        assert len(screen._view.shown) == 10
        await console.press("t")
        assert "belongs to no thread" in note(console)
        await console.press("home", "down", "t")
        assert f"thread:{THREAD}" in screen._filter_text
        assert {e.thread for e in screen._view.shown} == {THREAD}
        await console.press("t")
        assert screen._filter_text == ""


async def test_the_answer_of_a_request_and_back(console: Console):
    async with inspecting(console):
        await console.press("a")
        assert current(console) == 7
        await console.press("a")
        assert current(console) == 8
        await console.press("home", "a")
        assert "no answer yet" in note(console)


async def test_a_text_is_searched_and_found_again(console: Console):
    async with inspecting(console):
        await console.press("n")
        assert "^f searches" in note(console)
        await console.press("ctrl+f")
        await type_text(console, "shop")
        await console.press("enter")
        assert current(console) == 3
        await console.press("N")
        assert current(console) == 2
        await console.press("n")
        assert current(console) == 3
        await console.press("ctrl+f")
        inspector(console).query_one("#prompt", Input).value = "not there"
        await console.press("enter")
        assert "No frame that is shown has" in note(console)


async def test_a_capture_is_saved_loaded_and_left(console: Console, state_folder: Path):
    async with inspecting(console) as screen:
        await console.press("s")
        await console.until("frames saved")
        [path] = state_folder.glob("*.jsonl")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert SECRET not in path.read_text()
        await come(console, [codex(11, {"method": "turn/completed"}, 1.0)])
        await console.press("o")
        await console.until("1 capture in")
        assert screen.query_one("#prompt", Input).value == str(path)
        await console.press("down", "up", "enter")
        await console.until("CAPTURE")
        assert [entry.frame.number for entry in screen._view.shown] == list(range(1, 11))
        # Live frames go on, apart.
        await come(console, [codex(12, {"method": "turn/completed"}, 1.0)])
        assert len(screen._view.shown) == 10
        await console.press("x")
        assert "is not cleared" in note(console)
        await console.press("l")
        assert [entry.frame.number for entry in screen._view.shown] == list(range(1, 13))
        assert "live" in console.shown()
        await console.press("l")
        assert "These are the live frames" in note(console)


async def test_a_foreign_file_is_refused_with_its_line(console: Console, state_folder: Path):
    async with inspecting(console) as screen:
        await console.press("o")
        await console.until("0 captures in")
        foreign = state_folder / "foreign.jsonl"
        foreign.write_text('{"codextui_capture": 1}\n{"number": "one"}\n')
        screen.query_one("#prompt", Input).value = str(foreign)
        await console.press("enter")
        await console.until("foreign.jsonl:2: this is no frame")
        assert "live" in console.shown()


async def test_the_list_is_cleared_and_a_frame_copied(console: Console):
    async with inspecting(console) as screen:
        await console.press("home", "y")
        assert json.loads(console.app.clipboard)["method"] == "tools/call"
        assert SECRET not in console.app.clipboard
        await console.press("x")
        assert screen._view.shown == []
        assert "3 outstanding" in console.shown()
        await console.press("question_mark")
        assert "The grey ids are for [ui.keys]" in console.shown()
        assert "Here: Inspector" in console.shown()
        await console.press("escape", "i")
        assert console.app.screen is console.app.main


async def test_nothing_can_be_saved_or_copied_of_nothing(console: Console):
    async with inspecting(console, frames=[]):
        await console.press("s")
        assert "nothing to save" in note(console)
        await console.press("y")
        assert "no frame to copy" in note(console)
        await console.press("a", "t", "enter", "n", "q")
        assert console.app.screen is console.app.main


async def test_a_server_that_does_not_know_it_is_told(console: Console):
    console.server.failures["inspect"] = ServerRefused("this server cannot be inspected: it is old")
    async with console.open():
        await console.press("i")
        assert "NOT LIVE: this server cannot be inspected: it is old" in console.shown()
        assert "o loads a capture" in console.shown()


async def test_the_inspector_goes_on_when_the_server_is_back(console: Console):
    console.server.failures["inspect"] = ServerUnreachable("the server is away")
    async with console.open():
        await console.press("i")
        assert "the server is away; trying again" in console.shown()
        del console.server.failures["inspect"]
        await console.until("default, live")


async def test_on_a_small_screen_the_list_or_the_frame_is_shown(console: Console):
    async with inspecting(console, (80, 24)) as screen:
        assert not screen.query_one(JsonView).display
        await console.press("home", "enter")
        assert not screen.query_one(FrameList).display
        assert '"prompt"' in console.shown()
        await console.press("escape")
        assert screen.query_one(FrameList).display


async def test_frames_and_lines_are_chosen_with_the_mouse(console: Console):
    async with inspecting(console) as screen:
        pilot: Pilot[Any] = Pilot(console.app)
        await pilot.click(FrameList, offset=(5, 0))
        assert current(console) == 1
        await pilot.click(FrameList, offset=(5, 0))
        assert isinstance(screen.focused, JsonView)
        await pilot.click(JsonView, offset=(3, 7))
        await pilot.click(JsonView, offset=(3, 7))
        await console.settle()
        frames = screen.query_one(FrameList)
        frames.action_move(0)
        screen.query_one(JsonView)._scroll(1)


def tools() -> dict[str, object]:
    return {"tools": json.loads(json.dumps([*TOOLS, *SUPERVISOR_TOOLS]))}


async def test_a_tool_is_called_by_its_form(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = tools()
        console.server.results["tools/call"] = {
            "content": [],
            "structuredContent": {"text": f"it is {SECRET}"},
        }
        await console.press("c")
        await console.until("codex-start")
        for _ in range(30):
            if "List threads" in console.shown() and on_tool(console) == "codex-threads":
                break
            await console.press("down")
        await console.press("enter")
        assert "codex-threads: List threads" in console.shown()
        await console.press("space", "tab")
        await type_text(console, "backend")
        await console.press("ctrl+s")
        await console.until("✓ answered after")
        assert console.server.requests[-1] == (
            "tools/call",
            {"name": "codex-threads", "arguments": {"all": True, "thread": "backend"}},
        )
        assert "it is [masked]" in console.shown()
        await console.press("escape", "escape")
        assert isinstance(console.app.screen, InspectorScreen)


def on_tool(console: Console) -> str:
    listed = console.app.screen.query_one(OptionList)
    assert listed.highlighted is not None
    return [str(t["name"]) for t in tools()["tools"]][listed.highlighted]  # type: ignore[attr-defined]


async def test_a_destructive_call_asks_first_and_can_be_cancelled(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = tools()
        console.server.gates["tools/call"] = asyncio.Event()
        await console.press("c")
        await console.until("Run a Codex session")
        await console.press("down", "up", "enter")
        assert "codex: Codex" in console.shown()
        await console.press("ctrl+s")
        assert "This must be filled in" in console.shown()
        assert not [r for r in console.server.requests if r[0] == "tools/call"]
        await type_text(console, f"hello {SECRET}")
        await console.press("ctrl+s")
        assert "Call codex?" in console.shown()
        assert "hello [masked]" in console.shown().replace("\n", " ")
        await console.press("n")
        assert not [r for r in console.server.requests if r[0] == "tools/call"]
        await console.press("ctrl+s", "y")
        await console.until("… called, waits for")
        assert console.server.requests[-1][1]["arguments"] == {"prompt": f"hello {SECRET}"}
        await console.press("ctrl+s")
        assert "has not been answered yet" in console.shown()
        await console.press("ctrl+g")
        await console.until("∅ cancelled after")
        await console.press("escape")
        await console.press("ctrl+g")
        assert "No call runs" in console.shown()


async def test_arguments_that_do_not_fit_the_schema_are_told(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = {
            "tools": [
                {
                    "name": "shape",
                    "annotations": {"readOnlyHint": True},
                    "inputSchema": {
                        "type": "object",
                        "properties": {
                            "count": {"type": "integer", "minimum": 2},
                            "parts": {"type": "array"},
                        },
                        "required": ["count"],
                    },
                }
            ]
        }
        await console.press("c")
        await console.until("shape")
        await console.press("enter")
        await type_text(console, "1")
        await console.press("tab")
        await type_text(console, "5")
        await console.press("ctrl+s")
        assert "This must be 2 or more" in console.shown()
        assert "This must be a JSON array" in console.shown()
        assert not [r for r in console.server.requests if r[0] == "tools/call"]


async def test_a_call_goes_on_when_its_form_is_left(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = {
            "tools": [{"name": "slow", "annotations": {"readOnlyHint": True}}]
        }
        gate = console.server.gates["tools/call"] = asyncio.Event()
        await console.press("c")
        await console.until("slow")
        await console.press("enter", "ctrl+s")
        await console.until("… called")
        await console.press("escape")
        assert isinstance(console.app.screen, InspectorScreen)
        [call] = [w for w in console.app.workers if w.group == "tool-calls"]
        gate.set()
        await call.wait()


async def test_a_refused_list_of_tools_is_told(console: Console):
    async with inspecting(console):
        console.server.failures["tools/list"] = ServerRefused("no tools today")
        await console.press("c")
        await console.until("no tools today")
        await console.press("escape")


async def pick(console: Console, text: str) -> None:
    """Choose the tool that is the only one with a text."""
    await console.press("c")
    await console.until("codex-start")
    await type_text(console, text)
    await console.press("enter")


async def test_tools_are_filtered_by_what_is_typed(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = tools()
        await console.press("c")
        await console.until("codex-start")
        await type_text(console, "nothing has it")
        assert "Nothing has this text." in console.shown()
        await console.press("enter", "down", "up")  # of nothing: nothing
        for _ in "nothing has it":
            await console.press("backspace")
        await type_text(console, "LIST threads")
        assert "codex-start" not in console.shown()
        await console.press("enter")
        assert "codex-threads: List threads" in console.shown()


async def test_the_server_is_pinged_and_asked_for_anything(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = tools()
        console.server.results["ping"] = {}
        console.server.failures["resources/list"] = ServerRefused("Method not found")
        await pick(console, "ping")
        await console.press("ctrl+o")
        assert "This is no tool" in console.shown()
        await console.press("ctrl+s")
        await console.until("✓ answered after")
        assert console.server.requests[-1] == ("ping", {})
        await console.press("escape", "escape")
        await pick(console, "any request")
        await type_text(console, "resources/list")
        await console.press("enter")
        await type_text(console, '{"cursor": "7"}')
        await console.press("ctrl+s")
        assert "Call any request?" in console.shown()
        await console.press("y")
        await console.until("Method not found")
        assert console.server.requests[-1] == ("resources/list", {"cursor": "7"})


async def test_a_call_is_made_again_with_its_arguments_changed(console: Console):
    lines = "Fix  it,\nand test it."
    call = {"name": "codex", "arguments": {"prompt": lines, "cwd": "/srv", "sandbox": "read-only"}}
    again = frame(20, {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": call}, 1.0)
    async with inspecting(console, frames=[*story(), again]):
        console.server.results |= {"tools/list": tools(), "tools/call": {"content": []}}
        await console.press("home", "down", "r")
        assert "belongs to no call of a tool" in note(console)
        await console.press("down", "down", "r")
        await console.until("codex: Codex")
        await console.press("ctrl+s")
        assert "Call codex?" in console.shown()
        await console.press("y")
        await console.until("✓ answered after")
        assert console.server.requests[-1] == ("tools/call", call)  # blanks and lines as they were
        await console.press("escape")
        await type_text(console, "!")
        await console.press("ctrl+s", "y")
        await console.until("✓ answered after")
        changed = console.server.requests[-1][1]["arguments"]
        assert str(changed["prompt"]).endswith("and test it.!")


async def test_what_is_masked_or_too_long_is_not_sent_again_unseen(console: Console):
    many = {"name": "codex", "arguments": {"prompt": "x" * 100_000}}
    long = frame(20, {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": many}, 1.0)
    gone = {"name": "gone", "arguments": {}}
    strange = frame(21, {"jsonrpc": "2.0", "id": 10, "method": "tools/call", "params": gone}, 0.5)
    async with inspecting(console, frames=[story()[0], long, strange]):
        console.server.results["tools/list"] = tools()
        await console.press("end", "r")
        await console.until("The server has no tool gone")
        await console.press("up", "r")
        assert "only a part of its arguments" in note(console)
        await console.press("up", "r")
        await console.until("Secrets are not known here: write them in place of [masked]")
        assert not [one for one in console.server.requests if one[0] == "tools/call"]


def written(console: Console) -> list[str]:
    return [one.value for one in console.app.screen.query(Input)]


async def test_a_form_names_the_thread_that_was_looked_at(console: Console):
    async with inspecting(console, frames=[]):
        console.server.results["tools/list"] = tools()
        await pick(console, "codex-reply")
        assert THREAD in written(console)  # of the main screen
        await console.press("escape")
        other = {"method": "item/started", "params": {"threadId": "t-other", "item": {}}}
        await come(console, [codex(30, other, 1.0), codex(31, {"method": "warning"}, 0.0)])
        await console.press("end")  # it concerns no thread: the one before it does
        await pick(console, "codex-reply")
        assert "t-other" in written(console)
        for _ in range(3):
            await console.press("tab")
        await type_text(console, "x")
        await console.press("escape")
        await pick(console, "codex-reply")
        assert not {THREAD, "t-other"} & {*written(console)}  # what was written stays


async def test_a_form_knows_the_thread_of_the_frame_and_what_was_written_before(console: Console):
    async with inspecting(console):
        console.server.results["tools/list"] = tools()
        await console.press("home", "down")
        await pick(console, "codex-reply")
        assert written(console).count(THREAD) == 1
        await type_text(console, "And now?")
        await console.press("escape")
        await pick(console, "codex-reply")
        assert "And now?" in console.shown()
        await console.press("ctrl+o")
        assert "as tools/list has it" in console.shown()
        assert '"inputSchema"' in console.shown()
        await console.press("down", "Y")
        assert "Copied name: codex-reply" in console.shown()
        assert console.app.clipboard == "codex-reply"
        await console.press("escape")
        assert "And now?" in console.shown()


async def test_the_keys_of_a_long_form_stand_on_a_small_screen(console: Console):
    async with inspecting(console, size=(80, 24)):
        console.server.results["tools/list"] = tools()
        await console.press("c")
        await console.until("codex-start")
        await console.press("enter")
        assert "^s call" in console.shown()
        await console.press("ctrl+o")
        assert "Y copy the value" in console.shown()


async def test_a_value_of_a_frame_is_copied(console: Console):
    async with inspecting(console):
        await console.press("home", "down", "enter", "Y")
        assert "method" in json.loads(console.app.clipboard)
        assert "Copied all of it" in note(console)
        await console.press("down", "down", "Y")
        assert "Copied method" in note(console)
        assert console.app.clipboard.startswith("item/")
