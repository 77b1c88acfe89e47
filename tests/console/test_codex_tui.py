"""`c` opens a thread in Codex's own TUI, and the console steps aside for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from console.screens.console import Console, build_console

from codextui.client.codex_tui import TuiCommand
from codextui.config.schema import Config, parse_config
from codextui.console.codex_tui import TuiPresenter
from codextui.console.foreground import Program, ProgramEnded, run_in_terminal
from codextui.errors import ProgramUnavailable, ServerRefused
from codextui.protocol.threads import ThreadState


class Tui:
    """Codex's own TUI, which runs until the test ends it.

    Attributes:
        commands: what was run.
        windows: the commands of windows.
        closed: whether its window is closed.
    """

    def __init__(
        self, console: Console, folder: Path, terminal: str, env: Mapping[str, str]
    ) -> None:
        self.commands: list[TuiCommand] = []
        self.windows: list[list[str]] = []
        self.window_error = ""
        self.closed = False
        self.started = asyncio.Event()
        self.ended: asyncio.Future[ProgramEnded] = asyncio.get_running_loop().create_future()
        codex = folder / "codex"
        codex.write_text("#!/bin/sh\necho ' --remote <ADDR>'\n")
        codex.chmod(0o700)
        console.server.results["codex-server"] = {
            "codex": {"path": str(codex), "pid": 7, "address": "unix:///r/s", "home": "/h"}
        }
        config = parse_config(f'[ui]\nterminal = "{terminal}"')
        console.app.tui = TuiPresenter(
            console.app,
            config,
            may_step_aside=console.app._may_step_aside,
            env=env,
            run_here=self.run,
            open_window=self.open_window,
        )

    async def run(self, command: TuiCommand) -> ProgramEnded:
        self.commands.append(command)
        self.started.set()
        return await self.ended

    async def open_window(self, args: list[str]) -> str:
        self.windows.append(args)
        self.started.set()
        if self.closed and args[1] == "select-window":
            raise ProgramUnavailable("can't find window: %7")
        if self.window_error:
            raise ProgramUnavailable(self.window_error)
        return "%7"


async def until_notice(console: Console, words: str) -> None:
    async with asyncio.timeout(60):
        while not any(words in notice for notice in console.notices()):
            await asyncio.sleep(0.02)
            await console.settle()


async def press_c(console: Console, tui: Tui) -> None:
    await console.press("c")
    async with asyncio.timeout(60):
        await tui.started.wait()


async def test_the_thread_is_opened_in_this_terminal_and_the_console_returns(tmp_path: Path):
    console = build_console()
    async with console.open():
        tui = Tui(console, tmp_path, "here", {})
        thread = console.server.thread("backend", turn_id="u1")
        await console.settle()
        await press_c(console, tui)
        (command,) = tui.commands
        assert command.args[1:] == ("--remote", "unix:///r/s", "resume", thread)
        assert (command.home, command.handle) == ("/h", "backend")
        assert console.app.tui.is_aside
        tui.ended.set_result(ProgramEnded(0, "Disconnected from this task."))
        await console.app.workers.wait_for_complete(
            [worker for worker in console.app.workers if worker.group == "tui"]
        )
        assert not console.app.tui.is_aside
        assert console.notices() == []


async def test_what_happens_meanwhile_waits_and_nothing_is_decided(tmp_path: Path):
    console = build_console(config=Config())
    rung: list[None] = []
    console.app.bell = lambda: rung.append(None)  # type: ignore[method-assign]
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "here", {})
        thread = console.server.thread("backend", turn_id="u1")
        other = console.server.thread("tester", ThreadState.RUNNING, turn_id="u1")
        await console.settle()
        console.app.main.open_thread(thread)
        await console.settle()
        await press_c(console, tui)
        console.server.ask(other, "a1")
        console.server.item(thread, {"type": "agentMessage", "id": "m9", "text": "Said meanwhile."})
        console.app.notify("for later")
        await console.settle()
        console.app._approvals.open_if_allowed()
        await console.settle()
        assert console.app.screen is console.app.main
        assert console.notices() == []
        assert rung == [None]
        assert console.server.answers == []
        tui.ended.set_result(ProgramEnded(0))
        async with asyncio.timeout(60):
            while console.app.screen is console.app.main:
                await asyncio.sleep(0.02)
                await console.settle()
        assert "pytest -q tests" in console.shown()
        assert console.server.answers == []
        await console.press("escape")
        assert "Said meanwhile." in console.shown()


async def test_a_tui_that_fails_is_quoted(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "here", {})
        console.server.thread("backend", turn_id="u1")
        await console.settle()
        await press_c(console, tui)
        tui.ended.set_result(ProgramEnded(1, "Error: no rollout found \x1b[31m"))
        await until_notice(console, "Codex ended with exit code 1: Error: no rollout found")
        assert not console.app.tui.is_aside


async def test_inside_of_tmux_the_console_stays(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "auto", {"TMUX": "/tmp/x,1,0"})
        console.server.thread("backend", turn_id="u1")
        await console.settle()
        await press_c(console, tui)
        (args,) = tui.windows
        assert args[:4] == ["tmux", "new-window", "-n", "backend"]
        await until_notice(console, "backend opens in another window.")
        assert tui.commands == []


async def test_the_window_of_a_thread_is_shown_again_while_it_is_open(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "tmux-pane", {"TMUX": "/tmp/x,1,0"})
        console.server.thread("backend", turn_id="u1")
        await console.settle()
        await console.press("c")
        await until_notice(console, "backend opens in a pane beside.")
        await console.press("c")
        await until_notice(console, "backend is open already.")
        assert [args[1] for args in tui.windows] == ["split-window", "select-window"]
        assert "%7" in tui.windows[1]
        tui.closed = True
        await console.press("c")
        async with asyncio.timeout(60):
            while len(tui.windows) < 4:
                await console.settle()
        assert [args[1] for args in tui.windows[2:]] == ["select-window", "split-window"]


async def test_a_window_that_cannot_be_opened_says_why(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "xterm -e {command}", {})
        tui.window_error = "xterm cannot be run: No such file or directory"
        console.server.thread("backend", turn_id="u1")
        await console.settle()
        await press_c(console, tui)
        assert tui.windows[0][:2] == ["xterm", "-e"]
        await until_notice(console, "Cannot open it in Codex's own TUI: xterm cannot be run")


async def test_a_dialog_that_opens_first_keeps_the_terminal(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "here", {})
        thread = console.server.thread("backend", turn_id="u1")
        await console.settle()
        report, asked = console.server.results["codex-server"], asyncio.Event()

        async def call(tool: str, arguments: object) -> Mapping[str, object]:
            asked.set()
            console.server.ask(thread, "a1")
            await console.settle()
            await console.press("a")
            return report

        view = console.app.state.threads[thread]
        with pytest.raises(ProgramUnavailable, match="press the key again"):
            await console.app.tui.open(call, view.info)
        assert asked.is_set()
        assert tui.commands == []
        assert not console.app.tui.is_aside


async def test_a_server_that_cannot_be_joined_says_what_to_do(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "here", {})
        console.server.thread("backend", turn_id="u1")
        console.server.results["codex-server"] = {"codex": {"path": "/codex", "home": "/h"}}
        await console.press("c")
        await until_notice(console, "speaks to the server alone")
        console.server.failures["codex-server"] = ServerRefused("no")
        await console.press("c")
        assert tui.commands == []


async def test_a_thread_without_a_turn_says_so_at_once(tmp_path: Path):
    console = build_console()
    async with console.open(toasts=True):
        tui = Tui(console, tmp_path, "here", {})
        console.server.thread("backend", turn_id="")
        await console.settle()
        await console.press("c")
        await until_notice(console, "backend has no turn yet")
        assert tui.commands == []


async def test_the_program_has_its_folder_its_home_and_its_last_words(tmp_path: Path):
    script = 'pwd >out; echo "$CODEX_HOME $A" >>out; echo "the end" >&2; exit 3'
    command = TuiCommand("x", ("/bin/sh", "-c", script), "/h", str(tmp_path))
    env = command.environment({**os.environ, "A": "1"})
    ended = await run_in_terminal(Program(command.args, env, command.cwd))
    assert ended == ProgramEnded(3, "the end")
    assert (tmp_path / "out").read_text() == f"{os.path.realpath(tmp_path)}\n/h 1\n"
    with pytest.raises(ProgramUnavailable, match="/none cannot be run"):
        await run_in_terminal(Program(("/none",), os.environ))
