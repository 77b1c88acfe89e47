"""Runs programs for checks: briefly, silently, and with what they print as text."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_OUTPUT = 20_000
"""Characters that are kept of what a program prints."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended.

    Attributes:
        code: its exit code; None where it could not be run or was not done in time.
        output: what it printed on standard output.
        errors: what it printed on standard error; or why it could not be run.
    """

    code: int | None
    output: str
    errors: str


def run_program(
    command: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Ran:
    """Run a program without input, and return what it printed."""
    try:
        done = subprocess.run(  # noqa: S603 - Codex and tmux, and no shell
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            env=env,
            cwd=cwd,
            check=False,
        )
    except (OSError, ValueError) as error:
        return Ran(None, "", f"{command[0]} cannot be run: {error}")
    except subprocess.TimeoutExpired:
        return Ran(None, "", f"{command[0]} was not done within {timeout_s:g} s")
    return Ran(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(data: bytes) -> str:
    return data[:MAX_OUTPUT].decode("utf-8", "replace").strip()
