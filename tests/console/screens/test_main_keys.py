"""What each key requests of the server, and the reason if it is unavailable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console.screens.console import NOW, Console, FakeServer, build_console, text_of
from msgspec.structs import replace
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Input

from codextui.client.updates import ConnectionUpdate
from codextui.config.schema import Config, UiConfig
from codextui.console.app import ConsoleApp
from codextui.console.binding_places import PLACES
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.diff import DiffScreen
from codextui.console.screens.fork import ForkChoice, ForkScreen
from codextui.console.screens.help import HelpScreen
from codextui.console.screens.messages import NewThread
from codextui.console.screens.new_thread import NewThreadScreen
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.key_line import KeyLine
from codextui.errors import ConfigInvalid, ServerRefused, ThreadUnknown
from codextui.protocol.events import DiffUpdated, ItemCompleted, TurnCompleted, TurnStarted
from codextui.protocol.threads import ThreadInfo, ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def answer(console: Console, result: object) -> None:
    """Close the top dialog with a result."""
    screen: Screen[object] = console.app.screen
    screen.dismiss(result)


def last_new(console: Console) -> NewThread:
    """Return the settings that the dialog of a new thread starts from."""
    screen = console.app.screen
    assert isinstance(screen, NewThreadScreen)
    return screen._last


async def test_enter_opens_the_composer_and_sends_the_reply(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("enter", *"hi", "space", *"you", "enter")
        assert console.called("codex-send") == [{"thread": thread_id, "prompt": "hi you"}]
        assert console.app.focused is console.pane(thread_id)


async def test_the_composer_says_whether_it_replies_or_steers(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("enter")
        purpose = console.app.main.query_one(".purpose")
        assert "reply to backend" in str(purpose.render())
        console.server.thread("backend", ThreadState.RUNNING)
        await console.settle()
        assert "steer backend" in str(purpose.render())
        assert console.current == thread_id


async def test_ctrl_j_starts_a_new_line(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("r", "a", "ctrl+j", "b", "enter")
        assert console.called("codex-send")[0]["prompt"] == "a\nb"


async def test_command_keys_are_text_in_the_composer(
    console: Console,
) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.RUNNING)
        await console.settle()
        await console.press("r", *"xXnqz", "enter")
        assert [tool for tool, _ in console.server.calls if tool != "codex-server"] == [
            "codex-send"
        ]
        assert console.called("codex-send")[0]["prompt"] == "xXnqz"


async def test_esc_keeps_the_text_as_a_draft_of_its_thread(console: Console) -> None:
    async with console.open():
        one = console.server.thread("backend", ThreadState.IDLE)
        two = console.server.thread("frontend", ThreadState.IDLE)
        await console.settle()
        await console.press("1", "r", *"draft", "escape")
        assert "draft  draft" in text_of(console.pane(one))
        assert "draft" not in text_of(console.pane(two))
        await console.press("2", "r")
        assert console.app.main.query_one(Composer).text == ""
        await console.press("escape", "1", "r")
        assert console.app.main.query_one(Composer).text == "draft"
        assert "draft  draft" not in text_of(console.pane(one)), "the composer shows it"


async def test_a_pane_shows_no_outdated_draft_above_an_open_composer(console: Console) -> None:
    async with console.open() as pilot:
        one = console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("1", "r", *"text")
        await pilot.resize_terminal(80, 24)
        console.server.running("asker")
        await console.settle()
        assert console.app.main.query_one(Composer).text == "text"
        assert "draft  " not in text_of(console.pane(one))
        await console.press("escape")
        assert "draft  text" in text_of(console.pane(one))


async def test_an_empty_prompt_is_not_sent(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("r", "space", "enter")
        assert console.called("codex-send") == []


async def test_a_prompt_that_failed_to_send_becomes_a_draft(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        console.server.failures["codex-send"] = ServerRefused("Codex is busy")
        await console.settle()
        await console.press("r", *"again", "enter")
        assert console.notices() == ["Could not send the prompt: Codex is busy"]
        assert "draft  again" in text_of(console.pane(thread_id))


async def test_a_killed_thread_refuses_prompts_with_a_reason(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        console.server.thread("backend", ThreadState.KILLED)
        await console.settle()
        await console.press("enter")
        assert "backend was killed" in console.notices()[0]
        assert not console.app.main.query(Composer)


async def test_a_prompt_sent_while_offline_is_refused_and_kept(
    console: Console,
) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("r", *"hello")
        console.server.disconnect("the server ended")
        await console.settle()
        await console.press("enter")
        assert "the server ended" in console.notices()[-1]
        assert console.app.main.query_one(Composer).text == "hello"
        assert console.called("codex-send") == []


async def test_x_interrupts_a_running_turn(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("x")
        assert console.called("codex-interrupt") == [{"thread": thread_id}]


async def test_x_on_an_idle_thread_says_that_there_is_nothing_to_interrupt(
    console: Console,
) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("x")
        assert "nothing to interrupt" in console.notices()[0]
        assert console.called("codex-interrupt") == []


async def test_killing_a_running_thread_asks_first(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("X")
        assert isinstance(console.app.screen, ConfirmScreen)
        assert console.called("codex-kill") == []
        answer(console, result=True)
        await console.settle()
        assert console.called("codex-kill") == [{"thread": thread_id}]


async def test_a_cancelled_kill_kills_nothing(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        await console.settle()
        await console.press("X")
        answer(console, result=False)
        await console.settle()
        assert console.called("codex-kill") == []


async def test_killing_an_idle_thread_does_not_ask(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("X")
        assert console.called("codex-kill") == [{"thread": thread_id}]


async def test_f_forks_and_shows_the_fork(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        fork = ThreadInfo("t-backend-fork", "backend-fork", ThreadState.IDLE)
        console.server.results["codex-fork"] = {"thread": fork.to_json()}
        await console.settle()
        await console.press("f")
        assert console.called("codex-fork") == [{"thread": thread_id}]
        console.server.thread("backend-fork", ThreadState.IDLE, forked_from=thread_id)
        await console.settle()
        assert console.current == "t-backend-fork"


async def test_a_fork_takes_the_pane_of_a_killed_thread_rather_than_of_its_source() -> None:
    console = build_console(layout=2)
    async with console.open():
        source = console.server.running("backend")
        console.server.thread("docs", ThreadState.IDLE)
        await console.settle()
        console.server.thread("docs", ThreadState.KILLED)
        fork = ThreadInfo("t-backend-fork", "backend-fork", ThreadState.IDLE)
        console.server.results["codex-fork"] = {"thread": fork.to_json()}
        await console.press("1", "f")
        console.server.thread("backend-fork", ThreadState.IDLE, forked_from=source)
        await console.settle()
        assert console.panes() == [source, "t-backend-fork"]
        assert console.current == "t-backend-fork"


async def test_a_fork_keeps_its_source_visible_if_all_panes_are_taken() -> None:
    console = build_console(layout=2)
    async with console.open():
        source = console.server.thread("backend", ThreadState.IDLE)
        other = console.server.thread("frontend", ThreadState.IDLE)
        await console.settle()
        fork = ThreadInfo("t-fork", "backend-2", ThreadState.IDLE, forked_from=source)
        console.server.results["codex-fork"] = {"thread": fork.to_json()}
        await console.press("1", "f")
        console.server.thread("fork", ThreadState.IDLE, forked_from=source)
        await console.settle()
        assert console.panes() == [source, "t-fork"]
        assert other not in console.panes()


async def test_the_footer_says_what_leaving_does() -> None:
    servers: list[FakeServer] = []

    def connect(on_update: Callable[[ConnectionUpdate], None]) -> FakeServer:
        servers.append(FakeServer(on_update))
        return servers[0]

    app = ConsoleApp("demo", connect, detach_label="end the demo")
    console = Console(app, servers[0])
    async with console.open():
        assert "q end the demo" in app.main.query_one(KeyLine).render_line(0).text


async def test_shift_f_forks_through_a_selected_turn(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend", ThreadState.IDLE)
        for turn in ("u1", "u2"):
            console.server.say(thread_id, TurnStarted(), turn)
            prompt = {"type": "userMessage", "id": turn, "content": [{"type": "text", "text": "x"}]}
            console.server.say(thread_id, ItemCompleted(prompt), turn)
            console.server.say(thread_id, TurnCompleted(), turn)
        await console.settle()
        await console.press("F")
        assert isinstance(console.app.screen, ForkScreen)
        answer(console, ForkChoice("u1", "try it otherwise"))
        await console.settle()
        assert console.called("codex-fork") == [
            {"thread": thread_id, "turn": "u1", "prompt": "try it otherwise"}
        ]


async def test_shift_f_without_a_turn_says_so(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("F")
        assert "no turn yet" in console.notices()[0]


async def test_n_starts_a_thread_and_focuses_it(console: Console) -> None:
    async with console.open():
        info = ThreadInfo("t-docs", "docs", ThreadState.RUNNING, created_at=NOW)
        console.server.results["codex-start"] = {"thread": info.to_json()}
        await console.press("n")
        assert isinstance(console.app.screen, NewThreadScreen)
        answer(console, NewThread(prompt="write", cwd="/w", sandbox="read-only", handle="docs"))
        await console.settle()
        assert console.called("codex-start") == [
            {"prompt": "write", "handle": "docs", "cwd": "/w", "sandbox": "read-only"}
        ]
        console.server.thread("docs", ThreadState.RUNNING)
        await console.settle()
        assert console.current == "t-docs"


async def test_a_start_that_fails_says_why(console: Console) -> None:
    async with console.open():
        console.server.failures["codex-start"] = ThreadUnknown("no such folder: /nowhere")
        await console.press("n")
        answer(console, NewThread(prompt="x"))
        await console.settle()
        assert console.notices() == ["Could not start the thread: no such folder: /nowhere"]


async def test_the_next_thread_starts_from_the_last_settings_and_a_failed_prompt(
    console: Console,
) -> None:
    async with console.open():
        asked = NewThread(prompt="write", cwd="/w", sandbox="read-only", handle="docs")
        console.server.failures["codex-start"] = ThreadUnknown("Codex is not up")
        await console.press("n")
        answer(console, asked)
        await console.settle()
        await console.press("n")
        assert last_new(console) == asked
        del console.server.failures["codex-start"]
        info = ThreadInfo("t-docs", "docs", ThreadState.RUNNING, created_at=NOW)
        console.server.results["codex-start"] = {"thread": info.to_json()}
        answer(console, asked)
        await console.settle()
        await console.press("n")
        assert last_new(console) == replace(asked, prompt="", handle="")


async def test_d_shows_the_diff_of_the_turn(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        console.server.say(thread_id, DiffUpdated("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"))
        await console.settle()
        await console.press("d")
        assert isinstance(console.app.screen, DiffScreen)


async def test_d_without_changes_says_so(console: Console) -> None:
    async with console.open():
        console.server.running("backend", cwd="")
        await console.settle()
        await console.press("d")
        assert "has changed no files, and has no folder" in console.notices()[0]


async def test_question_mark_lists_the_keys(console: Console) -> None:
    async with console.open():
        await console.press("question_mark")
        assert isinstance(console.app.screen, HelpScreen)


async def test_q_detaches_and_the_server_keeps_running(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        await console.settle()
        await console.press("q")
        assert console.app.return_value == 0
        assert console.called("codex-shutdown") == []


async def test_shift_q_asks_and_then_stops_the_server(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        await console.settle()
        await console.press("Q")
        assert isinstance(console.app.screen, ConfirmScreen)
        assert console.called("codex-shutdown") == []
        answer(console, result=True)
        await console.settle()
        assert console.called("codex-shutdown") == [{}]
        assert console.app.return_value == 0


@pytest.mark.parametrize("key", ["x", "X", "f", "F", "enter", "d"])
async def test_keys_without_a_thread_say_that_there_is_none(console: Console, key: str) -> None:
    async with console.open():
        await console.press(key)
        assert console.server.calls == [("codex-server", {})]
        if key != "enter":
            assert "n starts one" in console.notices()[0]


async def test_the_footer_shows_the_actions_of_the_current_thread(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        console.server.running("frontend")
        await console.settle()
        await console.press("1")
        assert "interrupt" not in text_of(console.app.main.query_one(KeyLine))
        await console.press("2")
        assert "interrupt" in text_of(console.app.main.query_one(KeyLine))
        await console.press("r")
        assert "send" in text_of(console.app.main.query_one(KeyLine))
        assert "interrupt" not in text_of(console.app.main.query_one(KeyLine))


async def test_a_click_in_the_footer_runs_the_key(console: Console) -> None:
    async with console.open() as pilot:
        thread_id = console.server.running("backend")
        await console.settle()
        line = console.app.main.query_one(KeyLine)
        await pilot.click(KeyLine, offset=(text_of(line).index("interrupt"), 0))
        await console.settle()
        assert console.called("codex-interrupt") == [{"thread": thread_id}]


async def test_the_empty_screen_names_the_bound_key_that_starts_a_thread() -> None:
    console = build_console(config=Config(ui=UiConfig(keys={"thread.new": "ctrl+n"}, bell=False)))
    async with console.open():
        assert "^n" in str(console.app.main.workbench.grid.empty.query_one("#empty-text").render())


async def test_keys_can_be_rebound() -> None:
    keys = {"thread.interrupt": "ctrl+g", "thread.new": ""}
    console = build_console(config=Config(ui=UiConfig(keys=keys, bell=False)))
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        await console.press("x", "n")
        assert console.called("codex-interrupt") == []
        assert console.app.screen is console.app.main
        await console.press("ctrl+g")
        assert console.called("codex-interrupt") == [{"thread": thread_id}]
        footer = text_of(console.app.main.query_one(KeyLine))
        assert "^g interrupt" in footer
        assert "new" not in footer


async def test_ctrl_c_says_what_leaves_and_what_stops() -> None:
    keys = {"console.detach": "f10"}
    console = build_console(config=Config(ui=UiConfig(keys=keys, bell=False)))
    async with console.open(toasts=True):
        await console.press("ctrl+c")
        (said,) = console.notices()
        assert "f10: detach. x: interrupt the turn. Q: stop the server." in said


def test_a_keymap_with_an_unknown_binding_is_refused_before_the_screen_opens() -> None:
    with pytest.raises(ConfigInvalid, match=r"thread\.interupt"):
        build_console(config=Config(ui=UiConfig(keys={"thread.interupt": "y"})))


async def test_letters_typed_before_the_composer_is_mounted_go_into_it(console: Console) -> None:
    async with console.open():
        thread_id = console.server.running("backend")
        await console.settle()
        for key in ["r", *"xX", "ctrl+j", *"dQ", "enter"]:
            character = key if len(key) == 1 else None
            console.app.post_message(events.Key(key, character))
        await console.settle()
        assert console.called("codex-send") == [{"thread": thread_id, "prompt": "xX\ndQ"}]
        assert console.called("codex-interrupt") == []
        assert console.app.screen is console.app.main


async def test_text_and_enter_in_one_burst_are_sent_whole(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        await console.settle()
        await console.press("r")
        for key in [*"hello", "enter"]:
            console.app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await console.settle()
        assert console.called("codex-send")[0]["prompt"] == "hello"


async def test_a_prompt_for_a_thread_without_a_pane_can_be_typed_at_once(
    console: Console,
) -> None:
    async with console.open((80, 24)):
        for role in ("backend", "frontend", "tester"):
            console.server.running(role)
        await console.settle()
        await console.press("left", "end")
        for key in ["r", *"hi", "enter"]:
            console.app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await console.settle()
        assert console.called("codex-send") == [{"thread": "t-tester", "prompt": "hi"}]


async def test_new_threads_work_in_the_folder_of_the_console() -> None:
    console = build_console(folder="/home/ada/shop")
    async with console.open():
        await console.press("n")
        screen = console.app.screen
        assert isinstance(screen, NewThreadScreen)
        assert any(field.value == "/home/ada/shop" for field in screen.query(Input))


async def test_an_unexpected_error_shows_a_notice(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        console.server.failures["codex-interrupt"] = KeyError("oops")
        await console.settle()
        await console.press("x")
        assert console.notices() == ["Something broke: KeyError('oops')"]


def test_every_binding_has_an_id_and_a_description() -> None:
    bindings = {id(b): b for place in PLACES.values() for b in place}
    assert all(isinstance(b, Binding) and b.id and b.description for b in bindings.values())
    ids = [b.id for b in bindings.values() if isinstance(b, Binding)]
    assert len(ids) == len(set(ids))


async def test_a_removed_composer_can_still_be_drawn(console: Console) -> None:
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.settle()
        await console.press("r", "a")
        composer = console.app.main.query_one(Composer)
        await console.press("escape")
        assert not composer.is_attached
        assert len(composer.render_lines(Region(0, 0, 10, 2))) == 2
