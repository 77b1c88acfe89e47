"""Runs other programs in the console's terminal, from which the console steps aside meanwhile.

The app's event loop goes on: what happens meanwhile is in its state when it returns, and nothing
is drawn or read from the terminal.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import msgspec
from textual.app import App, SuspendNotSupported

from codextui.client.terminal_window import read_last_words
from codextui.errors import ProgramUnavailable


class Program(msgspec.Struct, frozen=True):
    """A program of the terminal.

    Attributes:
        args: the program and its arguments.
        env: its environment.
        cwd: the folder in which to run it; empty for the current one.
        draws_on_errors: whether its standard error is for the terminal, too, as a shell's is.
    """

    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = ""
    draws_on_errors: bool = False


class ProgramEnded(msgspec.Struct, frozen=True):
    """The end of a program.

    Attributes:
        code: its exit code; negative for a signal.
        last_words: the end of its standard error, in one line.
    """

    code: int
    last_words: str = ""

    @property
    def how(self) -> str:
        """How it ended, in words."""
        return f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"


async def run_aside(app: App[int], program: Program) -> ProgramEnded:
    """Run a program while the app steps aside. Raises ProgramUnavailable."""
    try:
        with app.suspend(), _foreground_signals():
            return await run_in_terminal(program)
    except SuspendNotSupported as error:
        raise ProgramUnavailable(
            "the console cannot step aside in this terminal; `[ui] terminal` in config.toml "
            "may name a command that opens another one"
        ) from error


async def run_in_terminal(program: Program) -> ProgramEnded:
    """Run a program in this process's terminal until it ends. Raises ProgramUnavailable."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = await asyncio.to_thread(_start, program, errors)
        except OSError as error:
            raise ProgramUnavailable(f"{program.args[0]} cannot be run: {error}") from error
        code = await asyncio.to_thread(process.wait)
        return ProgramEnded(code, read_last_words(errors.fileno()))


def _start(program: Program, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the Codex of the server, or the user's own programs
        program.args,
        stderr=None if program.draws_on_errors else errors,
        env=program.env,
        cwd=program.cwd or None,
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
