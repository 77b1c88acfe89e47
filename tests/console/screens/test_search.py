"""The search over all transcripts: found while one types, shown in its pane, and back again."""

from __future__ import annotations

import asyncio

import pytest
from console.screens.console import NOW, Console, build_console, text_of

from codextui.console.screens import search
from codextui.console.screens.pager import PagerScreen
from codextui.console.screens.search import SearchScreen
from codextui.console.widgets.strip_view import StripView
from codextui.errors import ServerUnreachable
from codextui.protocol import events as ev
from codextui.protocol.threads import ThreadInfo, ThreadState


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setattr(search, "PAUSE_S", 0.0)
    return build_console(layout=2)


def message(text: str, item_id: str) -> dict[str, object]:
    return {"type": "agentMessage", "id": item_id, "text": text}


def output(item_id: str, lines: int) -> dict[str, object]:
    text = "\n".join(f"out-{number}" for number in range(lines))
    return {
        "type": "commandExecution",
        "id": item_id,
        "command": "seq",
        "status": "completed",
        "aggregatedOutput": text,
    }


def threads(console: Console) -> None:
    for handle in ("backend", "frontend", "docs"):
        thread_id = console.server.thread(handle)
        console.server.say(thread_id, ev.TurnStarted(NOW - 100))
        for number in range(20):
            console.server.item(thread_id, message(f"{handle}-{number}", f"m{number}"))
        console.server.item(thread_id, message(f"needle of {handle}", "n"))
        for number in range(20, 40):
            console.server.item(thread_id, message(f"{handle}-{number}", f"m{number}"))


async def finished(console: Console) -> None:
    """Wait until the search is over."""
    if running := [worker for worker in console.app.workers if worker.group == "search"]:
        async with asyncio.timeout(60):
            await asyncio.gather(*(worker.wait() for worker in running), return_exceptions=True)
    await console.settle()


async def look_for(console: Console, text: str) -> SearchScreen:
    await console.press("ctrl+f")
    screen = console.app.screen
    assert isinstance(screen, SearchScreen)
    await console.press(*text)
    await finished(console)
    return screen


async def test_matches_are_listed_while_one_types(console: Console) -> None:
    async with console.open(size=(120, 40)):
        threads(console)
        await console.settle()
        await look_for(console, "needle")
        shown = console.shown()
        for handle in ("backend", "frontend", "docs"):
            assert f"needle of {handle}" in shown
        assert console.called("codex-search")[-1]["text"] == "needle"
        await console.press("x")
        await console.until("Nothing has “needlex”.")


async def test_enter_shows_the_match_n_goes_on_and_escape_returns(console: Console) -> None:
    async with console.open(size=(120, 40)):
        threads(console)
        await console.settle()
        console.app.main.workbench.focus_thread("t-frontend")
        await console.press("pageup", "pageup")
        before = text_of(console.pane("t-frontend"))
        panes, current = console.panes(), console.current
        screen = await look_for(console, "needle")
        seen: list[str] = []
        for key in ("enter", "n", "n"):
            await console.press(key)
            found = screen._results.current
            assert found is not None
            seen.append(found.thread_id)
            assert f"▎needle of {found.handle}" in text_of(console.pane(found.thread_id))
        assert sorted(seen) == ["t-backend", "t-docs", "t-frontend"]
        await console.press("N")
        assert screen._results.current is not None
        assert screen._results.current.thread_id == seen[1]
        await console.press("escape")
        assert console.app.screen is console.app.main
        assert (console.panes(), console.current) == (panes, current)
        assert text_of(console.pane("t-frontend")) == before


async def test_enter_before_anything_is_found_shows_the_first_match(console: Console) -> None:
    gate = asyncio.Event()

    async def search_later(screen: SearchScreen, text: str) -> None:
        await gate.wait()
        await search_live(screen, text)

    search_live = SearchScreen._search_live
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SearchScreen, "_search_live", search_later)
        async with console.open(size=(120, 40)):
            threads(console)
            await console.settle()
            await console.press("ctrl+f", *"needle of docs", "enter")
            gate.set()
            await finished(console)
            assert "stay there" in console.shown()
            assert "▎needle of docs" in text_of(console.pane("t-docs"))


