"""Opens the user's editor and shell: on what the composer has, and on a thread's folder."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from textual.app import App

from codextui.client.terminal_window import choose_terminal, open_window, window_args
from codextui.config.terminal import TerminalChoice, TerminalKind
from codextui.console.foreground import Program, ProgramEnded, run_aside
from codextui.errors import ProgramUnavailable
from codextui.text.sanitize import clean_paste

EDITORS = ("nano", "vi", "emacs")
"""Editors that are tried where neither $VISUAL nor $EDITOR is set."""

MAX_TEXT = 1_000_000
"""Characters that are taken from the editor."""

RunHere: TypeAlias = Callable[[Program], Awaitable[ProgramEnded]]
"""Runs a program in this terminal until it ends."""

OpenWindow: TypeAlias = Callable[[list[str]], Awaitable[str]]
"""Runs the command that opens a window. Raises ProgramUnavailable."""


class EditorPresenter:
    """Opens the user's editor and shell.

    Attributes:
        is_aside: whether one of them has this terminal.
    """

    def __init__(
        self,
        app: App[int],
        terminal: TerminalChoice,
        *,
        may_step_aside: Callable[[], bool] = lambda: True,
        env: Mapping[str, str] = os.environ,
        run_here: RunHere | None = None,
        open_window: OpenWindow = open_window,
    ) -> None:
        """Create the presenter of an app.

        Args:
            app: steps aside.
            terminal: where a folder is opened; a text always in this terminal.
            may_step_aside: returns whether no other program has this terminal.
            env: names the editor ($VISUAL, $EDITOR) and the shell ($SHELL).
            run_here: runs a program in this terminal; None suspends the app and runs it.
            open_window: opens a window.
        """
        self.is_aside = False
        self._app = app
        self._terminal = terminal
        self._may_step_aside = may_step_aside
        self._env = env
        self._run_here = run_here or self._suspend_and_run
        self._open_window = open_window

    async def edit(self, text: str) -> str:
        """Return a text as the user leaves it in the editor, without control characters.

        Raises ProgramUnavailable where the editor cannot be run or ends with an error, and where
        what it leaves cannot be read: the text is what it was then. What was written stays in its
        file, which the message names.
        """
        editor = find_editor(self._env)
        file = await asyncio.to_thread(_write_text, text)
        try:
            await self._run(Program((*editor, str(file)), self._env), editor[0])
            edited = await asyncio.to_thread(_read_text, file, editor[0])
        except ProgramUnavailable as error:
            kept = await asyncio.to_thread(_keep_changed, file, text)
            raise ProgramUnavailable(f"{error}{kept}") from error
        except BaseException:
            await asyncio.to_thread(_keep_changed, file, text)
            raise
        await asyncio.to_thread(shutil.rmtree, file.parent, ignore_errors=True)
        return clean_paste(edited).removesuffix("\n")

    async def open_folder(self, folder: str, name: str) -> str:
        """Open a folder in the editor; return what to say about it. Raises ProgramUnavailable."""
        editor = find_editor(self._env)
        return await self._open((*editor, "."), folder, name, editor[0])

    async def open_shell(self, folder: str, name: str) -> str:
        """Open a shell in a folder; return what to say about it. Raises ProgramUnavailable."""
        shell = self._env.get("SHELL") or "/bin/sh"
        return await self._open((shell,), folder, name, shell)

    async def _open(self, args: tuple[str, ...], folder: str, name: str, what: str) -> str:
        if not await asyncio.to_thread(os.path.isdir, folder):
            raise ProgramUnavailable(f"there is no folder {folder} on this machine")
        terminal = choose_terminal(self._terminal, self._env)
        if terminal.kind is TerminalKind.HERE:
            await self._run(Program(args, self._env, folder, draws_on_errors=True), what)
            return ""
        words = ("sh", "-c", f"cd {shlex.quote(folder)} && exec {shlex.join(args)}")
        await self._open_window(window_args(terminal, words, name, self._env))
        return f"{what} opens in {folder}."

    async def _run(self, program: Program, what: str) -> None:
        if not self._may_step_aside():
            raise ProgramUnavailable("another program has this terminal")
        self.is_aside = True
        try:
            ended = await self._run_here(program)
        finally:
            self.is_aside = False
        if ended.code and not program.cwd:
            raise ProgramUnavailable(f"{what} ended with {ended.how}: {ended.last_words}")

    async def _suspend_and_run(self, program: Program) -> ProgramEnded:
        return await run_aside(self._app, program)


def _write_text(text: str) -> Path:
    file = Path(tempfile.mkdtemp(prefix="codextui-"), "prompt.md")
    file.write_bytes(text.encode(errors="replace"))
    return file


def _read_text(file: Path, editor: str) -> str:
    """Return what an editor has left; what is not UTF-8 in it is replaced."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(MAX_TEXT + 1)
    except OSError as error:
        reason = error.strerror or error
        raise ProgramUnavailable(f"what {editor} has left cannot be read: {reason}") from error
    if len(text) > MAX_TEXT:
        raise ProgramUnavailable(f"it has more than {MAX_TEXT:,} characters")
    return text


def _keep_changed(file: Path, text: str) -> str:
    """Remove the file that was edited unless something else was written; say where it is then."""
    try:
        is_changed = file.read_bytes() != text.encode(errors="replace")
    except OSError:
        is_changed = False
    if is_changed:
        return f"; what you wrote is in {file}"
    shutil.rmtree(file.parent, ignore_errors=True)
    return ""


def find_editor(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the user's editor and its arguments. Raises ProgramUnavailable if there is none."""
    for name in ("VISUAL", "EDITOR"):
        try:
            if words := shlex.split(env.get(name, "")):
                return tuple(words)
        except ValueError as error:
            raise ProgramUnavailable(f"${name} cannot be read: {error}") from error
    for editor in EDITORS:
        if shutil.which(editor, path=env.get("PATH")):
            return (editor,)
    raise ProgramUnavailable("there is no editor: set $EDITOR, for example to nano")
