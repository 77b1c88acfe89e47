"""The picker of Codex's history on a server that answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from console.screens.console import NOW, Console, build_console
from textual.widgets import Input

from codextui.config.schema import Config, UiConfig
from codextui.console.screens.history import HistoryScreen
from codextui.console.widgets.history_list import HistoryList
from codextui.errors import ServerRefused
from codextui.jsonrpc.fields import JsonObject
from codextui.protocol.events import ThreadChanged
from codextui.protocol.threads import ThreadInfo, ThreadState


def past(number: int, **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "thread_id": f"p{number}",
        "name": "",
        "brief": f"Do thing {number} with care",
        "origin": "Codex TUI",
        "cwd": "/home/ada/shop",
        "branch": "main",
        "model": "gpt-5.5",
        "created_at": NOW - 7200,
        "recent_at": NOW - 60 * number,
        "archived": False,
        "loaded": False,
        "state": "",
        "handle": "",
    }
    return row | more


class HistoryServer:
    """Answers `codex-history`, at once or when the test releases an answer."""

    def __init__(self, console: Console, threads: list[dict[str, object]], page: int = 50) -> None:
        self.console = console
        self.threads = threads
        self.page = page
        self.requests: list[JsonObject] = []
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self._call = console.server.call
        console.server.call = self.call  # type: ignore[method-assign]

    async def call(self, tool: str, arguments: JsonObject) -> object:
        if tool != "codex-history":
            return await self._call(tool, arguments)
        self.requests.append(dict(arguments))
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        words = str(arguments.get("search", ""))
        archived = arguments.get("archived") is True
        found = [
            thread
            for thread in self.threads
            if thread["archived"] is archived and words in f"{thread['name']}{thread['brief']}"
        ]
        start = int(str(arguments.get("cursor", "0")))
        end = start + self.page
        return {"threads": found[start:end], "cursor": str(end) if end < len(found) else ""}


@pytest.fixture
def console() -> Console:
    return build_console()


def picker(console: Console) -> HistoryScreen:
    screen = console.app.screen
    assert isinstance(screen, HistoryScreen)
    return screen


def cursor(console: Console) -> str:
    thread = picker(console).query_one(HistoryList).current
    return "" if thread is None else thread.thread_id


async def until(console: Console, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
            await console.settle()


async def test_the_history_shows_what_codex_has(console: Console) -> None:
    HistoryServer(
        console,
        [
            past(1, name="Fix the login", origin="IDE", loaded=True),
            past(2),
            past(3, origin="", handle="backend", state="idle", loaded=True),
        ],
    )
    async with console.open():
        await console.press("H")
        shown = console.shown()
        assert "Codex's history  3" in shown
        rows = [row.strip() for row in shown.splitlines() if "gpt-5.5" in row]
        assert rows[0].split()[1:] == [
            "●",
            "Fix",
            "the",
            "login",
            "loaded",
            "IDE",
            "shop@main",
            "gpt-5.5",
            "1m",
        ]
        assert "○ Do thing 2 with care" in rows[1]
        assert "● backend  Do thing 3 with care" in rows[2]
        assert "codextui" in rows[2]


async def test_typing_searches_and_the_answer_to_an_earlier_search_is_dropped(
    console: Console,
) -> None:
    server = HistoryServer(console, [past(1), past(2, brief="Mend the roof")])
    async with console.open():
        await console.press("H")
        server.gate = asyncio.Event()
        await console.press(*"roof")
        assert [one.get("search") for one in server.requests] == [None, "r"]
        assert "… searching" in console.shown()
        assert "Do thing 1" in console.shown()
        server.gate.set()
        await until(console, lambda: "Do thing 1" not in console.shown())
        assert [one.get("search") for one in server.requests] == [None, "r", "roof"]
        assert "Mend the roof" in console.shown()


async def test_keys_work_while_the_server_has_not_answered(console: Console) -> None:
    server = HistoryServer(console, [past(1)])
    server.gate = asyncio.Event()
    async with console.open():
        await console.press("H")
        assert "… loading" in console.shown()
        await console.press("down", "up", "tab", "a", "n", "enter", "slash", "x")
        assert picker(console).query_one("#search", Input).value == "x"
        await console.press("escape")
        assert console.app.screen is console.app.main
        server.gate.set()
        await console.settle()


async def test_the_next_page_comes_when_the_cursor_nears_the_end(console: Console) -> None:
    server = HistoryServer(console, [past(n) for n in range(1, 121)])
    async with console.open():
        await console.press("H")
        assert len(server.requests) == 1
        assert "Codex's history  50+" in console.shown()
        await console.press("tab", "end")
        assert [one.get("cursor") for one in server.requests] == [None, "50"]
        assert cursor(console) == "p50"
        await console.press("end", "end")
        assert [one.get("cursor") for one in server.requests] == [None, "50", "100"]
        assert cursor(console) == "p120"
        assert "Codex's history  120" in console.shown()


async def test_enter_resumes_a_thread_and_opens_it(console: Console) -> None:
    HistoryServer(console, [past(1), past(2)])
    async with console.open():
        info = ThreadInfo("p2", "shop-2", ThreadState.IDLE)
        console.server.results["codex-resume"] = {"thread": info.to_json()}
        await console.press("H", "down", "enter")
        assert console.called("codex-resume") == [{"thread": "p2"}]
        assert console.app.screen is console.app.main
        console.server.thread("shop-2", ThreadState.IDLE)
        console.server.threads["t-shop-2"] = info
        console.server.say("p2", ThreadChanged(info), "")
        await console.settle()
        assert console.current == "p2"


async def test_a_thread_that_is_open_is_only_shown(console: Console) -> None:
    HistoryServer(console, [past(1, thread_id="t-backend", handle="backend", state="idle")])
    async with console.open():
        console.server.thread("backend", ThreadState.IDLE)
        await console.press("H", "enter")
        assert console.called("codex-resume") == []
        assert console.current == "t-backend"


async def test_a_thread_that_cannot_be_resumed_says_why_and_the_picker_stays(
    console: Console,
) -> None:
    HistoryServer(console, [past(1)])
    async with console.open():
        console.server.failures["codex-resume"] = ServerRefused("another process has it open")
        await console.press("H", "enter")
        assert "another process has it open" in console.shown()
        assert cursor(console) == "p1"


async def test_a_thread_is_archived_and_taken_out_again(console: Console) -> None:
    server = HistoryServer(console, [past(1), past(2), past(3, archived=True)])
    async with console.open():
        await console.press("H", "tab", "a")
        assert console.called("codex-archive") == [{"thread": "p1", "archived": True}]
        assert "Do thing 1 with care is in the archive" in console.shown()
        assert cursor(console) == "p2"
        await console.press("ctrl+t")
        assert server.requests[-1]["archived"] is True
        assert "Codex's archive  1" in console.shown()
        await console.press("a")
        assert console.called("codex-archive")[-1] == {"thread": "p3", "archived": False}
        assert "The archive is empty." in console.shown()


async def test_a_thread_that_is_open_is_archived_only_after_a_second_key(console: Console) -> None:
    HistoryServer(console, [past(1, loaded=True), past(2, loaded=True)])
    async with console.open():
        await console.press("H", "tab", "a")
        assert "It is open in Codex TUI, which loses it: a again archives it." in console.shown()
        await console.press("down", "a")
        assert console.called("codex-archive") == []
        await console.press("a")
        assert console.called("codex-archive") == [{"thread": "p2", "archived": True}]


async def test_a_thread_is_named(console: Console) -> None:
    HistoryServer(console, [past(1, handle="codex-1", loaded=True), past(2)])
    async with console.open():
        info = ThreadInfo("p1", "login", ThreadState.IDLE)
        console.server.results["codex-rename"] = {"thread": info.to_json()}
        await console.press("H", "tab", "n")
        field = picker(console).query_one("#name", Input)
        assert field.value == "codex-1"
        await console.press("ctrl+u", *"login", "enter")
        assert console.called("codex-rename") == [{"thread": "p1", "handle": "login"}]
        assert "It is named login." in console.shown()
        assert "○ login" in console.shown() or "● login" in console.shown()
        console.server.results["codex-rename"] = {"thread_id": "p2", "name": "older"}
        await console.press("down", "n", "ctrl+u", *"older", "enter")
        assert console.called("codex-rename")[1:] == [{"thread": "p2", "handle": "older"}]
        assert "It is named older." in console.shown()
        await console.press("up", "n", "escape")
        assert isinstance(console.app.screen, HistoryScreen)
        assert console.app.focused is picker(console).query_one(HistoryList)


async def test_an_error_says_why_and_is_tried_again_on_request(console: Console) -> None:
    server = HistoryServer(console, [past(1)])
    server.failure = ServerRefused("no tool codex-history")
    async with console.open():
        await console.press("H")
        assert "✗ no tool codex-history   ^r asks again" in console.shown()
        assert len(server.requests) == 1
        server.failure = None
        await console.press("ctrl+r")
        assert "Do thing 1" in console.shown()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "There is no conversation yet."),
        (("x",), "Nothing has “x”."),
        (("ctrl+t",), "The archive is empty."),
    ],
)
async def test_an_empty_history_says_so(
    console: Console, keys: tuple[str, ...], words: str
) -> None:
    HistoryServer(console, [])
    async with console.open():
        await console.press("H", *keys)
        assert words in console.shown()
        await console.press("enter", "tab", "a", "n", "down", "end")
        assert isinstance(console.app.screen, HistoryScreen)


async def test_what_others_wrote_is_escaped(console: Console) -> None:
    evil = "\x1b]0;owned\x07[bold]x[/]\u202e"
    HistoryServer(
        console,
        [past(1, name=evil, origin=evil, cwd=f"/{evil}", branch=evil, model=evil, handle=evil)],
    )
    async with console.open():
        console.server.failures["codex-resume"] = ServerRefused(evil)
        await console.press("H", "enter")
        shown = console.shown()
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "[bold]x[/]" in shown


async def test_the_keys_are_shown_as_they_are_bound() -> None:
    keys = {"history.open": "f6", "history.archived": "f7", "history.switch": ""}
    console = build_console(config=Config(ui=UiConfig(keys=keys, bell=False)))
    HistoryServer(console, [past(1)])
    async with console.open():
        await console.press("H")
        assert console.app.screen is console.app.main
        await console.press("f6")
        assert "⏎ open   f7 archived   esc close" in console.shown()
        await console.press("f7")
        assert "Codex's archive" in console.shown()


async def test_the_history_needs_a_server(console: Console) -> None:
    async with console.open():
        console.server.disconnect()
        await console.settle()
        await console.press("H")
        assert console.app.screen is console.app.main
        assert "Cannot show Codex's history" in console.notices()[0]


@pytest.mark.parametrize("size", [(80, 24), (50, 12)])
async def test_the_picker_fits_small_terminals(console: Console, size: tuple[int, int]) -> None:
    HistoryServer(console, [past(n) for n in range(1, 121)])
    async with console.open(size):
        await console.press("H", "tab", "end")
        shown = console.shown()
        assert "Codex's history" in shown
        assert "Do thing 50" in shown
        assert "⏎ open" in shown
        await console.press("home")
        assert "Do thing 1 " in console.shown()