async def test_enter_again_stays_at_the_match(console: Console) -> None:
    async with console.open(size=(120, 40)):
        threads(console)
        await console.settle()
        await look_for(console, "needle of docs")
        await console.press("enter", "enter")
        assert console.app.screen is console.app.main
        assert console.current == "t-docs"
        assert "▎needle of docs" in text_of(console.pane("t-docs"))


async def test_a_match_in_a_folded_item_unfolds_it(console: Console) -> None:
    async with console.open(size=(120, 40)):
        thread_id = console.server.thread("backend")
        console.server.item(thread_id, output("c1", 60))
        await console.settle()
        assert "out-3\n" not in text_of(console.pane(thread_id))
        await look_for(console, "out-3")
        await console.press("enter", "enter")
        assert "out-3\n" in text_of(console.pane(thread_id))


async def test_a_match_deep_in_a_long_item_is_in_view(console: Console) -> None:
    async with console.open(size=(120, 30)):
        thread_id = console.server.thread("backend")
        console.server.say(thread_id, ev.TurnStarted(NOW - 100))
        lines = [f"line {number}" for number in range(400)]
        lines[250] = "here is the needle"
        console.server.item(thread_id, message("\n\n".join(lines), "m1"))
        await console.settle()
        await look_for(console, "the needle")
        await console.press("enter")
        shown = text_of(console.pane(thread_id))
        assert "here is the needle" in shown
        assert "line 249" in shown


async def test_what_only_the_journal_has_is_read_and_shown(console: Console) -> None:
    async with console.open(size=(120, 40)):
        row = {
            "thread_id": "t-gone",
            "turn_id": "u",
            "item_id": "m1",
            "at": NOW - 9,
            "kind": "agentMessage",
            "line": "the needle",
            "lines": 1,
            "handle": "gone",
        }
        console.server.results["codex-search"] = {"matches": [row], "cursor": ""}
        info = ThreadInfo("t-gone", "gone", ThreadState.KILLED)
        past = [ev.ThreadChanged(info), ev.ItemCompleted(message("the needle\n\nand more", "m1"))]
        events = [ev.Event(0, "t-gone", "u", NOW, msg).to_json() for msg in past]
        console.server.results["codex-read"] = {"events": events}
        await look_for(console, "needle")
        assert "(past)" in console.shown()
        await console.press("enter", "enter")
        await console.until("gone (past)")
        assert isinstance(console.app.screen, PagerScreen)
        assert "and more" in text_of(console.app.screen.query_one(StripView))
        await console.press("escape")
        assert isinstance(console.app.screen, SearchScreen)
        assert console.called("codex-read") == [{"thread": "t-gone"}]


async def test_a_thread_of_codex_is_resumed(console: Console) -> None:
    async with console.open(size=(120, 40)):
        rows = [{"thread_id": "0123456789", "name": "Old work", "brief": "needle"}]
        console.server.results["codex-history"] = {"threads": rows}
        await look_for(console, "needle")
        assert "⏎ resumes it" in console.shown()
        await console.press("enter", "enter")
        assert console.called("codex-resume") == [{"thread": "0123456789"}]
        assert console.app.screen is console.app.main


async def test_every_page_of_the_journal_is_asked_for_until_another_text_is(
    console: Console,
) -> None:
    async with console.open(size=(120, 40)):
        await console.press("ctrl+f", "a")
        cursors = iter([*(str(n) for n in range(5, 0, -1)), ""])

        async def call(tool: str, arguments: dict[str, object]) -> dict[str, object]:
            console.server.calls.append((tool, arguments))
            is_search = tool == "codex-search"
            return {"matches": [], "cursor": next(cursors, "")} if is_search else {}

        console.server.call = call  # type: ignore[method-assign,assignment]
        await console.press("b")
        await finished(console)
        asked = [one.get("cursor") for one in console.called("codex-search")]
        assert asked == [None, "5", "4", "3", "2", "1"]


async def test_a_server_that_fails_leaves_what_was_found(console: Console) -> None:
    async with console.open(size=(120, 40)):
        threads(console)
        console.server.failures["codex-search"] = ServerUnreachable("it is gone")
        await console.settle()
        await look_for(console, "needle")
        assert "needle of docs" in console.shown()
        assert "✗ it is gone" in console.shown()


async def test_short_texts_are_not_searched(console: Console) -> None:
    async with console.open(size=(80, 24)):
        await look_for(console, "n")
        assert "Two letters or more" in console.shown()
        assert console.called("codex-search") == []
        await console.press("escape")
        assert console.app.screen is console.app.main
