"""Finds out whether the commands of gates can run at all, without running them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from codextui.teams.config.team import Command, Role
from codextui.text.shell import programs_of

_SHELL = "/bin/sh"
"""The shell that `asyncio.create_subprocess_shell` starts."""

_TIMEOUT_S = 10.0


def commands_of(role: Role) -> tuple[Command, ...]:
    """Return the commands among the conditions of a role."""
    return tuple(one for one in role.requires if isinstance(one, Command))


def command_problem(command: Command, project: Path) -> str:
    """Return why a command cannot run on this machine; empty if nothing speaks against it.

    Its syntax is checked, and whether the programs that it names are found. A program in the
    project (`./test.sh`) is not looked for: a role may make it.
    """
    code, said = _ask_shell(["-n", "-c", command.line], project)
    if code:
        return f"is no command that {_SHELL} can read: {said or f'exit code {code}'}"
    missing = [
        name
        for name in programs_of(command.line)
        if _ask_shell(["-c", 'command -v -- "$0" >/dev/null', name], project)[0]
    ]
    if missing:
        return f"runs {' and '.join(missing)}, not found on PATH: install it, or name its path"
    return ""


def _ask_shell(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Return the exit code of the shell, and the last line that it has said."""
    try:
        done = subprocess.run(  # noqa: S603 - nothing of the command is run
            [_SHELL, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    lines = done.stderr.strip().splitlines()
    return done.returncode, lines[-1] if lines else ""
