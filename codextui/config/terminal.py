"""Where the console opens a thread in Codex's own TUI: `[ui] terminal`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from codextui.errors import ConfigInvalid

COMMAND = "{command}"
"""What stands in a template for the command that is run."""

_WORDS = "\ue000command\ue000"
"""Takes the place of a `{command}` without quotes while the template is split."""

_BARE_COMMAND = re.compile(r"(?<!\S)\{command\}(?!\S)")
_ANY_COMMAND = re.compile(rf"{_WORDS}|\{{command\}}")


class TerminalKind(StrEnum):
    """Where a program of the terminal is run."""

    AUTO = "auto"
    """A new tmux window inside of tmux, otherwise this terminal."""
    HERE = "here"
    """This terminal, from which the console steps aside."""
    TMUX_WINDOW = "tmux-window"
    """A new window of the tmux session."""
    TMUX_PANE = "tmux-pane"
    """A new pane beside the console's."""
    TEMPLATE = "template"
    """A command that opens a terminal."""


class TerminalChoice(msgspec.Struct, frozen=True):
    """The terminal in which a program is run.

    Attributes:
        kind: see TerminalKind.
        template: the command of a TEMPLATE, as the user wrote it; empty for the others.
    """

    kind: TerminalKind = TerminalKind.AUTO
    template: str = ""

    def __str__(self) -> str:
        return self.template or self.kind.value


AUTO_TERMINAL = TerminalChoice()


def parse_terminal(text: str) -> TerminalChoice:
    """Parse `auto`, `here`, `tmux-window`, `tmux-pane` or a template. Raises ConfigInvalid."""
    words = {kind.value: kind for kind in TerminalKind if kind is not TerminalKind.TEMPLATE}
    if text in words:
        return TerminalChoice(words[text])
    if COMMAND not in text:
        raise ConfigInvalid(
            f"must be {', '.join(words)} or a command with {COMMAND} in it, not {text[:80]!r}"
        )
    if "\0" in text or _WORDS in text:
        raise ConfigInvalid("must be a command of printable characters")
    try:
        program = shlex.split(text)[0]
    except ValueError as error:
        raise ConfigInvalid(f"must be a command that a shell can read: {error}") from error
    if COMMAND in program:
        raise ConfigInvalid(f"must begin with a program, such as `xterm -e {COMMAND}`")
    return TerminalChoice(TerminalKind.TEMPLATE, text)


def fill_template(template: str, words: Sequence[str]) -> list[str]:
    """Return the words of a template in which `{command}` is a command.

    A `{command}` that stands alone becomes the command's words, as `xterm -e` takes them; one in
    quotes, or with something before or after it, becomes one word with the command as a shell
    reads it. No shell reads the template itself.

    Args:
        template: a template that `parse_terminal` accepts.
        words: the program and its arguments.
    """
    line = shlex.join(words)
    filled: list[str] = []
    for word in shlex.split(_BARE_COMMAND.sub(_WORDS, template)):
        if word == _WORDS:
            filled.extend(words)
        else:
            filled.append(_ANY_COMMAND.sub(lambda _: line, word))
    return filled
