"""Copies text to the clipboard of the terminal: by OSC 52, by tmux, or by a command of the user."""

from __future__ import annotations

import asyncio
import base64
import shlex
from collections.abc import Callable, Mapping

from codextui.errors import CodextuiError
from codextui.text.figures import format_count
from codextui.text.sanitize import one_line

MAX_TERMINAL_BYTES = 74_000
"""Bytes that a terminal gets at most: several drop an OSC 52 beyond 100,000 characters."""

MAX_COMMAND_BYTES = 16_000_000
"""Bytes that a command gets at most."""

COMMAND_TIMEOUT_S = 10.0
"""Seconds that a command has to take the text."""

_TMUX = ("tmux", "load-buffer", "-w", "-")
"""Sets tmux's buffer and the clipboard of the terminal around it, whatever `set-clipboard` is."""

_SET_COMMAND = 'set [ui] copy_command, such as "wl-copy", "xclip -sel clip" or "pbcopy"'


class Clipboard:
    """Copies off the event loop, and says how that went."""

    def __init__(
        self,
        write: Callable[[str], None],
        environ: Mapping[str, str],
        command: str = "",
        *,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> None:
        """Create a clipboard.

        Args:
            write: writes to the terminal.
            environ: the environment, which names the terminal.
            command: reads the text from its standard input; empty for the terminal's clipboard.
            timeout_s: seconds that the command has.
        """
        self._write = write
        self._environ = environ
        self._command = tuple(shlex.split(command)) if command else ()
        self._timeout_s = timeout_s

    async def copy(self, text: str) -> str:
        """Copy a text; return what to tell the user. Raises CodextuiError."""
        if self._command:
            kept = clip_bytes(text, MAX_COMMAND_BYTES)
            await self._run(self._command, kept)
            return describe_copied(text, kept)
        kept = clip_bytes(text, MAX_TERMINAL_BYTES)
        if "TMUX" in self._environ and await self._copy_by_tmux(kept):
            return describe_copied(text, kept)
        self._write(osc52(kept, self._environ))
        return f"{describe_copied(text, kept)}{_doubt(self._environ)}"

    async def _copy_by_tmux(self, text: str) -> bool:
        try:
            await self._run(_TMUX, text)
        except CodextuiError:
            return False
        return True

    async def _run(self, command: tuple[str, ...], text: str) -> None:
        name = one_line(command[0], 40)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise CodextuiError(f"{name}: {error.strerror or error}") from error
        try:
            await asyncio.wait_for(process.communicate(text.encode()), self._timeout_s)
        except TimeoutError as error:
            process.kill()
            raise CodextuiError(f"{name} did not take the text in time") from error
        if process.returncode:
            raise CodextuiError(f"{name} ended with {process.returncode}")


def osc52(text: str, environ: Mapping[str, str]) -> str:
    """Return the sequence that sets a terminal's clipboard, wrapped for the multiplexer around."""
    encoded = base64.b64encode(text.encode()).decode("ascii")
    sequence = f"\x1b]52;c;{encoded}\x07"
    if "TMUX" in environ:
        inner = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{inner}\x1b\\"
    if "STY" in environ:
        return f"\x1bP{sequence}\x1b\\"
    return sequence


def clip_bytes(text: str, limit: int) -> str:
    """Return the start of a text that takes at most `limit` bytes, at the end of a line."""
    data = text.encode()
    if len(data) <= limit:
        return text
    kept = data[:limit].decode(errors="ignore")
    return kept[: kept.rfind("\n") + 1] or kept


def describe_copied(text: str, kept: str) -> str:
    """Return how much was copied, in words."""
    lines = kept.rstrip("\n").count("\n") + 1
    if kept == text:
        if lines == 1:
            return f"Copied: {one_line(text, 60)}"
        return f"Copied {format_count(lines)} lines."
    total = text.rstrip("\n").count("\n") + 1
    return (
        f"Copied the first {format_count(lines)} of {format_count(total)} lines: a terminal takes "
        f"no more. For all of it {_SET_COMMAND}."
    )


def _doubt(environ: Mapping[str, str]) -> str:
    """Return what to do in a terminal that is known not to take OSC 52; empty for any other."""
    is_deaf = (
        environ.get("TERM_PROGRAM") == "Apple_Terminal"
        or environ.get("TERM") == "linux"
        or "VTE_VERSION" in environ
    )
    return f" If it did not arrive, this terminal refuses it: {_SET_COMMAND}." if is_deaf else ""
