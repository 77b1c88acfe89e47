"""Opens a thread in Codex's own TUI.

That is in this terminal, from which the console steps aside, or in a window beside it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TypeAlias

import msgspec
from textual.app import App, SuspendNotSupported

from codextui.client.codex_tui import Call, TuiCommand, prepare_tui
from codextui.client.terminal_window import (
    choose_terminal,
    open_window,
    read_last_words,
    show_pane_args,
    window_args,
)
from codextui.config.schema import Config
from codextui.config.terminal import TerminalChoice, TerminalKind
from codextui.errors import TuiUnavailable
from codextui.protocol.threads import ThreadInfo


class TuiEnded(msgspec.Struct, frozen=True):
    """The end of Codex's own TUI.

    Attributes:
        code: its exit code; negative for a signal.
        last_words: the end of its standard error, in one line.
    """

    code: int
    last_words: str = ""


RunHere: TypeAlias = Callable[[TuiCommand], Awaitable[TuiEnded]]
"""Runs Codex's own TUI in this terminal until it ends."""

OpenWindow: TypeAlias = Callable[[list[str]], Awaitable[str]]
"""Runs the command that opens a window, and returns what it printed. Raises TuiUnavailable."""

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
            TuiUnavailable: it cannot be opened, or ended with an error.
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
            raise TuiUnavailable("something else has come up; press the key again")
        self.is_aside = True
        try:
            ended = await self._run_here(command)
        finally:
            self.is_aside = False
        if ended.code:
            how = f"exit code {ended.code}" if ended.code > 0 else f"signal {-ended.code}"
            raise TuiUnavailable(f"Codex ended with {how}: {ended.last_words}")
        return ""

    async def _open_beside(
        self, thread_id: str, command: TuiCommand, terminal: TerminalChoice
    ) -> str:
        """Open a window, or show the pane of tmux in which the thread is open already."""
        if pane := self._panes.pop(thread_id, ""):
            with suppress(TuiUnavailable):  # it is closed
                await self._open_window(show_pane_args(pane))
                self._panes[thread_id] = pane
                return f"{command.handle} is open already."
        args = window_args(terminal, command.window_words, command.handle, self._env)
        printed = await self._open_window(args)
        if terminal.kind is not TerminalKind.TEMPLATE:
            self._panes[thread_id] = printed
        place = _PLACES.get(terminal.kind, "another terminal")
        return f"{command.handle} opens in {place}."

    async def _suspend_and_run(self, command: TuiCommand) -> TuiEnded:
        try:
            with self._app.suspend(), _foreground_signals():
                return await run_in_terminal(command, self._env)
        except SuspendNotSupported as error:
            raise TuiUnavailable(
                "the console cannot step aside in this terminal; `[ui] terminal` in config.toml "
                "may name a command that opens another one"
            ) from error


async def run_in_terminal(command: TuiCommand, env: Mapping[str, str]) -> TuiEnded:
    """Run Codex's own TUI in this process's terminal until it ends. Raises TuiUnavailable."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = await asyncio.to_thread(_start, command, env, errors)
        except OSError as error:
            raise TuiUnavailable(f"{command.args[0]} cannot be run: {error}") from error
        code = await asyncio.to_thread(process.wait)
        return TuiEnded(code, read_last_words(errors.fileno()))


def _start(
    command: TuiCommand, env: Mapping[str, str], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the Codex that the server uses
        command.args, stderr=errors, env=command.environment(env), cwd=command.cwd or None
    )


@contextmanager
def _foreground_signals() -> Iterator[None]:
    """Leave the keys that are signals to the program that has the terminal.

    It is in our process group, so that a shell's job control stops and continues both. Ctrl-C
    before it reads keys is meant for it. An ignored signal would be ignored by it, too, so that
    this process handles it by doing nothing.
    """
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGQUIT: signal.signal(signal.SIGQUIT, lambda *_: None),
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, signal.SIG_DFL),
        signal.SIGCONT: signal.signal(signal.SIGCONT, signal.SIG_DFL),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
