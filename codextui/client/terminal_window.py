"""Opens a window or a pane of a terminal in which a program runs."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from codextui.config.terminal import TerminalChoice, TerminalKind, fill_template
from codextui.errors import ProgramUnavailable
from codextui.text.sanitize import one_line

SETTLE_S = 3.0
"""Default of the seconds in which a terminal that cannot be opened is expected to say so."""

_LAST_WORDS = 2000
_PRINT_PANE = ("-P", "-F", "#{pane_id}")


def choose_terminal(choice: TerminalChoice, env: Mapping[str, str]) -> TerminalChoice:
    """Return the terminal that is meant, never AUTO.

    Args:
        choice: the configured terminal.
        env: the environment, which says whether this is inside of tmux.
    """
    if choice.kind is not TerminalKind.AUTO:
        return choice
    return TerminalChoice(TerminalKind.TMUX_WINDOW if env.get("TMUX") else TerminalKind.HERE)


def choose_window(choice: TerminalChoice, env: Mapping[str, str]) -> TerminalChoice:
    """Return a terminal that is not this one. Raises ProgramUnavailable if there is none."""
    if choice.kind not in (TerminalKind.AUTO, TerminalKind.HERE):
        return choice
    if env.get("TMUX"):
        return TerminalChoice(TerminalKind.TMUX_WINDOW)
    raise ProgramUnavailable(
        "there is no other window: this is not inside of tmux, and `[ui] terminal` in config.toml "
        'names no command that opens one, such as "wezterm start -- {command}"'
    )


def window_args(
    choice: TerminalChoice, words: Sequence[str], name: str, env: Mapping[str, str]
) -> list[str]:
    """Return the command that opens a window; tmux's prints the id of the pane in it.

    Args:
        choice: a tmux window, a tmux pane or a template.
        words: the program that runs in the window, and its arguments.
        name: the window's name: a handle.
        env: the environment.

    Raises:
        ProgramUnavailable: tmux is wanted, and this is not inside of tmux.
    """
    if choice.kind is TerminalKind.TEMPLATE:
        return fill_template(choice.template, words)
    if not env.get("TMUX"):
        raise ProgramUnavailable(
            f'`[ui] terminal = "{choice}"` opens it in tmux, and this is not inside of tmux'
        )
    if choice.kind is TerminalKind.TMUX_PANE:
        return ["tmux", "split-window", "-h", *_PRINT_PANE, "--", *words]
    # tmux takes # for a format, which may run commands.
    return ["tmux", "new-window", "-n", name.replace("#", ""), *_PRINT_PANE, "--", *words]


def show_pane_args(pane: str) -> list[str]:
    """Return the command that shows a pane of tmux, which fails where it is closed."""
    return ["tmux", "select-window", "-t", pane, ";", "select-pane", "-t", pane]


async def open_window(args: Sequence[str], *, settle_s: float = SETTLE_S) -> str:
    """Run the command that opens a window; it may go on as long as the window is open.

    Returns what it printed, in one line; empty where it goes on.

    Args:
        args: the command.
        settle_s: seconds in which it is expected to fail, if it does.

    Raises:
        ProgramUnavailable: it cannot be run, or has failed; the message has its last words.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            code = await asyncio.to_thread(_run, args, output, errors, settle_s)
        except OSError as error:
            raise ProgramUnavailable(f"{args[0]} cannot be run: {error.strerror}") from error
        except subprocess.TimeoutExpired:
            return ""
        if code:
            raise ProgramUnavailable(
                f"{args[0]} ended with {code}: {read_last_words(errors.fileno())}"
            )
        return _read_end(output.fileno())


def _run(args: Sequence[str], output: IO[bytes], errors: IO[bytes], settle_s: float) -> int:
    process = subprocess.Popen(  # noqa: S603 - the user's own command, or tmux
        args,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )
    return process.wait(settle_s)


def read_last_words(descriptor: int) -> str:
    """Return the end of what a program wrote into a file, in one line; never empty."""
    return _read_end(descriptor) or "it said nothing"


def _read_end(descriptor: int) -> str:
    with open(descriptor, "rb", closefd=False) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LAST_WORDS))
        text = file.read().decode("utf-8", "replace")
    return one_line(text.strip())
