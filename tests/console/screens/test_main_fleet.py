"""Arranging the tree by keys: filter, groups, folds, and what is put away."""

from __future__ import annotations

import pytest
from console.screens import story, team_story
from console.screens.console import NOW, Console, build_console, text_of, usage
from msgspec import structs
from textual.geometry import Region

from codextui.config.schema import Config, UiConfig
from codextui.console.drafts import Drafts
from codextui.console.screens.confirm import ConfirmScreen
from codextui.console.widgets.attention_strip import AttentionStrip
from codextui.console.widgets.status_line import StatusLine
from codextui.console.widgets.thread_tree import FilterField, ThreadTree
from codextui.protocol import events as ev
from codextui.protocol.runs import ThreadKind
from codextui.protocol.threads import ThreadState


@pytest.fixture
def console() -> Console:
    return build_console()


def tree(console: Console) -> str:
    return text_of(console.app.main.query_one(ThreadTree))


def fleet(console: Console) -> None:
    """Start a few threads in different states, folders and models."""
    server = console.server
    server.thread("backend", ThreadState.RUNNING, cwd="/w/shop", model="gpt-5.5")
    server.thread("tester", ThreadState.IDLE, cwd="/w/shop", model="gpt-5.5-mini")
    server.thread("docs", ThreadState.FAILED, cwd="/w/site", note="no login")
    server.thread("old", ThreadState.KILLED, cwd="/w/site")


# The filter.


async def test_a_filter_shows_itself_and_what_it_finds(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"state:run")
        assert isinstance(console.app.focused, FilterField)
        assert "backend" in tree(console)
        assert "tester" not in tree(console)
        assert "1 of 4" in tree(console)
        await console.press("enter")
        assert isinstance(console.app.focused, ThreadTree)
        assert "/state:run" in tree(console).splitlines()[1]
        assert "tester" not in tree(console)


