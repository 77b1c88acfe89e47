"""A team's run in the console: what is shown, and how it is directed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from console.screens import team_story
from console.screens.console import Console, build_console, text_of
from console.screens.team_story import ROLES, RUN, role_id
from textual import events

from codextui.config.prices import Price, Prices
from codextui.config.schema import Config, UiConfig
from codextui.console.screens.approval import ApprovalScreen
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.screens.gates import GatesScreen
from codextui.console.screens.timeline import TimelineScreen
from codextui.console.widgets.composer import Composer
from codextui.console.widgets.key_line import KeyLine
from codextui.console.widgets.thread_tree import ThreadTree
from codextui.console.widgets.timeline_view import TimelineView
from codextui.errors import ServerRefused
from codextui.protocol import events as ev
from codextui.protocol.decisions import Approved, Scope
from codextui.protocol.runs import Gate, Span, SpanKind
from codextui.protocol.threads import ThreadState

BACKEND = role_id("backend")


@pytest.fixture
def console() -> Console:
    return build_console(layout=4)


async def open_row(console: Console, thread_id: str) -> None:
    """Move the cursor of the tree to a row."""
    console.app.main.open_thread(thread_id)
    await console.settle()
    assert console.current == thread_id


# What is shown.


async def test_a_run_its_roles_and_their_codex_threads_are_a_tree(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        rows = [row[2:] for row in text_of(console.app.main.query_one(ThreadTree)).splitlines()]
        names = [re.split("running|done|waiting", row)[0].rstrip() for row in rows]
        assert [name for name in names[2:] if re.search("[●✓◔]", name)] == [
            "● ▣ bug-busters",
            "├ ● @frontend",
            "│ └ ● frontend-codex",
            "├ ● @backend",
            "│ └ ● backend-codex",
            "├ ◔ @tester",
            "├ ✓ @project_manager",
            "└ ✓ @designer",
        ]


async def test_a_run_lists_its_events(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        shown = text_of(console.pane(RUN))
        assert "run · 2 of 5 roles done · gates 2/7" in shown
        assert "project_manager could not hand off to tester yet:" in shown
        assert "- backend/server.js is missing (backend)" in shown
        assert "→ project_manager handed off to designer" in shown


async def test_a_role_that_begins_to_work_takes_the_pane_of_a_waiting_one(console: Console) -> None:
    async with console.open():
        team_story.begin(console.server)
        await console.settle()
        assert console.panes() == [RUN, *map(role_id, ROLES[:3])]
        team_story.work(console.server, "tester")
        await console.settle()
        assert role_id("tester") in console.panes()
        assert RUN in console.panes()


async def test_an_idle_codex_thread_yields_to_a_working_role(
    console: Console,
) -> None:
    async with console.open():
        team_story.begin(console.server)
        for name in ROLES[:3]:
            team_story.work(console.server, name)
        thread_id = team_story.codex_of(console.server, "frontend", ThreadState.IDLE)
        await console.settle()
        assert thread_id not in console.panes(), "there is no room for it yet"
        team_story.row(console.server, "designer", ThreadState.DONE)
        team_story.codex_of(console.server, "frontend", ThreadState.RUNNING)
        await console.settle()
        assert console.panes() == [RUN, role_id("project_manager"), thread_id, role_id("frontend")]
        team_story.codex_of(console.server, "frontend", ThreadState.IDLE)
        team_story.work(console.server, "backend")
        await console.settle()
        assert BACKEND in console.panes()
        assert thread_id not in console.panes()


async def test_in_a_small_terminal_working_roles_are_shown_before_the_run(
    console: Console,
) -> None:
    async with console.open((80, 24)):
        team_story.tell(console.server)
        await console.settle()
        assert sorted(console.panes()) == [BACKEND, role_id("frontend")]


async def test_a_pane_that_the_user_has_pinned_is_kept(console: Console) -> None:
    async with console.open((80, 24)):
        team_story.begin(console.server)
        await console.settle()
        await open_row(console, role_id("tester"))
        await console.press("full_stop", "1")
        panes = console.panes()
        assert panes == [role_id("project_manager"), role_id("tester")]
        for name in ("designer", "frontend", "backend"):
            team_story.work(console.server, name)
        await console.settle()
        assert console.panes() == panes


async def test_after_a_replay_working_threads_get_panes_first() -> None:
    console = build_console(layout=4)
    async with console.app.run_test(size=(160, 45)):
        console.server.connect()
        team_story.tell(console.server)
        console.server.catch_up()
        await console.settle()
        assert console.panes() == [RUN, role_id("frontend"), "t-frontend-codex", BACKEND]


async def test_costs_are_shown_if_prices_are_configured() -> None:
    prices = Prices(models={"gpt-5.5": Price(10.0, 30.0)})
    config = Config(ui=UiConfig(theme="harbour", layout=4, bell=False), prices=prices)
    console = build_console(config=config)
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        assert "0.084 USD" in text_of(console.pane(BACKEND)).splitlines()[0]
        assert "0.65 USD" in text_of(console.pane(RUN)).splitlines()[0]


async def test_without_prices_no_costs_are_shown(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        assert "USD" not in console.shown()


# What can be asked.


async def test_a_message_to_a_role_says_when_it_is_read(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, BACKEND)
        await console.press("enter")
        purpose = str(console.app.main.query_one(".purpose").render())
        assert purpose == "write to backend: it reads this before its next step"
        await console.press(*"hurry", "enter")
        assert console.called("codex-role") == [
            {"thread": BACKEND, "action": "message", "text": "hurry"}
        ]
        assert console.called("codex-send") == []


async def test_a_message_that_failed_to_send_becomes_a_draft(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        console.server.failures["codex-role"] = ServerRefused("nobody runs it now")
        await console.settle()
        await open_row(console, BACKEND)
        await console.press("r", *"hurry", "enter")
        assert "nobody runs it now" in console.notices()[0]
        assert console.app.main.workbench.drafts[BACKEND] == "hurry"
        await console.press("r")
        assert console.app.main.query_one(Composer).text == "hurry"


@pytest.mark.parametrize("thread_id", [BACKEND, RUN])
async def test_p_pauses_and_resumes(console: Console, thread_id: str) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, thread_id)
        await console.press("p")
        name = "backend" if thread_id == BACKEND else ""
        team_story.row(console.server, name, ThreadState.PAUSED)
        await console.settle()
        await console.press("p")
        assert console.called("codex-role") == [
            {"thread": thread_id, "action": "pause"},
            {"thread": thread_id, "action": "resume"},
        ]


async def test_x_stops_a_role_at_once(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, BACKEND)
        await console.press("x")
        assert console.called("codex-role") == [{"thread": BACKEND, "action": "stop"}]
        assert console.called("codex-interrupt") == []


@pytest.mark.parametrize(
    ("key", "thread_id", "tool", "arguments"),
    [
        ("x", RUN, "codex-role", {"thread": RUN, "action": "stop"}),
        ("R", BACKEND, "codex-role", {"thread": BACKEND, "action": "rerun"}),
        ("X", RUN, "codex-kill", {"thread": RUN}),
    ],
)
async def test_irreversible_actions_ask_first(
    console: Console, key: str, thread_id: str, tool: str, arguments: dict[str, object]
) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, thread_id)
        await console.press(key)
        assert isinstance(console.app.screen, ConfirmScreen)
        await console.press("n")
        assert console.called(tool) == []
        await console.press(key, "y")
        assert console.called(tool) == [arguments]


@pytest.mark.parametrize(
    ("key", "thread_id", "why"),
    [
        ("f", BACKEND, "backend is a role: only its Codex threads can be forked."),
        ("F", RUN, "bug-busters is a team's run: only the Codex threads"),
        ("d", role_id("designer"), "No Codex thread of designer has changed a file"),
        ("X", BACKEND, "X on its run kills them all"),
        ("R", RUN, "choose the role that is to run again"),
        ("p", "t-backend-codex", "only roles can be paused"),
        ("R", "t-backend-codex", "only roles can run again"),
    ],
)
async def test_an_unavailable_action_says_why(
    console: Console, key: str, thread_id: str, why: str
) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, thread_id)
        calls = len(console.server.calls)
        await console.press(key)
        assert why in console.notices()[0]
        assert len(console.server.calls) == calls


async def test_a_thread_without_a_team_has_no_gates(console: Console) -> None:
    async with console.open():
        console.server.thread("alone")
        await console.settle()
        await console.press("g")
        assert "alone works for no team's run" in console.notices()[0]


async def test_the_footer_shows_the_actions_of_a_role(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, BACKEND)
        shown = console.app.main.query_one(KeyLine).render_line(0).text
        for words in ("⏎ message", "x stop", "p pause", "g gates", "T timeline", "R run again"):
            assert words in shown
        assert "fork" not in shown
        team_story.row(console.server, "backend", ThreadState.PAUSED)
        await console.settle()
        assert "p go on" in console.app.main.query_one(KeyLine).render_line(0).text


# The gate board.


@pytest.mark.parametrize("thread_id", [RUN, BACKEND, "t-backend-codex"])
async def test_g_shows_the_gates_of_the_run(console: Console, thread_id: str) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, thread_id)
        await console.press("g")
        assert isinstance(console.app.screen, GatesScreen)
        shown = console.shown()
        assert "bug-busters: 2 of 7 gates met" in shown
        assert "backend/server.js" in shown
        await console.press("g")
        assert console.app.screen is console.app.main


async def test_the_gates_screen_updates_while_it_is_open(console: Console) -> None:
    async with console.open((80, 24)):
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("g")
        gates = (Gate("backend/server.js", ("backend",), (), True, "3.3 kB"),)
        console.server.say(RUN, ev.GatesChecked(gates), "t1")
        await console.until("1 of 1 gate met")
        await console.until("3.3 kB")


async def test_a_run_without_gates_says_how_to_define_them(console: Console) -> None:
    async with console.open():
        team_story.begin(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("g")
        await console.until("bug-busters: no gates")
        assert "`requires` and `produces`" in console.shown()


async def test_many_gates_can_be_scrolled(console: Console) -> None:
    async with console.open((80, 24)):
        team_story.begin(console.server)
        board = tuple(Gate(f"file-{number:02}") for number in range(60))
        console.server.say(RUN, ev.GatesChecked(board), "t1")
        await console.settle()
        await open_row(console, RUN)
        await console.press("g", "end")
        await console.until("file-59")
        assert "file-00" not in console.shown()


# The timeline.


async def test_shift_t_shows_the_timeline(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, "t-backend-codex")
        await console.press("T")
        assert isinstance(console.app.screen, TimelineScreen)
        shown = console.shown()
        assert all(role in shown for role in ROLES)
        assert "at work" in shown
        assert "all of it" in shown
        await console.press("escape")
        assert console.app.screen is console.app.main


@pytest.mark.parametrize(("key", "name"), [("T", "timeline"), ("g", "gates")])
async def test_s_saves_a_picture_of_a_run(
    console: Console, key: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path))
    async with console.open((220, 50)):
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press(key, "s")
        await console.until("Picture saved: ")
        (path,) = tmp_path.glob(f"codextui-bug-busters-{name}-*.svg")
        assert path.read_text().startswith("<svg")


async def test_a_picture_that_cannot_be_saved_is_told(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("XDG_PICTURES_DIR", raising=False)
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T", "s")
        await console.until("The picture could not be saved")


async def test_shift_t_shows_the_timeline_of_a_plain_thread(console: Console) -> None:
    async with console.open():
        thread_id = console.server.thread("backend")
        await console.settle()
        await console.press("T")
        assert "backend has had no turn yet" in console.notices()[0]
        console.server.say(thread_id, ev.TurnStarted())
        await console.settle()
        await console.press("T")
        assert isinstance(console.app.screen, TimelineScreen)
        assert "backend: where the time went" in console.shown()
        assert "backend has Codex at work for" in console.shown()


async def test_a_selected_span_says_who_waited_for_whom(console: Console) -> None:
    async with console.open((80, 24)):
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T", "down", "right", "right", "right")
        assert "designer waited for a person (a1) 22s, from 1:30 to 1:52" in console.shown()
        await console.press("down", "left")
        assert "frontend waited 2m 50s for designer" in console.shown()


async def test_the_timeline_zooms_scrolls_and_resets(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T", "plus")
        await console.until("from ")
        await console.press("pagedown")
        later = console.shown()
        await console.press("pageup")
        assert console.shown() != later
        await console.press("end")
        await console.until("follows now")
        await console.press("home")
        await console.until("all of it")


async def test_the_timeline_updates_while_it_is_open(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T")
        span = Span("new", "tester", SpanKind.CODEX, "tester-codex", team_story.BEGAN + 290)
        console.server.say(RUN, ev.SpanChanged(span), "t1")
        await console.press("down", "down", "down", "down", "right", "right")
        await console.until("tester has Codex at work (tester-codex)")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_click_selects_a_span(console: Console, size: tuple[int, int]) -> None:
    async with console.open(size) as pilot:
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T")
        rows = console.shown().splitlines()
        y = next(y for y, row in enumerate(rows) if "???" in row)
        await pilot.click(offset=(rows[y].index("???") + 1, y))
        await console.settle()
        assert "designer waited for a person (a1) 22s" in console.shown()


async def test_the_wheel_scrolls_the_timeline(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T")
        view = console.app.screen.query_one(TimelineView)
        for event in (events.MouseScrollDown, events.MouseScrollUp):
            view.post_message(event(view, 5, 5, 0, 1, 0, False, False, False))
            await console.until("from ")


async def test_an_open_gates_screen_drops_the_gates_of_another_server(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("g")
        await console.until("2 of 7 gates met")
        console.server.disconnect()
        console.server.connect(fresh=True)
        console.server.catch_up()
        await console.until("no gates")


async def test_a_run_without_spans_says_so(console: Console) -> None:
    async with console.open((80, 24)):
        team_story.begin(console.server)
        await console.settle()
        await open_row(console, RUN)
        await console.press("T", "down", "left", "plus", "pagedown", "end")
        assert "Nothing is known" in console.shown()


# Approvals of tools.


async def test_a_tool_is_asked_about_with_all_its_arguments(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        team_story.ask_tool(console.server)
        await console.until("keys ready")
        assert isinstance(console.app.screen, ApprovalScreen)
        shown = console.shown()
        assert "tester asks to call a tool" in shown
        for words in ("deploy_preview", "hosting", '"PORT": "8080"', '"dry_run": false'):
            assert words in shown
        assert r'"line one\nreason: nothing to see here\n\u001b[2J \"quoted\""' in shown
        await console.press("p")
        assert "There is no rule for tools" in console.shown()
        await console.press("s")
        assert console.server.answers == [("a7", Approved(Scope.SESSION))]
