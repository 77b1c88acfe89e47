"""`codextui completion`: the scripts of tab completion."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from codextui.commands.output import print_note
from codextui.commands.parser import COMPLETION_PLACES
from codextui.setup.program import this_program

_SCRIPTS: Final = Path(__file__).with_name("completions")


def print_script(options: argparse.Namespace) -> int:
    """Print the completion script of a shell, which calls this codextui."""
    sys.stdout.write(script(options.shell, this_program().words))
    if sys.stdout.isatty():
        print_note(f"\nit belongs {COMPLETION_PLACES[options.shell]}")
    return 0


def script(shell: str, program: Sequence[str]) -> str:
    """Return the script for a shell.

    Args:
        shell: `bash`, `zsh` or `fish`.
        program: the command line of codextui.
    """
    text = (_SCRIPTS / f"codextui.{shell}").read_text(encoding="utf-8")
    if shell == "fish":
        words = " ".join(map(_quote_fish, program))
        return text.replace("__codextui_program codextui", f"__codextui_program {words}", 1)
    return text.replace("program=(codextui)", f"program=({shlex.join(program)})", 1)


def _quote_fish(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
