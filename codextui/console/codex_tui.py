"""Opens a thread in Codex's own TUI.

That is in this terminal, from which the console steps aside, or in a window beside it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

from textual.app import App

from codextui.client.codex_tui import Call, TuiCommand, prepare_tui
from codextui.client.terminal_window import (
    choose_terminal,
    open_window,
    show_pane_args,
    window_args,
)
from codextui.config.schema import Config
from codextui.config.terminal import TerminalChoice, TerminalKind
from codextui.console.foreground import Program, ProgramEnded, run_aside
from codextui.errors import ProgramUnavailable
from codextui.protocol.threads import ThreadInfo

RunHere: TypeAlias = Callable[[TuiCommand], Awaitable[ProgramEnded]]
"""Runs Codex's own TUI in this terminal until it ends."""

OpenWindow: TypeAlias = Callable[[list[str]], Awaitable[str]]
"""Runs the command that opens a window, and returns what it printed. Raises ProgramUnavailable."""

_PLACES = {TerminalKind.TMUX_WINDOW: "another window", TerminalKind.TMUX_PANE: "a pane beside"}


class TuiPresenter:
    """Opens threads in Codex's own TUI.

    The app's event loop goes on while the console is aside: what happens meanwhile is in its state
    when it returns, and nothing is drawn or read from the terminal.

    Attributes:
        is_aside: whether Codex's TUI has this terminal.
        choice: in which terminal it is opened.
    """

    def __init__(
        self,
        app: App[int],
        config: Config,
        *,
        may_step_aside: Callable[[], bool],
        env: Mapping[str, str] = os.environ,
        run_here: RunHere | None = None,
        open_window: OpenWindow = open_window,
    ) -> None:
        """Create the presenter of an app.

        Args:
            app: steps aside.
            config: says in which terminal, and where the token of a Codex elsewhere is.
            may_step_aside: returns whether the screen takes no keys for something else.
            env: the environment of the TUI, which says whether this is inside of tmux.
            run_here: runs the TUI in this terminal; None suspends the app and runs it.
            open_window: opens a window.
        """
        self.is_aside = False
        self._app = app
        self.choice = config.ui.terminal
        self._token_env = config.codex.token_env
        self._may_step_aside = may_step_aside
        self._env = env
        self._run_here = run_here or self._suspend_and_run
        self._open_window = open_window
        self._panes: dict[str, str] = {}
        self._is_opening = False

    async def open(self, call: Call, thread: ThreadInfo) -> str:
        """Open a thread, and return what to say about it; in this terminal, once it is closed.

        Args:
            call: calls a tool of the server.
            thread: the thread.

        Raises:
            ProgramUnavailable: it cannot be opened, or ended with an error.
            CodextuiError: the server cannot be asked.
        """
        if self._is_opening:
            return ""  # the key was pressed twice
        self._is_opening = True
        try:
            return await self._open(call, thread)
        finally:
            self._is_opening = False

    async def _open(self, call: Call, thread: ThreadInfo) -> str:
        command = await prepare_tui(call, thread, token_env=self._token_env, env=self._env)
        terminal = choose_terminal(self.choice, self._env)
        if terminal.kind is not TerminalKind.HERE:
            return await self._open_beside(thread.thread_id, command, terminal)
        if not self._may_step_aside():
            raise ProgramUnavailable("something else has come up; press the key again")
        self.is_aside = True
        try:
            ended = await self._run_here(command)
        finally:
            self.is_aside = False
        if ended.code:
            raise ProgramUnavailable(f"Codex ended with {ended.how}: {ended.last_words}")
        return ""

    async def _open_beside(
        self, thread_id: str, command: TuiCommand, terminal: TerminalChoice
    ) -> str:
        """Open a window, or show the pane of tmux in which the thread is open already."""
        if pane := self._panes.pop(thread_id, ""):
            with suppress(ProgramUnavailable):  # it is closed
                await self._open_window(show_pane_args(pane))
                self._panes[thread_id] = pane
                return f"{command.handle} is open already."
        args = window_args(terminal, command.window_words, command.handle, self._env)
        printed = await self._open_window(args)
        if terminal.kind is not TerminalKind.TEMPLATE:
            self._panes[thread_id] = printed
        place = _PLACES.get(terminal.kind, "another terminal")
        return f"{command.handle} opens in {place}."

    async def _suspend_and_run(self, command: TuiCommand) -> ProgramEnded:
        program = Program(command.args, command.environment(self._env), command.cwd)
        return await run_aside(self._app, program)
