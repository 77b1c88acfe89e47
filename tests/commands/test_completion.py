"""`codextui completion`: the scripts, and where they go."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from e2e.terminal import Terminal

from codextui.cli import main
from codextui.commands.completion import script
from codextui.setup.program import this_program

PROGRAM = [sys.executable, "-m", "codextui"]
SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_script_is_all_that_is_printed(run: Any, shell: str) -> None:
    result = await run("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert result.out == script(shell, this_program().words)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_on_a_terminal_is_followed_by_where_it_belongs(shell: str) -> None:
    with Terminal([*PROGRAM, "completion", shell], lines=80) as terminal:
        terminal.wait_for(f"codextui completion {shell}")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_the_help_says_where_each_script_belongs(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert f"codextui completion {shell}" in capsys.readouterr().out


def test_the_program_of_a_script_is_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "codextui"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["./codextui"])
    assert this_program().words == (str(program),)
    assert f"program=({program})" in script("bash", this_program().words)


def test_completion_survives_a_locale_without_unicode(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[teams.shop]\n[teams."käse"]\n', encoding="utf-8")
    ran = subprocess.run(
        [*PROGRAM, "complete", "zsh", "codextui", "--config", str(config), "run", ""],
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ran.stdout == b"values 0\nshop\t\n"


def test_the_words_of_every_program_are_quoted() -> None:
    words = ["/o'dd pl\\ace/$(x)/codextui", "-P"]
    for shell in ("bash", "zsh"):
        assert f"program=({shlex.join(words)})" in script(shell, words)
    assert r"program '/o\'dd pl\\ace/$(x)/codextui' '-P'" in script("fish", words)