async def test_the_footer_says_what_a_filter_can_have(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        assert "/ filter" in console.shown()
        await console.press("slash")
        footer = console.shown().splitlines()[-1]
        assert "esc clear it" in footer
        assert "state:asks" in footer
        await console.press("escape")
        assert "esc clear it" not in console.shown()


async def test_no_dialog_opens_while_a_filter_is_written(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", "d")
        console.server.ask("t-backend", "a1")
        await console.settle()
        assert isinstance(console.app.focused, FilterField)
        await console.press("o")
        assert console.app.main.query_one(FilterField).value == "do"


async def test_letters_typed_at_once_after_the_key_are_the_filter(console: Console) -> None:
    async with console.open() as pilot:
        fleet(console)
        await console.settle()
        await pilot.press("slash", "x", "q", "n")
        await console.settle()
        assert console.app.main.query_one(FilterField).value == "xqn"
        assert not any(tool == "codex-interrupt" for tool, _ in console.server.calls)


async def test_esc_clears_the_filter_while_it_is_written_and_afterwards(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"docs", "escape")
        assert "tester" in tree(console)
        assert isinstance(console.app.focused, ThreadTree)
        await console.press("slash", *"docs", "enter")
        assert "tester" not in tree(console)
        await console.press("escape")
        assert "tester" in tree(console)
        assert "/docs" not in tree(console)


async def test_the_arrows_move_in_what_is_found_while_the_filter_is_written(
    console: Console,
) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"dir:site", "down")
        assert console.current in ("t-docs", "t-old")
        assert isinstance(console.app.focused, FilterField)


async def test_enter_goes_to_the_first_that_is_found(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"tster", "enter")
        assert console.current == "t-tester"


async def test_a_filter_that_finds_nothing_says_so_and_how_to_leave(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"zzz")
        assert "nothing matches: esc clears" in tree(console)


async def test_a_wrong_key_of_a_filter_is_told(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("slash", *"stat:run")
        assert "no key stat: state:?" in tree(console)


async def test_a_filter_brings_the_tree_to_a_tiny_screen(console: Console) -> None:
    async with console.open((50, 12)):
        fleet(console)
        await console.settle()
        await console.press("slash", *"tester")
        assert "1 of 4" in console.shown()
        assert isinstance(console.app.focused, FilterField)
        await console.press("enter", "enter")
        assert console.panes() == ["t-tester"]


async def test_only_lines_that_change_are_drawn_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.open():
        for number in range(100):
            console.server.thread(f"role-{number:02}", ThreadState.RUNNING)
        await console.settle()
        widget, drawn = console.app.main.workbench.thread_tree, list[Region]()
        monkeypatch.setattr(widget, "refresh", lambda *regions, **_: drawn.extend(regions))
        console.server.thread("role-03", ThreadState.RUNNING, usage=usage(7_000))
        console.server.thread("role-90", ThreadState.RUNNING, usage=usage(9_000))
        await console.settle()
        assert [(region.y, region.height) for region in drawn] == [(2 + 3, 1)]


# Groups and folds.


async def test_the_tree_is_grouped_by_each_thing_in_turn(console: Console) -> None:
    async with console.open():
        fleet(console)
        await console.settle()
        await console.press("left", "G")
        rows = tree(console)
        assert "by state" in rows
        titles = [title for title in ("failed 1", "running 1", "idle 1", "over 1") if title in rows]
        assert len(titles) == 4
        await console.press("G")
        assert "by folder" in tree(console)
        assert "shop 2" in tree(console)
        await console.press("G")
        assert "codextui 4" in tree(console)
        await console.press("G")
        assert "gpt-5.5-mini 1" in tree(console)
        await console.press("G")
        assert "by " not in tree(console)


async def test_a_group_folds_and_unfolds_by_keys(console: Console) -> None:
    async with console.open():
        console.server.running("backend")
        story.neighbours(console.server)
        await console.settle()
        await console.press("left", "down", "left")
        assert "▸ Codex TUI 3" in tree(console)
        assert "Fix the login" not in tree(console)
        await console.press("enter")
        assert "Fix the login" in tree(console)
        assert console.current == "t-tui-1"
        await console.press("left", "down", "up", "right")
        assert "Fix the login" in tree(console)


async def test_a_run_folds_into_its_row(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await console.press("left", "home", "left")
        assert "@backend" not in tree(console)
        assert "▣ bug-busters" in tree(console)
        await console.press("right")
        assert "@backend" in tree(console)


async def test_the_cursor_stays_on_its_thread_while_rows_move(console: Console) -> None:
    async with console.open():
        for name in ("one", "two", "three"):
            console.server.thread(name)
        await console.settle()
        await console.press("left", "down")
        assert console.current == "t-two"
        console.server.running("three")
        await console.settle()
        rows = [row for row in tree(console).splitlines()[2:] if row.strip()]
        assert "three" in rows[0]
        assert console.current == "t-two"
        assert console.app.main.workbench.thread_tree.cursor == "t-two"


async def test_a_fold_survives_what_happens_in_it_and_shows_who_asks(console: Console) -> None:
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        await console.press("left", "home", "left")
        console.server.ask("t-backend-codex", "a1")
        await console.settle()
        await console.press("escape")
        assert "@backend" not in tree(console)
        assert "pytest -q tests · waits 14s" in tree(console)


async def test_an_answer_is_new_until_its_pane_is_looked_at(console: Console) -> None:
    async with console.open():
        console.server.running("first")
        thread_id = console.server.running("backend")
        await console.settle()
        console.server.item(thread_id, {"type": "agentMessage", "id": "m1", "text": "All done."})
        console.server.say(thread_id, ev.TurnCompleted())
        console.server.thread("backend")
        await console.settle()
        rows = tree(console).splitlines()[2:4]
        assert "backend" in rows[0]
        assert rows[0].endswith("new")
        assert "said: All done." in rows[1]
        await console.press("2")
        assert "new" not in tree(console)


async def test_a_role_shows_what_it_did_lately(console: Console) -> None:
    async with console.open((220, 60)):
        team_story.tell(console.server)
        team_story.spans(console.server)
        await console.settle()
        rows = tree(console).splitlines()
        row = next(n for n, text in enumerate(rows) if "@frontend" in text)
        assert "works with frontend-codex" in rows[row + 1]
        assert rows[row + 1].endswith("┈┈┈┈┈┈━━━━")


# Put away.


async def test_a_thread_is_hidden_shown_among_others_and_brought_back(console: Console) -> None:
    async with console.open(toasts=True):
        fleet(console)
        await console.settle()
        await console.press("left", "home")
        while console.current != "t-tester":
            await console.press("down")
        await console.press("h")
        assert "tester" not in tree(console)
        assert "1 thread put away (*)" in tree(console)
        assert "t-tester" not in console.panes()
        assert "tester is hidden: * shows it, h brings it back." in console.notices()
        await console.press("asterisk")
        assert "tester" in tree(console)
        while console.current != "t-tester":
            await console.press("up")
        await console.press("enter")
        assert "t-tester" in console.panes()
        await console.press("h", "asterisk")
        assert "tester" in tree(console)


async def test_what_works_or_asks_cannot_be_hidden_and_says_why(console: Console) -> None:
    async with console.open(toasts=True):
        console.server.running("backend")
        await console.settle()
        await console.press("h")
        assert "backend" in tree(console)
        assert any("it can be hidden once it rests" in notice for notice in console.notices())


async def test_a_hidden_thread_that_asks_comes_back(console: Console) -> None:
    async with console.open():
        console.server.thread("quiet")
        console.server.running("busy")
        await console.settle()
        await console.press("left", "end", "h")
        assert "quiet" not in tree(console)
        console.server.ask("t-quiet", "a1")
        await console.settle()
        assert "quiet" in tree(console)


async def test_clearing_asks_about_failures_that_nobody_has_looked_at(console: Console) -> None:
    async with console.open(toasts=True):
        fleet(console)
        await console.settle()
        await console.press("left", "ctrl+x")
        assert isinstance(console.app.screen, ConfirmScreen)
        assert "you have not looked at it: docs" in console.shown()
        await console.press("n")
        assert "docs" in tree(console)
        await console.press("ctrl+x", "y")
        assert "docs" not in tree(console)
        assert "old" not in tree(console)
        assert "backend" in tree(console)
        assert any("2 threads put away" in notice for notice in console.notices())


async def test_clearing_does_not_ask_where_nothing_is_lost(console: Console) -> None:
    async with console.open(toasts=True):
        console.server.thread("old", ThreadState.KILLED)
        console.server.running("backend")
        await console.settle()
        await console.press("ctrl+x")
        assert "old" not in tree(console)
        await console.press("ctrl+x")
        assert any("Nothing is over" in notice for notice in console.notices())


async def test_what_was_put_away_stays_so_for_the_next_console() -> None:
    drafts = Drafts()
    first = build_console(drafts=drafts)
    async with first.open():
        first.server.thread("old", ThreadState.KILLED)
        first.server.running("backend")
        await first.settle()
        await first.press("ctrl+x")
    second = build_console(drafts=drafts)
    async with second.open():
        second.server.thread("old", ThreadState.KILLED)
        second.server.running("backend")
        await second.settle()
        assert "old" not in tree(second)


async def test_a_failure_that_was_looked_at_is_none_for_the_next_console() -> None:
    drafts = Drafts()
    for failures in (["docs", "tester"], ["tester"]):
        console = build_console(drafts=drafts)
        async with console.open():
            console.server.running("backend")
            await console.settle()
            for handle in ("docs", "tester"):
                console.server.thread(handle, ThreadState.FAILED, note="no quota", turn_id="u1")
            await console.settle()
            strip = text_of(console.app.main.query_one(AttentionStrip)).splitlines()
            assert [row.split()[1] for row in strip] == failures
            console.app.main.open_thread("t-docs")
            await console.settle()


async def test_a_run_that_is_over_is_one_line_and_archived_later() -> None:
    console = build_console(config=Config(ui=UiConfig(bell=False, archive_after=3)))
    async with console.open():
        team_story.tell(console.server)
        await console.settle()
        run = next(i for i, v in console.app.state.threads.items() if v.info.kind == "run")
        members = console.app.state.run_members(run)
        console.server.clock = NOW - 7200
        for info in [*members, console.app.state.threads[run].info]:
            state = ThreadState.IDLE if info.kind is ThreadKind.CODEX else ThreadState.DONE
            rests = structs.replace(info, state=state, turn_started_at=None)
            console.server.say(info.thread_id, ev.TurnCompleted(), "u1")
            console.server.say(info.thread_id, ev.ThreadChanged(rests), "")
        await console.settle()
        rows = [row for row in tree(console).splitlines()[2:] if row.strip()]
        assert "done 5/5 · 2h ago" in rows[0]
        assert not any("@backend" in row for row in rows)
        console.app.main.fleet.archive_after = 3600
        console.app.main.refresh_clocks()  # though nothing works
        await console.settle()
        assert "bug-busters" not in tree(console)
        assert "put away" in tree(console)


# The cells of the header.


async def test_the_header_has_a_cell_for_each_thread_that_a_click_opens(console: Console) -> None:
    async with console.open((100, 30)) as pilot:
        fleet(console)
        await console.settle()
        row = text_of(console.app.main.query_one(StatusLine))
        assert "✗●○†" in row
        await pilot.click(StatusLine, offset=(row.index("○"), 0))
        await console.settle()
        assert console.current == "t-tester"


async def test_a_narrow_header_counts_the_states(console: Console) -> None:
    async with console.open((50, 12)):
        for number in range(30):
            console.server.thread(f"role-{number}", ThreadState.RUNNING)
        console.server.thread("cut-off", ThreadState.INTERRUPTED)
        console.server.ask("t-role-3", "a1")
        await console.settle()
        await console.press("escape")
        row = text_of(console.app.main.query_one(StatusLine))
        assert "?1 ●29 ■1" in row
        assert "? 1 needs you" in row
