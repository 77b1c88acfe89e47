"""Whether the commands of gates can run is found out without running them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codextui.teams.config.team import Command
from codextui.teams.gates.commands import command_problem


@pytest.mark.parametrize(
    "line",
    [
        "test -d src",
        "[ -f a ] && ! [ -f b ]",
        "./made-by-a-role.sh",
        "sh tests/test.sh",
        "FOO=1 sh -c 'ls | cat'",
        "check() { ls; }; check",
        ". venv/bin/activate && no-such-program",
        "PATH=tools:$PATH no-such-program",
        "for name in one two; do test -f $name; done",
        "case $1 in no-such-word) ls;; esac",
        "$UNKNOWN here",
        "cat <<END\nno-such-program\nEND",
    ],
)
def test_nothing_is_said_of_a_command_that_may_run(tmp_path: Path, line: str) -> None:
    assert command_problem(Command(line), tmp_path) == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no-such-program --all", "runs no-such-program, not found on PATH"),
        ("ls && no-such-program | cat", "runs no-such-program"),
        ("if ls; then no-such-program; fi", "runs no-such-program"),
        ("touch made; if", "is no command that /bin/sh can read"),
        ("touch made; echo 'x", "is no command that /bin/sh can read"),
        ("a\0b", "is no command that /bin/sh can read"),
    ],
)
def test_what_prevents_a_command_is_told_and_nothing_is_run(
    tmp_path: Path, line: str, told: str
) -> None:
    assert told in command_problem(Command(line), tmp_path)
    assert list(tmp_path.iterdir()) == []
